/* reader: see the header. */
#include "hub/reader.h"

#include "base/error_text.h"
#include "base/log.h"

static void set_replaying(struct mk_reader *reader, bool replaying)
{
    struct mk_hub *hub = reader->hub;
    if (reader->replaying == replaying)
        return;
    reader->replaying = replaying;
    hub->replaying = replaying ? hub->replaying + 1 : hub->replaying - 1;
    if (hub->replaying == 0 && hub->replays)
        mk_replays_forget(hub->replays, hub);
}

/* Asks for its next piece, unless nothing makes readers take turns. */
static void ask(struct mk_reader *reader)
{
    if (reader->hub->replays && mk_list_empty(&reader->stuck))
        mk_replays_ask(reader->hub->replays, &reader->turn);
}

static void on_turn(struct mk_replay *turn);

/*
 * Its client has seen events that nothing here knows of: all files are older, or new. So those up
 * to `since` are a gap, behind which the numbers begin again.
 */
static int tell_unknown(struct mk_reader *reader, uint64_t since)
{
    struct mk_hub *hub = reader->hub;
    reader->live = false;
    reader->next = hub->events + 1;
    reader->before = hub->events;
    int rc = mk_piece_gap(hub, &reader->format, reader->next, since, &reader->piece);
    if (rc == 0)
        set_replaying(reader, true);
    return rc;
}

int mk_reader_start(struct mk_reader *reader, struct mk_hub *hub,
                    const struct mk_event_format *format, uint64_t since, uint64_t max_lag)
{
    reader->hub = hub;
    reader->format = *format;
    mk_event_filter_ref(format->filter);
    reader->sink.max_lag = max_lag;
    reader->taken = 0;
    reader->piece = NULL;
    reader->turn = (struct mk_replay){ .get = on_turn };
    mk_list_init(&reader->turn.node);
    mk_list_init(&reader->stuck);
    reader->next = since + 1;
    reader->replaying = false;
    if (since > hub->events && since != MK_READER_LIVE)
        return tell_unknown(reader, since);
    reader->live = since >= hub->events;
    if (reader->live)
        return mk_hub_join(hub, &reader->sink, format);
    set_replaying(reader, true);
    ask(reader);
    return 0;
}

static void drop_piece(struct mk_reader *reader)
{
    mk_list_remove(&reader->turn.node);
    reader->piece = mk_piece_release(reader->piece);
    reader->taken = 0;
}

void mk_reader_stop(struct mk_reader *reader)
{
    if (!reader->hub)
        return;
    mk_sink_leave(&reader->sink);
    mk_list_remove(&reader->stuck);
    drop_piece(reader);
    set_replaying(reader, false);
    reader->live = false;
    reader->hub = NULL;
    mk_event_filter_unref(reader->format.filter);
}

bool mk_reader_started(const struct mk_reader *reader)
{
    return reader->hub != NULL;
}

void mk_reader_rewind(struct mk_reader *reader, uint64_t since)
{
    mk_sink_leave(&reader->sink);
    drop_piece(reader);
    reader->next = since + 1;
    set_replaying(reader, true);
    reader->live = false;
}

/* Out of memory, or a disk error: the reader stays as it is until mk_hub_retry. */
static void mark_stuck(struct mk_reader *reader, int error)
{
    struct mk_hub *hub = reader->hub;
    if (!mk_list_empty(&reader->stuck))
        return;
    mk_log_warn("hub", "event %llu of bot %llu cannot be replayed for now: %s",
                "事件 %llu（Bot %llu）暂时无法重放：%s", (unsigned long long)reader->next,
                (unsigned long long)hub->self_id, mk_error_text(-error));
    bool is_first = mk_list_empty(&hub->stuck);
    mk_list_push(&hub->stuck, &reader->stuck);
    if (is_first && hub->got_stuck)
        hub->got_stuck(hub->arg);
}

void mk_hub_retry(struct mk_hub *hub)
{
    struct mk_list stuck;
    mk_list_take(&stuck, &hub->stuck);
    while (!mk_list_empty(&stuck)) {
        struct mk_reader *reader = MK_CONTAINER_OF(stuck.next, struct mk_reader, stuck);
        mk_list_remove(&reader->stuck);
        reader->sink.ready(&reader->sink);
    }
}

static struct mk_slice rest_of_piece(const struct mk_reader *reader)
{
    if (!reader->piece)
        return (struct mk_slice){ 0 };
    return mk_slice_from(mk_piece_bytes(reader->piece), reader->taken);
}

/* Takes the next piece of the journal, or joins the feed if there is no more. */
static void read_on(struct mk_reader *reader)
{
    drop_piece(reader);
    reader->before = reader->next - 1;
    int more =
        mk_piece_take(reader->hub, &reader->format, &reader->next, &reader->piece, &reader->taken);
    if (more == 0)
        more = mk_hub_join(reader->hub, &reader->sink, &reader->format);
    if (more == 0)
        set_replaying(reader, false);
    if (more < 0)
        mark_stuck(reader, more);
}

static void on_turn(struct mk_replay *turn)
{
    struct mk_reader *reader = MK_CONTAINER_OF(turn, struct mk_reader, turn);
    read_on(reader);
    if (rest_of_piece(reader).len > 0 || !reader->replaying)
        reader->sink.ready(&reader->sink);
    else
        ask(reader); /* the piece has no frame in its format */
}

static struct mk_slice peek_past(struct mk_reader *reader)
{
    while (rest_of_piece(reader).len == 0 && reader->replaying && !reader->hub->replays &&
           mk_list_empty(&reader->stuck))
        read_on(reader);
    struct mk_slice rest = rest_of_piece(reader);
    if (rest.len == 0 && reader->replaying) {
        ask(reader);
    } else if (rest.len == 0) {
        drop_piece(reader);
        reader->live = true;
    }
    return rest;
}

struct mk_slice mk_reader_peek(struct mk_reader *reader)
{
    if (reader->live && reader->sink.lost && mk_sink_at_lost_event(&reader->sink))
        mk_reader_rewind(reader, reader->sink.lost - 1);
    if (!reader->live) {
        struct mk_slice past = peek_past(reader);
        if (!reader->live)
            return past;
    }
    return mk_sink_peek(&reader->sink);
}

bool mk_reader_advance(struct mk_reader *reader, size_t len)
{
    if (reader->live)
        return mk_sink_advance(&reader->sink, len);
    reader->taken += len;
    if (rest_of_piece(reader).len > 0 || !reader->replaying || !reader->hub->replays)
        return true;
    drop_piece(reader);
    ask(reader);
    return false;
}

/*
 * Frames that were read from the journal and not taken count in bytes only: they are one piece at
 * most.
 */
struct mk_lag mk_reader_lag(const struct mk_reader *reader)
{
    if (!mk_reader_started(reader))
        return (struct mk_lag){ 0 };
    struct mk_lag lag = {
        .events = mk_sink_frames_behind(&reader->sink),
        .bytes = mk_sink_lag(&reader->sink) + rest_of_piece(reader).len,
    };
    if (reader->replaying && reader->next <= reader->hub->events)
        lag.events += reader->hub->events - reader->next + 1;
    return lag;
}

uint64_t mk_reader_taken(const struct mk_reader *reader)
{
    if (!mk_reader_started(reader))
        return 0;
    if (rest_of_piece(reader).len > 0)
        return reader->before;
    if (reader->replaying)
        return reader->next - 1;
    if (reader->sink.lost)
        return 0;
    return mk_sink_taken(&reader->sink, reader->hub->events);
}
