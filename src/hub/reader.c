/* reader: see the header. */
#include "hub/reader.h"

#include "base/error_text.h"
#include "base/log.h"

enum { PIECE = 64 * 1024, LONGEST_PIECE = 128 * 1024 * 1024 };

/*
 * Its client has seen events that nothing here knows of: all files are older, or new. So those up
 * to `since` are a gap, behind which the numbers begin again.
 */
static int tell_unknown(struct mk_reader *reader, uint64_t since)
{
    struct mk_hub *hub = reader->hub;
    reader->replaying = true;
    reader->live = false;
    reader->next = hub->events + 1;
    reader->before = hub->events;
    hub->gaps++;
    return mk_frame_write_gap(&reader->past, &hub->masks, reader->format.framing, hub->self_id,
                              reader->next, since);
}

int mk_reader_start(struct mk_reader *reader, struct mk_hub *hub,
                    const struct mk_event_format *format, uint64_t since, uint64_t max_lag)
{
    reader->hub = hub;
    reader->format = *format;
    reader->sink.max_lag = max_lag;
    reader->taken = 0;
    mk_buf_init(&reader->past, LONGEST_PIECE);
    reader->replaying = since < hub->events;
    reader->live = !reader->replaying;
    reader->next = since + 1;
    mk_list_init(&reader->stuck);
    if (since > hub->events && since != MK_READER_LIVE)
        return tell_unknown(reader, since);
    return reader->replaying ? 0 : mk_hub_join(hub, &reader->sink, format);
}

void mk_reader_stop(struct mk_reader *reader)
{
    if (!reader->hub)
        return;
    mk_sink_leave(&reader->sink);
    mk_list_remove(&reader->stuck);
    mk_buf_fini(&reader->past);
    reader->replaying = false;
    reader->live = false;
    reader->hub = NULL;
}

bool mk_reader_started(const struct mk_reader *reader)
{
    return reader->hub != NULL;
}

void mk_reader_rewind(struct mk_reader *reader, uint64_t since)
{
    mk_sink_leave(&reader->sink);
    mk_buf_reset(&reader->past, PIECE);
    reader->taken = 0;
    reader->next = since + 1;
    reader->replaying = true;
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

/* Reads the next piece of the journal, or joins the feed if there is no more. */
static void read_on(struct mk_reader *reader)
{
    mk_buf_reset(&reader->past, 2 * (size_t)PIECE);
    reader->taken = 0;
    reader->before = reader->next - 1;
    int more = 1;
    while (more > 0 && reader->past.len < PIECE)
        more = mk_hub_replay(reader->hub, &reader->format, &reader->next, &reader->past);
    if (more == 0)
        more = mk_hub_join(reader->hub, &reader->sink, &reader->format);
    if (more == 0)
        reader->replaying = false;
    if (more < 0)
        mark_stuck(reader, more);
}

static struct mk_slice peek_past(struct mk_reader *reader)
{
    if (reader->taken == reader->past.len && reader->replaying)
        read_on(reader);
    if (reader->taken == reader->past.len && !reader->replaying) {
        mk_buf_fini(&reader->past);
        reader->taken = 0;
        reader->live = true;
    }
    return mk_slice_from(mk_buf_slice(&reader->past), reader->taken);
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
    return true;
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
        .bytes = mk_sink_lag(&reader->sink) + reader->past.len - reader->taken,
    };
    if (reader->replaying && reader->next <= reader->hub->events)
        lag.events += reader->hub->events - reader->next + 1;
    return lag;
}

uint64_t mk_reader_taken(const struct mk_reader *reader)
{
    if (!mk_reader_started(reader))
        return 0;
    if (reader->taken < reader->past.len)
        return reader->before;
    if (reader->replaying)
        return reader->next - 1;
    if (reader->sink.lost)
        return 0;
    return reader->hub->events - mk_sink_max_frames_behind(&reader->sink);
}
