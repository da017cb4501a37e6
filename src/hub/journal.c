/* journal: see the header. One SQLite database in write-ahead mode, held by one process. */
#include "hub/journal.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

enum { VERSION = 1, PRUNE_EVERY = 256, RETRY_MS = 1000 };

enum statement {
    BEGIN,
    COMMIT,
    APPEND,
    SET_LAST,
    GET_LAST,
    FIND,
    GET_FIRST,
    GET_SIZE,
    COUNT_DEAD,
    PRUNE,
    FIRST_YOUNG,
    GET_CURSOR,
    SET_CURSOR,
    BURY,
    GET_DEAD,
    FORGET,
    STATEMENTS
};

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [APPEND] = "INSERT INTO event (bot, number, time, type, data) VALUES (?1, ?2, ?3, ?4, ?5)",
    [SET_LAST] = "INSERT INTO last (bot, number) VALUES (?1, ?2)"
                 " ON CONFLICT (bot) DO UPDATE SET number = excluded.number",
    /* The last event, or, where all were forgotten, what was noted then. */
    [GET_LAST] = "SELECT max(coalesce((SELECT number FROM last WHERE bot = ?1), 0),"
                 " coalesce((SELECT max(number) FROM event WHERE bot = ?1), 0))",
    [FIND] = "SELECT number, time, type, data FROM event WHERE bot = ?1 AND number >= ?2"
             " ORDER BY number LIMIT 1",
    [GET_FIRST] = "SELECT number FROM event WHERE bot = ?1 ORDER BY number LIMIT 1",
    [GET_SIZE] = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    [COUNT_DEAD] = "SELECT count(*) FROM dead WHERE bot = ?1",
    [PRUNE] = "DELETE FROM event WHERE bot = ?1 AND number < ?2",
    [FIRST_YOUNG] =
        "SELECT number FROM event WHERE bot = ?1 AND time >= ?2 ORDER BY number LIMIT 1",
    [GET_CURSOR] = "SELECT number FROM cursor WHERE bot = ?1 AND sink = ?2",
    [SET_CURSOR] = "INSERT INTO cursor (bot, number, sink) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT (bot, sink) DO UPDATE SET number = excluded.number",
    [BURY] = "INSERT INTO dead (bot, number, time, status, sink, response)"
             " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [GET_DEAD] = "SELECT id, bot, number, time, status, sink, response FROM dead WHERE id >= ?1"
                 " ORDER BY id LIMIT 1",
    [FORGET] = "DELETE FROM dead WHERE id = ?1",
};

static const char schema[] =
    "CREATE TABLE event ("
    "  bot INTEGER NOT NULL, number INTEGER NOT NULL, time INTEGER NOT NULL, type TEXT NOT NULL,"
    "  data TEXT NOT NULL, PRIMARY KEY (bot, number)) STRICT, WITHOUT ROWID;"
    /* Noted before events are forgotten, so that a number is never given twice. */
    "CREATE TABLE last (bot INTEGER PRIMARY KEY, number INTEGER NOT NULL) STRICT;"
    "CREATE TABLE cursor ("
    "  bot INTEGER NOT NULL, sink TEXT NOT NULL, number INTEGER NOT NULL,"
    "  PRIMARY KEY (bot, sink)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE dead ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, bot INTEGER NOT NULL, number INTEGER NOT NULL,"
    "  time INTEGER NOT NULL, status INTEGER NOT NULL, sink TEXT NOT NULL, response TEXT NOT NULL"
    ") STRICT;"
    "PRAGMA user_version = 1;";

struct mk_journal {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    struct mk_journal_config config;
    sqlite3_stmt *borrowed; /* stands on a row whose texts somebody may still read */
    uint64_t retry_at;      /* after a commit that failed: no sooner than this, monotonic ms */
    unsigned appended;      /* since the last pruning */
    bool in_transaction;
    bool fresh;   /* events were added since the last attempt to commit */
    bool lasting; /* what is to be committed must survive the loss of power */
};

/* --- statements --- */

