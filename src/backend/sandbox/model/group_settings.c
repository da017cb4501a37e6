/* group_settings: see the header. */
#include "backend/sandbox/model/group_settings.h"

#include "backend/sandbox/store/feature.h"

#include <stddef.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group */
static const struct sb_query find_sql = {
    "SELECT file_space, large_file_bytes, temporary_file_days, uploads, max_admin_count,"
    " invite_asks_from, invite_approval_from, forbids_temp FROM qq_group WHERE group_id = ?1"
};
enum {
    FILE_SPACE,
    LARGE_FILE_BYTES,
    TEMPORARY_FILE_DAYS,
    UPLOADS,
    MAX_ADMIN_COUNT,
    INVITE_ASKS_FROM,
    INVITE_APPROVAL_FROM,
    FORBIDS_TEMP,
};
/* group, then the settings */
static const struct sb_query set_sql = {
    "UPDATE qq_group SET file_space = ?2, large_file_bytes = ?3, temporary_file_days = ?4,"
    " uploads = ?5, max_admin_count = ?6, invite_asks_from = ?7, invite_approval_from = ?8,"
    " forbids_temp = ?9 WHERE group_id = ?1"
};

const char *const sb_uploads_names[] = {
    [SB_UPLOADS_MEMBERS] = "members",
    [SB_UPLOADS_ADMINS] = "admins",
    NULL,
};

int sb_group_settings_find(struct sb_db *db, uint64_t group, struct sb_group_settings *settings)
{
    *settings = (struct sb_group_settings){
        .file_space = SB_FILE_SPACE,
        .temporary_file_days = SB_TEMPORARY_FILE_DAYS,
    };
    sqlite3_stmt *row = SB_DB_USE(db, &find_sql, group);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    *settings = (struct sb_group_settings){
        .file_space = sb_db_uint(row, FILE_SPACE),
        .large_file_bytes = sb_db_uint(row, LARGE_FILE_BYTES),
        .temporary_file_days = sb_db_uint(row, TEMPORARY_FILE_DAYS),
        .uploads = sb_db_uint(row, UPLOADS),
        .max_admin_count = sb_db_uint(row, MAX_ADMIN_COUNT),
        .invite_asks_from = sb_db_uint(row, INVITE_ASKS_FROM),
        .invite_approval_from = sb_db_uint(row, INVITE_APPROVAL_FROM),
        .forbids_temp = sb_db_uint(row, FORBIDS_TEMP) != 0,
    };
    sqlite3_reset(row);
    return 0;
}

int sb_group_settings_set(struct sb_db *db, uint64_t group,
                          const struct sb_group_settings *settings)
{
    return sb_db_run(db, SB_DB_USE(db, &set_sql, group, settings->file_space,
                                   settings->large_file_bytes, settings->temporary_file_days,
                                   settings->uploads, settings->max_admin_count,
                                   settings->invite_asks_from, settings->invite_approval_from,
                                   settings->forbids_temp));
}

uint64_t sb_group_most_admins(const struct sb_group_settings *settings, uint64_t max_member_count)
{
    if (settings->max_admin_count > 0)
        return settings->max_admin_count;
    return max_member_count <= 500 ? 10 : max_member_count <= 1000 ? 15 : 20;
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    { 11, "ALTER TABLE qq_group ADD COLUMN file_space INTEGER NOT NULL DEFAULT 10737418240;"
    "ALTER TABLE qq_group ADD COLUMN large_file_bytes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE qq_group ADD COLUMN temporary_file_days INTEGER NOT NULL DEFAULT 14;"
    "ALTER TABLE qq_group ADD COLUMN uploads INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE qq_group ADD COLUMN max_admin_count INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE qq_group ADD COLUMN invite_asks_from INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE qq_group ADD COLUMN invite_approval_from INTEGER NOT NULL DEFAULT 0;" },
    { 13, "ALTER TABLE qq_group ADD COLUMN forbids_temp INTEGER NOT NULL DEFAULT 0;" },
    { 0 },
};
/* clang-format on */

const struct sb_feature sb_feature_group_settings = { .steps = steps };
