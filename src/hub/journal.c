/* journal: see the header. One SQLite database in write-ahead mode, locked by one process. */
#include "hub/journal_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sqlite_error.h"

#include <errno.h>
#include <stdlib.h>

enum {
    KEPT_PENDING = 64 * 1024,
    MOST_WAITING = 64 * 1024, /* bytes of kept events that one transaction gathers */
};

/* --- statements --- */

int mk_journal_fail(struct mk_journal *journal, const struct mk_phrase *what)
{
    int code = sqlite3_errcode(journal->db) & 0xff;
    const char *why = code == SQLITE_BUSY
                          ? mk_tr("another process has it open", "另一个进程正在使用它")
                          : sqlite3_errmsg(journal->db);
    if (journal->retry_at) /* the failure was logged already */
        mk_log_debug("journal", "%s: %s", "%s：%s", mk_phrase_text(what), why);
    else
        mk_log_error("journal", "%s: %s", "%s：%s", mk_phrase_text(what), why);
    return mk_sqlite_errno(code);
}

sqlite3_stmt *mk_journal_use(struct mk_journal *journal, enum mk_journal_statement which,
                             size_t count, const uint64_t *values)
{
    if (journal->borrowed)
        sqlite3_reset(journal->borrowed);
    journal->borrowed = NULL;
    sqlite3_stmt *statement = journal->statements[which];
    for (size_t i = 0; i < count; i++)
        sqlite3_bind_int64(statement, (int)i + 1, (sqlite3_int64)values[i]);
    return statement;
}

void mk_journal_bind_text(sqlite3_stmt *statement, int index, struct mk_slice text)
{
    sqlite3_bind_text64(statement, index, text.ptr ? text.ptr : "", text.len, SQLITE_STATIC,
                        SQLITE_UTF8);
}

void mk_journal_note_rollback(struct mk_journal *journal)
{
    journal->in_transaction = !sqlite3_get_autocommit(journal->db);
    if (journal->pending.len > 0)
        journal->broken = true;
    if (journal->unlogged)
        journal->missed = true;
    journal->unlogged = false;
}

int mk_journal_run(struct mk_journal *journal, sqlite3_stmt *statement,
                   const struct mk_phrase *what)
{
    int rc = sqlite3_step(statement) == SQLITE_DONE ? 0 : mk_journal_fail(journal, what);
    sqlite3_reset(statement);
    if (rc < 0)
        mk_journal_note_rollback(journal);
    return rc;
}

int mk_journal_first_row(struct mk_journal *journal, sqlite3_stmt *statement,
                         const struct mk_phrase *what)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        journal->borrowed = statement;
        return 1;
    }
    int rc = code == SQLITE_DONE ? 0 : mk_journal_fail(journal, what);
    sqlite3_reset(statement);
    if (rc < 0)
        mk_journal_note_rollback(journal);
    return rc;
}

uint64_t mk_journal_column_uint(sqlite3_stmt *row, int column)
{
    return (uint64_t)sqlite3_column_int64(row, column);
}

struct mk_slice mk_journal_column_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return mk_slice_of(text ? text : "", (size_t)sqlite3_column_bytes(row, column));
}

/* --- the transaction of a turn --- */

static int begin(struct mk_journal *journal)
{
    if (journal->in_transaction)
        return 0;
    int rc = mk_journal_run(journal, mk_journal_use(journal, BEGIN, 0, NULL),
                            MK_PHRASE("cannot begin a transaction", "无法开始事务"));
    journal->in_transaction = rc == 0;
    return rc;
}

/*
 * SQLite runs with `synchronous = NORMAL`, which flushes nothing on commit: so a turn that only
 * moved cursors (webhooks make many of these), or whose events the backend keeps, does not wait for
 * the disk. A cursor that a power failure moves back repeats a delivery with the same number.
 */
