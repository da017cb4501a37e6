/* db: see the header. */
#include "backend/sandbox/store/db.h"

#include "backend/sandbox/store/private_file.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sqlite_error.h"

#include <errno.h>
#include <stdlib.h>

enum {
    QUIET_MS = 10 * 1000, /* between two log lines of the same error */
};

/* --- errors --- */

static void log_failure(const struct sb_db *db, const struct mk_phrase *what, int code)
{
    const char *text = mk_phrase_text(what), *why = sqlite3_errmsg(db->handle);
    switch (code & 0xff) {
    case SQLITE_FULL:
        mk_log_error("sandbox",
                     "%s: %s (SQLite %d): nothing is stored until there is room on its disk",
                     "%s：%s（SQLite %d）：在磁盘有空间之前不会存储任何内容", text, why, code);
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        mk_log_error("sandbox",
                     "%s: %s (SQLite %d): the world is damaged; stop, and put a backup of it in "
                     "its place",
                     "%s：%s（SQLite %d）：世界已损坏；请停止程序，并以备份替换", text, why, code);
        break;
    case SQLITE_READONLY:
        mk_log_error("sandbox", "%s: %s (SQLite %d): it cannot be written",
                     "%s：%s（SQLite %d）：它不可写", text, why, code);
        break;
    default:
        mk_log_error("sandbox", "%s: %s (SQLite %d)", "%s：%s（SQLite %d）", text, why, code);
    }
}

int sb_db_fail(struct sb_db *db, const struct mk_phrase *what)
{
    int code = sqlite3_extended_errcode(db->handle);
    int error = mk_sqlite_errno(code);
    uint64_t now = mk_clock_mono_ms();
    if (code != db->logged || now - db->logged_at >= QUIET_MS) {
        log_failure(db, what, code);
        db->logged = code;
        db->logged_at = now;
    }
    return error == -ENOSPC || error == -ENOMEM ? error : -EIO;
}

/* --- statements --- */

struct sb_statement {
    const struct sb_query *query; /* NULL: the slot is free */
    sqlite3_stmt *prepared;
};

/* Finds the slot of a query, or the free slot that it would get. There is always a free one. */
static struct sb_statement *slot_of(const struct sb_db *db, const struct sb_query *query)
{
    size_t mask = db->statement_room - 1;
    size_t at = ((uintptr_t)query / sizeof(*query)) & mask;
    while (db->statements[at].query && db->statements[at].query != query)
        at = (at + 1) & mask;
    return &db->statements[at];
}

static int grow(struct sb_db *db)
{
    struct sb_db grown = { .statement_room = db->statement_room ? db->statement_room * 2 : 256 };
    grown.statements = calloc(grown.statement_room, sizeof(*grown.statements));
    if (!grown.statements)
        return -ENOMEM;
    for (size_t i = 0; i < db->statement_room; i++)
        if (db->statements[i].query)
            *slot_of(&grown, db->statements[i].query) = db->statements[i];
    free(db->statements);
    db->statements = grown.statements;
    db->statement_room = grown.statement_room;
    return 0;
}

static sqlite3_stmt *prepare(struct sb_db *db, const struct sb_query *query)
{
    sqlite3_stmt *prepared;
    if (db->statement_count + 1 > db->statement_room / 4 * 3 && grow(db) < 0) {
        mk_log_error("sandbox", "out of memory", "内存不足");
        return NULL;
    }
    if (sqlite3_prepare_v3(db->handle, query->sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared,
                           NULL) != SQLITE_OK) {
        sb_db_fail(db, MK_PHRASE(query->sql, query->sql));
        return NULL;
    }
    *slot_of(db, query) = (struct sb_statement){ query, prepared };
    db->statement_count++;
    return prepared;
}

sqlite3_stmt *sb_db_use(struct sb_db *db, const struct sb_query *query, size_t count,
                        const uint64_t *values)
{
    sqlite3_stmt *statement = db->statement_room ? slot_of(db, query)->prepared : NULL;
    if (!statement)
        statement = prepare(db, query);
    for (size_t i = 0; i < count; i++)
        sqlite3_bind_int64(statement, (int)i + 1, (sqlite3_int64)values[i]);
    return statement;
}

void sb_db_unbind(sqlite3_stmt *statement)
{
    if (statement)
        sqlite3_clear_bindings(statement);
}

