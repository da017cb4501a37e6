/* websocket_end: says why a WebSocket has ended: who ended it, with which code and reason. */
#ifndef MK_WEB_WEBSOCKET_END_H
#define MK_WEB_WEBSOCKET_END_H

#include "net/failure.h"
#include "net/stream.h"

struct mk_websocket_end {
    const struct mk_stream *stream; /* whose error it is */
    int error;                      /* a negative errno; 0: none */
    bool peer_closed;               /* the peer's close frame has come */
    uint16_t peer_code;
    struct mk_slice peer_reason;   /* or empty */
    uint16_t own_code;             /* of our close frame if it came first; 0: none */
    const struct mk_phrase *wrong; /* the rule that the peer has violated; or NULL */
    bool sent_too_much;            /* for limits.receiving_bytes, so that we have closed it */
    uint64_t unanswered_ms;        /* a ping was not answered for so long; 0: it is not that */
};

/* An end that we have begun without a mistake of the peer is MK_FAILURE_NONE. */
void mk_websocket_end_explain(const struct mk_websocket_end *end, struct mk_failure *failure);

#endif
