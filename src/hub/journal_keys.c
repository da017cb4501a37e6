/* journal_keys: see journal.h. */
#include "hub/journal_private.h"

enum { PRUNE_KEYS_EVERY = 64 };

int mk_journal_add_key(struct mk_journal *journal, uint64_t self_id, uint64_t ordinal,
                       uint64_t number, struct mk_slice key, uint64_t keep_from)
{
    const struct mk_redo record = {
        .kind = MK_REDO_KEY,
        .numbers = { self_id, ordinal, number },
        .texts = { key },
    };
    int rc = mk_journal_add_record(journal, &record);
    if (rc == 0 && ordinal % PRUNE_KEYS_EVERY == 0 && keep_from > 0 && !journal->broken)
        mk_journal_run(journal, MK_JOURNAL_USE(journal, PRUNE_KEYS, self_id, keep_from),
                       MK_PHRASE("cannot forget old keys", "无法删除旧的去重键"));
    return rc;
}

int mk_journal_each_key(struct mk_journal *journal, uint64_t self_id,
                        int (*visit)(void *arg, const struct mk_journal_key *key), void *arg)
{
    int rc = mk_journal_redo_pending(journal);
    if (rc < 0)
        return rc;
    sqlite3_stmt *rows = MK_JOURNAL_USE(journal, GET_KEYS, self_id);
    while ((rc = mk_journal_first_row(
                journal, rows,
                MK_PHRASE("cannot read the keys of events", "无法读取事件的去重键"))) > 0) {
        const struct mk_journal_key key = {
            .ordinal = mk_journal_column_uint(rows, 0),
            .number = mk_journal_column_uint(rows, 1),
            .key = mk_journal_column_text(rows, 2),
        };
        rc = visit(arg, &key);
        if (rc < 0)
            break;
    }
    return rc;
}
