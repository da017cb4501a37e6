/*
 * group_settings: what QQ decides by the size, the level or the age of a group, and what its owner
 * chooses in a client only: in the sandbox an operator sets it.
 */
#ifndef SB_MODEL_GROUP_SETTINGS_H
#define SB_MODEL_GROUP_SETTINGS_H

#include "backend/sandbox/store/db.h"

/* Who may upload files. */
enum sb_uploads { SB_UPLOADS_MEMBERS, SB_UPLOADS_ADMINS };
extern const char *const sb_uploads_names[]; /* ended by NULL */

enum { SB_TEMPORARY_FILE_DAYS = 14 };
#define SB_FILE_SPACE (10ULL << 30)

struct sb_group_settings {
    uint64_t file_space;           /* bytes of files that do not expire */
    uint64_t large_file_bytes;     /* a larger file is temporary in any case; 0: none is */
    uint64_t temporary_file_days;  /* the life of a temporary file */
    uint64_t uploads;              /* enum sb_uploads */
    uint64_t max_admin_count;      /* 0: by max_member_count */
    uint64_t invite_asks_from;     /* in a smaller group those who are invited are not asked */
    uint64_t invite_approval_from; /* in a smaller one a member's invitation needs no admin */
    bool forbids_temp;             /* its members have no temporary sessions through it */
};

/* Of a group that exists; else the defaults. Returns 0 or -errno. */
int sb_group_settings_find(struct sb_db *db, uint64_t group, struct sb_group_settings *settings);

/* Inside the transaction. Returns 0 or -errno. */
int sb_group_settings_set(struct sb_db *db, uint64_t group,
                          const struct sb_group_settings *settings);

/* max_admin_count, or else what a group of this size has. */
uint64_t sb_group_most_admins(const struct sb_group_settings *settings, uint64_t max_member_count);

#endif
