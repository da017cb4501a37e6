/* unsent: see the header. */
#include "backend/sandbox/turn/unsent.h"

#include "base/error_text.h"
#include "base/json.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

static const struct sb_query unsent_sql = { "SELECT events FROM unsent ORDER BY id" };
enum { UNSENT_EVENTS };
/* events */
static const struct sb_query unsent_add_sql = { "INSERT INTO unsent (events) VALUES (?1)" };
static const struct sb_query unsent_forget_sql = { "DELETE FROM unsent" };

enum {
    LONGEST = 256 * 1024 * 1024, /* an event's JSON is bounded by what a call may bring in */
    ROW = 8 * 1024 * 1024,       /* bytes of events after which the next row begins */
    BUFFER = 64 * 1024,          /* bytes that outlive a turn */
    MOST_KEPT = 256 * 1024,      /* bytes of events that are stored before the journal is flushed */
};

void sb_unsent_init(struct sb_unsent *unsent)
{
    *unsent = (struct sb_unsent){ 0 };
    mk_buf_init(&unsent->events, LONGEST);
    mk_arena_init(&unsent->arena);
}

void sb_unsent_fini(struct sb_unsent *unsent)
{
    mk_buf_fini(&unsent->events);
    mk_arena_fini(&unsent->arena);
    free(unsent->numbers);
}

void sb_unsent_turn_end(struct sb_unsent *unsent)
{
    mk_buf_reset(&unsent->events, BUFFER);
    unsent->stored = false;
}

/* --- storing --- */

/* Others were bots of an earlier configuration: they have no receivers, and get no number. */
static bool is_served(const struct milky_host *host, uint64_t self_id)
{
    size_t count;
    const uint64_t *bots = milky_host_bots(host, &count);
    for (size_t i = 0; i < count; i++)
        if (bots[i] == self_id)
            return true;
    return false;
}

/* `count` numbers are known already. Returns the one of this bot, or NULL when out of memory. */
static struct sb_unsent_number *number_of(struct sb_unsent *unsent, size_t *count, uint64_t self_id,
                                          const struct milky_host *host)
{
    for (size_t i = 0; i < *count; i++)
        if (unsent->numbers[i].self_id == self_id)
            return &unsent->numbers[i];
    if (*count == unsent->room) {
        size_t room = unsent->room ? unsent->room * 2 : 8;
        void *grown = realloc(unsent->numbers, room * sizeof(*unsent->numbers));
        if (!grown)
            return NULL;
        unsent->numbers = grown;
        unsent->room = room;
    }
    struct sb_unsent_number *added = &unsent->numbers[(*count)++];
    *added = (struct sb_unsent_number){ self_id, milky_host_last_event(host, self_id) };
    return added;
}

static int add_text(struct mk_buf *out, const char *text)
{
    return mk_buf_append(out, text, strlen(text));
}

static int add_number(struct mk_buf *out, const char *name, uint64_t number)
{
    int rc = add_text(out, name);
    return rc == 0 ? mk_buf_append_u64(out, number) : rc;
}

static int add(struct sb_unsent *unsent, const struct sb_outbox_event *event, uint64_t number)
{
    struct mk_buf *out = &unsent->events;
    int rc = mk_buf_append_char(out, out->len > 0 ? ',' : '[');
    if (rc == 0)
        rc = add_number(out, "{\"bot\":", event->self_id);
    if (rc == 0)
        rc = add_number(out, ",\"number\":", number);
    if (rc == 0)
        rc = add_number(out, ",\"time\":", event->time);
    if (rc == 0)
        rc = add_text(out, ",\"type\":\"");
    if (rc == 0)
        rc = add_text(out, event->type);
    if (rc == 0)
        rc = add_text(out, "\",\"data\":");
    if (rc == 0)
        rc = mk_json_write(out, event->data);
    return rc == 0 ? mk_buf_append_char(out, '}') : rc;
}

static int write_row(struct sb_unsent *unsent, struct sb_db *db)
{
    int rc = mk_buf_append_char(&unsent->events, ']');
    if (rc < 0)
        return rc;
    sqlite3_stmt *row = sb_db_use(db, &unsent_add_sql, 0, NULL);
    sqlite3_bind_text64(row, 1, unsent->events.data, unsent->events.len, SQLITE_STATIC,
                        SQLITE_UTF8);
    unsent->kept += unsent->events.len;
    unsent->stored = true;
    rc = sb_db_run(db, row);
    sqlite3_bind_null(row, 1);
    mk_buf_reset(&unsent->events, BUFFER);
    mk_arena_reset(&unsent->arena);
    return rc;
}

/*
 * Deletes the events that the journal has on disk. The journal is flushed for that now and then,
 * but not in a turn that has stored events already: a reply may have started this transaction
 * before all of those were emitted.
 */
static int forget(struct sb_unsent *unsent, struct sb_db *db, struct milky_host *host)
{
    if (unsent->stored || unsent->kept < MOST_KEPT || milky_host_flush(host) < 0)
        return 0;
    unsent->kept = 0;
    return sb_db_run(db, sb_db_use(db, &unsent_forget_sql, 0, NULL));
}

