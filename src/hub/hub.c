/*
 * hub: makes one encoding per (dialect, envelope), compresses it once, and makes one frame of it
 * per framing.
 */
#include "hub/hub.h"

#include "base/hex.h"
#include "base/json.h"
#include "base/log.h"
#include "protocol/tables.h"
#include "wire/deflate.h"

#include <errno.h>

#define MOST_EVENTS (UINT64_C(1) << 53) /* as JSON has numbers */

enum { LONGEST_EVENT = 64 * 1024 * 1024, KEPT_BUFFER = 64 * 1024 };

int mk_hub_init(struct mk_hub *hub, uint64_t self_id, struct mk_journal *journal)
{
    *hub = (struct mk_hub){ .self_id = self_id, .journal = journal };
    mk_arena_init(&hub->arena);
    mk_buf_init(&hub->data, LONGEST_EVENT);
    mk_buf_init(&hub->json, LONGEST_EVENT);
    mk_buf_init(&hub->frame, LONGEST_EVENT + MK_FRAME_MORE);
    mk_list_init(&hub->stuck);
    mk_list_init(&hub->uncommitted);
    mk_views_init(&hub->views);
    if (!journal)
        return 0;
    struct mk_journal_start start;
    int rc = mk_journal_start_bot(journal, self_id, &start);
    hub->events = start.last;
    hub->expired = start.expired;
    return rc;
}

void mk_hub_fini(struct mk_hub *hub)
{
    mk_views_fini(&hub->views);
    mk_keys_fini(&hub->keys);
    mk_arena_fini(&hub->arena);
    mk_buf_fini(&hub->data);
    mk_buf_fini(&hub->json);
    mk_buf_fini(&hub->frame);
}

int mk_hub_join(struct mk_hub *hub, struct mk_sink *sink, const struct mk_event_format *format)
{
    return mk_views_join(&hub->views, sink, format);
}

/* --- emitting --- */

static int append_framed(struct mk_hub *hub, struct mk_feed *feed, enum mk_framing framing,
                         const struct mk_encoded *encoded)
{
    int rc = mk_frame_write(&hub->frame, &hub->masks, framing, encoded);
    if (rc == 0)
        rc = mk_feed_append(feed, encoded->number, mk_buf_slice(&hub->frame));
    mk_buf_reset(&hub->frame, KEPT_BUFFER);
    return rc;
}

/* What the sinks of one (dialect, envelope) in all views that the event passes need of it. */
struct need {
    bool encoded;
    bool compressed;
};

static struct need need_of(struct mk_hub *hub, enum mk_dialect dialect, enum mk_envelope envelope)
{
    struct need need = { false };
    MK_VIEW_FOR_EACH(view, &hub->views)
    {
        for (int framing = 0; view->passes && framing < MK_FRAMINGS; framing++) {
            if (!mk_feed_has_sinks(&view->feeds[dialect][envelope][framing]))
                continue;
            need.encoded = true;
            need.compressed |= mk_framing_compresses((enum mk_framing)framing);
        }
    }
    return need;
}

static void compress_event(struct mk_hub *hub, struct mk_encoded *encoded)
{
    if (hub->deflate && mk_deflate_compress(hub->deflate, encoded->json, &encoded->deflated))
        hub->compressions++;
}

static void release(struct mk_hub *hub, const struct mk_encoded *encoded)
{
    if (encoded->deflated.len > 0)
        mk_deflate_release_deflated(hub->deflate);
}

/* Appends an event to the feeds that have sinks; `error` is why it could not be encoded, or 0. */
static int append_to(struct mk_hub *hub, struct mk_feed feeds[MK_FRAMINGS],
                     const struct mk_encoded *encoded, int error)
{
    int first_error = error;
    for (int framing = 0; framing < MK_FRAMINGS; framing++) {
        struct mk_feed *feed = &feeds[framing];
        if (!mk_feed_has_sinks(feed))
            continue;
        int rc = error < 0 ? error : append_framed(hub, feed, (enum mk_framing)framing, encoded);
        if (rc < 0)
            mk_feed_mark_lost(feed, encoded->number);
        if (first_error == 0)
            first_error = rc;
    }
    return first_error;
}

