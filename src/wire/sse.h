/*
 * sse: the framing of Server-Sent Events (WHATWG HTML, "server-sent events"): the server's side.
 * The transport writes the response head and decides when to send a heartbeat.
 */
#ifndef MK_WIRE_SSE_H
#define MK_WIRE_SSE_H

#include "base/buf.h"

#include <stdint.h>

/*
 * Appends one message: "id:", "event:" and one "data:" line per line of `data` (CR, LF and CRLF end
 * lines), then an empty line. A client gets `data` with LF for each of them. An `id` of 0 and an
 * empty `event` are left out. `event` has no line breaks. Returns 0 or the error of the buf; then
 * nothing was appended.
 */
int mk_sse_write_message(struct mk_buf *out, uint64_t id, struct mk_slice event,
                         struct mk_slice data);

/*
 * Appends a comment, which clients ignore: a heartbeat. `text` has no line breaks. Returns as
 * above.
 */
int mk_sse_write_comment(struct mk_buf *out, struct mk_slice text);

#endif
