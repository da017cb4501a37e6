/*
 * webhook_repost: posts a dead letter's event once more, at an operator's request, in parallel to
 * the webhook's deliveries, and executes the calls in the response.
 */
#ifndef MK_TRANSPORT_WEBHOOK_REPOST_H
#define MK_TRANSPORT_WEBHOOK_REPOST_H

#include "hub/hub.h"
#include "transport/transport.h"
#include "transport/webhook_calls.h"
#include "transport/webhook_post.h"

struct mk_webhook_repost;

/* All fields are borrowed until it is done or cancelled. */
struct mk_repost_config {
    const struct mk_webhook_target *target;
    struct mk_hub *hub;
    struct mk_dispatch *dispatch;
    enum mk_dialect dialect;
    const char *name; /* of the webhook, for logs */
    struct mk_loop *loop;
};

/*
 * Starts it. Returns 0, 1 when the event of this number is not in the journal any more, or -ENOMEM.
 * When `done` is called it has been freed, and `*repost` is NULL.
 */
int mk_webhook_repost_start(const struct mk_repost_config *config, uint64_t number,
                            const struct mk_repost_caller *caller,
                            struct mk_webhook_repost **repost);

/* Ends it at once with this reason as its failure. NULL is allowed. */
void mk_webhook_repost_cancel(struct mk_webhook_repost *repost, const char *why);

#endif