int sb_db_step(struct sb_db *db, sqlite3_stmt *statement)
{
    if (!statement)
        return -ENOMEM;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    int result =
        rc == SQLITE_DONE ? 0 : sb_db_fail(db, MK_PHRASE("a statement failed", "语句执行失败"));
    sqlite3_reset(statement);
    return result;
}

int sb_db_run(struct sb_db *db, sqlite3_stmt *statement)
{
    int rc;
    while ((rc = sb_db_step(db, statement)) > 0)
        ;
    return rc;
}

int sb_db_exec(struct sb_db *db, const char *sql, size_t count, const uint64_t *values)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return sb_db_fail(db, MK_PHRASE(sql, sql));
    for (size_t i = 0; i < count; i++)
        sqlite3_bind_int64(statement, (int)i + 1, (sqlite3_int64)values[i]);
    int rc = sb_db_run(db, statement);
    sqlite3_finalize(statement);
    return rc;
}

int sb_db_number(struct sb_db *db, const char *sql, uint64_t *number)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return sb_db_fail(db, MK_PHRASE(sql, sql));
    int rc = sb_db_step(db, statement);
    if (rc > 0)
        *number = sb_db_uint(statement, 0);
    sqlite3_finalize(statement);
    return rc < 0 ? rc : 0;
}

/* --- transaction --- */

/* One of the three that have no rows. */
static bool succeeds(sqlite3_stmt *statement)
{
    bool is_done = sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_reset(statement);
    return is_done;
}

