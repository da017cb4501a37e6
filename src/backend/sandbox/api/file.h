/*
 * file: the parts that private files (api/private_file.c) and the files and folders of groups
 * (api/group_file.c, api/group_folder.c) share.
 *
 * An upload also sends a message, as in QQ: it has one segment `file` and a message_seq in the
 * conversation. Its receivers get a message_receive, after the friend_file_upload or
 * group_file_upload that all bots of the conversation get, including the sender.
 */
#ifndef SB_API_FILE_H
#define SB_API_FILE_H

#include "backend/sandbox/media/media.h"
#include "backend/sandbox/model/message.h"
#include "backend/sandbox/model/world_list.h"

enum {
    SB_FILE_ID = 18,              /* bytes of a file_id or folder_id with its NUL */
    SB_FILE_NAME_MAX_BYTES = 255, /* as in file systems */
};

/* A new id; positive. */
uint64_t sb_file_id_new(struct sb_db *db);

/* "/" and 16 hexadecimal digits; and back: false for anything else. The root, "/", is 0. */
void sb_file_id_write(uint64_t id, char text[SB_FILE_ID]);
bool sb_file_id_read(struct mk_slice text, uint64_t *id);

/* Refuses a text in the JSON of a world that is not the id of a file or folder, or is the root's.
 */
int sb_file_id_check(struct sb_request *request, const struct mk_json_path *path, const char *field,
                     struct mk_slice text);

/* Refuses a text that cannot be the name of a file or folder. `field` is the param. 0 or
 * SB_REFUSED. */
int sb_file_name_check(struct sb_request *request, const char *field, struct mk_slice name);

/* An upload: read from the params, with a new id. */
struct sb_upload {
    uint64_t id;
    char file_id[SB_FILE_ID];
    struct mk_slice name;
    const struct sb_media *media;
};

/* Reads `file_uri` and `file_name`, and makes the result {file_id}. 0, SB_REFUSED or -errno. */
int sb_upload_begin(struct sb_request *request, struct sb_upload *upload);

/*
 * Sends the message that shows the file, by the caller to a friend or (SB_SCENE_GROUP) to a group.
 * Returns 0, SB_REFUSED or -errno.
 */
int sb_upload_send(struct sb_request *request, const struct sb_upload *upload, enum sb_scene scene,
                   uint64_t to);

/* Adds file_id, file_name and file_size. Returns false when out of memory. */
bool sb_upload_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct sb_upload *upload);

int sb_refuse_no_file(struct sb_request *request);

/* Makes the result {download_url} for the caller. Returns 0 or -errno. */
int sb_file_url(struct sb_request *request, const char *media, const char *name);

#endif
