/*
 * caller: the two ends of a call, and what either may know of it: the connection that asks
 * (mk_caller), what answers (mk_call_target), and the bot's own between them (mk_dispatch).
 */
#ifndef MK_PROTOCOL_CALLER_H
#define MK_PROTOCOL_CALLER_H

#include "base/list.h"
#include "protocol/call_stats.h"

struct mk_call;
struct milky_operations;

/*
 * What answers calls: embedded in its owner. Each call that it gets it ends with mk_call_ok or
 * mk_call_fail, at once or later, also when its caller has gone.
 */
struct mk_call_target {
    void (*call)(struct mk_call_target *target, struct mk_call *call);
    /* An operator's request; NULL: there are none. */
    void (*control)(struct mk_call_target *target, struct mk_call *call);
    /* Those that it takes (protocol/operations.h); NULL: any, unchecked. */
    const struct milky_operations *operations;
    /* The caller of an open call has gone: its reply is for no one. May be NULL. */
    void (*caller_gone)(struct mk_call_target *target, struct mk_call *call);
};

enum { MK_DISPATCH_HEAD = 80 };

/* Where the calls of one bot go. Embedded in the bot; one for operators' requests has self_id 0. */
struct mk_dispatch {
    struct mk_call_target *target;
    uint64_t self_id;
    char head[MK_DISPATCH_HEAD]; /* what each reply as a message begins with (protocol/reply.h) */
    uint8_t head_len;
    struct mk_call_stats *stats; /* set by its owner after init; NULL: calls are not counted */
    struct mk_call *spare;       /* calls that ended, kept for the next ones */
    unsigned spare_count;
    unsigned in_flight; /* calls that wait for their reply */
};

/*
 * Who asks: embedded in a connection. `reply` is called once per call, from within mk_dispatch_* or
 * later; it must write what it needs before it returns, since the call is freed then.
 */
struct mk_caller {
    void (*reply)(struct mk_caller *caller, struct mk_call *call);
    struct mk_list calls; /* those in flight */
    unsigned in_flight;
};

/* How a call ended, for transports that have a status code of their own for it. */
enum mk_outcome {
    MK_OUTCOME_DONE,      /* the target replied, with success or failure */
    MK_OUTCOME_MALFORMED, /* JSON or params: 400 or -400 */
    MK_OUTCOME_UNKNOWN,   /* no such API: 404 or -404 */
};
enum mk_outcome mk_call_outcome(const struct mk_call *call);
int mk_call_retcode(const struct mk_call *call);
/* The message of a failure, NUL-terminated; "" for a success. */
const char *mk_call_message(const struct mk_call *call);

#endif
