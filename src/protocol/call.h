/*
 * call: one API request and what becomes of it. Made and filled by protocol/dispatch.c, answered
 * through <milky/backend.h>, read by protocol/reply.c. Its arena holds everything about it and is
 * kept when the call ends, for the next one.
 */
#ifndef MK_PROTOCOL_CALL_H
#define MK_PROTOCOL_CALL_H

#include "base/arena.h"
#include "base/buf.h"
#include "protocol/dispatch.h"

struct milky_call {
    struct mk_list node;     /* in caller->calls */
    struct milky_call *next; /* in dispatch->spare */
    struct mk_dispatch *dispatch;
    struct mk_caller *caller; /* NULL once it has gone */
    struct mk_arena arena;
    struct mk_buf text; /* what was asked, where it was taken over; else empty */

    const struct mk_action *action; /* what was asked for; NULL: control, or never found */
    size_t number;                  /* of the action of 1.2; SIZE_MAX for control */
    const char *name;
    yyjson_mut_doc *doc;
    yyjson_mut_val *params;
    struct mk_slice echo; /* as JSON; empty: none was given */

    size_t counted; /* as the action of this number of 1.2; SIZE_MAX: as none */
    uint64_t began; /* for dispatch->stats */

    bool open; /* no reply yet */
    enum mk_outcome outcome;
    int retcode;
    struct mk_slice data;    /* as JSON, when retcode is 0 */
    struct mk_slice message; /* as text, when it is not */
};

/* An open call of `caller`, or NULL when memory is out. It ends with milky_call_ok or _fail. */
struct milky_call *mk_call_new(struct mk_dispatch *dispatch, struct mk_caller *caller);

/* Replies with a failure that the protocol itself found; `message` is copied. */
void mk_call_end(struct milky_call *call, enum mk_outcome outcome, int retcode,
                 struct mk_slice message);

/* Tells `caller` that memory is out, where that was too scarce to make a call. */
void mk_call_out_of_memory(struct mk_dispatch *dispatch, struct mk_caller *caller);

/* Frees the calls kept for the next ones. */
void mk_call_free_spare(struct mk_dispatch *dispatch);

#endif
