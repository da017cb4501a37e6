/*
 * webhook_calls: the calls that the response to a webhook brings: one {"action", "params"} or a
 * list of them, executed in order, each after the reply to the one before.
 */
#ifndef MK_TRANSPORT_WEBHOOK_CALLS_H
#define MK_TRANSPORT_WEBHOOK_CALLS_H

#include "protocol/dispatch.h"

struct mk_webhook_calls {
    struct mk_dispatch *dispatch;
    enum mk_dialect dialect;
    const char *name; /* of the webhook, for logs; borrowed */
    void (*done)(struct mk_webhook_calls *calls);
    struct mk_caller caller;
    yyjson_doc *doc; /* the response; NULL while nothing is executed */
    size_t next;
    bool executing; /* below execute on the stack */
};

/* The first four fields are set before. */
void mk_webhook_calls_init(struct mk_webhook_calls *calls);
/* Calls in flight go on; `done` is not called. */
void mk_webhook_calls_fini(struct mk_webhook_calls *calls);

/*
 * Executes what `body` says; `done` is called when that is done, perhaps before this returns.
 * Returns 0, or 1 when the body is no call: then nothing is done, and `done` is not called.
 */
int mk_webhook_calls_run(struct mk_webhook_calls *calls, struct mk_slice body);

#endif
