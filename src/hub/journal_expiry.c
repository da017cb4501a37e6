/* journal_expiry: see journal.h and journal_private.h. */
#include "hub/journal_private.h"

#include "base/clock.h"

enum { JUMP_MS = 60 * 1000, TRUSTED_MS = 3600 * 1000 };

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
