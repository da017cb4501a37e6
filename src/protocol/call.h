/*
 * call: one API request and what becomes of it. Made and filled by protocol/dispatch.c, answered by
 * its target, read by protocol/reply.c. Its arena holds everything about it and is kept when the
 * call ends, for the next one.
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
    struct mk_buf text; /* what was asked, where it was taken over; else empty */
    uint64_t ticket;    /* what its target knows it by: of no meaning here */

    const struct mk_action *action; /* what was asked for; NULL: control, or never found */
    size_t number;                  /* of the action of 1.2; SIZE_MAX: it is none */
    const char *name;
    uint64_t actor; /* of an operator's request: the person who acts; 0: none */
    yyjson_mut_doc *doc;
    yyjson_mut_val *params;
    struct mk_slice params_json; /* the same as text, where a target has made it */
    struct mk_slice echo;        /* as JSON; empty: none was given */

    size_t counted; /* as the action of this number of 1.2; SIZE_MAX: as none */
    uint64_t began; /* for dispatch->stats */

    bool open; /* no reply yet */
    enum mk_outcome outcome;
    int retcode;
    yyjson_mut_val *data;    /* in the caller's dialect, when retcode is 0; NULL is {} */
    struct mk_slice message; /* as text, when it is not */
};

/* An open call of `caller`, or NULL when out of memory. It ends with one of those below. */
struct mk_call *mk_call_new(struct mk_dispatch *dispatch, struct mk_caller *caller);

/*
 * Each of these replies and frees the call.
 *
 * mk_call_ok: with a result, the `data` of the reply (NULL is {}). Returns 0, or -EINVAL for one
 * that is not of the API's shape or that JSON cannot hold: then it is logged, and the reply is a
 * failure.
 * mk_call_fail: with a failure; `message` is text of any bytes, and is copied.
 * mk_call_end: with a failure that the protocol itself found; `message` is UTF-8, and is copied.
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
 * Ends a call in two steps, for a target that may still use what it borrowed of it: replies with a
 * failure, and frees later. Where the caller has gone there is no reply; what is counted then has
 * the retcode MK_CALL_GONE, which no client ever sees.
 */
enum { MK_CALL_GONE = -499 };
void mk_call_abandon(struct mk_call *call, int retcode, struct mk_slice message);
void mk_call_free(struct mk_call *call);

/* Makes a failure of a result that turned out, when it was written, to be no JSON. */
void mk_call_spoil(struct mk_call *call);

/* Tells `caller` that out of memory, where that was too scarce to make a call. */
void mk_call_out_of_memory(struct mk_dispatch *dispatch, struct mk_caller *caller);

/* Frees the calls kept for the next ones. */
void mk_call_free_spare(struct mk_dispatch *dispatch);

#endif