void sb_db_rollback(struct sb_db *db)
{
    db->in_transaction = false;
    if (sqlite3_get_autocommit(db->handle))
        return;
    if (db->rollback)
        succeeds(db->rollback);
    else /* it is being opened */
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

int sb_db_begin(struct sb_db *db)
{
    if (db->in_transaction)
        return 0;
    sb_db_rollback(db); /* after a failure for lack of memory SQLite may still be in one */
    if (!succeeds(db->begin)) {
        int rc = sb_db_fail(db, MK_PHRASE("cannot begin a transaction", "无法开始事务"));
        sb_db_rollback(db);
        return rc;
    }
    db->in_transaction = true;
    return 0;
}

int sb_db_commit(struct sb_db *db)
{
    if (succeeds(db->commit)) {
        db->in_transaction = false;
        return 0;
    }
    int rc = sb_db_fail(db, MK_PHRASE("cannot commit", "无法提交"));
    sb_db_rollback(db);
    return rc;
}

bool sb_db_lost_transaction(const struct sb_db *db)
{
    return db->in_transaction && sqlite3_get_autocommit(db->handle);
}

/* --- opening --- */

/* Logs why a database cannot be opened. */
static int open_failed(struct sb_db *db, const char *path)
{
    int code = sqlite3_extended_errcode(db->handle);
    int system = sqlite3_system_errno(db->handle);
    int error = mk_sqlite_errno(code);
    if ((code & 0xff) == SQLITE_CANTOPEN)
        error = system ? -system : -EIO;
    else if ((code & 0xff) == SQLITE_NOTADB || (code & 0xff) == SQLITE_CORRUPT)
        error = -EINVAL;
    if (error == -ENOENT)
        mk_log_error("sandbox", "cannot open %s: its directory does not exist",
                     "无法打开 %s：所在目录不存在", path);
    else if (error == -EACCES || error == -EROFS)
        mk_log_error("sandbox", "cannot open %s: it or its directory cannot be written",
                     "无法打开 %s：文件或所在目录不可写", path);
    else if (error == -EISDIR)
        mk_log_error("sandbox", "cannot open %s: it is a directory", "无法打开 %s：它是一个目录",
                     path);
    else if (error == -EBUSY)
        mk_log_error("sandbox", "cannot open %s: another process has this world open",
                     "无法打开 %s：另一个进程正在使用这个世界", path);
    else if (error == -EINVAL)
        mk_log_error("sandbox", "cannot open %s: it is not an SQLite database, or damaged (%s)",
                     "无法打开 %s：它不是 SQLite 数据库，或已损坏（%s）", path,
                     sqlite3_errmsg(db->handle));
    else
        mk_log_error("sandbox", "cannot open %s: %s (SQLite %d)", "无法打开 %s：%s（SQLite %d）",
                     path, sqlite3_errmsg(db->handle), code);
    return error;
}

static int read_number(struct sb_db *db, const char *sql, uint64_t *value)
{
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(statement);
    *value = rc == SQLITE_ROW ? sb_db_uint(statement, 0) : 0;
    rc = sqlite3_reset(statement);
    sqlite3_finalize(statement);
    return rc;
}

/* Refuses a file that is no world, or a newer one, before it is changed. */
static int check_file(struct sb_db *db, const char *path, uint64_t newest, uint64_t *version)
{
    uint64_t application, tables;
    if (read_number(db, "PRAGMA application_id", &application) != SQLITE_OK ||
        read_number(db, "PRAGMA user_version", version) != SQLITE_OK ||
        read_number(db, "SELECT count(*) FROM sqlite_schema", &tables) != SQLITE_OK)
        return open_failed(db, path);
    if (application == 0 && *version == 0 && tables == 0)
        return 0;
    if (application != SB_DB_APPLICATION || *version == 0) {
        mk_log_error("sandbox", "cannot use %s: it is a database of another program",
                     "无法使用 %s：它是其他程序的数据库", path);
        return -EINVAL;
    }
    if (*version > newest) {
        mk_log_error("sandbox",
                     "cannot use %s: its tables are of version %llu and this milky knows version "
                     "%llu; use the milky that made it, or a newer one",
                     "无法使用 %s：其表的版本为 %llu，此 milky 只支持版本 %llu；请使用创建它的 "
                     "milky 或更新的版本",
                     path, (unsigned long long)*version, (unsigned long long)newest);
        return -ENOTSUP;
    }
    return 0;
}

static int open_file(struct sb_db *db, const char *path)
{
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (strcmp(path, ":memory:") != 0)
        sb_private_database(path);
    int rc = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (!db->handle) {
        mk_log_error("sandbox", "out of memory", "内存不足");
        return -ENOMEM;
    }
    if (rc != SQLITE_OK)
        return open_failed(db, path);
    if (sqlite3_db_readonly(db->handle, "main") == 1) {
        mk_log_error("sandbox", "cannot open %s: it cannot be written", "无法打开 %s：它不可写",
                     path);
        return -EACCES;
    }
    /* The lock is taken with the first read and kept until the end: one process, one world. */
    rc = sqlite3_exec(db->handle, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : open_failed(db, path);
}

static uint64_t newest_of(const struct sb_feature *const *features)
{
    uint64_t newest = 0;
    for (; *features; features++)
        for (const struct sb_schema_step *step = (*features)->steps; step && step->sql; step++)
            if (step->version > newest)
                newest = step->version;
    return newest;
}

/* Runs the steps of one version, in the order of the features. */
static int make_version(struct sb_db *db, const struct sb_feature *const *features,
                        uint64_t version)
{
    for (; *features; features++)
        for (const struct sb_schema_step *step = (*features)->steps; step && step->sql; step++)
            if (step->version == version &&
                sqlite3_exec(db->handle, step->sql, NULL, NULL, NULL) != SQLITE_OK)
                return sb_db_fail(db, MK_PHRASE("cannot make the tables", "无法创建表"));
    return 0;
}

/* Makes the tables of a new world (version 0), or brings those of an older one up to date. */
static int update_tables(struct sb_db *db, const struct sb_feature *const *features,
                         const char *path, uint64_t version)
{
    uint64_t newest = newest_of(features);
    int rc = 0;
    if (version == newest)
        return 0;
    for (uint64_t next = version + 1; rc == 0 && next <= newest; next++)
        rc = make_version(db, features, next);
    if (rc < 0)
        return rc;
    char marks[96];
    sqlite3_snprintf(sizeof(marks), marks, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                     SB_DB_APPLICATION, (int)newest);
    if (sqlite3_exec(db->handle, marks, NULL, NULL, NULL) != SQLITE_OK)
        return sb_db_fail(db, MK_PHRASE("cannot make the tables", "无法创建表"));
    if (version > 0)
        mk_log_info("sandbox", "upgraded the world in %s from version %llu to %llu",
                    "已将 %s 中的世界从版本 %llu 升级到 %llu", path, (unsigned long long)version,
                    (unsigned long long)newest);
    return 0;
}

static int prepare_for_good(struct sb_db *db, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
                   SQLITE_OK
               ? 0
               : sb_db_fail(db, MK_PHRASE(sql, sql));
}

static int begin_use(struct sb_db *db, const struct sb_feature *const *features, const char *path,
                     uint64_t version)
{
    static const char settings[] = "PRAGMA journal_mode = WAL;"
                                   "PRAGMA synchronous = FULL;"
                                   "PRAGMA foreign_keys = ON;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA secure_delete = OFF;" /* it would zero what is deleted */
                                   "PRAGMA wal_autocheckpoint = 4000;" /* pages: hot ones once */
                                   "PRAGMA cache_size = -65536;"       /* KiB */
                                   "BEGIN IMMEDIATE;";
    if (sqlite3_exec(db->handle, settings, NULL, NULL, NULL) != SQLITE_OK)
        return open_failed(db, path);
    db->in_transaction = true;
    int rc = prepare_for_good(db, "ROLLBACK", &db->rollback);
    if (rc == 0)
        rc = prepare_for_good(db, "BEGIN IMMEDIATE", &db->begin);
    if (rc == 0)
        rc = prepare_for_good(db, "COMMIT", &db->commit);
    if (rc < 0)
        return rc;
    return update_tables(db, features, path, version);
}

static void log_damage(const struct mk_sqlite_log *log, const char *path)
{
    static const struct mk_phrase follows = {
        "messages, members and all else are as before those. Events that they have made stay where "
        "they are, and no event's number is given again; a message's number may be",
        "消息、成员等一切都回到这些更改之前。它们产生的事件仍然保留，事件编号不会重复；消息编号则"
        "可能重复"
    };
    if (log->headless)
        mk_log_error("sandbox", "the head of %s-wal is damaged, so all changes in it are lost: %s",
                     "%s-wal 的文件头已损坏，其中的更改全部丢失：%s", path,
                     mk_phrase_text(&follows));
    else if (log->lost == 1)
        mk_log_warn("sandbox",
                    "the last change in %s-wal is damaged, or a crash has interrupted it, so it is "
                    "lost: %s",
                    "%s-wal 中的最后一次更改已损坏，或因崩溃而未完成，因此丢失：%s", path,
                    mk_phrase_text(&follows));
    else if (log->lost > 1)
        mk_log_error("sandbox",
                     "%s-wal is damaged: the last %llu of its %llu changes are lost, and %s",
                     "%s-wal 已损坏：最后 %llu 次更改丢失（共 %llu 次），%s", path,
                     (unsigned long long)log->lost, (unsigned long long)(log->lost + log->kept),
                     mk_phrase_text(&follows));
}

int sb_db_open(struct sb_db *db, const struct sb_feature *const *features, const char *path,
               bool *is_new)
{
    uint64_t version = 0;
    *db = (struct sb_db){ 0 };
    mk_sqlite_log_check(path, &db->log);
    int rc = open_file(db, path);
    if (rc == 0)
        rc = check_file(db, path, newest_of(features), &version);
    if (rc == 0)
        rc = begin_use(db, features, path, version);
    if (rc < 0)
        sb_db_close(db);
    else
        log_damage(&db->log, path);
    *is_new = version == 0;
    return rc;
}

/* The query must return the new mode. */
static int leave_wal(struct sb_db *db, const char *path)
{
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode = DELETE", -1, &statement, NULL);
    if (rc != SQLITE_OK)
        return open_failed(db, path);
    rc = sqlite3_step(statement);
    const char *mode = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    bool is_done = mode && strcmp(mode, "delete") == 0;
    sqlite3_finalize(statement);
    if (is_done && sqlite3_exec(db->handle, "BEGIN EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return open_failed(db, path);
}

int sb_db_open_alone(struct sb_db *db, const struct sb_feature *const *features, const char *path)
{
    uint64_t version;
    *db = (struct sb_db){ 0 };
    mk_sqlite_log_check(path, &db->log);
    int rc = open_file(db, path);
    if (rc == 0)
        rc = check_file(db, path, newest_of(features), &version);
    if (rc == 0)
        rc = leave_wal(db, path);
    if (rc < 0)
        sb_db_close(db);
    else
        log_damage(&db->log, path);
    return rc;
}

void sb_db_close(struct sb_db *db)
{
    if (!db->handle)
        return;
    if (db->in_transaction)
        sb_db_rollback(db);
    for (size_t i = 0; i < db->statement_room; i++)
        sqlite3_finalize(db->statements[i].prepared);
    sqlite3_finalize(db->begin);
    sqlite3_finalize(db->commit);
    sqlite3_finalize(db->rollback);
    free(db->statements);
    sqlite3_close(db->handle);
    *db = (struct sb_db){ 0 };
}
