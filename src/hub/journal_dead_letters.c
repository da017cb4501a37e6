/* journal_dead_letters: see journal.h. */
#include "hub/journal_private.h"

#include "base/log.h"

enum { ROOM = 100 }; /* dead letters that are deleted at once */

/* A failure costs disk space alone: the next one tries it again. */
static void limit(struct mk_journal *journal, uint64_t self_id)
{
    sqlite3_stmt *statement =
        MK_JOURNAL_USE(journal, LIMIT_DEAD_LETTERS, self_id, MK_JOURNAL_DEAD_LETTERS,
                       MK_JOURNAL_DEAD_LETTERS - ROOM);
    if (mk_journal_run(journal, statement,
                       MK_PHRASE("cannot delete old dead letters", "无法删除旧的搁置投递")) == 0 &&
        sqlite3_changes(journal->db) > 0)
        mk_log_warn("journal",
                    "bot %llu has more than %d dead letters: the oldest %d were deleted (see "
                    "`milky deliveries`)",
                    "Bot %llu 搁置的投递超过 %d 个：已删除最早的 %d 个（见 `milky deliveries`）",
                    (unsigned long long)self_id, MK_JOURNAL_DEAD_LETTERS,
                    sqlite3_changes(journal->db));
}

int mk_journal_add_dead_letter(struct mk_journal *journal, const struct mk_dead_letter *letter)
{
    journal->needs_flush = true;
    const struct mk_redo record = {
        .kind = MK_REDO_ADD_DEAD_LETTER,
        .numbers = { letter->self_id, letter->number, letter->time, letter->status },
        .texts = { letter->sink, letter->response },
    };
    int rc = mk_journal_add_record(journal, &record);
    if (rc == 0 && !journal->broken)
        limit(journal, letter->self_id);
    return rc;
}

int mk_journal_find_dead_letter(struct mk_journal *journal, uint64_t id,
                                struct mk_dead_letter *letter)
{
    sqlite3_stmt *row = MK_JOURNAL_USE(journal, FIND_DEAD_LETTER, id);
    int rc = mk_journal_first_row(journal, row,
                                  MK_PHRASE("cannot read a dead letter", "无法读取搁置的投递"));
    if (rc > 0)
        *letter = (struct mk_dead_letter){
            .id = mk_journal_column_uint(row, 0),
            .self_id = mk_journal_column_uint(row, 1),
            .number = mk_journal_column_uint(row, 2),
            .time = mk_journal_column_uint(row, 3),
            .status = (unsigned)mk_journal_column_uint(row, 4),
            .sink = mk_journal_column_text(row, 5),
            .response = mk_journal_column_text(row, 6),
        };
    return rc;
}

int mk_journal_remove_dead_letter(struct mk_journal *journal, uint64_t id)
{
    const struct mk_redo record = { .kind = MK_REDO_REMOVE_DEAD_LETTER, .numbers = { id } };
    struct mk_dead_letter letter = { 0 };
    int rc = mk_journal_redo_pending(journal);
    if (rc == 0)
        rc = mk_journal_find_dead_letter(journal, id, &letter);
    if (rc <= 0 || letter.id != id)
        return rc < 0 ? rc : 0;
    journal->needs_flush = true;
    journal->fresh = true;
    rc = mk_journal_add_record(journal, &record);
    return rc < 0 ? rc : 1;
}
