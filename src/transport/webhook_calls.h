/*
 * webhook_calls: executes the calls in the response to a webhook: one {"action", "params"} or a
 * list of them, in order, each after the reply to the one before. At most 1,000 of a list are
 * executed (logged otherwise), and at most 32 of them in one turn of the loop.
 */
#ifndef MK_TRANSPORT_WEBHOOK_CALLS_H
#define MK_TRANSPORT_WEBHOOK_CALLS_H

#include "net/timer.h"
#include "protocol/dispatch.h"

#include <yyjson.h>

struct mk_webhook_calls {
    struct mk_loop *loop; /* NULL: all calls are executed in one turn */
    struct mk_dispatch *dispatch;
    enum mk_dialect dialect;
    const char *name; /* of the webhook, for logs; borrowed */
    void (*done)(struct mk_webhook_calls *calls);
    struct mk_caller caller;
    yyjson_doc *doc;            /* the response; NULL while idle */
    yyjson_arr_iter rest;       /* the rest of a list */
    size_t number;              /* of the current call, from 1 */
    bool executing;             /* execute is on the stack */
    uint64_t turn;              /* in which the last call was executed */
    unsigned in_turn;           /* calls that were executed in it */
    uint64_t held;              /* bytes that the dispatch counts for the response */
    struct mk_timer *next_turn; /* NULL while idle */
};

/* The first five fields must be set. */
void mk_webhook_calls_init(struct mk_webhook_calls *calls);
/* Calls in flight continue; `done` is not called. */
void mk_webhook_calls_fini(struct mk_webhook_calls *calls);

/*
 * Executes the calls of `body`; calls `done` after the last, perhaps before this returns. Returns
 * 0, or 1 when the body is not a call, or has too many values: then nothing is executed, and `done`
 * is not called.
 */
int mk_webhook_calls_run(struct mk_webhook_calls *calls, struct mk_slice body);

#endif