static int emit_encoded(struct mk_hub *hub, const struct mk_event *event, enum mk_dialect dialect,
                        enum mk_envelope envelope)
{
    const struct need need = need_of(hub, dialect, envelope);
    if (!need.encoded)
        return 0;
    int first_error = mk_event_write(&hub->json, event, dialect, envelope, &hub->arena);
    const int error = first_error;
    struct mk_encoded encoded = { .number = event->number, .json = mk_buf_slice(&hub->json) };
    hub->encodings += error == 0;
    if (error == 0 && need.compressed)
        compress_event(hub, &encoded);
    MK_VIEW_FOR_EACH(view, &hub->views)
    {
        if (!view->passes)
            continue;
        int rc = append_to(hub, view->feeds[dialect][envelope], &encoded, error);
        if (first_error == 0)
            first_error = rc;
    }
    release(hub, &encoded);
    mk_buf_reset(&hub->json, KEPT_BUFFER);
    return first_error;
}

/* Stores the event, and its key where it has one. */
static int write_journal(struct mk_hub *hub, const struct mk_event *event, const struct mk_key *key)
{
    const struct mk_journal_event stored = {
        .number = event->number,
        .time = event->time,
        .type = mk_event_type_name(event->type),
        .data = event->json,
        .is_kept = event->is_kept,
    };
    char text[2 * MK_KEY_LEN + 1];
    int rc = mk_journal_append(hub->journal, hub->self_id, &stored);
    if (rc < 0 || !key)
        return rc;
    mk_hex_write(key->bytes, MK_KEY_LEN, text);
    uint64_t ordinal = hub->key_ordinal++;
    uint64_t keep_from = ordinal > MK_KEYS_MAX ? ordinal - MK_KEYS_MAX : 0;
    return mk_journal_add_key(hub->journal, hub->self_id, ordinal, event->number,
                              mk_slice_str(text), keep_from);
}

static void count_event(struct mk_hub *hub, const struct mk_event_type *type)
{
    size_t index = (size_t)(type - mk_event_types);
    if (index < MK_COUNTED_TYPES)
        hub->emitted[index]++;
}

/*
 * Makes the data's JSON once, for the journal and for every encoding that contains it unchanged. An
 * event that JSON cannot hold, or that is too long, is refused. When out of memory the event is
 * emitted, but is missing in the journal.
 */
static int make_json(struct mk_hub *hub, struct mk_event *event)
{
    int rc = hub->journal ? mk_json_write(&hub->data, event->data) : 0;
    if (rc == 0)
        event->json = mk_buf_slice(&hub->data);
    return rc;
}

static int emit(struct mk_hub *hub, struct mk_event *event, const struct mk_key *key)
{
    int first_error = mk_event_check(event);
    if (first_error == 0)
        first_error = make_json(hub, event);
    if (first_error == -EINVAL || first_error == -ENOBUFS) {
        mk_buf_reset(&hub->data, KEPT_BUFFER);
        return first_error;
    }
    event->number = ++hub->events;
    count_event(hub, event->type);
    if (key)
        mk_keys_add(&hub->keys, key, event->number);
    if (hub->journal && first_error < 0)
        mk_journal_fail_commit(hub->journal);
    else if (hub->journal)
        first_error = write_journal(hub, event, key);
    mk_views_choose(&hub->views, event);
    for (size_t dialect = 0; dialect < mk_dialect_count; dialect++) {
        if (!mk_event_type_is_in(event->type, (enum mk_dialect)dialect))
            continue;
        for (int envelope = 0; envelope < MK_ENVELOPES; envelope++) {
            int rc = emit_encoded(hub, event, (enum mk_dialect)dialect, (enum mk_envelope)envelope);
            if (rc < 0 && first_error == 0)
                first_error = rc;
        }
    }
    mk_buf_reset(&hub->data, KEPT_BUFFER);
    mk_arena_reset(&hub->arena);
    return first_error;
}

int mk_hub_emit(struct mk_hub *hub, struct mk_event *event)
{
    return emit(hub, event, NULL);
}

