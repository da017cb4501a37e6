/*
 * file: what private files (file_private.c) and those of groups (file_group.c, file_folder.c) have
 * in common.
 *
 * An upload also says a message, as in QQ: a segment `file` stands in the conversation, has a
 * message_seq there, and its receivers get a message_receive, after the friend_file_upload or
 * group_file_upload that goes to everybody's bots, the sender's included.
 */
#ifndef SB_MODEL_FILE_H
#define SB_MODEL_FILE_H

#include "backend/sandbox/media/media.h"
#include "backend/sandbox/turn/request.h"

enum {
    SB_FILE_ID = 18,              /* bytes of a file_id or folder_id with its NUL */
    SB_FILE_NAME_MAX_BYTES = 255, /* as file systems have it */
};

/* A new id; positive. */
uint64_t sb_file_id_new(struct sb_db *db);

/* "/" and 16 hexadecimal digits; and back: false for anything else. The root, "/", is 0. */
void sb_file_id_write(uint64_t id, char text[SB_FILE_ID]);
bool sb_file_id_read(struct mk_slice text, uint64_t *id);

/* Refuses what cannot be a file's or a folder's name. `field` is the param. 0 or SB_REFUSED. */
int sb_file_name_check(struct sb_request *request, const char *field, struct mk_slice name);

/* An upload on its way: read from the params, and given an id. */
struct sb_upload {
    uint64_t id;
    char file_id[SB_FILE_ID];
    struct mk_slice name;
    const struct sb_media *media;
};

/* Reads `file_uri` and `file_name`, and makes the result {file_id}. 0, SB_REFUSED or -errno. */
int sb_upload_begin(struct sb_request *request, struct sb_upload *upload);

/* The message that shows it: one segment `file`. Only friends see the hash. NULL: no memory. */
yyjson_mut_val *sb_upload_message(yyjson_mut_doc *doc, const struct sb_upload *upload,
                                  bool with_hash);

/* Adds file_id, file_name and file_size; false when memory is out. */
bool sb_upload_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct sb_upload *upload);

int sb_refuse_no_file(struct sb_request *request);

/* Makes the result {download_url}. `self_id` is who asks. Returns 0 or -errno. */
int sb_file_url(struct sb_request *request, const char *media, const char *name);

/* --- folders (file_folder.c) --- */

/*
 * The folder that a param names, of that group; 0 is the root. Returns 0, SB_REFUSED or -errno.
 */
int sb_folder_param(struct sb_request *request, uint64_t group, const char *field,
                    uint64_t *folder);

/* `delta` files more (or, -1, fewer) are in the folder; the root takes no note. 0 or -errno. */
int sb_folder_changed(struct sb_db *db, uint64_t folder, int delta);

#endif