static int fail(struct mk_journal *journal, const char *what)
{
    int code = sqlite3_errcode(journal->db) & 0xff;
    mk_log_error("journal", "%s: %s", what,
                 code == SQLITE_BUSY ? "another process has it open" : sqlite3_errmsg(journal->db));
    switch (code) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return -EROFS;
    default:
        return -EIO;
    }
}

static sqlite3_stmt *use(struct mk_journal *journal, enum statement which, size_t count,
                         const uint64_t *values)
{
    if (journal->borrowed)
        sqlite3_reset(journal->borrowed);
    journal->borrowed = NULL;
    sqlite3_stmt *statement = journal->statements[which];
    for (size_t i = 0; i < count; i++)
        sqlite3_bind_int64(statement, (int)i + 1, (sqlite3_int64)values[i]);
    return statement;
}
#define USE(journal, which, ...)                                                                   \
    use(journal, which, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),              \
        (const uint64_t[]){ __VA_ARGS__ })

static void bind_text(sqlite3_stmt *statement, int index, struct mk_slice text)
{
    sqlite3_bind_text64(statement, index, text.ptr ? text.ptr : "", text.len, SQLITE_STATIC,
                        SQLITE_UTF8);
}

/* Steps a statement without rows to its end. */
static int run(struct mk_journal *journal, sqlite3_stmt *statement, const char *what)
{
    int rc = sqlite3_step(statement) == SQLITE_DONE ? 0 : fail(journal, what);
    sqlite3_reset(statement);
    return rc;
}

/* Steps to a row, which stays readable until the next use. 1, 0 or a negative errno. */
static int first_row(struct mk_journal *journal, sqlite3_stmt *statement, const char *what)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        journal->borrowed = statement;
        return 1;
    }
    int rc = code == SQLITE_DONE ? 0 : fail(journal, what);
    sqlite3_reset(statement);
    return rc;
}

static uint64_t column_uint(sqlite3_stmt *row, int column)
{
    return (uint64_t)sqlite3_column_int64(row, column);
}

static struct mk_slice column_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return mk_slice_of(text ? text : "", (size_t)sqlite3_column_bytes(row, column));
}

/* --- the transaction of a turn --- */

static int begin(struct mk_journal *journal)
{
    if (journal->in_transaction)
        return 0;
    int rc = run(journal, use(journal, BEGIN, 0, NULL), "cannot begin a transaction");
    journal->in_transaction = rc == 0;
    return rc;
}

/*
 * SQLite itself runs with `synchronous = NORMAL`, which flushes nothing when it commits: so a turn
 * in which cursors alone moved, and webhooks make many, does not wait for the disk. A cursor that
 * the loss of power takes back repeats a delivery under the number that it had.
 */
