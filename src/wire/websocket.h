/*
 * websocket: framing for both roles (RFC 6455), and permessage-deflate where it was agreed upon
 * (RFC 7692).
 *
 * Bytes in, messages out: no socket, no clock, no log. A message of a single frame that lies whole
 * in the input is unmasked in place and not copied; everything else is gathered in the parser's own
 * memory, never beyond the message limit. Text is validated as it arrives. A compressed message is
 * gathered and then decompressed when complete: the limit applies before and after.
 *
 * Flow: net/stream -> mk_ws_parser_feed -> web/websocket_connection.
 */
#ifndef MK_WIRE_WEBSOCKET_H
#define MK_WIRE_WEBSOCKET_H

#include "base/buf.h"
#include "base/language.h"
#include "base/random.h"
#include "base/utf8.h"

#include <stdint.h>

struct mk_deflate; /* wire/deflate.h */

enum mk_ws_role { MK_WS_SERVER, MK_WS_CLIENT };

enum mk_ws_opcode {
    MK_WS_CONTINUATION = 0x0,
    MK_WS_TEXT = 0x1,
    MK_WS_BINARY = 0x2,
    MK_WS_CLOSE = 0x8,
    MK_WS_PING = 0x9,
    MK_WS_PONG = 0xa,
};

/* Close codes (RFC 6455, 7.4.1, and the IANA registry). */
enum mk_ws_close_code {
    MK_WS_NORMAL = 1000,
    MK_WS_GOING_AWAY = 1001,
    MK_WS_PROTOCOL_ERROR = 1002,
    MK_WS_UNSUPPORTED_DATA = 1003,
    MK_WS_NO_STATUS = 1005, /* never on the wire: a close frame without a code */
    MK_WS_ABNORMAL = 1006,  /* never on the wire: no close frame came */
    MK_WS_INVALID_DATA = 1007,
    MK_WS_POLICY_VIOLATION = 1008,
    MK_WS_TOO_BIG = 1009,
    MK_WS_INTERNAL_ERROR = 1011,
    MK_WS_TRY_AGAIN_LATER = 1013,
};

enum { MK_WS_MAX_HEADER = 14, MK_WS_MAX_CONTROL = 125 };

enum mk_ws_status {
    MK_WS_NEED_MORE = 1, /* all input was taken; no event yet */
    MK_WS_MESSAGE,       /* a whole message: event.opcode is TEXT or BINARY */
    MK_WS_CONTROL,       /* a control frame: event.opcode is CLOSE, PING or PONG */
    MK_WS_FAIL,          /* the peer violated the protocol: see event.code and event.reason */
};

/*
 * The event of the last feed. `payload` borrows from the input or the parser, until the next feed
 * or release; the caller may write to it where it lies in the input.
 */
struct mk_ws_event {
    enum mk_ws_opcode opcode;
    uint16_t code; /* of a CLOSE: the peer's code, or MK_WS_NO_STATUS; of a FAIL: ours */
    /*
     * Of a MESSAGE that was compressed: it becomes longer than MK_WS_FREE_INFLATED and than twice
     * its length, so it was not decompressed, and has no payload.
     */
    bool cut;
    struct mk_slice payload;        /* of a CLOSE: its reason */
    const struct mk_phrase *reason; /* of a FAIL: one clause, static */
};

enum {
    MK_WS_FREE_INFLATED = 5 * 1024 * 1024,
    MK_WS_GATHERED_COMPRESSED =
        MK_WS_FREE_INFLATED / 2, /* a longer message is decompressed as it arrives */
};

struct mk_ws_parser {
    struct mk_ws_event event; /* the one field that a caller reads */
    /* internal from here on */
    struct mk_buf message;      /* gathered bytes of the message, then those of a control frame */
    struct mk_deflate *deflate; /* NULL: compressed messages were not agreed upon */
    struct mk_inflate_window *window;
    struct mk_inflation *inflation; /* of a long compressed message, in place of `message` */
    size_t limit;
    uint64_t frame_left; /* payload bytes of the frame still to come */
    uint8_t role;
    uint8_t state;
    uint8_t opcode;         /* of the current frame */
    uint8_t message_opcode; /* of the current message; 0 between messages */
    bool final;
    bool compressed;     /* the current message, or the one that was just returned */
    bool has_event;      /* the last feed returned an event, which may borrow from `message` */
    uint8_t control_len; /* bytes at the end of `message` that belong to a control frame */
    struct mk_utf8 utf8;
    uint8_t mask[4]; /* rotated, so that mask[0] is for the next byte */
    uint8_t header_len;
    uint8_t header[MK_WS_MAX_HEADER]; /* of a header that arrives in pieces */
};

