/* journal_expiry: see journal.h and journal_private.h. */
#include "hub/journal_private.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

enum { JUMP_MS = 60 * 1000, TRUSTED_MS = 3600 * 1000 };

/*
 * After a jump of the wall clock nothing is pruned by age for an hour: most jumps are corrected,
 * and pruned events cannot be restored. A start counts as a jump, since nobody has watched the
 * clock before it.
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
    sqlite3_stmt *row =
        MK_JOURNAL_USE(journal, FIRST_YOUNG, self_id, now - journal->config.max_age);
    int rc = mk_journal_first_row(journal, row,
                                  MK_PHRASE("cannot look for old events", "无法查找旧事件"));
    if (rc < 0)
        return 0;
    return rc > 0 ? mk_journal_column_uint(row, 0) : last + 1;
}

void mk_journal_prune(struct mk_journal *journal, uint64_t self_id, uint64_t last)
{
    uint64_t keep_from =
        last > journal->config.max_events ? last - journal->config.max_events + 1 : 0;
    uint64_t young = first_young(journal, self_id, last);
    if (young > keep_from)
        keep_from = young;
    if (keep_from > 0 && mk_journal_run(journal, MK_JOURNAL_USE(journal, SET_LAST, self_id, last),
                                        MK_PHRASE("cannot store a number", "无法存储编号")) == 0)
        mk_journal_run(journal, MK_JOURNAL_USE(journal, PRUNE, self_id, keep_from),
                       MK_PHRASE("cannot forget old events", "无法删除旧事件"));
}

/* --- sinks and dead letters --- */

struct cursor {
    uint64_t self_id;
    char *sink; /* on the heap */
    uint64_t unused;
};

/* The time before which everything is too old, in seconds since 1970; 0 if unknown. */
static uint64_t oldest(struct mk_journal *journal, uint64_t now_ms)
{
    uint64_t now = now_ms / 1000;
    if (!is_clock_trusted(journal, now_ms) || now <= journal->config.max_age)
        return 0;
    return now - journal->config.max_age;
}

/* Moves to the cursor behind this one. Returns 1, 0 behind the last, or a negative errno. */
static int next_cursor(struct mk_journal *journal, struct cursor *cursor)
{
    sqlite3_stmt *row = MK_JOURNAL_USE(journal, NEXT_CURSOR, cursor->self_id);
    mk_journal_bind_text(row, 2, mk_slice_str(cursor->sink));
    int rc = mk_journal_first_row(journal, row, MK_PHRASE("cannot read a cursor", "无法读取游标"));
    if (rc <= 0)
        return rc;
    free(cursor->sink);
    cursor->self_id = mk_journal_column_uint(row, 0);
    cursor->sink = mk_slice_dup(mk_journal_column_text(row, 1));
    cursor->unused = mk_journal_column_uint(row, 2);
    return cursor->sink ? 1 : -ENOMEM;
}

/* Runs a statement on the cursor, which is bound last. */
static int run_on(struct mk_journal *journal, sqlite3_stmt *statement, int sink,
                  const struct cursor *cursor)
{
    mk_journal_bind_text(statement, sink, mk_slice_str(cursor->sink));
    return mk_journal_run(journal, statement, MK_PHRASE("cannot store a cursor", "无法存储游标"));
}

static int set_unused(struct mk_journal *journal, const struct cursor *cursor, uint64_t since)
{
    return run_on(journal, MK_JOURNAL_USE(journal, SET_UNUSED, cursor->self_id, since), 3, cursor);
}

static int set_used(struct mk_journal *journal, const struct cursor *cursor)
{
    return run_on(journal, MK_JOURNAL_USE(journal, SET_USED, cursor->self_id), 2, cursor);
}

static int remove_cursor(struct mk_journal *journal, const struct cursor *cursor)
{
    int rc = run_on(journal, MK_JOURNAL_USE(journal, REMOVE_CURSOR, cursor->self_id), 2, cursor);
    if (rc < 0)
        return rc;
    mk_log_info("journal",
                "bot %llu: forgot the position of a receiver that was not configured for %llu s",
                "Bot %llu：已删除一个接收者的投递进度，它已有 %llu 秒不在配置中",
                (unsigned long long)cursor->self_id, (unsigned long long)journal->config.max_age);
    return set_used(journal, cursor);
}

/* Notes whether the cursor is used, or removes it. Returns 0 or a negative errno. */
static int expire_cursor(struct mk_journal *journal, const struct cursor *cursor, bool used,
                         uint64_t now, uint64_t before)
{
    if (used)
        return cursor->unused ? set_used(journal, cursor) : 0;
    if (!cursor->unused)
        return set_unused(journal, cursor, now);
    return cursor->unused < before ? remove_cursor(journal, cursor) : 0;
}

static int expire_dead_letters(struct mk_journal *journal, uint64_t before)
{
    int rc = mk_journal_run(journal, MK_JOURNAL_USE(journal, EXPIRE_DEAD_LETTERS, before),
                            MK_PHRASE("cannot delete old dead letters", "无法删除旧的搁置投递"));
    int count = rc == 0 ? sqlite3_changes(journal->db) : 0;
    if (count > 0)
        mk_log_info("journal", "deleted %d dead letters that are older than `max_age`",
                    "已删除 %d 个早于 `max_age` 的搁置投递", count);
    return rc;
}

int mk_journal_expire_sinks(struct mk_journal *journal,
                            bool (*is_used)(void *arg, uint64_t self_id, struct mk_slice sink),
                            void *arg)
{
    uint64_t now_ms = mk_clock_real_ms();
    uint64_t before = oldest(journal, now_ms);
    struct cursor cursor = { .sink = mk_slice_dup(MK_SLICE("")) };
    int rc = cursor.sink ? mk_journal_redo_pending(journal) : -ENOMEM;
    while (rc == 0 && (rc = next_cursor(journal, &cursor)) > 0)
        rc =
            expire_cursor(journal, &cursor, is_used(arg, cursor.self_id, mk_slice_str(cursor.sink)),
                          now_ms / 1000, before);
    free(cursor.sink);
    return rc == 0 && before ? expire_dead_letters(journal, before) : rc;
}
