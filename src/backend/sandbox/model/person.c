/* person: see the header. */
#include "backend/sandbox/model/person.h"

#include "backend/sandbox/model/text.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* uin */
static const struct sb_query person_sql = { "SELECT nickname, is_bot FROM person WHERE uin = ?1" };
enum { PERSON_NICKNAME, PERSON_IS_BOT };

static const char *const sexes[] = { "unknown", "male", "female", NULL };

const char *sb_person_sex(uint64_t sex)
{
    return sexes[sex <= 2 ? sex : 0];
}

int sb_person_find(struct sb_db *db, yyjson_mut_doc *doc, uint64_t uin, struct mk_slice *nickname,
                   bool *is_bot)
{
    sqlite3_stmt *row = SB_DB_USE(db, &person_sql, uin);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    struct mk_slice found = sb_db_text(row, PERSON_NICKNAME);
    bool found_bot = sb_db_uint(row, PERSON_IS_BOT) != 0;
    bool is_kept = sb_text_keep(doc, &found);
    sqlite3_reset(row);
    if (!is_kept)
        return -ENOMEM;
    *nickname = found;
    if (is_bot)
        *is_bot = found_bot;
    return 1;
}

int sb_person_is_bot(struct sb_db *db, uint64_t uin)
{
    sqlite3_stmt *row = SB_DB_USE(db, &person_sql, uin);
    int rc = sb_db_step(db, row);
    if (rc > 0)
        rc = sb_db_uint(row, PERSON_IS_BOT) != 0;
    sqlite3_reset(row);
    return rc;
}

int sb_person_require(struct sb_request *request, uint64_t uin)
{
    struct sb_db *db = &request->sandbox->db;
    sqlite3_stmt *row = SB_DB_USE(db, &person_sql, uin);
    int rc = sb_db_step(db, row);
    sqlite3_reset(row);
    if (rc == 0)
        return sb_refuse_no_user(request, uin);
    return rc < 0 ? rc : 0;
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* Everyone with a QQ number. Bots are the people that programs act for. sex: 0 unknown, 1 male,
     * 2 female. */
    { 1, "CREATE TABLE person ("
    "  uin INTEGER PRIMARY KEY,"
    "  nickname TEXT NOT NULL,"
    "  sex INTEGER NOT NULL DEFAULT 0,"
    "  qid TEXT NOT NULL DEFAULT '',"
    "  bio TEXT NOT NULL DEFAULT '',"
    "  age INTEGER NOT NULL DEFAULT 0,"
    "  level INTEGER NOT NULL DEFAULT 1,"
    "  country TEXT NOT NULL DEFAULT '',"
    "  city TEXT NOT NULL DEFAULT '',"
    "  school TEXT NOT NULL DEFAULT '',"
    "  is_bot INTEGER NOT NULL DEFAULT 0"
    ") STRICT;" },

    /* NULL: none was set. */
    { 2, "ALTER TABLE person ADD COLUMN avatar TEXT REFERENCES media;" },
    { 0 },
};
/* clang-format on */

/* --- in the JSON of a world --- */

/* clang-format off */
const struct sb_world_list sb_person_list = {
    .name = "people",
    .select = "SELECT uin, uin, nickname, sex, age, level, qid, bio, country, city, school, is_bot,"
              " avatar FROM person ORDER BY uin",
    .insert = "INSERT INTO person (uin, nickname, sex, age, level, qid, bio, country, city, school,"
              " is_bot, avatar) VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    .columns = (const struct sb_column[]){
        SB_COLUMN_ID("user_id"),
        SB_COLUMN_REQUIRED_TEXT("nickname"),
        SB_COLUMN_CHOICE("sex", sexes),
        SB_COLUMN_NUMBER("age"),
        { "level", SB_KIND_NUMBER, .otherwise = 1 },
        SB_COLUMN_TEXT("qid"),
        SB_COLUMN_TEXT("bio"),
        SB_COLUMN_TEXT("country"),
        SB_COLUMN_TEXT("city"),
        SB_COLUMN_TEXT("school"),
        SB_COLUMN_FLAG("is_bot"),
        SB_COLUMN_PICTURE("avatar"),
        { NULL },
    },
    .after = "INSERT OR IGNORE INTO friend_category VALUES (?1, 0, '我的好友')",
};
/* clang-format on */

static const struct sb_world_list *const lists[] = { &sb_person_list, NULL };

const struct sb_feature sb_feature_person = { .steps = steps, .lists = lists };