/*
 * Begins a connection's stream; allocates nothing yet. `message_limit` is in bytes: a longer
 * message fails with MK_WS_TOO_BIG as soon as its length is known, if from a header.
 */
void mk_ws_parser_init(struct mk_ws_parser *parser, enum mk_ws_role role, size_t message_limit);

/*
 * Accepts compressed messages from now on, which are an error otherwise. `deflate` decompresses
 * them; it is borrowed and may be shared by many parsers.
 */
void mk_ws_parser_set_deflate(struct mk_ws_parser *parser, struct mk_deflate *deflate);

/* The peer continues this window from message to message. Borrowed; NULL: it does not. */
void mk_ws_parser_set_window(struct mk_ws_parser *parser, struct mk_inflate_window *window);

/* Frees the gathered bytes; the parser can only be initialised again. NULL is allowed. */
void mk_ws_parser_fini(struct mk_ws_parser *parser);

/*
 * Parses bytes and returns the next event; `data` is unmasked in place. `*consumed` is the number
 * of bytes taken; call again with the rest until it returns MK_WS_NEED_MORE.
 *
 * A stream ends in one of two ways. After a CLOSE all bytes are taken and dropped, with
 * MK_WS_NEED_MORE: the peer may send nothing more (RFC 6455, 5.5.1). After MK_WS_FAIL no bytes are
 * taken (`*consumed` is 0) and each call returns MK_WS_FAIL again with the same event: the caller
 * sends a close frame with event.code and closes the connection (7.1.7).
 *
 * Returns an enum mk_ws_status, or -ENOMEM, which leaves the parser as MK_WS_FAIL with
 * MK_WS_INTERNAL_ERROR does.
 */
int mk_ws_parser_feed(struct mk_ws_parser *parser, char *data, size_t len, size_t *consumed);

/*
 * Called when the last event is no longer needed: frees the memory of its payload. The next feed
 * does this too, but may come much later; a parser between messages then owns no memory.
 */
void mk_ws_parser_release(struct mk_ws_parser *parser);

/*
 * After MESSAGE: moves the message, to which event.payload points, into `message` if it lies in the
 * parser's own memory, or is large and was decompressed. Returns false otherwise.
 */
bool mk_ws_parser_take(struct mk_ws_parser *parser, struct mk_buf *message);

/*
 * Appends one whole frame (FIN set). A client's frames are masked with a fresh random key from
 * `masks`; a server passes NULL. The payload of a control frame is at most MK_WS_MAX_CONTROL bytes,
 * and it may not lie in `out`. Returns 0 or the error of the buf, which is then unchanged.
 */
int mk_ws_write_frame(struct mk_buf *out, struct mk_random *masks, enum mk_ws_opcode opcode,
                      struct mk_slice payload);

/*
 * The same for a payload that is written directly into its frame, before its length is known:
 *   begin; the payload is appended to `out`, and nothing else; end, which fills in the header.
 * Both return 0 or the error of the buf; after an error of `end` the caller removes the frame
 * (out->len = open->begin).
 */
struct mk_ws_open {
    size_t begin; /* of the frame in `out` */
    size_t payload;
};
int mk_ws_begin_frame(struct mk_buf *out, struct mk_random *masks, struct mk_ws_open *open);
int mk_ws_end_frame(struct mk_buf *out, struct mk_random *masks, enum mk_ws_opcode opcode,
                    const struct mk_ws_open *open);

/*
 * The same for a message that mk_deflate_compress has compressed, with RSV1. Only where the
 * extension was negotiated.
 */
int mk_ws_write_compressed(struct mk_buf *out, struct mk_random *masks, enum mk_ws_opcode opcode,
                           struct mk_slice payload);

/*
 * Appends a close frame. MK_WS_NO_STATUS writes one without a code and a reason, so that the code
 * of any CLOSE event can be passed back; MK_WS_ABNORMAL has no frame. `reason` is cut at 123 bytes,
 * between two characters, or before the first byte that is not UTF-8.
 */
int mk_ws_write_close(struct mk_buf *out, struct mk_random *masks, uint16_t code,
                      struct mk_slice reason);

/*
 * Writes the header of a server's frame (FIN set) with `payload_len` bytes to
 * out[MK_WS_MAX_HEADER]. Returns its length. For frames whose payload is written in place (the
 * hub's streams).
 */
size_t mk_ws_server_header(char *out, enum mk_ws_opcode opcode, uint64_t payload_len);

#endif
