/* journal_cursors: the positions of durable sinks. See journal.h. */
#include "hub/journal_private.h"

int mk_journal_cursor(struct mk_journal *journal, uint64_t self_id, struct mk_slice sink,
                      uint64_t *number)
{
    sqlite3_stmt *row = MK_JOURNAL_USE(journal, GET_CURSOR, self_id);
    mk_journal_bind_text(row, 2, sink);
    int rc = mk_journal_first_row(journal, row, MK_PHRASE("cannot read a cursor", "无法读取游标"));
    if (rc > 0)
        *number = mk_journal_column_uint(row, 0);
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
    return mk_journal_add_record(journal, &record);
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
