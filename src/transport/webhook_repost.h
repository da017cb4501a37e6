/*
 * webhook_repost: a dead letter's event posted once more, on an operator's word, beside what its
 * webhook delivers meanwhile. What the response says to do is done.
 */
#ifndef MK_TRANSPORT_WEBHOOK_REPOST_H
#define MK_TRANSPORT_WEBHOOK_REPOST_H

#include "hub/hub.h"
#include "transport/transport.h"
#include "transport/webhook_calls.h"
#include "transport/webhook_post.h"

struct mk_webhook_repost;

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
 * It is gone, and `*repost` is NULL, when `done` is called.
 */
int mk_webhook_repost_start(const struct mk_repost_config *config, uint64_t number,
                            const struct mk_repost_caller *caller,
                            struct mk_webhook_repost **repost);

/* Ends it at once; it fails for this reason. NULL is allowed. */
void mk_webhook_repost_cancel(struct mk_webhook_repost *repost, const char *why);

#endif
