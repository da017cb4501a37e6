/*
 * journal_start: what the journal has of a bot, compared with what is known to have existed.
 *
 * SQLite's log ends at its first damaged byte, without an error; and an operator may have put back
 * an older file. Then events are missing at the end of the journal. Their numbers are not given
 * again, and whoever reads the journal gets a gap for those that no backend can restore. Nothing is
 * stored of that: a crash before they are restored must leave them missing, not expired.
 *
 * After a loss of power the file of last numbers may be stale. It does not matter where the journal
 * and the backend's copies are sound, because those are flushed before a number leaves. Where one
 * of them is damaged as well, the last number is unknown: the next one is behind the bound of
 * hub/marks.
 */
#include "hub/journal_private.h"

#include "base/log.h"

#include <errno.h>

static int read_number(struct mk_journal *journal, sqlite3_stmt *row, uint64_t *number)
{
    int rc = mk_journal_first_row(journal, row,
                                  MK_PHRASE("cannot read the last number", "无法读取最后的编号"));
    *number = rc > 0 ? mk_journal_column_uint(row, 0) : 0;
    return rc < 0 ? rc : 0;
}

static int compare(struct mk_journal *journal, uint64_t self_id, struct mk_journal_start *start)
{
    uint64_t own, first = 0;
    *start = (struct mk_journal_start){ 0 };
    int rc = mk_journal_last(journal, self_id, &own);
    if (rc == 0)
        rc = read_number(journal, MK_JOURNAL_USE(journal, GET_FIRST, self_id), &first);
    if (rc == 0)
        rc = read_number(journal, MK_JOURNAL_USE(journal, GET_HIGHEST, self_id), &start->last);
    if (rc < 0)
        return rc;
    uint64_t given = mk_marks_get(&journal->marks, self_id);
    start->expired = first > 0 ? first - 1 : own;
    if (given > start->last)
        start->last = given;
    if (start->last > own)
        mk_log_warn("journal",
                    "events %llu to %llu of bot %llu are missing, after a crash or because the "
                    "file is damaged or older: those that the backend has kept are restored, the "
                    "others are reported as a gap",
                    "缺少事件 %llu 至 %llu（Bot %llu），原因是崩溃，或文件损坏、较旧：后端仍保存的"
                    "事件会恢复，其余报告为缺口",
                    (unsigned long long)own + 1, (unsigned long long)start->last,
                    (unsigned long long)self_id);
    return 0;
}

uint64_t mk_journal_bound(const struct mk_journal *journal, uint64_t self_id)
{
    return journal->marks.exact ? 0 : mk_marks_bound(&journal->marks, self_id);
}

int mk_journal_skip(struct mk_journal *journal, uint64_t self_id, uint64_t number)
{
    mk_log_warn("journal",
                "after a loss of power and with a damaged file nobody knows the last number of bot "
                "%llu, which is %llu at most: the next event gets the one behind it, and those "
                "that no one has are reported as a gap",
                "断电后文件又有损坏，无法得知 Bot %llu 的最后编号，它不超过 %llu：下一个事件使用"
                "其后的编号，无人保存的事件报告为缺口",
                (unsigned long long)self_id, (unsigned long long)number);
    if (mk_marks_raise(&journal->marks, self_id, number) < 0) {
        mk_log_error("journal", "out of memory", "内存不足");
        return -ENOMEM;
    }
    mk_marks_write(&journal->marks);
    return 0;
}

static int go_on(struct mk_journal *journal, uint64_t self_id, struct mk_journal_start *start)
{
    uint64_t bound = journal->is_damaged ? mk_journal_bound(journal, self_id) : 0;
    if (bound <= start->last)
        return mk_marks_raise(&journal->marks, self_id, start->last);
    start->last = bound;
    return mk_journal_skip(journal, self_id, bound);
}

int mk_journal_start_bot(struct mk_journal *journal, uint64_t self_id,
                         struct mk_journal_start *start)
{
    int rc = compare(journal, self_id, start);
    if (rc < 0)
        mk_log_error("journal",
                     "the numbers of bot %llu cannot be read from %s: if it is damaged, replace it "
                     "by a backup, or move it away and keep its -numbers-wal file",
                     "无法读取 Bot %llu 的编号（%s）：若文件已损坏，请换上备份，或移走它并保留其 "
                     "-numbers-wal 文件",
                     (unsigned long long)self_id, sqlite3_db_filename(journal->db, "main"));
    else
        rc = go_on(journal, self_id, start);
    return rc;
}
