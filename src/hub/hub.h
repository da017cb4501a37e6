/*
 * hub: the events of one bot, from the backend to its sinks.
 *
 *   backend -> milky_emit -> mk_hub_emit: number it, write it into the journal, encode it once per
 *   (dialect, envelope), compress that once if a sink takes it compressed, frame it once per
 * (dialect, envelope, framing) -> feed -> sinks
 */
#ifndef MK_HUB_HUB_H
#define MK_HUB_HUB_H

#include "base/buf.h"
#include "hub/journal.h"
#include "hub/keys.h"
#include "hub/views.h"

struct mk_deflate; /* wire/deflate.h */
struct mk_replays; /* hub/replays.h */

enum { MK_COUNTED_TYPES = 64 };

struct mk_hub {
    uint64_t self_id;
    struct mk_journal *journal; /* NULL: events are not stored */
    struct mk_deflate *deflate; /* NULL (initially): nothing is compressed. Borrowed */
    /* NULL (initially): readers read the journal when they peek, as much as they want. Borrowed */
    struct mk_replays *replays;
    bool own_messages;     /* a transport wants the bot's own messages */
    size_t replaying;      /* readers that read the journal */
    uint64_t events;       /* the number of the last event */
    uint64_t expired;      /* at the start, the journal had had the events up to this one */
    uint64_t encodings;    /* JSON texts made: at most one per (dialect, envelope) and event */
    uint64_t compressions; /* of them that were compressed */
    uint64_t emitted[MK_COUNTED_TYPES]; /* events by the index of their type */
    uint64_t replayed;                  /* events that were read from the journal for a sink */
    uint64_t gaps;                      /* gaps sent to sinks */
    uint64_t overruns;                  /* sinks that fell too far behind */
    struct mk_list uncommitted;         /* of mk_hub_waiter */
    struct mk_list stuck;               /* readers that could not continue, and will retry */
    void (*got_stuck)(void *arg);       /* called for the first of them; or NULL */
    void *arg;
    struct mk_keys keys;  /* of the last events that have one */
    uint64_t key_ordinal; /* of the next one in the journal; 0: not yet read */
    struct mk_views views;
    struct mk_random masks; /* for the frames of clients */
    struct mk_arena arena;  /* for translating one event */
    struct mk_buf data;     /* one event's data as JSON, for the journal */
    struct mk_buf json;     /* one event, encoded */
    struct mk_buf frame;    /* one event, framed */
};

/*
 * For sinks that do not send events through a stream's output (which waits for the journal's commit
 * in any case). Zeroed except for `run` and its initialised node.
 */
struct mk_hub_waiter {
    struct mk_list node;
    void (*run)(struct mk_hub_waiter *waiter);
};

/*
 * `hub` must not be moved. `journal` is borrowed and may be NULL; numbers continue after its last.
 * Returns 0 or a negative errno, logged; mk_hub_fini must be called in any case.
 */
int mk_hub_init(struct mk_hub *hub, uint64_t self_id, struct mk_journal *journal);
/* All sinks must have left. */
void mk_hub_fini(struct mk_hub *hub);

/* Joins the feed of this format; see mk_feed_join. */
int mk_hub_join(struct mk_hub *hub, struct mk_sink *sink, const struct mk_event_format *format);

/*
 * Numbers an event and passes it to the journal and to every sink. Returns 0; -EINVAL for data that
 * is not of its type (then the event is not emitted); another negative errno when the journal or a
 * feed did not get it. That feed's sinks then get it from the journal.
 */
int mk_hub_emit(struct mk_hub *hub, struct mk_event *event);

/*
 * The same for an event that is emitted only once even if it is reported repeatedly: if `key` is
 * that of an earlier event, sets `event->number` to the number of that one and returns
 * MK_HUB_REPEATED. Otherwise as above; or -ENOMEM or the journal's error if the key cannot be
 * looked up or stored, when the event is not emitted either.
 */
enum { MK_HUB_REPEATED = 1 };
int mk_hub_emit_once(struct mk_hub *hub, const struct mk_key *key, struct mk_event *event);

/*
 * Emits an event that has had a number before (`event->number`), at the start, from its backend's
 * copy, where the journal does not have it. Returns 0, MK_HUB_REPEATED if the journal has it or has
 * deleted it as too old, or a negative errno as above.
 */
int mk_hub_emit_again(struct mk_hub *hub, struct mk_event *event);

/*
 * At the start: the backend's copies may lack the last events. Where the last number may be lost
 * too, the next one is behind all that may have been given (mk_journal_bound).
 */
void mk_hub_lost_events(struct mk_hub *hub);

/*
 * Runs the waiter once, when all emitted events are stored; never from within this function. It
 * must be removed from its list (mk_list_remove) before it is freed.
 */
void mk_hub_await_commit(struct mk_hub *hub, struct mk_hub_waiter *waiter);
/* To be called at the end of a turn, when the journal, if there is one, has committed. */
void mk_hub_committed(struct mk_hub *hub);

/*
 * Makes stuck readers retry. To be called some time after `got_stuck`, in the next turn or later.
 */
void mk_hub_retry(struct mk_hub *hub);

/*
 * Appends, in this format, the first event of the journal from `*next` on to `out`, and a gap
 * before it where numbers are missing; `*next` becomes the number behind it. Returns 1, 0 when
 * there is no further event, or a negative errno that may be temporary: nothing was appended, and
 * the caller may retry. A damaged event is logged, and belongs to the gap.
 */
int mk_hub_replay(struct mk_hub *hub, const struct mk_event_format *format, uint64_t *next,
                  struct mk_buf *out);

#endif
