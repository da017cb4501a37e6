/* journal_open: see journal.h and journal_private.h. */
#include "hub/journal_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sqlite_log.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

enum { FIRST_RETRY_MS = 20, MAX_RETRY_MS = 1000 };
enum { MAX_PENDING = 64 * 1024 * 1024 }; /* bytes that wait while the disk fails */

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [APPEND] = "INSERT OR REPLACE INTO event (bot, number, time, stored, checksum, type, data)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [SET_LAST] = "INSERT INTO last (bot, number) VALUES (?1, ?2)"
                 " ON CONFLICT (bot) DO UPDATE SET number = excluded.number",
    /* The last event, or, if all were deleted, the number that was stored then. */
    [GET_LAST] = "SELECT max(coalesce((SELECT number FROM last WHERE bot = ?1), 0),"
                 " coalesce((SELECT max(number) FROM event WHERE bot = ?1), 0))",
    /* The highest one that anything refers to. */
    [GET_HIGHEST] = "SELECT max(coalesce((SELECT number FROM last WHERE bot = ?1), 0),"
                    " coalesce((SELECT max(number) FROM event WHERE bot = ?1), 0),"
                    " coalesce((SELECT max(number) FROM cursor WHERE bot = ?1), 0),"
                    " coalesce((SELECT max(number) FROM dead WHERE bot = ?1), 0),"
                    " coalesce((SELECT max(number) FROM event_key WHERE bot = ?1), 0))",
    [FIND] = "SELECT number, time, type, data, checksum FROM event WHERE bot = ?1 AND number >= ?2"
             " ORDER BY number LIMIT 1",
    [GET_FIRST] = "SELECT number FROM event WHERE bot = ?1 ORDER BY number LIMIT 1",
    [GET_SIZE] = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    [COUNT_DEAD_LETTERS] = "SELECT count(*) FROM dead WHERE bot = ?1",
    [PRUNE] = "DELETE FROM event WHERE bot = ?1 AND number < ?2",
    [FIRST_YOUNG] =
        "SELECT number FROM event WHERE bot = ?1 AND stored >= ?2 ORDER BY number LIMIT 1",
    [ADD_KEY] = "INSERT OR REPLACE INTO event_key (bot, ordinal, number, key)"
                " VALUES (?1, ?2, ?3, ?4)",
    [PRUNE_KEYS] = "DELETE FROM event_key WHERE bot = ?1 AND ordinal < ?2",
    [GET_KEYS] = "SELECT ordinal, number, key FROM event_key WHERE bot = ?1 ORDER BY ordinal",
    [GET_CURSOR] = "SELECT number FROM cursor WHERE bot = ?1 AND sink = ?2",
    [SET_CURSOR] = "INSERT INTO cursor (bot, number, sink) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT (bot, sink) DO UPDATE SET number = excluded.number",
    [ADD_DEAD_LETTER] = "INSERT INTO dead (bot, number, time, status, sink, response)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [FIND_DEAD_LETTER] =
        "SELECT id, bot, number, time, status, sink, response FROM dead WHERE id >= ?1"
        " ORDER BY id LIMIT 1",
    [REMOVE_DEAD_LETTER] = "DELETE FROM dead WHERE id = ?1",
    /* More than ?2: all but the last ?3. */
    [LIMIT_DEAD_LETTERS] =
        "DELETE FROM dead WHERE bot = ?1 AND (SELECT count(*) FROM dead WHERE bot = ?1) > ?2"
        " AND id <= (SELECT id FROM dead WHERE bot = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?3)",
    [EXPIRE_DEAD_LETTERS] = "DELETE FROM dead WHERE time < ?1",
    [NEXT_CURSOR] = "SELECT bot, sink, coalesce(since, 0) FROM cursor"
                    " LEFT JOIN unused USING (bot, sink) WHERE (bot, sink) > (?1, ?2)"
                    " ORDER BY bot, sink LIMIT 1",
    [SET_UNUSED] = "INSERT INTO unused (bot, since, sink) VALUES (?1, ?2, ?3)",
    [SET_USED] = "DELETE FROM unused WHERE bot = ?1 AND sink = ?2",
    [REMOVE_CURSOR] = "DELETE FROM cursor WHERE bot = ?1 AND sink = ?2",
};

