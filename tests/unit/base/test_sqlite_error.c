/* sqlite_error: primary and extended codes, and errors that a real database gives. */
#include "base/sqlite_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sqlite3.h>

static void codes_have_an_errno(void **state)
{
    (void)state;
    static const struct {
        int code, expected;
    } cases[] = {
        { SQLITE_FULL, -ENOSPC },
        { SQLITE_NOMEM, -ENOMEM },
        { SQLITE_IOERR_NOMEM, -EIO },
        { SQLITE_BUSY, -EBUSY },
        { SQLITE_BUSY_SNAPSHOT, -EBUSY },
        { SQLITE_LOCKED, -EBUSY },
        { SQLITE_LOCKED_SHAREDCACHE, -EBUSY },
        { SQLITE_READONLY, -EROFS },
        { SQLITE_READONLY_DBMOVED, -EROFS },
        { SQLITE_PERM, -EROFS },
        { SQLITE_IOERR, -EIO },
        { SQLITE_IOERR_FSYNC, -EIO },
        { SQLITE_CORRUPT, -EIO },
        { SQLITE_NOTADB, -EIO },
        { SQLITE_CANTOPEN, -EIO },
        { SQLITE_ERROR, -EIO },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(mk_sqlite_errno(cases[i].code), cases[i].expected);
}

static int run(sqlite3 *db, const char *sql)
{
    return mk_sqlite_errno(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static void a_database_gives_these(void **state)
{
    (void)state;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "CREATE TABLE t (x); PRAGMA max_page_count = 4;", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(run(db, "INSERT INTO t VALUES (zeroblob(1000000))"), -ENOSPC);
    assert_int_equal(sqlite3_exec(db, "PRAGMA query_only = ON", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(run(db, "INSERT INTO t VALUES (1)"), -EROFS);
    assert_int_equal(run(db, "no SQL"), -EIO);
    sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_an_errno),
        cmocka_unit_test(a_database_gives_these),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
