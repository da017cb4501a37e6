/*
 * webhook_private: internals shared by webhook.c, which posts events in their order,
 * webhook_give_up.c, which handles failures, and webhook_report.c.
 */
#ifndef MK_TRANSPORT_WEBHOOK_PRIVATE_H
#define MK_TRANSPORT_WEBHOOK_PRIVATE_H

#include "base/backoff.h"
#include "hub/reader.h"
#include "net/timer.h"
#include "transport/remote.h"
#include "transport/webhook.h"
#include "transport/webhook_attempts.h"
#include "transport/webhook_calls.h"
#include "transport/webhook_post.h"
#include "transport/webhook_repost.h"

#define MK_WEBHOOK_MODULE "webhook" /* of its lines in the log */

struct mk_webhook {
    struct mk_transport transport;
    struct mk_webhook_target target;
    struct mk_webhook_bounds bounds;
    struct mk_hub *hub;
    enum mk_dialect dialect;
    const struct mk_event_filter *filter;
    char name[MK_REMOTE_NAME]; /* the URL without credentials and query, for logs */
    struct mk_health health;
    uint64_t set_aside;
    uint64_t dropped;
    struct mk_webhook_repost *repost; /* under way, or NULL */
    struct mk_reader reader;
    struct mk_hub_waiter next; /* waits to deliver the next event */
    struct mk_slice event;     /* at the reader: being delivered; or empty */
    uint64_t number;           /* of that event, or of the last one that is finished */
    uint64_t event_since;      /* when it was first posted, seconds since 1970; 0: not yet */
    uint64_t gap_from;         /* lost events, which the next post reports; 0: none */
    uint64_t gap_to;
    size_t line; /* bytes of the event's line */
    struct mk_webhook_attempts attempts;
    struct mk_web_request *request;
    struct mk_timer *timer; /* until the next try */
    struct mk_backoff backoff;
    struct mk_webhook_calls calls;
    bool paused; /* its receiver is gone or refuses all: no event is posted */
    bool stopping;
};

static inline struct mk_webhook *mk_webhook_of(struct mk_transport *transport)
{
    return MK_CONTAINER_OF(transport, struct mk_webhook, transport);
}

/* --- webhook.c --- */

/* The event needs nothing more: the next one is posted when the turn's events are stored. */
void mk_webhook_finish_event(struct mk_webhook *webhook);
/* Takes the next event of the reader, if none is being delivered. False: there is none. */
bool mk_webhook_find_event(struct mk_webhook *webhook);
void mk_webhook_abort(struct mk_transport *transport);

/* --- webhook_give_up.c --- */

/* A post was not accepted: tries it again, gives it up, or pauses the URL. */
void mk_webhook_fail(struct mk_webhook *webhook, const struct mk_web_response *response);
/* The same, of a post that could not be made. */
void mk_webhook_fail_errno(struct mk_webhook *webhook, int error);

/* Of the class (transport.h). */
bool mk_webhook_trial(struct mk_transport *transport, struct mk_transport_trial *trial);
int mk_webhook_skip(struct mk_transport *transport);
bool mk_webhook_resume(struct mk_transport *transport);

/* --- webhook_report.c --- */

extern const struct mk_transport_counter mk_webhook_counters[];
size_t mk_webhook_report(const struct mk_transport *transport,
                         struct mk_transport_stats stats[MK_TRANSPORT_ROWS]);

#endif