/* The statements that upgrade version n - 1 to n. */
static const char *const steps[] = {
    "CREATE TABLE event ("
    "  bot INTEGER NOT NULL, number INTEGER NOT NULL, time INTEGER NOT NULL, type TEXT NOT NULL,"
    "  data TEXT NOT NULL, PRIMARY KEY (bot, number)) STRICT, WITHOUT ROWID;"
    /* Stored before events are deleted, so that no number is used twice. */
    "CREATE TABLE last (bot INTEGER PRIMARY KEY, number INTEGER NOT NULL) STRICT;"
    "CREATE TABLE cursor ("
    "  bot INTEGER NOT NULL, sink TEXT NOT NULL, number INTEGER NOT NULL,"
    "  PRIMARY KEY (bot, sink)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE dead ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, bot INTEGER NOT NULL, number INTEGER NOT NULL,"
    "  time INTEGER NOT NULL, status INTEGER NOT NULL, sink TEXT NOT NULL, response TEXT NOT NULL"
    ") STRICT;"
    "PRAGMA user_version = 1;",

    /* The time when the event was stored; `time` is by the backend's clock. */
    "ALTER TABLE event ADD COLUMN stored INTEGER NOT NULL DEFAULT 0;"
    "UPDATE event SET stored = time;"
    "PRAGMA application_id = 1296779854; PRAGMA user_version = 2;",

    /* The keys of a bot's last events (hub/keys.h), in their order. */
    "CREATE TABLE event_key ("
    "  bot INTEGER NOT NULL, ordinal INTEGER NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL,"
    "  PRIMARY KEY (bot, ordinal)) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 3;",

    /* The cursors that no sink uses, and since when (seconds since 1970). */
    "CREATE TABLE IF NOT EXISTS unused ("
    "  bot INTEGER NOT NULL, sink TEXT NOT NULL, since INTEGER NOT NULL,"
    "  PRIMARY KEY (bot, sink)) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 4;",

    /* See journal_events; NULL where an older version has stored the event. */
    "ALTER TABLE event ADD COLUMN checksum INTEGER; PRAGMA user_version = 5;",
};
enum { VERSION = sizeof(steps) / sizeof(steps[0]), APPLICATION = 1296779854 /* "MKJN" */ };

static int exec(struct mk_journal *journal, const char *sql, const char *what)
{
    return sqlite3_exec(journal->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : mk_journal_fail(journal, MK_PHRASE(what, what));
}

static int read_number(struct mk_journal *journal, const char *sql, uint64_t *number)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return mk_journal_fail(journal, MK_PHRASE(journal->config.path, journal->config.path));
    int code = sqlite3_step(statement);
    *number = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    int rc = code == SQLITE_ROW
                 ? 0
                 : mk_journal_fail(journal, MK_PHRASE(journal->config.path, journal->config.path));
    sqlite3_finalize(statement);
    return rc;
}

/* Databases of version 1 have no application id. */
static bool is_ours(uint64_t application, uint64_t version, uint64_t tables, uint64_t own)
{
    if (application == APPLICATION)
        return version > 1;
    return application == 0 && ((version == 0 && tables == 0) || (version == 1 && own == 4));
}

