/* group_file_life: see the header. */
#include "backend/sandbox/api/group_file_life.h"

#include "backend/sandbox/model/group_settings.h"
#include "backend/sandbox/store/feature.h"
#include "backend/sandbox/turn/limits.h"
#include "backend/sandbox/turn/turn.h"

#include <inttypes.h>

enum { DAY = 24 * 60 * 60 };

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* group */
static const struct sb_query used_sql = {
    "SELECT coalesce(sum(size), 0) FROM group_file WHERE group_id = ?1 AND expire_time = 0"
};
enum { USED_BYTES };
/* group, now */
static const struct sb_query count_sql = {
    "SELECT count(*) FROM group_file"
    " WHERE group_id = ?1 AND (expire_time = 0 OR expire_time > ?2)"
};
enum { FILE_COUNT };
/* group, now */
static const struct sb_query expired_sql = {
    "SELECT 1 FROM group_file WHERE group_id = ?1 AND expire_time BETWEEN 1 AND ?2 LIMIT 1"
};
/* group, now */
static const struct sb_query count_down_sql = {
    "UPDATE group_folder SET file_count = file_count - (SELECT count(*) FROM group_file f"
    " WHERE f.group_id = ?1 AND f.folder = group_folder.id AND f.expire_time BETWEEN 1 AND ?2)"
    " WHERE group_id = ?1"
};
/* group, now */
static const struct sb_query delete_sql = {
    "DELETE FROM group_file WHERE group_id = ?1 AND expire_time BETWEEN 1 AND ?2"
};
/* file */
static const struct sb_query persist_sql = {
    "UPDATE group_file SET expire_time = 0 WHERE id = ?1"
};

static int find_used(struct sb_db *db, uint64_t group, uint64_t *used)
{
    sqlite3_stmt *row = SB_DB_USE(db, &used_sql, group);
    int rc = sb_db_step(db, row);
    *used = rc > 0 ? sb_db_uint(row, USED_BYTES) : 0;
    sqlite3_reset(row);
    return rc < 0 ? rc : 0;
}

static bool has_room(const struct sb_group_settings *settings, uint64_t used, uint64_t size)
{
    return used <= settings->file_space && size <= settings->file_space - used;
}

int sb_group_file_check_count(struct sb_request *request, uint64_t group)
{
    struct sb_db *db = &request->sandbox->db;
    sqlite3_stmt *row = SB_DB_USE(db, &count_sql, group, sb_request_now(request));
    int rc = sb_db_step(db, row);
    uint64_t count = rc > 0 ? sb_db_uint(row, FILE_COUNT) : 0;
    sqlite3_reset(row);
    const struct sb_measured measured = {
        .id = SB_LIMIT_GROUP_FILE_COUNT,
        .value = count + 1,
        .subject = group,
        .given = count,
    };
    return rc < 0 ? rc : sb_limit_check_measured(request, &measured);
}

int sb_group_file_expiry(struct sb_request *request, uint64_t group, uint64_t size,
                         uint64_t *expires)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_group_settings settings;
    uint64_t used = 0;
    int rc = sb_group_settings_find(db, group, &settings);
    if (rc == 0)
        rc = find_used(db, group, &used);
    if (rc < 0)
        return rc;
    bool is_large = settings.large_file_bytes > 0 && size > settings.large_file_bytes;
    bool is_temporary = is_large || !has_room(&settings, used, size);
    *expires = is_temporary ? sb_request_now(request) + settings.temporary_file_days * DAY : 0;
    return 0;
}

int sb_group_files_expire(struct sb_request *request, uint64_t group)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t now = sb_request_now(request);
    sqlite3_stmt *row = SB_DB_USE(db, &expired_sql, group, now);
    int rc = sb_db_step(db, row);
    sqlite3_reset(row);
    if (rc <= 0)
        return rc;
    rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_db_run(db, SB_DB_USE(db, &count_down_sql, group, now));
    return rc ? rc : sb_db_run(db, SB_DB_USE(db, &delete_sql, group, now));
}

int sb_group_file_persist(struct sb_request *request, uint64_t group, uint64_t file, uint64_t size)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_group_settings settings;
    uint64_t used = 0;
    int rc = sb_group_settings_find(db, group, &settings);
    if (rc == 0)
        rc = find_used(db, group, &used);
    if (rc < 0)
        return rc;
    if (!has_room(&settings, used, size))
        return sb_refuse(request, SB_TOO_MUCH,
                         "group %" PRIu64 " has no space left for this file: %" PRIu64
                         " of %" PRIu64 " bytes are used, and it has %" PRIu64,
                         "群 %" PRIu64 " 的空间不足：已用 %" PRIu64 " / %" PRIu64
                         " 字节，该文件有 %" PRIu64 " 字节",
                         group, used, settings.file_space, size);
    rc = sb_turn_write(request);
    return rc ? rc : sb_db_run(db, SB_DB_USE(db, &persist_sql, file));
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* expire_time: 0: permanent. */
    { 11, "ALTER TABLE group_file ADD COLUMN expire_time INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX group_file_life ON group_file (group_id, expire_time, size);" },
    { 0 },
};
/* clang-format on */

const struct sb_feature sb_feature_group_file_life = { .steps = steps };
