/* secret: see the header. */
#include "backend/sandbox/store/secret.h"

#include "base/random.h"

#include <string.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* name */
static const struct sb_query secret_sql = { "SELECT value FROM secret WHERE name = ?1" };
enum { SECRET_VALUE };
/* name, value (a blob) */
static const struct sb_query secret_set_sql = {
    "INSERT OR REPLACE INTO secret (name, value) VALUES (?1, ?2)"
};

int sb_secret_read(struct sb_db *db, const char *name, uint8_t secret[SB_SECRET_LEN])
{
    sqlite3_stmt *row = sb_db_use(db, &secret_sql, 0, NULL);
    sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    const void *value = sqlite3_column_blob(row, SECRET_VALUE);
    bool is_whole = value && sqlite3_column_bytes(row, SECRET_VALUE) == SB_SECRET_LEN;
    if (is_whole)
        memcpy(secret, value, SB_SECRET_LEN);
    sqlite3_reset(row);
    return is_whole;
}

int sb_secret_make(struct sb_db *db, const char *name, uint8_t secret[SB_SECRET_LEN])
{
    int rc = sb_secret_read(db, name, secret);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    mk_random_bytes(secret, SB_SECRET_LEN);
    sqlite3_stmt *insert = sb_db_use(db, &secret_set_sql, 0, NULL);
    sqlite3_bind_text(insert, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 2, secret, SB_SECRET_LEN, SQLITE_STATIC);
    return sb_db_run(db, insert);
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    { 2, "CREATE TABLE secret ("
    "  name TEXT PRIMARY KEY,"
    "  value BLOB NOT NULL"
    ") STRICT, WITHOUT ROWID;" },
    { 0 },
};
/* clang-format on */

const struct sb_feature sb_feature_secret = { .steps = steps };
