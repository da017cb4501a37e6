/*
 * hub: the events of one bot on their way from the backend to everyone who listens.
 *
 *   backend -> milky_emit -> mk_hub_emit: number it, write it into the journal, encode it once per
 *   (dialect, envelope), compress that once where somebody takes it so, frame it once per (dialect,
 *   envelope, framing) -> feed -> sinks
 */
#ifndef MK_HUB_HUB_H
#define MK_HUB_HUB_H

#include "base/buf.h"
#include "hub/feed.h"
#include "hub/frame.h"
#include "hub/journal.h"
#include "hub/keys.h"
#include "protocol/event.h"

struct mk_deflate; /* wire/deflate.h */

/* How a sink wants its events. */
struct mk_event_format {
    enum mk_dialect dialect;
    enum mk_envelope envelope;
    enum mk_framing framing;
};

enum { MK_DIALECTS = 2, MK_ENVELOPES = 4, MK_COUNTED_TYPES = 64 };

struct mk_hub {
    uint64_t self_id;
    struct mk_journal *journal; /* NULL: nothing outlives the process */
    struct mk_deflate *deflate; /* NULL, at first: nothing is compressed. Borrowed */
    uint64_t events;            /* the number of the last event */
    uint64_t encodings;         /* JSON texts made: at most one per (dialect, envelope) and event */
    uint64_t compressions;      /* of them that were compressed */
    uint64_t emitted[MK_COUNTED_TYPES]; /* events by the place of their type in its table */
    uint64_t replayed;                  /* events that were read from the journal for a sink */
    uint64_t gaps;                      /* times that a sink was told of events that are gone */
    uint64_t overruns;                  /* sinks that fell too far behind */
    uint64_t unanswered;                /* WebSockets that did not answer a ping */
    struct mk_list uncommitted;         /* of mk_hub_waiter */
    struct mk_list stuck;               /* readers that could not go on, and are to try again */
    void (*got_stuck)(void *arg);       /* told when the first of them is there; or NULL */
    void *arg;
    struct mk_keys keys;  /* of the last events that have one */
    uint64_t key_ordinal; /* of the next one in the journal; 0: not yet read */
    struct mk_feed feeds[MK_DIALECTS][MK_ENVELOPES][MK_FRAMINGS];
    struct mk_random masks; /* for the frames of clients */
    struct mk_arena arena;  /* what translating one event makes */
    struct mk_buf data;     /* one event's data as JSON, for the journal */
    struct mk_buf json;     /* one event, encoded */
    struct mk_buf frame;    /* one event, framed */
};

/*
 * Somebody who tells others of events in another way than by a stream's output, which leaves after
 * the journal's commit anyway. Zeroed but for `run`, and its node initialised.
 */
struct mk_hub_waiter {
    struct mk_list node;
    void (*run)(struct mk_hub_waiter *waiter);
};

/*
 * `journal` is borrowed and may be NULL; numbers go on from where it ends. Returns 0 or a negative
 * errno, logged; mk_hub_fini is to be called in any case.
 */
int mk_hub_init(struct mk_hub *hub, uint64_t self_id, struct mk_journal *journal);
/* All sinks must have left. */
void mk_hub_fini(struct mk_hub *hub);

/* Joins the feed of this format; see mk_feed_join. */
int mk_hub_join(struct mk_hub *hub, struct mk_sink *sink, const struct mk_event_format *format);

/*
 * Numbers an event and gives it to the journal and to every sink. Returns 0; -EINVAL for data that
 * is not of its type (then it has not happened); another negative errno when the journal or some
 * feed did not get it. The feed's sinks then get it from the journal.
 */
int mk_hub_emit(struct mk_hub *hub, struct mk_event *event);

/*
 * The same for an event that is emitted once, whatever how often it is reported: where `key` names
 * an earlier one it has not happened, `event->number` is that one's, and MK_HUB_REPEATED is
 * returned. Else as above; and a key that cannot be looked up or remembered, -ENOMEM or what the
 * journal says: then it has not happened either.
 */
enum { MK_HUB_REPEATED = 1 };
int mk_hub_emit_once(struct mk_hub *hub, const struct mk_key *key, struct mk_event *event);

/*
 * Runs the waiter when all that was emitted is stored: once, and never from within this. To be
 * taken out of its list (mk_list_remove) before it goes.
 */
void mk_hub_await_commit(struct mk_hub *hub, struct mk_hub_waiter *waiter);
/* To be called at the end of a turn, when the journal has committed, or there is none. */
void mk_hub_committed(struct mk_hub *hub);

/*
 * Lets the readers that are stuck try again. Who runs the loop calls this some time after
 * `got_stuck`, and no sooner than its next turn.
 */
void mk_hub_retry(struct mk_hub *hub);

/*
 * Appends, in this format, the first event of the journal from `*next` on to `out`, and a gap
 * before it where numbers are missing; `*next` is then the number behind it. Returns 1, or 0 when
 * there is no further event, or a negative errno that may pass: nothing was appended, and it can be
 * tried again. An event that can never be written is logged and left out.
 */
int mk_hub_replay(struct mk_hub *hub, const struct mk_event_format *format, uint64_t *next,
                  struct mk_buf *out);

#endif
