/* journal_events: see journal.h. */
#include "hub/journal_private.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <zlib.h>

enum { PRUNE_EVERY = 256 };
enum { NEAR = 256 }; /* numbers behind a damaged page or row that are tried one by one */
#define LAST_NUMBER (UINT64_C(1) << 53)

static void write_u64(unsigned char to[8], uint64_t value)
{
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(value >> 8 * i);
}

/*
 * SQLite notices damage of its own structures alone, not of the values in them. So a row has a
 * CRC-32 of all that leaves from it, as a signed number: SQLite stores that in four bytes.
 */
static int64_t checksum_of(uint64_t self_id, const struct mk_journal_event *event)
{
    unsigned char head[4 * 8];
    write_u64(head, self_id);
    write_u64(head + 8, event->number);
    write_u64(head + 16, event->time);
    write_u64(head + 24, event->type.len);
    uLong sum = crc32_z(0, head, sizeof(head));
    sum = crc32_z(sum, (const unsigned char *)event->type.ptr, event->type.len);
    sum = crc32_z(sum, (const unsigned char *)event->data.ptr, event->data.len);
    return (int32_t)(uint32_t)sum;
}

int mk_journal_append(struct mk_journal *journal, uint64_t self_id,
                      const struct mk_journal_event *event)
{
    if (!event->is_kept)
        mk_journal_settle(journal, true);
    const struct mk_redo record = {
        .kind = MK_REDO_EVENT,
        .numbers = { self_id, event->number, event->time, mk_clock_real_ms() / 1000,
                     (uint64_t)checksum_of(self_id, event) },
        .texts = { event->type, event->data },
    };
    int rc = mk_journal_add_record(journal, &record);
    if (rc < 0)
        mk_journal_fail_commit(journal);
    else
        journal->fresh = true;
    if (rc == 0 && mk_marks_raise(&journal->marks, self_id, event->number) < 0)
        mk_log_error("journal", "out of memory: the last number of bot %llu is not noted",
                     "内存不足：未能记录 Bot %llu 的最后编号", (unsigned long long)self_id);
    if (rc == 0 && event->number % PRUNE_EVERY == 0 && !journal->broken)
        mk_journal_prune(journal, self_id, event->number);
    return rc;
}

int mk_journal_last(struct mk_journal *journal, uint64_t self_id, uint64_t *number)
{
    int rc = mk_journal_redo_pending(journal);
    *number = 0;
    if (rc < 0)
        return rc;
    sqlite3_stmt *row = MK_JOURNAL_USE(journal, GET_LAST, self_id);
    rc = mk_journal_first_row(journal, row,
                              MK_PHRASE("cannot read the last number", "无法读取最后的编号"));
    if (rc > 0)
        *number = mk_journal_column_uint(row, 0);
    return rc < 0 ? rc : 0;
}

/* Returns 1, or -EILSEQ for a row that is not what was stored. */
static int read_row(uint64_t self_id, sqlite3_stmt *row, struct mk_journal_event *event)
{
    *event = (struct mk_journal_event){
        .number = mk_journal_column_uint(row, 0),
        .time = mk_journal_column_uint(row, 1),
        .type = mk_journal_column_text(row, 2),
        .data = mk_journal_column_text(row, 3),
    };
    bool is_sound = sqlite3_column_type(row, 4) == SQLITE_NULL ||
                    sqlite3_column_int64(row, 4) == checksum_of(self_id, event);
    return is_sound ? 1 : -EILSEQ;
}