static int update_tables(struct mk_journal *journal, const char *path)
{
    uint64_t application = 0, version = 0, tables = 0, own = 0;
    int rc = read_number(journal, "PRAGMA application_id", &application);
    if (rc == 0)
        rc = read_number(journal, "PRAGMA user_version", &version);
    if (rc == 0)
        rc = read_number(journal, "SELECT count(*) FROM sqlite_schema", &tables);
    if (rc == 0)
        rc = read_number(journal,
                         "SELECT count(*) FROM sqlite_schema"
                         " WHERE type = 'table' AND name IN ('event', 'last', 'cursor', 'dead')",
                         &own);
    if (rc == 0 && !is_ours(application, version, tables, own)) {
        mk_log_error("journal",
                     "%s is a database of another program, so it is not touched: move it away, or "
                     "choose another data_dir",
                     "%s 是其他程序的数据库，不会改动：请移走它，或更换 data_dir", path);
        return -EINVAL;
    }
    journal->is_damaged |= tables == 0;
    if (rc == 0 && version > VERSION) {
        mk_log_error("journal",
                     "%s was made by a newer version of milky (its tables are of version %llu, "
                     "this one knows %d): use that one, or move the file away",
                     "%s 由更新版本的 milky 创建（其表的版本为 %llu，此程序只支持 "
                     "%d）：请使用该版本，或移走此文件",
                     path, (unsigned long long)version, VERSION);
        return -EINVAL;
    }
    for (; rc == 0 && version < VERSION; version++)
        rc = exec(journal, steps[version], path);
    return rc;
}

/* The clock may have jumped before, or while nothing ran: see journal_expiry.c. */
static void start_clock(struct mk_journal *journal)
{
    uint64_t mono = mk_clock_mono_ms();
    journal->clock = (int64_t)(mk_clock_real_ms() - mono);
    journal->clock_jumped_at = mono > 0 ? mono : 1;
}

static int prepare(struct mk_journal *journal)
{
    static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                                  "PRAGMA synchronous = NORMAL;" /* see flush_log */
                                  "PRAGMA secure_delete = OFF;"; /* do not zero deleted data */
    int rc = exec(journal, pragmas, journal->config.path);
    if (rc == 0)
        rc = exec(journal, "BEGIN IMMEDIATE", journal->config.path);
    if (rc == 0)
        rc = update_tables(journal, journal->config.path);
    if (rc == 0)
        rc = exec(journal, "COMMIT", journal->config.path);
    start_clock(journal);
    for (size_t i = 0; i < STATEMENTS && rc == 0; i++)
        if (sqlite3_prepare_v3(journal->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &journal->statements[i], NULL) != SQLITE_OK)
            rc = mk_journal_fail(journal, MK_PHRASE(texts[i], texts[i]));
    return rc;
}

/* Beside the journal, and named like SQLite's own; a journal in memory has no file beside it. */
static int open_marks(struct mk_journal *journal)
{
    if (strcmp(journal->config.path, ":memory:") == 0)
        return 0;
    struct mk_buf path;
    mk_buf_init(&path, PATH_MAX);
    int rc = mk_buf_printf(&path, "%s-numbers-wal", journal->config.path);
    if (rc == 0)
        rc = mk_buf_append_char(&path, '\0');
    if (rc == 0)
        rc = mk_marks_open(&journal->marks, path.data, journal->config.flush);
    mk_buf_fini(&path);
    return rc;
}

int mk_journal_open(const struct mk_journal_config *config, struct mk_journal **result)
{
    struct mk_journal *journal = calloc(1, sizeof(*journal));
    if (!journal)
        return -ENOMEM;
    journal->config = *config;
    journal->marks.file = -1;
    journal->retry = (struct mk_backoff){ .first_ms = FIRST_RETRY_MS, .most_ms = MAX_RETRY_MS };
    mk_buf_init(&journal->pending, MAX_PENDING);
    struct mk_sqlite_log log;
    mk_sqlite_log_check(config->path, &log);
    journal->is_damaged = mk_sqlite_log_is_damaged(&log);
    int rc = 0;
    /* Used by one thread only. */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(config->path, &journal->db, flags, NULL) != SQLITE_OK)
        rc = mk_journal_fail(journal, MK_PHRASE(config->path, config->path));
    if (rc == 0)
        rc = prepare(journal);
    if (rc == 0)
        rc = open_marks(journal);
    journal->config.path = NULL; /* it was borrowed */
    if (rc < 0) {
        mk_journal_close(journal);
        return rc;
    }
    *result = journal;
    return 0;
}
