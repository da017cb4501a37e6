/*
 * caller: the two ends of a call: the connection that sends it (mk_caller) and the object that
 * answers it (mk_call_target), with the bot's dispatch (mk_dispatch) between them.
 */
#ifndef MK_PROTOCOL_CALLER_H
#define MK_PROTOCOL_CALLER_H

#include "base/arena.h"
#include "base/list.h"
#include "protocol/call_stats.h"

struct mk_call;
struct milky_operations;

/*
 * Answers calls; embedded in its owner. It ends each call that it gets with mk_call_ok or
 * mk_call_fail, at once or later, also when the caller has gone.
 */
struct mk_call_target {
    void (*call)(struct mk_call_target *target, struct mk_call *call);
    /* An operator's request; NULL: there are none. */
    void (*control)(struct mk_call_target *target, struct mk_call *call);
    /* The operations that it accepts (protocol/operations.h); NULL: any, unchecked. */
    const struct milky_operations *operations;
    /* The caller of an open call has gone: there will be no reply. May be NULL. */
    void (*caller_gone)(struct mk_call_target *target, struct mk_call *call);
};

enum { MK_DISPATCH_HEAD = 80 };

/*
 * Passes the calls of one bot to its target. Embedded in the bot; that of operators' requests has
 * self_id 0.
 */
struct mk_dispatch {
    struct mk_call_target *target;
    uint64_t self_id;
    char head[MK_DISPATCH_HEAD]; /* the beginning of each reply as a message (protocol/reply.h) */
    uint8_t head_len;
    struct mk_call_stats *stats; /* set by its owner after init; NULL: calls are not counted */
    struct mk_call *spare;       /* ended calls, kept for reuse */
    unsigned spare_count;
    unsigned in_flight;      /* calls that wait for their reply */
    uint64_t held;           /* bytes of memory of those calls */
    uint64_t most_held;      /* a call that would bring `held` beyond it is refused; 0: none is */
    struct mk_arena reading; /* the document of a large request, while it is validated */
};

/*
 * The sender of calls; embedded in a connection. `reply` is called once per call, from within
 * mk_dispatch_* or later; the call is freed after it returns.
 */
struct mk_caller {
    void (*reply)(struct mk_caller *caller, struct mk_call *call);
    struct mk_list calls; /* those in flight */
    unsigned in_flight;
    uint64_t held; /* bytes of memory of those calls */
};

/* How a call ended, for transports that have a status code of their own for it. */
enum mk_outcome {
    MK_OUTCOME_DONE,      /* the target replied, with success or failure */
    MK_OUTCOME_MALFORMED, /* JSON or params: 400 or -400 */
    MK_OUTCOME_UNKNOWN,   /* no such API: 404 or -404 */
    MK_OUTCOME_BUSY,      /* other calls in flight hold too much memory: 503 and -503 */
};
enum mk_outcome mk_call_outcome(const struct mk_call *call);
int mk_call_retcode(const struct mk_call *call);
/* The message of a failure, NUL-terminated; "" for a success. */
const char *mk_call_message(const struct mk_call *call);

#endif
