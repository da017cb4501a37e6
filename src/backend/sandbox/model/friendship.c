/* friendship: see the header. */
#include "backend/sandbox/model/friendship.h"

#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/rows.h"
#include "backend/sandbox/model/text.h"

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

#define FRIEND_COLUMNS                                                                             \
    "SELECT f.friend, p.nickname, p.sex, p.qid, f.remark, f.category_id, c.name"                   \
    " FROM friendship f CROSS JOIN person p ON p.uin = f.friend"                                   \
    " CROSS JOIN friend_category c ON c.owner = f.owner AND c.category_id = f.category_id"
enum {
    FRIEND_UIN,
    FRIEND_NICKNAME,
    FRIEND_SEX,
    FRIEND_QID,
    FRIEND_REMARK,
    FRIEND_CATEGORY_ID,
    FRIEND_CATEGORY_NAME,
};

/* viewer, friend */
static const struct sb_query friend_sql = { FRIEND_COLUMNS
                                            " WHERE f.owner = ?1 AND f.friend = ?2" };
/* viewer */
static const struct sb_query friends_sql = { FRIEND_COLUMNS
                                             " WHERE f.owner = ?1 ORDER BY f.friend" };
static const struct sb_query pinned_friends_sql = {
    FRIEND_COLUMNS " WHERE f.owner = ?1 AND f.friend IN"
                   " (SELECT peer FROM pin WHERE owner = ?1 AND scene = 0) ORDER BY f.friend"
};
/* owner */
static const struct sb_query category_add_sql = {
    "INSERT INTO friend_category VALUES (?1, 0, '我的好友')"
    " ON CONFLICT DO NOTHING"
};
/* owner, friend: one side */
static const struct sb_query side_add_sql = {
    "INSERT INTO friendship (owner, friend) VALUES (?1, ?2)"
    " ON CONFLICT DO NOTHING"
};
static const struct sb_query side_remove_sql = {
    "DELETE FROM friendship WHERE owner = ?1 AND friend = ?2"
};

/* --- looking up --- */

int sb_friendship_find(struct sb_db *db, uint64_t one, uint64_t other)
{
    sqlite3_stmt *row = SB_DB_USE(db, &friend_sql, one, other);
    int rc = sb_db_step(db, row);
    sqlite3_reset(row);
    return rc;
}

int sb_friendship_require(struct sb_request *request, uint64_t viewer, uint64_t friend)
{
    int rc = sb_friendship_find(&request->sandbox->db, viewer, friend);
    if (rc == 0)
        return sb_refuse_no_friend(request, viewer, friend);
    return rc < 0 ? rc : 0;
}

/* --- JSON --- */

static yyjson_mut_val *read_friend(yyjson_mut_doc *doc, sqlite3_stmt *row, const void *arg)
{
    (void)arg;
    yyjson_mut_val *entity = yyjson_mut_obj(doc);
    yyjson_mut_val *category = yyjson_mut_obj(doc);
    const char *sex = sb_person_sex(sb_db_uint(row, FRIEND_SEX));
    uint64_t category_id = sb_db_uint(row, FRIEND_CATEGORY_ID);
    bool ok = entity && category &&
              yyjson_mut_obj_add_uint(doc, entity, "user_id", sb_db_uint(row, FRIEND_UIN)) &&
              sb_text_put(doc, entity, "nickname", sb_db_text(row, FRIEND_NICKNAME)) &&
              yyjson_mut_obj_add_str(doc, entity, "sex", sex) &&
              sb_text_put(doc, entity, "qid", sb_db_text(row, FRIEND_QID)) &&
              sb_text_put(doc, entity, "remark", sb_db_text(row, FRIEND_REMARK)) &&
              yyjson_mut_obj_add_uint(doc, category, "category_id", category_id) &&
              sb_text_put(doc, category, "category_name", sb_db_text(row, FRIEND_CATEGORY_NAME)) &&
              yyjson_mut_obj_add_val(doc, entity, "category", category);
    return ok ? entity : NULL;
}

int sb_friend_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer, uint64_t friend,
                   yyjson_mut_val **entity)
{
    return sb_row_read(db, SB_DB_USE(db, &friend_sql, viewer, friend), doc, read_friend, NULL,
                       entity);
}

