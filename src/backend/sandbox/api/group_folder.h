/* group_folder: the folders of a group's files, for api/group_file.c. */
#ifndef SB_API_GROUP_FOLDER_H
#define SB_API_GROUP_FOLDER_H

#include "backend/sandbox/turn/request.h"

/* The folder of the group that a param names; 0 is the root. Returns 0, SB_REFUSED or -errno. */
int sb_group_folder_param(struct sb_request *request, uint64_t group, const char *field,
                          uint64_t *folder);

/* Notes that `delta` files more (-1: one less) are in the folder. Nothing is noted of the root.
 * Inside the transaction. Returns 0 or -errno. */
int sb_group_folder_changed(struct sb_db *db, uint64_t folder, int delta);

#endif
