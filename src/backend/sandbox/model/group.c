/* group: see the header. */
#include "backend/sandbox/model/group.h"

#include "backend/sandbox/model/group_settings.h"
#include "backend/sandbox/model/rows.h"
#include "backend/sandbox/model/text.h"

#include <errno.h>
#include <inttypes.h>

/* clang-format off */
/* member_count is kept by the triggers of model/member.c. */
static const char group_sql[] =
    "CREATE TABLE qq_group ("
    "  group_id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL,"
    "  member_count INTEGER NOT NULL DEFAULT 0,"
    "  max_member_count INTEGER NOT NULL DEFAULT 200,"
    "  created_time INTEGER NOT NULL,"
    "  description TEXT NOT NULL DEFAULT '',"
    "  question TEXT NOT NULL DEFAULT '',"
    "  announcement TEXT NOT NULL DEFAULT ''"
    ") STRICT;";

/* NULL: the group has no avatar of its own. */
static const char group_avatar_sql[] =
    "ALTER TABLE qq_group ADD COLUMN avatar TEXT REFERENCES media;";

/*
 * whole_mute: only the owner and admins may speak. join_policy: enum sb_join_policy. dissolved: the
 * group has no members and cannot get any; its number is not used again.
 */
static const char group_state_columns_sql[] =
    "ALTER TABLE qq_group ADD COLUMN whole_mute INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE qq_group ADD COLUMN join_policy INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE qq_group ADD COLUMN dissolved INTEGER NOT NULL DEFAULT 0;";
/* clang-format on */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

#define ENTITY_COLUMNS                                                                             \
    "SELECT g.group_id, g.name, g.member_count, g.max_member_count, m.remark, g.created_time,"     \
    " g.description, g.question, g.announcement"                                                   \
    " FROM member m CROSS JOIN qq_group g ON g.group_id = m.group_id"
enum {
    ENTITY_GROUP_ID,
    ENTITY_NAME,
    ENTITY_MEMBER_COUNT,
    ENTITY_MAX_MEMBER_COUNT,
    ENTITY_REMARK,
    ENTITY_CREATED_TIME,
    ENTITY_DESCRIPTION,
    ENTITY_QUESTION,
    ENTITY_ANNOUNCEMENT,
};

/* viewer, group */
static const struct sb_query entity_sql = { ENTITY_COLUMNS
                                            " WHERE m.uin = ?1 AND m.group_id = ?2" };
/* viewer */
static const struct sb_query entities_sql = { ENTITY_COLUMNS
                                              " WHERE m.uin = ?1 ORDER BY m.group_id" };
/* viewer */
static const struct sb_query pinned_entities_sql = {
    ENTITY_COLUMNS " WHERE m.uin = ?1 AND m.group_id IN"
                   " (SELECT peer FROM pin WHERE owner = ?1 AND scene = 1) ORDER BY m.group_id"
};

/* group */
static const struct sb_query state_sql = {
    "SELECT member_count, max_member_count, join_policy, whole_mute"
    " FROM qq_group WHERE group_id = ?1 AND dissolved = 0"
};
enum { STATE_MEMBER_COUNT, STATE_MAX_MEMBER_COUNT, STATE_JOIN_POLICY, STATE_WHOLE_MUTE };

/* Without the hint SQLite would walk through all members. */
const struct sb_query sb_group_bots_sql = { "SELECT uin, remark FROM member INDEXED BY member_bot"
                                            " WHERE group_id = ?1 AND is_bot = 1 ORDER BY uin" };
/* group; columns as those of sb_group_bots_sql */
static const struct sb_query admin_bots_sql = {
    "SELECT uin, remark FROM member INDEXED BY member_manager"
    " WHERE group_id = ?1 AND role >= 1 AND is_bot = 1 ORDER BY uin"
};