int sb_friends_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer, yyjson_mut_val **array)
{
    return sb_rows_read(db, SB_DB_USE(db, &friends_sql, viewer), doc, read_friend, NULL, array);
}

int sb_pinned_friends_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                           yyjson_mut_val **array)
{
    return sb_rows_read(db, SB_DB_USE(db, &pinned_friends_sql, viewer), doc, read_friend, NULL,
                        array);
}

/* --- beginning and ending --- */

static int add_side(struct sb_db *db, uint64_t owner, uint64_t friend)
{
    int rc = sb_db_run(db, SB_DB_USE(db, &category_add_sql, owner));
    return rc < 0 ? rc : sb_db_run(db, SB_DB_USE(db, &side_add_sql, owner, friend));
}

int sb_friendship_begin(struct sb_db *db, uint64_t one, uint64_t other)
{
    int rc = add_side(db, one, other);
    return rc < 0 ? rc : add_side(db, other, one);
}

int sb_friendship_end(struct sb_db *db, uint64_t one, uint64_t other)
{
    int rc = sb_db_run(db, SB_DB_USE(db, &side_remove_sql, one, other));
    return rc < 0 ? rc : sb_db_run(db, SB_DB_USE(db, &side_remove_sql, other, one));
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* The folders that a person sorts friends into; everyone has number 0. */
    { 1, "CREATE TABLE friend_category ("
    "  owner INTEGER NOT NULL REFERENCES person,"
    "  category_id INTEGER NOT NULL,"
    "  name TEXT NOT NULL,"
    "  PRIMARY KEY (owner, category_id)"
    ") STRICT, WITHOUT ROWID;" },

    /* Two rows per friendship: how each side has filed the other. */
    { 1, "CREATE TABLE friendship ("
    "  owner INTEGER NOT NULL REFERENCES person,"
    "  friend INTEGER NOT NULL REFERENCES person,"
    "  remark TEXT NOT NULL DEFAULT '',"
    "  category_id INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (owner, friend),"
    "  FOREIGN KEY (owner, category_id) REFERENCES friend_category"
    ") STRICT, WITHOUT ROWID;" },
    { 0 },
};
/* clang-format on */

/* --- in the JSON of a world --- */

/* clang-format off */
/* A friendship is two rows: how each side has filed the other. */
const struct sb_world_list sb_friendship_list = {
    .name = "friendships",
    .select = "SELECT 0, f.owner, f.friend, f.remark, f.category_id, b.remark, b.category_id"
              " FROM friendship f JOIN friendship b ON b.owner = f.friend AND b.friend = f.owner"
              " WHERE f.owner < f.friend ORDER BY f.owner, f.friend",
    .insert = "INSERT INTO friendship (owner, friend, remark, category_id)"
              " VALUES (?2, ?3, ?4, ?5), (?3, ?2, ?6, ?7)",
    .columns = (const struct sb_column[]){
        SB_COLUMN_PERSON("user_id"),
        SB_COLUMN_PERSON("friend_id"),
        SB_COLUMN_TEXT("remark"),
        SB_COLUMN_NUMBER("category_id"),
        SB_COLUMN_TEXT("friend_remark"),
        SB_COLUMN_NUMBER("friend_category_id"),
        { NULL },
    },
};

/* clang-format off */
static const struct sb_world_list world_categories = {
    .name = "categories",
    .within = &sb_person_list,
    .select = "SELECT 0, category_id, name FROM friend_category WHERE owner = ?1"
              " AND NOT (category_id = 0 AND name = '我的好友') ORDER BY category_id",
    .insert = "INSERT INTO friend_category (owner, category_id, name) VALUES (?1, ?2, ?3)",
    .columns = (const struct sb_column[]){
        SB_COLUMN_NUMBER("category_id"),
        SB_COLUMN_REQUIRED_TEXT("category_name"),
        { NULL },
    },
};
/* clang-format on */

static const struct sb_world_list *const lists[] = { &sb_friendship_list, &world_categories, NULL };

const struct sb_feature sb_feature_friendship = { .steps = steps, .lists = lists };