int sb_unsent_store(struct sb_unsent *unsent, struct sb_db *db, const struct sb_outbox *outbox,
                    struct milky_host *host)
{
    size_t bots = 0;
    if (outbox->event_count == 0 || !unsent->needed)
        return 0;
    int rc = forget(unsent, db, host);
    mk_buf_reset(&unsent->events, BUFFER);
    for (size_t i = 0; i < outbox->event_count && rc == 0; i++) {
        const struct sb_outbox_event *event = &outbox->events[i];
        if (!is_served(host, event->self_id))
            continue;
        struct sb_unsent_number *number = number_of(unsent, &bots, event->self_id, host);
        rc = number ? add(unsent, event, ++number->last) : -ENOMEM;
        if (rc == 0 && unsent->events.len >= ROW)
            rc = write_row(unsent, db);
    }
    mk_arena_reset(&unsent->arena);
    return rc == 0 && unsent->events.len > 0 ? write_row(unsent, db) : rc;
}

/* --- emitting --- */

/* Returns 1 when the journal lacked it, 0 when it has it or the bot is gone, and -ENOMEM. */
static int emit(struct milky_host *host, yyjson_mut_val *event)
{
    uint64_t self_id = yyjson_mut_get_uint(yyjson_mut_obj_get(event, "bot"));
    uint64_t number = yyjson_mut_get_uint(yyjson_mut_obj_get(event, "number"));
    uint64_t time = yyjson_mut_get_uint(yyjson_mut_obj_get(event, "time"));
    const char *type = yyjson_mut_get_str(yyjson_mut_obj_get(event, "type"));
    if (!type)
        return 0;
    int rc = milky_emit_again(host, self_id, number, type, time, yyjson_mut_obj_get(event, "data"));
    if (rc < 0 && rc != -ENOENT && rc != -ENOMEM)
        mk_log_error("sandbox", "an event that the journal lacks cannot be restored: %s",
                     "无法恢复事件日志中缺少的事件：%s", mk_error_text(-rc));
    return rc == 0 ? 1 : rc == -ENOMEM ? rc : 0;
}

static int emit_all(struct milky_host *host, yyjson_mut_val *events, unsigned *emitted)
{
    size_t i, count;
    yyjson_mut_val *event;
    yyjson_mut_arr_foreach (events, i, count, event) {
        int rc = emit(host, event);
        if (rc < 0)
            return rc;
        *emitted += (unsigned)rc;
    }
    return 0;
}

static int emit_row(struct milky_host *host, struct mk_slice text, unsigned *emitted)
{
    yyjson_read_err mistake = { 0 };
    yyjson_doc *read =
        yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len, YYJSON_READ_NOFLAG, NULL, &mistake);
    if (!read && mistake.code != YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        mk_log_error("sandbox", "the last events that were stored cannot be read: %s",
                     "无法读取最后存储的事件：%s", mistake.msg);
        return 0;
    }
    yyjson_mut_doc *doc = yyjson_doc_mut_copy(read, NULL);
    yyjson_doc_free(read);
    int rc = doc ? emit_all(host, yyjson_mut_doc_get_root(doc), emitted) : -ENOMEM;
    yyjson_mut_doc_free(doc);
    return rc;
}

int sb_unsent_start(struct sb_unsent *unsent, struct sb_db *db, struct milky_host *host)
{
    unsigned emitted = 0;
    unsent->needed = milky_host_flush(host) != -ENOTSUP;
    if (!unsent->needed) /* all that is stored counts as emitted */
        return 0;
    sqlite3_stmt *row = sb_db_use(db, &unsent_sql, 0, NULL);
    int rc;
    while ((rc = sb_db_step(db, row)) > 0) {
        struct mk_slice text = sb_db_text(row, UNSENT_EVENTS);
        unsent->kept += text.len;
        rc = emit_row(host, text, &emitted);
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    unsent->stored = emitted > 0;
    if (emitted > 0)
        mk_log_info("sandbox", "%u events that the journal lacked were restored",
                    "已恢复事件日志中缺少的 %u 个事件", emitted);
    return rc;
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* One row: the events of the last turn that had any, a JSON array. */
    { 7, "CREATE TABLE unsent ("
    "  id INTEGER PRIMARY KEY CHECK (id = 1),"
    "  events TEXT NOT NULL"
    ") STRICT;" },

    /* One row, or more where it is long, for each transaction that the journal may not have on disk
     * yet, in their order. ALTER would take a millisecond. */
    { 8, "CREATE TEMP TABLE kept AS SELECT id, events FROM unsent;"
    "DROP TABLE unsent;"
    "CREATE TABLE unsent ("
    "  id INTEGER PRIMARY KEY,"
    "  events TEXT NOT NULL"
    ") STRICT;"
    "INSERT INTO unsent SELECT id, events FROM kept;"
    "DROP TABLE kept;" },
    { 0 },
};
/* clang-format on */

const struct sb_feature sb_feature_unsent = { .steps = steps };
