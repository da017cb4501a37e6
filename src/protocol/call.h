/*
 * call: one API request and its reply. Made and filled by protocol/dispatch.c, answered by its
 * target, read by protocol/reply.c. Its arena holds all its data, and is kept for reuse when the
 * call ends.
 */
#ifndef MK_PROTOCOL_CALL_H
#define MK_PROTOCOL_CALL_H

#include "base/arena.h"
#include "base/buf.h"
#include "protocol/caller.h"

#include <stdarg.h>
#include <yyjson.h>

struct mk_call {
    struct mk_list node;  /* in caller->calls, while there is a caller */
    struct mk_call *next; /* in dispatch->spare */
    struct mk_dispatch *dispatch;
    struct mk_caller *caller; /* NULL once it has gone */
    struct mk_arena arena;
    struct mk_buf text; /* the text of the request, if it was taken over; else empty */
    uint64_t held;      /* bytes that the dispatch and the caller count for it */
    uint64_t ticket;    /* the target's identifier of the call */

    const struct mk_action *action; /* NULL: control, or unknown */
    size_t number;                  /* of the action of 1.x; SIZE_MAX: none */
    const char *name;
    uint64_t actor; /* of an operator's request: the person who acts; 0: none */
    yyjson_mut_doc *doc;
    yyjson_mut_val *params;
    struct mk_slice params_json; /* `params` as text, once a target has made it */
    struct mk_slice echo;        /* as JSON; empty: none was given */

    size_t counted; /* the number of the action that it counts as; SIZE_MAX: none */
    uint64_t began; /* for dispatch->stats */

    bool open; /* no reply yet */
    enum mk_outcome outcome;
    int retcode;
    yyjson_mut_val *data;    /* in the caller's dialect, when retcode is 0; NULL is {} */
    struct mk_slice message; /* as text, when retcode is not 0 */
};

/*
 * Makes an open call of `caller`; NULL when out of memory. It ends with one of the functions below.
 */
struct mk_call *mk_call_new(struct mk_dispatch *dispatch, struct mk_caller *caller);

/*
 * Each of these replies and frees the call.
 *
 * mk_call_ok: with a result, the `data` of the reply (NULL is {}). Returns 0, or -EINVAL for a
 * result that does not match the API's tables or that JSON cannot hold: then that is logged, and
 * the reply is a failure. mk_call_fail: with a failure; `message` is text of any bytes, and is
 * copied. mk_call_end: with a failure that the protocol itself has detected; `message` is UTF-8,
 * and is copied.
 */
int mk_call_ok(struct mk_call *call, yyjson_mut_val *data);
void mk_call_fail(struct mk_call *call, int retcode, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mk_call_fail_text(struct mk_call *call, int retcode, struct mk_slice message);
void mk_call_fail_v(struct mk_call *call, int retcode, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
void mk_call_end(struct mk_call *call, enum mk_outcome outcome, int retcode,
                 struct mk_slice message);

/*
 * Ends a call in two steps, for a target that may still use data that it borrowed from the call:
 * replies with a failure, and frees later. If the caller has gone there is no reply, and the call
 * is counted with the retcode MK_CALL_GONE, which clients never receive.
 */
enum { MK_CALL_GONE = -499 };
void mk_call_abandon(struct mk_call *call, int retcode, struct mk_slice message);
void mk_call_free(struct mk_call *call);

/* Turns the reply into a failure when writing its result has shown that it is not valid JSON. */
void mk_call_invalidate_result(struct mk_call *call);

/* Replies to `caller` that there is no memory for the call. */
void mk_call_out_of_memory(struct mk_dispatch *dispatch, struct mk_caller *caller);

/* Frees the calls that are kept for reuse. */
void mk_call_free_spare(struct mk_dispatch *dispatch);

#endif