/* Returns 1, 0, -EILSEQ for a page or a row that is damaged, or another negative errno, logged. */
static int seek(struct mk_journal *journal, uint64_t self_id, uint64_t from,
                struct mk_journal_event *event)
{
    sqlite3_stmt *row = MK_JOURNAL_USE(journal, FIND, self_id, from);
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW) {
        journal->borrowed = row;
        return read_row(self_id, row, event);
    }
    int rc = 0;
    if ((code & 0xff) == SQLITE_CORRUPT)
        rc = -EILSEQ;
    else if (code != SQLITE_DONE)
        rc = mk_journal_fail(journal, MK_PHRASE("cannot read an event", "无法读取事件"));
    sqlite3_reset(row);
    if (rc < 0 && (rc != -EILSEQ || sqlite3_get_autocommit(journal->db)))
        mk_journal_note_rollback(journal);
    return rc;
}

/*
 * The first event behind a damaged page or row: one by one near it, then in growing steps, and back
 * to the first that can be read.
 */
static int find_behind_damage(struct mk_journal *journal, uint64_t self_id, uint64_t from,
                              struct mk_journal_event *event)
{
    uint64_t bad = from, good = from;
    int rc = -EILSEQ;
    while (rc == -EILSEQ && good < LAST_NUMBER) {
        bad = good;
        good += bad - from < NEAR ? 1 : bad - from;
        rc = seek(journal, self_id, good, event);
    }
    while (rc >= 0 && good - bad > 1) {
        uint64_t middle = bad + (good - bad) / 2;
        int one = seek(journal, self_id, middle, event);
        if (one == -EILSEQ)
            bad = middle;
        else
            good = middle;
        rc = one < 0 && one != -EILSEQ ? one : 0;
    }
    if (rc >= 0)
        rc = seek(journal, self_id, good, event);
    if (rc == -EILSEQ) /* up to the end */
        rc = 0;
    if (rc >= 0)
        mk_log_error(
            "journal",
            "events of bot %llu from number %llu on cannot be read, up to number %llu: the "
            "file is damaged. They are reported as a gap",
            "Bot %llu 从编号 %llu 起至 %llu 的事件无法读取：文件已损坏。它们报告为缺口",
            (unsigned long long)self_id, (unsigned long long)from, (unsigned long long)good - 1);
    return rc;
}

int mk_journal_find(struct mk_journal *journal, uint64_t self_id, uint64_t from,
                    struct mk_journal_event *event)
{
    int rc = mk_journal_redo_pending(journal);
    if (rc == 0)
        rc = seek(journal, self_id, from, event);
    return rc == -EILSEQ ? find_behind_damage(journal, self_id, from, event) : rc;
}

int mk_journal_has(struct mk_journal *journal, uint64_t self_id, uint64_t number)
{
    struct mk_journal_event event = { 0 };
    int rc = mk_journal_redo_pending(journal);
    if (rc == 0)
        rc = seek(journal, self_id, number, &event);
    if (rc == -EILSEQ)
        return 0;
    return rc > 0 ? event.number == number : rc;
}

void mk_journal_measure(struct mk_journal *journal, uint64_t self_id,
                        struct mk_journal_measure *measure)
{
    *measure = (struct mk_journal_measure){ 0 };
    mk_journal_last(journal, self_id, &measure->last);
    if (mk_journal_first_row(journal, MK_JOURNAL_USE(journal, GET_FIRST, self_id),
                             MK_PHRASE("cannot read the first number", "无法读取最早的编号")) > 0)
        measure->first = mk_journal_column_uint(journal->borrowed, 0);
    if (mk_journal_first_row(journal, MK_JOURNAL_USE(journal, COUNT_DEAD_LETTERS, self_id),
                             MK_PHRASE("cannot count dead letters", "无法统计搁置的投递")) > 0)
        measure->dead_letters = mk_journal_column_uint(journal->borrowed, 0);
}

uint64_t mk_journal_size(struct mk_journal *journal)
{
    sqlite3_stmt *row = mk_journal_use(journal, GET_SIZE, 0, NULL);
    return mk_journal_first_row(journal, row, MK_PHRASE("cannot read its size", "无法读取其大小")) >
                   0
               ? mk_journal_column_uint(row, 0)
               : 0;
}