const char *const sb_join_policy_names[] = {
    [SB_JOIN_APPROVED] = "approval",
    [SB_JOIN_ANYBODY] = "anybody",
    [SB_JOIN_NOBODY] = "nobody",
    NULL,
};

/* --- looking up --- */

int sb_group_find(struct sb_db *db, uint64_t id, struct sb_group *group)
{
    sqlite3_stmt *row = SB_DB_USE(db, &state_sql, id);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    *group = (struct sb_group){
        .id = id,
        .member_count = sb_db_uint(row, STATE_MEMBER_COUNT),
        .max_member_count = sb_db_uint(row, STATE_MAX_MEMBER_COUNT),
        .join_policy = sb_db_uint(row, STATE_JOIN_POLICY),
        .whole_mute = sb_db_uint(row, STATE_WHOLE_MUTE) != 0,
    };
    sqlite3_reset(row);
    return 1;
}

int sb_group_require(struct sb_request *request, uint64_t id, struct sb_group *group)
{
    int rc = sb_group_find(&request->sandbox->db, id, group);
    if (rc == 0)
        return sb_refuse(request, SB_NO_GROUP, "there is no group %" PRIu64, "没有群 %" PRIu64, id);
    return rc < 0 ? rc : 0;
}

/* --- GroupEntity --- */

static yyjson_mut_val *read_entity(yyjson_mut_doc *doc, sqlite3_stmt *row, const void *arg)
{
    (void)arg;
    yyjson_mut_val *json = yyjson_mut_obj(doc);
    bool ok =
        yyjson_mut_obj_add_uint(doc, json, "group_id", sb_db_uint(row, ENTITY_GROUP_ID)) &&
        sb_text_put(doc, json, "group_name", sb_db_text(row, ENTITY_NAME)) &&
        yyjson_mut_obj_add_uint(doc, json, "member_count", sb_db_uint(row, ENTITY_MEMBER_COUNT)) &&
        yyjson_mut_obj_add_uint(doc, json, "max_member_count",
                                sb_db_uint(row, ENTITY_MAX_MEMBER_COUNT)) &&
        sb_text_put(doc, json, "remark", sb_db_text(row, ENTITY_REMARK)) &&
        yyjson_mut_obj_add_uint(doc, json, "created_time", sb_db_uint(row, ENTITY_CREATED_TIME)) &&
        sb_text_put(doc, json, "description", sb_db_text(row, ENTITY_DESCRIPTION)) &&
        sb_text_put(doc, json, "question", sb_db_text(row, ENTITY_QUESTION)) &&
        sb_text_put(doc, json, "announcement", sb_db_text(row, ENTITY_ANNOUNCEMENT));
    return ok ? json : NULL;
}

int sb_group_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer, uint64_t group,
                  yyjson_mut_val **entity)
{
    return sb_row_read(db, SB_DB_USE(db, &entity_sql, viewer, group), doc, read_entity, NULL,
                       entity);
}

int sb_groups_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer, yyjson_mut_val **array)
{
    return sb_rows_read(db, SB_DB_USE(db, &entities_sql, viewer), doc, read_entity, NULL, array);
}

int sb_pinned_groups_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                          yyjson_mut_val **array)
{
    return sb_rows_read(db, SB_DB_USE(db, &pinned_entities_sql, viewer), doc, read_entity, NULL,
                        array);
}

/* --- events --- */

static int emit_event(struct sb_request *request, const struct sb_query *receivers, uint64_t group,
                      uint64_t also, const char *type, yyjson_mut_val *data)
{
    struct sb_db *db = &request->sandbox->db;
    uint64_t now = sb_request_now(request);
    if (!data)
        return -ENOMEM;
    sqlite3_stmt *row = SB_DB_USE(db, receivers, group);
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        uint64_t bot = sb_db_uint(row, SB_GROUP_BOT_UIN);
        also = also == bot ? 0 : also;
        rc = sb_request_event(request, bot, type, now, data);
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc == 0 && also ? sb_request_event(request, also, type, now, data) : rc;
}

