/*
 * group_file_life: a file of a group is permanent while the group has space for it, else temporary:
 * it expires by the world's clock.
 */
#ifndef SB_API_GROUP_FILE_LIFE_H
#define SB_API_GROUP_FILE_LIFE_H

#include "backend/sandbox/turn/request.h"

/* Another file is allowed: QQ has a maximum. Returns 0, SB_REFUSED or -errno. */
int sb_group_file_check_count(struct sb_request *request, uint64_t group);

/* When a new file of `size` bytes expires; 0: never. Returns 0 or -errno. */
int sb_group_file_expiry(struct sb_request *request, uint64_t group, uint64_t size,
                         uint64_t *expires);

/* Deletes what has expired. Returns 0 or -errno. */
int sb_group_files_expire(struct sb_request *request, uint64_t group);

/* Makes a file permanent; refuses where the space does not suffice. 0, SB_REFUSED or -errno. */
int sb_group_file_persist(struct sb_request *request, uint64_t group, uint64_t file, uint64_t size);

#endif
