/* person: see the header. */
#include "backend/sandbox/model/person.h"

#include "backend/sandbox/model/text.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* uin */
static const struct sb_query person_sql = { "SELECT nickname, is_bot FROM person WHERE uin = ?1" };
enum { PERSON_NICKNAME, PERSON_IS_BOT };

const char *sb_sex_name(uint64_t sex)
{
    return sex == 1 ? "male" : sex == 2 ? "female" : "unknown";
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

const struct sb_feature sb_feature_person = { .steps = steps };
