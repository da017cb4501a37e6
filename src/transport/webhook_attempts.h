/*
 * webhook_attempts: what the result of a post means: whether its event is tried again or given up,
 * and whether its URL is paused. Pure: no clock, no socket, no journal.
 *
 * A failure is one of five things. It may be the event's own fault (a 5xx, no answer in time, a
 * connection that was closed after the request was sent): then the event is given up at its bounds,
 * since the next ones may be fine. It is a refusal (another 4xx): given up the third time, not at
 * once, since a receiver that is being restarted answers 404 for a moment. It is a 410 or a 401:
 * the third one in a row pauses the URL, for wrong credentials are no event's fault. It is a 403,
 * which may be either: an event of a URL that has accepted others is given up as a refusal is, but
 * where nothing was accepted yet, or the event before met the same end, the URL is paused. Or the
 * URL is down (nothing was sent): then the event waits, and nothing is counted.
 *
 * A receiver that fails with every event would lose them all in this way. So after five events in a
 * row were given up, the bounds double with each further one, up to 32 times, and to an hour.
 */
#ifndef MK_TRANSPORT_WEBHOOK_ATTEMPTS_H
#define MK_TRANSPORT_WEBHOOK_ATTEMPTS_H

#include "net/failure.h"

enum mk_webhook_fault {
    MK_WEBHOOK_NO_FAULT, /* 2xx */
    MK_WEBHOOK_EVENT,    /* perhaps the event's own */
    MK_WEBHOOK_REFUSAL,
    MK_WEBHOOK_GONE,         /* 410 */
    MK_WEBHOOK_UNAUTHORIZED, /* 401 */
    MK_WEBHOOK_FORBIDDEN,    /* 403 */
    MK_WEBHOOK_URL,
};

/* Of an answer with this status, or, where `failure` is not NULL, of none. */
enum mk_webhook_fault mk_webhook_fault(const struct mk_failure *failure, unsigned status);

/* When an event is given up. */
struct mk_webhook_bounds {
    bool waits; /* never, except for refusals */
    uint64_t tries;
    uint64_t seconds;
};

struct mk_webhook_attempts {
    /* Of the current event. */
    uint64_t tries;        /* failed posts that may be its own fault */
    uint64_t refusals;     /* answers of 403 or another 4xx */
    uint64_t spent_ms;     /* with those tries, without the time when the URL was down */
    uint64_t counted_from; /* where `spent_ms` continues, monotonic ms; 0: with the next post */
    /* Of the URL. */
    uint64_t given_up; /* events in a row */
    uint64_t gone;     /* answers of 410 or of 401 in a row */
    bool forbidden;    /* the event before this one was given up as a 403 */
    bool accepts;      /* it has accepted an event */
};

enum mk_webhook_verdict {
    MK_WEBHOOK_ACCEPT,
    MK_WEBHOOK_RETRY,
    MK_WEBHOOK_GIVE_UP,
    MK_WEBHOOK_PAUSE,
};

/* An event is posted, at the monotonic time `now`. */
void mk_webhook_attempts_begin(struct mk_webhook_attempts *attempts, uint64_t now);
/* The post has this result: counts it, and decides. */
enum mk_webhook_verdict mk_webhook_attempts_judge(struct mk_webhook_attempts *attempts,
                                                  const struct mk_webhook_bounds *bounds,
                                                  enum mk_webhook_fault fault, uint64_t now);
/*
 * Limits a wait, in ms, so that the last try begins when the time of the event is over. `fault` is
 * that of the post before.
 */
uint64_t mk_webhook_attempts_wait(const struct mk_webhook_attempts *attempts,
                                  const struct mk_webhook_bounds *bounds,
                                  enum mk_webhook_fault fault, uint64_t wait);
/* The event is finished: the next one begins. Events that an operator skips are not given up. */
void mk_webhook_attempts_next(struct mk_webhook_attempts *attempts);

/* The bounds of the current event, which grow after many events that were given up in a row. */
struct mk_webhook_bounds mk_webhook_attempts_bounds(const struct mk_webhook_attempts *attempts,
                                                    const struct mk_webhook_bounds *bounds);

#endif