static int flush_log(struct mk_journal *journal)
{
    sqlite3_file *log = NULL;
    int code = sqlite3_file_control(journal->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (code == SQLITE_OK && log && log->pMethods)
        code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    return code;
}

/*
 * Linux reports a page that it could not write only once, and considers it written afterwards:
 * after a failed flush a successful one proves nothing. So the whole log is written again, into the
 * database.
 */
static int rewrite_and_flush(struct mk_journal *journal)
{
    if (journal->borrowed)
        sqlite3_reset(journal->borrowed);
    journal->borrowed = NULL;
    return sqlite3_wal_checkpoint_v2(journal->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

static int flush(struct mk_journal *journal)
{
    if (!journal->config.flush)
        return 0;
    int code = journal->flush_failed ? rewrite_and_flush(journal) : flush_log(journal);
    journal->flush_failed = code != SQLITE_OK;
    if (code == SQLITE_OK)
        return 0;
    if (!journal->retry_at)
        mk_log_error("journal", "cannot flush to disk: %s", "无法写入磁盘：%s",
                     sqlite3_errstr(code));
    return -EIO;
}

static int insert(struct mk_journal *journal, const struct mk_redo *record)
{
    static const struct {
        enum mk_journal_statement statement;
        size_t numbers, texts;
        struct mk_phrase failure;
    } kinds[] = {
        [MK_REDO_EVENT] = { APPEND, 5, 2, { "cannot store an event", "无法存储事件" } },
        [MK_REDO_KEY] = { ADD_KEY,
                          3,
                          1,
                          { "cannot store the key of an event", "无法存储事件的去重键" } },
        [MK_REDO_CURSOR] = { SET_CURSOR, 2, 1, { "cannot store a cursor", "无法存储游标" } },
        [MK_REDO_ADD_DEAD_LETTER] = { ADD_DEAD_LETTER,
                                      4,
                                      2,
                                      { "cannot set a delivery aside", "无法搁置投递" } },
        [MK_REDO_REMOVE_DEAD_LETTER] = { REMOVE_DEAD_LETTER,
                                         1,
                                         0,
                                         { "cannot forget a dead letter", "无法删除搁置的投递" } },
    };
    size_t count = kinds[record->kind].numbers;
    sqlite3_stmt *statement =
        mk_journal_use(journal, kinds[record->kind].statement, count, record->numbers);
    for (size_t i = 0; i < kinds[record->kind].texts; i++)
        mk_journal_bind_text(statement, (int)(count + i) + 1, record->texts[i]);
    return mk_journal_run(journal, statement, &kinds[record->kind].failure);
}

/* Writes all pending records again, in a new transaction. */
static int redo(struct mk_journal *journal)
{
    struct mk_slice rest = mk_buf_slice(&journal->pending);
    struct mk_redo record;
    int rc = 0;
    if (journal->in_transaction)
        rc = mk_journal_run(journal, mk_journal_use(journal, ROLLBACK, 0, NULL),
                            MK_PHRASE("cannot roll back", "无法回滚"));
    journal->in_transaction = !sqlite3_get_autocommit(journal->db);
    if (rc == 0)
        rc = begin(journal);
    while (rc == 0 && mk_redo_next(&rest, &record))
        rc = insert(journal, &record);
    if (rc == 0)
        journal->broken = false;
    return rc;
}

int mk_journal_redo_pending(struct mk_journal *journal)
{
    if (!journal->broken)
        return 0;
    if (journal->retry_at && mk_clock_mono_ms() < journal->retry_at)
        return -EAGAIN;
    return redo(journal);
}

int mk_journal_add_record(struct mk_journal *journal, const struct mk_redo *record)
{
    if (record->kind != MK_REDO_EVENT && record->kind != MK_REDO_KEY)
        journal->due = true;
    bool kept = mk_redo_add(&journal->pending, record) == 0;
    int rc = journal->broken ? -EIO : begin(journal);
    if (rc == 0)
        rc = insert(journal, record);
    if (rc == 0 && !kept &&
        record->kind != MK_REDO_CURSOR) /* a lost cursor only repeats a delivery */
        journal->unlogged = true;
    return kept ? 0 : rc;
}

static int end_transaction(struct mk_journal *journal)
{
    if (!journal->in_transaction)
        return 0;
    int rc = mk_journal_run(journal, mk_journal_use(journal, COMMIT, 0, NULL),
                            MK_PHRASE("cannot store events", "无法存储事件"));
    if (rc < 0)
        return rc;
    journal->in_transaction = false;
    journal->unlogged = false;
    mk_buf_reset(&journal->pending, KEPT_PENDING);
    return 0;
}

static int try_to_commit(struct mk_journal *journal)
{
    int rc = journal->broken ? redo(journal) : 0;
    if (rc == 0)
        rc = end_transaction(journal);
    if (rc == 0 && journal->needs_flush)
        rc = flush(journal);
    if (rc == 0)
        journal->needs_flush = journal->due = false;
    return rc;
}

/* Nothing but kept events is new, there are few of them, and nothing has failed. */
static bool may_wait(const struct mk_journal *journal)
{
    return !journal->due && !journal->needs_flush && !journal->broken && !journal->unlogged &&
           journal->retry_at == 0 && journal->pending.len < MOST_WAITING;
}

static int commit(struct mk_journal *journal)
{
    if ((!journal->in_transaction && !journal->broken && !journal->needs_flush) ||
        may_wait(journal))
        return 0;
    if (journal->retry_at && mk_clock_mono_ms() < journal->retry_at)
        return -EAGAIN;
    int rc = try_to_commit(journal);
    if (rc < 0 && !journal->retry_at)
        rc = try_to_commit(journal); /* the first failure may have been temporary */
    if (rc == 0) {
        if (journal->retry_at)
            mk_log_warn("journal", "events are stored again", "事件已恢复存储");
        journal->retry_at = 0;
        mk_backoff_reset(&journal->retry);
        return 0;
    }
    if (!journal->retry_at)
        mk_log_error("journal",
                     "calls that make events fail until events can be stored, which is tried again "
                     "and again: is there room on the disk of the journal?",
                     "在事件能够存储之前，产生事件的调用都会失败；程序会不断重试：事件日志所在的磁"
                     "盘还有空间吗？");
    journal->retry_at = mk_clock_mono_ms() + mk_backoff_next(&journal->retry);
    return rc;
}

int mk_journal_commit(struct mk_journal *journal)
{
    bool fresh = journal->fresh;
    bool missed = journal->missed;
    journal->fresh = false;
    journal->missed = false;
    int rc = commit(journal);
    if (missed)
        return -EIO;
    if (rc == 0)
        mk_marks_write(&journal->marks);
    return fresh ? rc : 0;
}

bool mk_journal_waits(const struct mk_journal *journal)
{
    return journal->in_transaction && may_wait(journal);
}

void mk_journal_settle(struct mk_journal *journal, bool flush)
{
    if (!journal)
        return;
    journal->due = true;
    journal->needs_flush |= flush;
}

int mk_journal_flush(struct mk_journal *journal)
{
    if (journal->broken || journal->retry_at || end_transaction(journal) < 0)
        return -EAGAIN; /* which the end of the turn tries again */
    int rc = flush(journal);
    if (rc == 0)
        journal->needs_flush = journal->due = false;
    return rc;
}

struct mk_journal *mk_journal_close(struct mk_journal *journal)
{
    if (!journal)
        return NULL;
    journal->retry_at = 0;
    journal->due = true;
    mk_journal_commit(journal);
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(journal->statements[i]);
    sqlite3_close(journal->db);
    mk_marks_close(&journal->marks);
    mk_buf_fini(&journal->pending);
    free(journal);
    return NULL;
}

bool mk_journal_is_healthy(const struct mk_journal *journal)
{
    return journal->retry_at == 0;
}

void mk_journal_fail_commit(struct mk_journal *journal)
{
    journal->missed = true;
}