/* An event that has a number already is only written into the journal: no sink waits for it. */
static int refill(struct mk_hub *hub, struct mk_event *event)
{
    int rc = event->number > hub->expired
                 ? mk_journal_has(hub->journal, hub->self_id, event->number)
                 : MK_HUB_REPEATED;
    if (rc != 0)
        return rc < 0 ? rc : MK_HUB_REPEATED;
    rc = mk_event_check(event);
    if (rc == 0)
        rc = make_json(hub, event);
    if (rc == 0)
        rc = write_journal(hub, event, NULL);
    mk_buf_reset(&hub->data, KEPT_BUFFER);
    return rc;
}

int mk_hub_emit_again(struct mk_hub *hub, struct mk_event *event)
{
    if (event->number == 0 || event->number > MOST_EVENTS)
        return -EINVAL;
    if (event->number <= hub->events)
        return hub->journal ? refill(hub, event) : MK_HUB_REPEATED;
    hub->events = event->number - 1; /* those between are missing everywhere: a gap */
    return emit(hub, event, NULL);
}

void mk_hub_lost_events(struct mk_hub *hub)
{
    uint64_t bound = hub->journal ? mk_journal_bound(hub->journal, hub->self_id) : 0;
    if (bound > hub->events && mk_journal_skip(hub->journal, hub->self_id, bound) == 0)
        hub->events = bound;
}

static int restore_key(void *arg, const struct mk_journal_key *stored)
{
    struct mk_hub *hub = arg;
    struct mk_key key;
    hub->key_ordinal = stored->ordinal + 1;
    if (!mk_hex_read(stored->key, key.bytes, MK_KEY_LEN) || mk_keys_find(&hub->keys, &key))
        return 0; /* the file was changed by other software */
    int rc = mk_keys_reserve(&hub->keys);
    if (rc == 0)
        mk_keys_add(&hub->keys, &key, stored->number);
    return rc;
}

/* Reads the keys of the journal before the first lookup. */
static int load_keys(struct mk_hub *hub)
{
    if (hub->key_ordinal > 0)
        return 0;
    int rc = hub->journal ? mk_journal_each_key(hub->journal, hub->self_id, restore_key, hub) : 0;
    if (rc < 0) {
        mk_keys_fini(&hub->keys);
        hub->key_ordinal = 0;
    } else if (hub->key_ordinal == 0) {
        hub->key_ordinal = 1;
    }
    return rc;
}

int mk_hub_emit_once(struct mk_hub *hub, const struct mk_key *key, struct mk_event *event)
{
    int rc = load_keys(hub);
    if (rc < 0)
        return rc;
    event->number = mk_keys_find(&hub->keys, key);
    if (event->number > 0)
        return MK_HUB_REPEATED;
    rc = mk_keys_reserve(&hub->keys);
    return rc < 0 ? rc : emit(hub, event, key);
}

void mk_hub_await_commit(struct mk_hub *hub, struct mk_hub_waiter *waiter)
{
    if (mk_list_empty(&waiter->node))
        mk_list_push(&hub->uncommitted, &waiter->node);
}

void mk_hub_committed(struct mk_hub *hub)
{
    struct mk_list waiting;
    mk_list_take(&waiting, &hub->uncommitted);
    while (!mk_list_empty(&waiting)) {
        struct mk_hub_waiter *waiter = MK_CONTAINER_OF(waiting.next, struct mk_hub_waiter, node);
        mk_list_remove(&waiter->node);
        waiter->run(waiter);
    }
}

/* --- replaying --- */

/*
 * Restores an event of the journal as it was emitted. Returns 0, -ENOMEM, or -EINVAL if it is not a
 * valid event.
 */
static int restore(struct mk_hub *hub, const struct mk_journal_event *stored,
                   struct mk_event *event)
{
    yyjson_alc alc = mk_json_alc(&hub->arena);
    yyjson_read_err error = { .code = YYJSON_READ_SUCCESS };
    yyjson_doc *read = yyjson_read_opts((char *)(uintptr_t)stored->data.ptr, stored->data.len,
                                        YYJSON_READ_NOFLAG, &alc, &error);
    yyjson_mut_doc *doc = yyjson_doc_mut_copy(read, &alc);
    const struct mk_event_type *type = mk_event_type_find(stored->type);
    if (!doc)
        return read || error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? -ENOMEM : -EINVAL;
    if (!type)
        return -EINVAL;
    *event = (struct mk_event){
        .type = type,
        .self_id = hub->self_id,
        .number = stored->number,
        .time = stored->time,
        .data = yyjson_mut_doc_get_root(doc),
    };
    return mk_event_check(event);
}

