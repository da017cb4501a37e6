/*
 * webhook_calls: the calls that the response to a webhook brings: one {"action", "params"} or a
 * list of them, executed in order, each after the reply to the one before. Of a longer list than
 * 1,000 the rest is not executed, and logged: those that are answered at once hold up the loop.
 */
#ifndef MK_TRANSPORT_WEBHOOK_CALLS_H
#define MK_TRANSPORT_WEBHOOK_CALLS_H

#include "protocol/dispatch.h"

#include <yyjson.h>

struct mk_webhook_calls {
    struct mk_dispatch *dispatch;
    enum mk_dialect dialect;
    const char *name; /* of the webhook, for logs; borrowed */
    void (*done)(struct mk_webhook_calls *calls);
    struct mk_caller caller;
    yyjson_doc *doc;      /* the response; NULL while nothing is executed */
    yyjson_arr_iter rest; /* of a list: what has not been executed */
    size_t number;        /* of the call at hand, from 1 */
    bool executing;       /* below execute on the stack */
};

/* The first four fields are set before. */
void mk_webhook_calls_init(struct mk_webhook_calls *calls);
/* Calls in flight go on; `done` is not called. */
void mk_webhook_calls_fini(struct mk_webhook_calls *calls);

/*
 * Executes what `body` says; `done` is called when that is done, perhaps before this returns.
 * Returns 0, or 1 when the body is no call, or holds too many values: then nothing is done, and
 * `done` is not called.
 */
int mk_webhook_calls_run(struct mk_webhook_calls *calls, struct mk_slice body);

#endif
