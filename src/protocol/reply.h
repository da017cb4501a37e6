/*
 * reply: writes replies in their envelopes (communication-draft.md), directly into the output of
 * the stream. A result that JSON cannot hold makes the call fail here.
 */
#ifndef MK_PROTOCOL_REPLY_H
#define MK_PROTOCOL_REPLY_H

#include "base/buf.h"
#include "protocol/dispatch.h"

/*
 * Appends the body of an HTTP response, in the dialect of the request:
 *   {"status":"ok","retcode":0,"data":{...}}
 *   {"status":"failed","retcode":-100,"message":"..."}
 * Returns 0 or the error of the buf; then nothing was appended.
 */
int mk_reply_write(struct mk_buf *out, struct mk_call *call);

/*
 * Appends the message of a WebSocket, `echo` included where one was given:
 *   {"post_type":"action_response","self_id":N,"data":{"status":...,"echo":...}}
 */
int mk_reply_write_message(struct mk_buf *out, struct mk_call *call);

/*
 * Appends a failure of a request for which no call was made:
 * {"status":"failed","retcode":R,"message":"..."}.
 */
int mk_reply_write_failure(struct mk_buf *out, int retcode, struct mk_slice message);

#endif
