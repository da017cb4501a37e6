/* journal: see the header. One SQLite database in write-ahead mode, locked by one process. */
#include "hub/journal_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sqlite_error.h"
#include "hub/redo.h"

#include <errno.h>
#include <stdlib.h>

enum {
    PRUNE_EVERY = 256,
    PRUNE_KEYS_EVERY = 64,
    KEPT_PENDING = 64 * 1024,
    MOST_WAITING = 64 * 1024, /* bytes of kept events that one transaction gathers */
    JUMP_MS = 60 * 1000,
    TRUSTED_MS = 3600 * 1000,
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

static sqlite3_stmt *use(struct mk_journal *journal, enum mk_journal_statement which, size_t count,
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

/* Called after any failure: SQLite may have rolled back the whole transaction. */
static void note_rollback(struct mk_journal *journal)
{
    journal->in_transaction = !sqlite3_get_autocommit(journal->db);
    if (journal->pending.len > 0)
        journal->broken = true;
    if (journal->unlogged)
        journal->missed = true;
    journal->unlogged = false;
}

/* Steps a statement without rows to its end. */
static int run(struct mk_journal *journal, sqlite3_stmt *statement, const struct mk_phrase *what)
{
    int rc = sqlite3_step(statement) == SQLITE_DONE ? 0 : mk_journal_fail(journal, what);
    sqlite3_reset(statement);
    if (rc < 0)
        note_rollback(journal);
    return rc;
}

/* Steps to a row, which stays readable until the next use. Returns 1, 0 or a negative errno. */
static int first_row(struct mk_journal *journal, sqlite3_stmt *statement,
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
        note_rollback(journal);
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
    int rc = run(journal, use(journal, BEGIN, 0, NULL),
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
        [MK_REDO_EVENT] = { APPEND, 4, 2, { "cannot store an event", "无法存储事件" } },
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
    sqlite3_stmt *statement = use(journal, kinds[record->kind].statement, count, record->numbers);
    for (size_t i = 0; i < kinds[record->kind].texts; i++)
        bind_text(statement, (int)(count + i) + 1, record->texts[i]);
    return run(journal, statement, &kinds[record->kind].failure);
}

/* Writes all pending records again, in a new transaction. */
static int redo(struct mk_journal *journal)
{
    struct mk_slice rest = mk_buf_slice(&journal->pending);
    struct mk_redo record;
    int rc = 0;
    if (journal->in_transaction)
        rc = run(journal, use(journal, ROLLBACK, 0, NULL),
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

/* Called before reading, so that all added records are visible. */
static int redo_pending(struct mk_journal *journal)
{
    if (!journal->broken)
        return 0;
    if (journal->retry_at && mk_clock_mono_ms() < journal->retry_at)
        return -EAGAIN;
    return redo(journal);
}

/*
 * Adds a record to the turn's transaction. If SQLite fails, the record is written again when the
 * turn ends; this function fails only if there is no memory for that either. Records other than
 * events and their keys are committed with the turn.
 */
static int add(struct mk_journal *journal, const struct mk_redo *record)
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
    int rc = run(journal, use(journal, COMMIT, 0, NULL),
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
    mk_buf_fini(&journal->pending);
    free(journal);
    return NULL;
}

/* --- events --- */

/*
 * After a jump of the wall clock nothing is pruned by age for an hour: most jumps are corrected,
 * and pruned events cannot be restored.
 */
static bool is_clock_trusted(struct mk_journal *journal, uint64_t now_ms)
{
    uint64_t mono = mk_clock_mono_ms();
    int64_t clock = (int64_t)(now_ms - mono);
    int64_t moved = clock - journal->clock;
    journal->clock = clock;
    if (moved > JUMP_MS || moved < -JUMP_MS)
        journal->clock_jumped_at = mono;
    return journal->clock_jumped_at == 0 || mono - journal->clock_jumped_at >= TRUSTED_MS;
}

/* Returns the number of the first event within the maximum age; 0 if unknown. */
static uint64_t first_young(struct mk_journal *journal, uint64_t self_id, uint64_t last)
{
    uint64_t now_ms = mk_clock_real_ms();
    uint64_t now = now_ms / 1000;
    if (!is_clock_trusted(journal, now_ms) || now <= journal->config.max_age)
        return 0;
    sqlite3_stmt *row = USE(journal, FIRST_YOUNG, self_id, now - journal->config.max_age);
    int rc = first_row(journal, row, MK_PHRASE("cannot look for old events", "无法查找旧事件"));
    if (rc < 0)
        return 0;
    return rc > 0 ? column_uint(row, 0) : last + 1;
}

/* Deletes events beyond the limits. A failure costs disk space, but no events. */
static void prune(struct mk_journal *journal, uint64_t self_id, uint64_t last)
{
    uint64_t keep_from =
        last > journal->config.max_events ? last - journal->config.max_events + 1 : 0;
    uint64_t young = first_young(journal, self_id, last);
    if (young > keep_from)
        keep_from = young;
    if (keep_from > 0 && run(journal, USE(journal, SET_LAST, self_id, last),
                             MK_PHRASE("cannot store a number", "无法存储编号")) == 0)
        run(journal, USE(journal, PRUNE, self_id, keep_from),
            MK_PHRASE("cannot forget old events", "无法删除旧事件"));
}

int mk_journal_append(struct mk_journal *journal, uint64_t self_id,
                      const struct mk_journal_event *event)
{
    if (!event->is_kept)
        mk_journal_settle(journal, true);
    const struct mk_redo record = {
        .kind = MK_REDO_EVENT,
        .numbers = { self_id, event->number, event->time, mk_clock_real_ms() / 1000 },
        .texts = { event->type, event->data },
    };
    int rc = add(journal, &record);
    if (rc < 0)
        mk_journal_fail_commit(journal);
    else
        journal->fresh = true;
    if (rc == 0 && event->number % PRUNE_EVERY == 0 && !journal->broken)
        prune(journal, self_id, event->number);
    return rc;
}

void mk_journal_fail_commit(struct mk_journal *journal)
{
    journal->missed = true;
}

/* --- keys --- */

int mk_journal_add_key(struct mk_journal *journal, uint64_t self_id, uint64_t ordinal,
                       uint64_t number, struct mk_slice key, uint64_t keep_from)
{
    const struct mk_redo record = {
        .kind = MK_REDO_KEY,
        .numbers = { self_id, ordinal, number },
        .texts = { key },
    };
    int rc = add(journal, &record);
    if (rc == 0 && ordinal % PRUNE_KEYS_EVERY == 0 && keep_from > 0 && !journal->broken)
        run(journal, USE(journal, PRUNE_KEYS, self_id, keep_from),
            MK_PHRASE("cannot forget old keys", "无法删除旧的去重键"));
    return rc;
}

int mk_journal_each_key(struct mk_journal *journal, uint64_t self_id,
                        int (*visit)(void *arg, const struct mk_journal_key *key), void *arg)
{
    int rc = redo_pending(journal);
    if (rc < 0)
        return rc;
    sqlite3_stmt *rows = USE(journal, GET_KEYS, self_id);
    while ((rc = first_row(journal, rows,
                           MK_PHRASE("cannot read the keys of events", "无法读取事件的去重键"))) >
           0) {
        const struct mk_journal_key key = {
            .ordinal = column_uint(rows, 0),
            .number = column_uint(rows, 1),
            .key = column_text(rows, 2),
        };
        rc = visit(arg, &key);
        if (rc < 0)
            break;
    }
    return rc;
}

/* --- numbers --- */

int mk_journal_last(struct mk_journal *journal, uint64_t self_id, uint64_t *number)
{
    int rc = redo_pending(journal);
    *number = 0;
    if (rc < 0)
        return rc;
    sqlite3_stmt *row = USE(journal, GET_LAST, self_id);
    rc = first_row(journal, row, MK_PHRASE("cannot read the last number", "无法读取最后的编号"));
    if (rc > 0)
        *number = column_uint(row, 0);
    return rc < 0 ? rc : 0;
}

int mk_journal_find(struct mk_journal *journal, uint64_t self_id, uint64_t from,
                    struct mk_journal_event *event)
{
    int rc = redo_pending(journal);
    if (rc < 0)
        return rc;
    sqlite3_stmt *row = USE(journal, FIND, self_id, from);
    rc = first_row(journal, row, MK_PHRASE("cannot read an event", "无法读取事件"));
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
    *measure = (struct mk_journal_measure){ 0 };
    mk_journal_last(journal, self_id, &measure->last);
    if (first_row(journal, USE(journal, GET_FIRST, self_id),
                  MK_PHRASE("cannot read the first number", "无法读取最早的编号")) > 0)
        measure->first = column_uint(journal->borrowed, 0);
    if (first_row(journal, USE(journal, COUNT_DEAD_LETTERS, self_id),
                  MK_PHRASE("cannot count dead letters", "无法统计搁置的投递")) > 0)
        measure->dead_letters = column_uint(journal->borrowed, 0);
}

uint64_t mk_journal_size(struct mk_journal *journal)
{
    sqlite3_stmt *row = use(journal, GET_SIZE, 0, NULL);
    return first_row(journal, row, MK_PHRASE("cannot read its size", "无法读取其大小")) > 0
               ? column_uint(row, 0)
               : 0;
}

bool mk_journal_is_healthy(const struct mk_journal *journal)
{
    return journal->retry_at == 0;
}

/* --- durable sinks --- */

int mk_journal_cursor(struct mk_journal *journal, uint64_t self_id, struct mk_slice sink,
                      uint64_t *number)
{
    sqlite3_stmt *row = USE(journal, GET_CURSOR, self_id);
    bind_text(row, 2, sink);
    int rc = first_row(journal, row, MK_PHRASE("cannot read a cursor", "无法读取游标"));
    if (rc > 0)
        *number = column_uint(row, 0);
    return rc;
}

int mk_journal_set_cursor(struct mk_journal *journal, uint64_t self_id, struct mk_slice sink,
                          uint64_t number)
{
    const struct mk_redo record = {
        .kind = MK_REDO_CURSOR,
        .numbers = { self_id, number },
        .texts = { sink },
    };
    return add(journal, &record);
}

int mk_journal_start_sink(struct mk_journal *journal, uint64_t self_id, struct mk_slice sink,
                          uint64_t *number)
{
    int rc = mk_journal_cursor(journal, self_id, sink, number);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    journal->needs_flush = true;
    return mk_journal_set_cursor(journal, self_id, sink, *number);
}

/* --- dead letters --- */

int mk_journal_add_dead_letter(struct mk_journal *journal, const struct mk_dead_letter *letter)
{
    journal->needs_flush = true;
    const struct mk_redo record = {
        .kind = MK_REDO_ADD_DEAD_LETTER,
        .numbers = { letter->self_id, letter->number, letter->time, letter->status },
        .texts = { letter->sink, letter->response },
    };
    return add(journal, &record);
}

int mk_journal_find_dead_letter(struct mk_journal *journal, uint64_t id,
                                struct mk_dead_letter *letter)
{
    sqlite3_stmt *row = USE(journal, FIND_DEAD_LETTER, id);
    int rc = first_row(journal, row, MK_PHRASE("cannot read a dead letter", "无法读取搁置的投递"));
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

int mk_journal_remove_dead_letter(struct mk_journal *journal, uint64_t id)
{
    const struct mk_redo record = { .kind = MK_REDO_REMOVE_DEAD_LETTER, .numbers = { id } };
    struct mk_dead_letter letter = { 0 };
    int rc = redo_pending(journal);
    if (rc == 0)
        rc = mk_journal_find_dead_letter(journal, id, &letter);
    if (rc <= 0 || letter.id != id)
        return rc < 0 ? rc : 0;
    journal->needs_flush = true;
    journal->fresh = true;
    rc = add(journal, &record);
    return rc < 0 ? rc : 1;
}
