/*
 * webhook_repost: a dead letter's event posted once more, on an operator's word, beside what its
 * webhook delivers meanwhile. What the response says to do is done.
 */
#ifndef MK_TRANSPORT_WEBHOOK_REPOST_H
#define MK_TRANSPORT_WEBHOOK_REPOST_H

#include "hub/hub.h"
#include "transport/webhook_calls.h"
#include "transport/webhook_post.h"

struct mk_webhook_repost;

enum mk_repost_outcome {
    MK_REPOST_TAKEN,
    MK_REPOST_REFUSED, /* `status` and `response` tell how */
    MK_REPOST_FAILED,  /* no response; `error` tells why */
};
struct mk_repost_result {
    enum mk_repost_outcome outcome;
    unsigned status;
    const char *error;
};

/* Who is told: once, never from within start. The result is borrowed for its time. */
struct mk_repost_asker {
    void (*done)(void *arg, const struct mk_repost_result *result);
    void *arg;
};

/* What it is made of; all is borrowed until it is done or cancelled. */
struct mk_repost_config {
    const struct mk_webhook_target *target;
    struct mk_hub *hub;
    struct mk_dispatch *dispatch;
    enum mk_dialect dialect;
    const char *name; /* of the webhook, for logs */
};

/*
 * Starts it. Returns 0, 1 when the event of this number is not in the journal any more, or -ENOMEM.
 * It is gone when `done` is called.
 */
int mk_webhook_repost_start(const struct mk_repost_config *config, uint64_t number,
                            const struct mk_repost_asker *asker, struct mk_webhook_repost **repost);

/* Ends it at once; it fails for this reason. NULL is allowed. */
void mk_webhook_repost_cancel(struct mk_webhook_repost *repost, const char *why);

#endif