static int flush(struct mk_journal *journal)
{
    sqlite3_file *log = NULL;
    if (!journal->config.flush || !journal->lasting)
        return 0;
    int code = sqlite3_file_control(journal->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (code == SQLITE_OK && log && log->pMethods)
        code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    if (code == SQLITE_OK)
        return 0;
    mk_log_error("journal", "cannot flush to disk: %s", sqlite3_errstr(code));
    return -EIO;
}

static int commit(struct mk_journal *journal)
{
    int rc = run(journal, use(journal, COMMIT, 0, NULL), "cannot store events");
    /* Where SQLite has kept the transaction, nothing is lost: it is committed when it can be. */
    journal->in_transaction = rc < 0 && !sqlite3_get_autocommit(journal->db);
    if (rc == 0)
        rc = flush(journal);
    if (!journal->in_transaction)
        journal->lasting = false;
    return rc;
}

int mk_journal_commit(struct mk_journal *journal)
{
    bool fresh = journal->fresh;
    journal->fresh = false;
    if (!journal->in_transaction)
        return fresh ? -EIO : 0;
    if (mk_clock_mono_ms() < journal->retry_at)
        return fresh ? -EAGAIN : 0;
    int rc = commit(journal);
    journal->retry_at = rc == 0 ? 0 : mk_clock_mono_ms() + RETRY_MS;
    if (rc == 0)
        return 0;
    if (!journal->in_transaction)
        mk_log_error("journal", "the events of this turn are not stored: who is not connected now "
                                "will miss them");
    return fresh ? rc : 0;
}

/* --- opening --- */

static int exec(struct mk_journal *journal, const char *sql, const char *what)
{
    return sqlite3_exec(journal->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(journal, what);
}

static int check_version(struct mk_journal *journal, const char *path)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(journal->db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK)
        return fail(journal, path);
    int code = sqlite3_step(statement);
    int version = code == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
    int rc = code == SQLITE_ROW ? 0 : fail(journal, path);
    sqlite3_finalize(statement);
    if (rc == 0 && version > VERSION) {
        mk_log_error("journal", "%s was made by a newer version of milky", path);
        return -EINVAL;
    }
    if (rc == 0 && version == 0)
        rc = exec(journal, schema, path);
    return rc;
}

static int prepare(struct mk_journal *journal)
{
    static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                                  "PRAGMA synchronous = NORMAL;"; /* see flush */
    int rc = exec(journal, pragmas, journal->config.path);
    if (rc == 0)
        rc = exec(journal, "BEGIN IMMEDIATE", journal->config.path);
    if (rc == 0)
        rc = check_version(journal, journal->config.path);
    if (rc == 0)
        rc = exec(journal, "COMMIT", journal->config.path);
    for (size_t i = 0; i < STATEMENTS && rc == 0; i++)
        if (sqlite3_prepare_v3(journal->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &journal->statements[i], NULL) != SQLITE_OK)
            rc = fail(journal, texts[i]);
    return rc;
}

int mk_journal_open(const struct mk_journal_config *config, struct mk_journal **result)
{
    struct mk_journal *journal = calloc(1, sizeof(*journal));
    if (!journal)
        return -ENOMEM;
    journal->config = *config;
    int rc = 0;
    /* One thread has it; statistics that nobody reads would lock at each piece of memory. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(config->path, &journal->db, flags, NULL) != SQLITE_OK)
        rc = fail(journal, config->path);
    if (rc == 0)
        rc = prepare(journal);
    journal->config.path = NULL; /* it was borrowed */
    if (rc < 0) {
        mk_journal_close(journal);
        return rc;
    }
    *result = journal;
    return 0;
}

struct mk_journal *mk_journal_close(struct mk_journal *journal)
{
    if (!journal)
        return NULL;
    journal->retry_at = 0;
    mk_journal_commit(journal);
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(journal->statements[i]);
    sqlite3_close(journal->db);
    free(journal);
    return NULL;
}

/* --- events --- */

/* Forgets what is beyond the bounds. Failing here costs room, not events. */
static void prune(struct mk_journal *journal, uint64_t self_id, uint64_t last)
{
    uint64_t keep_from =
        last > journal->config.max_events ? last - journal->config.max_events + 1 : 0;
    uint64_t now = mk_clock_real_ms() / 1000;
    uint64_t cutoff = now > journal->config.max_age ? now - journal->config.max_age : 0;
    sqlite3_stmt *row = USE(journal, FIRST_YOUNG, self_id, cutoff);
    uint64_t young = last + 1;
    int rc = first_row(journal, row, "cannot look for old events");
    if (rc > 0)
        young = column_uint(row, 0);
    if (rc >= 0 && young > keep_from)
        keep_from = young;
    if (rc >= 0 && keep_from > 0)
        rc = run(journal, USE(journal, SET_LAST, self_id, last), "cannot store a number");
    if (rc >= 0 && keep_from > 0)
        run(journal, USE(journal, PRUNE, self_id, keep_from), "cannot forget old events");
}

int mk_journal_append(struct mk_journal *journal, uint64_t self_id,
                      const struct mk_journal_event *event)
{
    journal->fresh = true;
    journal->lasting = true;
    int rc = begin(journal);
    if (rc < 0)
        return rc;
    sqlite3_stmt *statement = USE(journal, APPEND, self_id, event->number, event->time);
    bind_text(statement, 4, event->type);
    bind_text(statement, 5, event->data);
    rc = run(journal, statement, "cannot store an event");
    if (rc == 0 && ++journal->appended >= PRUNE_EVERY) {
        journal->appended = 0;
        prune(journal, self_id, event->number);
    }
    return rc;
}

uint64_t mk_journal_last(struct mk_journal *journal, uint64_t self_id)
{
    sqlite3_stmt *row = USE(journal, GET_LAST, self_id);
    return first_row(journal, row, "cannot read the last number") > 0 ? column_uint(row, 0) : 0;
}

int mk_journal_find(struct mk_journal *journal, uint64_t self_id, uint64_t from,
                    struct mk_journal_event *event)
{
    sqlite3_stmt *row = USE(journal, FIND, self_id, from);
    int rc = first_row(journal, row, "cannot read an event");
    if (rc > 0)
        *event = (struct mk_journal_event){
            .number = column_uint(row, 0),
            .time = column_uint(row, 1),
            .type = column_text(row, 2),
            .data = column_text(row, 3),
        };
    return rc;
}

void mk_journal_measure(struct mk_journal *journal, uint64_t self_id,
                        struct mk_journal_measure *measure)
{
    *measure = (struct mk_journal_measure){ .last = mk_journal_last(journal, self_id) };
    if (first_row(journal, USE(journal, GET_FIRST, self_id), "cannot read the first number") > 0)
        measure->first = column_uint(journal->borrowed, 0);
    if (first_row(journal, USE(journal, COUNT_DEAD, self_id), "cannot count dead letters") > 0)
        measure->dead = column_uint(journal->borrowed, 0);
}

uint64_t mk_journal_size(struct mk_journal *journal)
{
    sqlite3_stmt *row = use(journal, GET_SIZE, 0, NULL);
    return first_row(journal, row, "cannot read its size") > 0 ? column_uint(row, 0) : 0;
}

bool mk_journal_well(const struct mk_journal *journal)
{
    return journal->retry_at == 0;
}

/* --- durable sinks --- */

int mk_journal_cursor(struct mk_journal *journal, uint64_t self_id, struct mk_slice sink,
                      uint64_t *number)
{
    sqlite3_stmt *row = USE(journal, GET_CURSOR, self_id);
    bind_text(row, 2, sink);
    int rc = first_row(journal, row, "cannot read a cursor");
    if (rc > 0)
        *number = column_uint(row, 0);
    return rc;
}

int mk_journal_set_cursor(struct mk_journal *journal, uint64_t self_id, struct mk_slice sink,
                          uint64_t number)
{
    int rc = begin(journal);
    if (rc < 0)
        return rc;
    sqlite3_stmt *statement = USE(journal, SET_CURSOR, self_id, number);
    bind_text(statement, 3, sink);
    return run(journal, statement, "cannot store a cursor");
}

/* --- dead letters --- */

int mk_journal_bury(struct mk_journal *journal, const struct mk_dead_letter *letter)
{
    journal->lasting = true;
    int rc = begin(journal);
    if (rc < 0)
        return rc;
    sqlite3_stmt *statement =
        USE(journal, BURY, letter->self_id, letter->number, letter->time, letter->status);
    bind_text(statement, 5, letter->sink);
    bind_text(statement, 6, letter->response);
    return run(journal, statement, "cannot set a delivery aside");
}

int mk_journal_dead(struct mk_journal *journal, uint64_t id, struct mk_dead_letter *letter)
{
    sqlite3_stmt *row = USE(journal, GET_DEAD, id);
    int rc = first_row(journal, row, "cannot read a dead letter");
    if (rc > 0)
        *letter = (struct mk_dead_letter){
            .id = column_uint(row, 0),
            .self_id = column_uint(row, 1),
            .number = column_uint(row, 2),
            .time = column_uint(row, 3),
            .status = (unsigned)column_uint(row, 4),
            .sink = column_text(row, 5),
            .response = column_text(row, 6),
        };
    return rc;
}

int mk_journal_forget(struct mk_journal *journal, uint64_t id)
{
    int rc = begin(journal);
    if (rc < 0)
        return rc;
    rc = run(journal, USE(journal, FORGET, id), "cannot forget a dead letter");
    return rc < 0 ? rc : sqlite3_changes(journal->db);
}
