/* feed: chunks, counted by those who stand in them. */
#include "hub/feed.h"

#include <errno.h>
#include <stdlib.h>

enum { CHUNK_SIZE = 64 * 1024 };

struct mk_feed_chunk {
    unsigned refs; /* sinks that stand here, the chunk before, and the feed while it is the last */
    struct mk_feed_chunk *next;
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
    *feed = (struct mk_feed){ 0 };
    mk_list_init(&feed->sinks);
}

void mk_feed_fini(struct mk_feed *feed)
{
    unref_chunk(feed->tail);
    feed->tail = NULL;
}

/* Makes sure that the last chunk has room for a frame. */
static int make_room(struct mk_feed *feed, size_t frame)
{
    if (feed->tail && feed->tail->cap - feed->tail->len >= frame)
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

int mk_feed_append(struct mk_feed *feed, struct mk_slice frame)
{
    if (frame.len == 0 || mk_list_empty(&feed->sinks))
        return 0;
    int rc = make_room(feed, frame.len);
    if (rc < 0)
        return rc;
    memcpy(feed->tail->data + feed->tail->len, frame.ptr, frame.len);
    feed->tail->len += frame.len;
    feed->end += frame.len;
    MK_LIST_FOR_EACH (node, &feed->sinks) {
        struct mk_sink *sink = MK_CONTAINER_OF(node, struct mk_sink, node);
        if (mk_sink_lag(sink) > sink->max_lag)
            sink->overrun(sink);
        else
            sink->ready(sink);
    }
    return 0;
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
    mk_list_push(&feed->sinks, &sink->node);
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
    if (chunk && sink->offset == chunk->len && chunk->next) {
        sink->chunk = chunk->next;
        sink->chunk->refs++;
        sink->offset = 0;
        unref_chunk(chunk);
        chunk = sink->chunk;
    }
    if (!chunk)
        return (struct mk_slice){ 0 };
    return mk_slice_of(chunk->data + sink->offset, chunk->len - sink->offset);
}

void mk_sink_advance(struct mk_sink *sink, size_t len)
{
    sink->offset += len;
    sink->position += len;
}

uint64_t mk_sink_lag(const struct mk_sink *sink)
{
    return sink->feed ? sink->feed->end - sink->position : 0;
}
