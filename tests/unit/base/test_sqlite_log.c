/* sqlite_log: against what SQLite itself reads of the same log. */
#include "base/sqlite_log.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUND = 20, PAGE = 4096, FRAME = PAGE + 24 };

static char path[] = "/tmp/milky-log-XXXXXX", copy[64], copy_log[64];
static unsigned char bytes[1 << 20];
static size_t len;

static void put_copy(size_t size)
{
    static unsigned char database[1 << 16];
    FILE *from = fopen(path, "rb"), *to = fopen(copy, "wb");
    size_t got = fread(database, 1, sizeof(database), from);
    assert_int_equal(fwrite(database, 1, got, to), got);
    fclose(from);
    fclose(to);
    FILE *file = fopen(copy_log, "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static uint64_t rows_of_copy(void)
{
    sqlite3 *db;
    sqlite3_stmt *count;
    assert_int_equal(sqlite3_open(copy, &db), SQLITE_OK);
    int code = sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &count, NULL);
    uint64_t rows = code == SQLITE_OK && sqlite3_step(count) == SQLITE_ROW
                        ? (uint64_t)sqlite3_column_int64(count, 0)
                        : 0;
    sqlite3_finalize(count);
    sqlite3_close(db);
    return rows;
}

/* Each transaction adds a row; the log is at its second round, with frames of the first behind. */
static int make(void **state)
{
    (void)state;
    sqlite3 *db;
    char name[64];
    close(mkstemp(path));
    snprintf(copy, sizeof(copy), "%s-copy", path);
    snprintf(copy_log, sizeof(copy_log), "%s-copy-wal", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "PRAGMA journal_mode = WAL; CREATE TABLE t (x)", NULL, NULL, NULL), 0);
    for (int i = 0; i < 3 * ROUND; i++)
        assert_int_equal(sqlite3_exec(db, "INSERT INTO t VALUES (1)", NULL, NULL, NULL), 0);
    assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(RESTART)", NULL, NULL, NULL), 0);
    for (int i = 0; i < ROUND; i++)
        assert_int_equal(sqlite3_exec(db, "INSERT INTO t VALUES (2)", NULL, NULL, NULL), 0);
    snprintf(name, sizeof(name), "%s-wal", path);
    FILE *file = fopen(name, "rb");
    len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    put_copy(len);
    sqlite3_close(db);
    unlink(path);
    rename(copy, path);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    unlink(path);
    unlink(copy);
    unlink(copy_log);
    return 0;
}

static void a_sound_log_has_lost_nothing(void **state)
{
    (void)state;
    struct mk_sqlite_log log;
    put_copy(len);
    mk_sqlite_log_check(copy, &log);
    assert_false(mk_sqlite_log_is_damaged(&log));
    assert_int_equal(log.kept, ROUND);
    /* cut anywhere, as a crash does */
    for (size_t size = 32; size < 32 + ROUND * FRAME; size += 1000) {
        put_copy(size);
        mk_sqlite_log_check(copy, &log);
        assert_false(mk_sqlite_log_is_damaged(&log));
        assert_int_equal(log.kept, (size - 32) / FRAME);
    }
    put_copy(0);
    mk_sqlite_log_check(copy, &log);
    assert_false(mk_sqlite_log_is_damaged(&log));
    mk_sqlite_log_check("/nowhere/world.db", &log);
    assert_false(mk_sqlite_log_is_damaged(&log));
}

static void any_flipped_bit_is_noticed(void **state)
{
    (void)state;
    struct mk_sqlite_log log;
    for (size_t at = 0; at < 32 + ROUND * FRAME; at += at < 80 ? 7 : 3331) {
        for (int bit = 0; bit < 8; bit += 3) {
            bytes[at] ^= (unsigned char)(1 << bit);
            put_copy(len);
            mk_sqlite_log_check(copy, &log);
            uint64_t rows = rows_of_copy();
            bytes[at] ^= (unsigned char)(1 << bit);
            assert_int_equal(rows, 3 * ROUND + log.kept);
            assert_true(mk_sqlite_log_is_damaged(&log));
            if (at >= 32)
                assert_in_range(log.kept + log.lost, ROUND - 1, ROUND);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_log_has_lost_nothing),
        cmocka_unit_test(any_flipped_bit_is_noticed),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