static int write_replayed(struct mk_hub *hub, enum mk_framing framing, uint64_t number,
                          struct mk_buf *out)
{
    struct mk_encoded encoded = { .number = number, .json = mk_buf_slice(&hub->json) };
    if (mk_framing_compresses(framing))
        compress_event(hub, &encoded);
    int rc = mk_frame_write(out, &hub->masks, framing, &encoded);
    release(hub, &encoded);
    return rc;
}

/*
 * Encodes a stored event in hub->json, which stays empty where the filter leaves the event out.
 * Returns 0, -ENOMEM, or another errno for a damaged one.
 */
static int encode_stored(struct mk_hub *hub, const struct mk_event_format *format,
                         const struct mk_journal_event *stored)
{
    struct mk_event event;
    int rc = restore(hub, stored, &event);
    if (rc == 0 && mk_event_filter_passes(format->filter, &event) &&
        mk_event_type_is_in(event.type, format->dialect))
        rc = mk_event_write(&hub->json, &event, format->dialect, format->envelope, &hub->arena);
    return rc;
}

static void log_damage(const struct mk_hub *hub, uint64_t number)
{
    mk_log_error("hub", "event %llu of bot %llu is damaged in the journal: a gap is sent",
                 "事件 %llu（Bot %llu）在事件日志中已损坏：发送缺口（gap）",
                 (unsigned long long)number, (unsigned long long)hub->self_id);
}

/* Finds the first event from `next` on. Returns as mk_journal_find. */
static int find_stored(struct mk_hub *hub, uint64_t next, struct mk_journal_event *stored)
{
    if (!hub->journal || next > hub->events)
        return 0;
    int found = mk_journal_find(hub->journal, hub->self_id, next, stored);
    if (found > 0 && stored->number > hub->events)
        return 0; /* no event has had this number */
    return found;
}

/* Frames a stored event, and the numbers missing before it, or with it if it is damaged. */
static int frame_stored(struct mk_hub *hub, const struct mk_event_format *format, uint64_t next,
                        const struct mk_journal_event *stored, struct mk_buf *out)
{
    int damage = encode_stored(hub, format, stored);
    if (damage == -ENOMEM)
        return damage;
    uint64_t missing = stored->number - next + (damage < 0);
    int rc = 0;
    if (damage < 0)
        log_damage(hub, stored->number);
    if (missing > 0)
        rc = mk_frame_write_gap(out, &hub->masks, format->framing, hub->self_id, next,
                                next + missing - 1);
    bool is_sent = hub->json.len > 0;
    if (rc == 0 && is_sent)
        rc = write_replayed(hub, format->framing, stored->number, out);
    hub->gaps += rc == 0 && missing > 0;
    hub->replayed += rc == 0 && is_sent;
    return rc;
}

/* Frames the end of the journal: a gap, if the last events are missing. */
static int frame_end(struct mk_hub *hub, const struct mk_event_format *format, uint64_t next,
                     struct mk_buf *out)
{
    if (next > hub->events)
        return 0;
    int rc = mk_frame_write_gap(out, &hub->masks, format->framing, hub->self_id, next, hub->events);
    hub->gaps += rc == 0;
    return rc;
}

int mk_hub_replay(struct mk_hub *hub, const struct mk_event_format *format, uint64_t *next,
                  struct mk_buf *out)
{
    struct mk_journal_event stored;
    size_t before = out->len;
    int found = find_stored(hub, *next, &stored);
    if (found < 0)
        return found;
    int rc =
        found ? frame_stored(hub, format, *next, &stored, out) : frame_end(hub, format, *next, out);
    uint64_t behind = found ? stored.number + 1 : hub->events + 1;
    mk_buf_reset(&hub->json, KEPT_BUFFER);
    mk_arena_reset(&hub->arena);
    if (rc < 0) {
        out->len = before;
        return rc;
    }
    if (behind > *next)
        *next = behind;
    return found;
}
