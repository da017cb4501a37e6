/* feed: chunks with reference counts. See the header. */
#include "hub/feed.h"

#include <errno.h>
#include <stdlib.h>

enum { CHUNK_SIZE = 64 * 1024 };

struct mk_feed_chunk {
    unsigned refs; /* sinks at this chunk, the chunk before, and the feed for its last chunk */
    struct mk_feed_chunk *next;
    uint64_t first; /* the number of the event of its first frame */
    size_t frames;
    size_t len;
    size_t cap;
    char data[];
};

static struct mk_feed_chunk *new_chunk(size_t frame)
{
    size_t cap = CHUNK_SIZE - sizeof(struct mk_feed_chunk);
    if (cap < frame)
        cap = frame;
    struct mk_feed_chunk *chunk = malloc(sizeof(*chunk) + cap);
    if (!chunk)
        return NULL;
    *chunk = (struct mk_feed_chunk){ .refs = 1, .cap = cap };
    return chunk;
}

static void unref_chunk(struct mk_feed_chunk *chunk)
{
    while (chunk && --chunk->refs == 0) {
        struct mk_feed_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void mk_feed_init(struct mk_feed *feed)
{
    *feed = (struct mk_feed){ .check_at = UINT64_MAX };
    mk_list_init(&feed->at_end);
    mk_list_init(&feed->behind);
}

void mk_feed_fini(struct mk_feed *feed)
{
    unref_chunk(feed->tail);
    feed->tail = NULL;
}

/*
 * An append while all sinks are at the end begins a burst, which is sent in one piece if it lies in
 * one chunk: so a burst does not begin in the last half of a chunk.
 */
static bool may_append_to_tail(const struct mk_feed *feed)
{
    return feed->tail->len <= feed->tail->cap / 2 || !mk_list_empty(&feed->behind);
}

/* Ensures that the last chunk has room for a frame. */
static int make_room(struct mk_feed *feed, size_t frame)
{
    if (feed->tail && feed->tail->cap - feed->tail->len >= frame && may_append_to_tail(feed))
        return 0;
    struct mk_feed_chunk *chunk = new_chunk(frame);
    if (!chunk)
        return -ENOMEM;
    if (feed->tail) {
        feed->tail->next = chunk;
        chunk->refs++;
        unref_chunk(feed->tail);
    }
    feed->tail = chunk;
    return 0;
}

bool mk_feed_has_sinks(const struct mk_feed *feed)
{
    return !mk_list_empty(&feed->at_end) || !mk_list_empty(&feed->behind);
}

/* Returns the highest end of the feed at which the sink does not lag too much. */
static uint64_t last_allowed_end(struct mk_feed *feed, const struct mk_sink *sink)
{
    uint64_t room = UINT64_MAX - sink->position;
    uint64_t most = sink->max_lag < room ? sink->position + sink->max_lag : UINT64_MAX;
    if (most < feed->check_at)
        feed->check_at = most;
    return most;
}

/* Checks sinks that are behind, only when one of them may lag too much. */
static void check_behind(struct mk_feed *feed)
{
    if (feed->end <= feed->check_at)
        return;
    feed->check_at = UINT64_MAX;
    MK_LIST_FOR_EACH (node, &feed->behind) {
        struct mk_sink *sink = MK_CONTAINER_OF(node, struct mk_sink, node);
        if (feed->end > last_allowed_end(feed, sink))
            sink->overrun(sink);
    }
}

static void notify_sinks_at_end(struct mk_feed *feed)
{
    struct mk_list notified; /* a sink that reads to the end meanwhile is in `at_end` again */
    mk_list_take(&notified, &feed->at_end);
    while (!mk_list_empty(&notified)) {
        struct mk_sink *sink = MK_CONTAINER_OF(notified.next, struct mk_sink, node);
        __builtin_prefetch(
            sink->node.next->next); /* thousands of sinks do not fit into the cache */
        mk_list_remove(&sink->node);
        mk_list_push(&feed->behind, &sink->node);
        if (feed->end > last_allowed_end(feed, sink))
            sink->overrun(sink);
        else
            sink->ready(sink);
    }
}

int mk_feed_append(struct mk_feed *feed, uint64_t number, struct mk_slice frame)
{
    if (frame.len == 0 || !mk_feed_has_sinks(feed))
        return 0;
    int rc = make_room(feed, frame.len);
    if (rc < 0)
        return rc;
    if (feed->tail->frames == 0)
        feed->tail->first = number;
    memcpy(feed->tail->data + feed->tail->len, frame.ptr, frame.len);
    feed->tail->len += frame.len;
    feed->tail->frames++;
    feed->end += frame.len;
    check_behind(feed);
    notify_sinks_at_end(feed);
    return 0;
}

static void note_loss(const struct mk_feed *feed, struct mk_sink *sink, uint64_t number)
{
    if (sink->lost)
        return;
    sink->lost = number;
    sink->lost_at = feed->end;
}

void mk_feed_mark_lost(struct mk_feed *feed, uint64_t number)
{
    MK_LIST_FOR_EACH (node, &feed->behind)
        note_loss(feed, MK_CONTAINER_OF(node, struct mk_sink, node), number);
    MK_LIST_FOR_EACH (node, &feed->at_end)
        note_loss(feed, MK_CONTAINER_OF(node, struct mk_sink, node), number);
    notify_sinks_at_end(feed);
}

bool mk_sink_at_lost_event(const struct mk_sink *sink)
{
    return sink->lost && sink->position == sink->lost_at;
}

int mk_feed_join(struct mk_feed *feed, struct mk_sink *sink)
{
    int rc = make_room(feed, 0);
    if (rc < 0)
        return rc;
    sink->feed = feed;
    sink->chunk = feed->tail;
    sink->chunk->refs++;
    sink->offset = feed->tail->len;
    sink->position = feed->end;
    sink->lost = 0;
    mk_list_push(&feed->at_end, &sink->node);
    return 0;
}

void mk_sink_leave(struct mk_sink *sink)
{
    if (!sink->feed)
        return;
    mk_list_remove(&sink->node);
    unref_chunk(sink->chunk);
    sink->chunk = NULL;
    sink->feed = NULL;
}

struct mk_slice mk_sink_peek(struct mk_sink *sink)
{
    struct mk_feed_chunk *chunk = sink->chunk;
    /* Repeated for empty chunks. The sink references the next chunk before it releases this one. */
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    while (chunk && sink->offset == chunk->len && chunk->next) {
        sink->chunk = chunk->next;
        sink->chunk->refs++;
        sink->offset = 0;
        unref_chunk(chunk);
        chunk = sink->chunk;
    }
    if (!chunk)
        return (struct mk_slice){ 0 };
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    size_t len = chunk->len - sink->offset;
    if (sink->lost && sink->lost_at - sink->position < len)
        len = (size_t)(sink->lost_at - sink->position);
    return mk_slice_of(chunk->data + sink->offset, len);
}

bool mk_sink_advance(struct mk_sink *sink, size_t len)
{
    sink->offset += len;
    sink->position += len;
    if (sink->position < sink->feed->end)
        return true;
    mk_list_remove(&sink->node);
    mk_list_push(&sink->feed->at_end, &sink->node);
    return sink->lost != 0;
}

uint64_t mk_sink_lag(const struct mk_sink *sink)
{
    return sink->feed ? sink->feed->end - sink->position : 0;
}

uint64_t mk_sink_frames_behind(const struct mk_sink *sink)
{
    const struct mk_feed_chunk *chunk = sink->chunk;
    if (mk_sink_lag(sink) == 0)
        return 0;
    uint64_t rest = chunk->len - sink->offset;
    uint64_t frames = chunk->len > 0 ? (rest * chunk->frames + chunk->len - 1) / chunk->len : 0;
    for (chunk = chunk->next; chunk; chunk = chunk->next)
        frames += chunk->frames;
    return frames;
}

uint64_t mk_sink_taken(const struct mk_sink *sink, uint64_t last)
{
    const struct mk_feed_chunk *chunk = sink->chunk;
    if (mk_sink_lag(sink) == 0)
        return last;
    if (sink->offset < chunk->len)
        return chunk->first - 1;
    do
        chunk = chunk->next;
    while (chunk->frames == 0); /* there is one, since the sink is not at the end */
    return chunk->first - 1;
}