int sb_group_event(struct sb_request *request, uint64_t group, uint64_t also, const char *type,
                   yyjson_mut_val *data)
{
    return emit_event(request, &sb_group_bots_sql, group, also, type, data);
}

int sb_group_event_to_admins(struct sb_request *request, uint64_t group, const char *type,
                             yyjson_mut_val *data)
{
    return emit_event(request, &admin_bots_sql, group, 0, type, data);
}

/* --- in the JSON of a world --- */

enum { LIST_DISSOLVED = 9 };

/* A group has one owner; a dissolved group has no members. */
static int check_group(struct sb_request *request, const struct mk_json_path *path,
                       yyjson_mut_val *element, struct sb_value *values)
{
    size_t i, count, owners = 0;
    yyjson_mut_val *member, *members = yyjson_mut_obj_get(element, "members");
    yyjson_mut_arr_foreach (members, i, count, member) {
        owners += yyjson_mut_equals_str(yyjson_mut_obj_get(member, "role"), "owner");
    }
    if (owners == 1 || (values[LIST_DISSOLVED].number && yyjson_mut_arr_size(members) == 0))
        return 0;
    return sb_refuse_field(request, path, "members", "expected one owner among them, got %zu",
                           "其中应有一名群主，实际有 %zu 名", owners);
}

/* clang-format off */
const struct sb_world_list sb_group_list = {
    .name = "groups",
    .select = "SELECT group_id, group_id, name, max_member_count, created_time, description,"
              " question, announcement, whole_mute, join_policy, dissolved, avatar,"
              " file_space, large_file_bytes, temporary_file_days, uploads, max_admin_count,"
              " invite_asks_from, invite_approval_from, forbids_temp FROM qq_group ORDER BY group_id",
    .insert = "INSERT INTO qq_group (group_id, name, max_member_count, created_time, description,"
              " question, announcement, whole_mute, join_policy, dissolved, avatar,"
              " file_space, large_file_bytes, temporary_file_days, uploads, max_admin_count,"
              " invite_asks_from, invite_approval_from, forbids_temp) VALUES (?2, ?3, ?4, ?5, ?6,"
              " ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
    .columns = (const struct sb_column[]){
        SB_COLUMN_ID("group_id"),
        SB_COLUMN_REQUIRED_TEXT("group_name"),
        { "max_member_count", SB_KIND_NUMBER, .otherwise = 200 },
        SB_COLUMN_TIME("created_time"),
        SB_COLUMN_TEXT("description"),
        SB_COLUMN_TEXT("question"),
        SB_COLUMN_TEXT("announcement"),
        SB_COLUMN_FLAG("whole_mute"),
        SB_COLUMN_CHOICE("join_policy", sb_join_policy_names),
        [LIST_DISSOLVED] = SB_COLUMN_FLAG("dissolved"),
        SB_COLUMN_PICTURE("avatar"),
        { "file_space", SB_KIND_NUMBER, .otherwise = SB_FILE_SPACE },
        SB_COLUMN_NUMBER("large_file_bytes"),
        { "temporary_file_days", SB_KIND_NUMBER, .otherwise = SB_TEMPORARY_FILE_DAYS },
        SB_COLUMN_CHOICE("uploads", sb_uploads_names),
        SB_COLUMN_NUMBER("max_admin_count"),
        SB_COLUMN_NUMBER("invite_asks_from"),
        SB_COLUMN_NUMBER("invite_approval_from"),
        SB_COLUMN_FLAG("forbids_temp"),
        { NULL },
    },
    .check = check_group,
};
/* clang-format on */

static const struct sb_schema_step steps[] = {
    { 1, group_sql },
    { 2, group_avatar_sql },
    { 5, group_state_columns_sql },
    { 0 },
};
static const struct sb_world_list *const lists[] = { &sb_group_list, NULL };

const struct sb_feature sb_feature_group = { .steps = steps, .lists = lists };
