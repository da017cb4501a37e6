/*
 * dispatch: the path of a call through the protocol, from a transport to its target.
 *
 *   transport -> mk_dispatch_* -> look up, read the JSON, translate, validate, fill defaults
 *             -> target->call -> mk_call_ok / mk_call_fail (protocol/call.h)
 *             -> caller->reply -> the transport writes the envelope (protocol/reply.h) -> gone
 *
 * A call that is malformed or unknown does not reach the target: dispatch replies to it, through
 * the same path as any other.
 */
#ifndef MK_PROTOCOL_DISPATCH_H
#define MK_PROTOCOL_DISPATCH_H

#include "base/buf.h"
#include "protocol/caller.h"
#include "protocol/schema.h"

/* The target is borrowed. */
void mk_dispatch_init(struct mk_dispatch *dispatch, struct mk_call_target *target,
                      uint64_t self_id);
/* All calls must have ended. */
void mk_dispatch_fini(struct mk_dispatch *dispatch);

void mk_caller_init(struct mk_caller *caller,
                    void (*reply)(struct mk_caller *caller, struct mk_call *call));

/* Ends a caller: notifies the target of each call in flight, and drops the replies. */
void mk_caller_fini(struct mk_caller *caller);

/*
 * One API request of an HTTP server: `action` was found with mk_action_find, `body` is the JSON of
 * its params, borrowed for the call.
 */
void mk_dispatch_request(struct mk_dispatch *dispatch, const struct mk_action *action,
                         struct mk_slice body, struct mk_caller *caller);

/* The same with a body that is taken over and read in place, to save the copy of a large one. */
void mk_dispatch_request_take(struct mk_dispatch *dispatch, const struct mk_action *action,
                              struct mk_buf *body, struct mk_caller *caller);

/*
 * Counts a request of an HTTP server that mk_action_find does not know, and that the server answers
 * itself.
 */
void mk_dispatch_unknown(struct mk_dispatch *dispatch);

/*
 * One API request in the form of WebSocket messages and webhook responses:
 *   {"action": "...", "params": {...}, "echo": anything}
 * `params` may be absent or null where the API needs none. `echo` is returned unchanged, also with
 * failures, unless the message is not JSON. The text is borrowed for the call.
 */
void mk_dispatch_message(struct mk_dispatch *dispatch, enum mk_dialect dialect,
                         struct mk_slice message, struct mk_caller *caller);

/* The same with a message that is taken over. */
void mk_dispatch_message_take(struct mk_dispatch *dispatch, enum mk_dialect dialect,
                              struct mk_buf *message, struct mk_caller *caller);

/*
 * The most values of a call's JSON: reading and checking them takes some milliseconds. It is
 * refused before it is read.
 */
enum { MK_CALL_MOST_VALUES = 384 * 1024 };

/* Replies to a message that has not been read, because it is too large. */
void mk_dispatch_too_large(struct mk_dispatch *dispatch, struct mk_caller *caller);

/*
 * One operator's request, for target->control: `action` is any text, `body` a JSON object, or
 * empty for an empty one. It is checked by target->operations (protocol/operations.h); where there
 * are none, nothing but that is checked.
 */
void mk_dispatch_control(struct mk_dispatch *dispatch, struct mk_slice action, struct mk_slice body,
                         struct mk_caller *caller);

#endif
