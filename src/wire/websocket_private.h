/*
 * websocket_private: what reading (websocket.c), decompressing (websocket_inflate.c) and writing
 * (websocket_write.c) share.
 */
#ifndef MK_WIRE_WEBSOCKET_PRIVATE_H
#define MK_WIRE_WEBSOCKET_PRIVATE_H

#include "wire/websocket.h"

enum { FIN = 0x80, RESERVED_BITS = 0x70, RSV1 = 0x40, OPCODE_BITS = 0x0f, CONTROL_BIT = 0x08 };
enum { MASKED = 0x80, LEN_BITS = 0x7f, LEN_16 = 126, LEN_64 = 127 };
enum { MASK_LEN = 4 };

/* `out` may be `in`. */
void mk_ws_apply_mask(char *out, const char *in, size_t len, const uint8_t mask[4]);

enum { MK_WS_DONE = 0 }; /* a step is complete and has made no event */

/* Fails the stream: returns MK_WS_FAIL. `reason` is static. */
int mk_ws_fail(struct mk_ws_parser *parser, enum mk_ws_close_code code,
               const struct mk_phrase *reason);
extern const struct mk_phrase mk_ws_text_is_not_utf_8, mk_ws_out_of_memory;

/* The bytes of the current message that have arrived. */
size_t mk_ws_arrived(const struct mk_ws_parser *parser);

/* Takes a part of a long compressed message. Returns MK_WS_DONE, or how the stream failed. */
int mk_ws_decompress_part(struct mk_ws_parser *parser, struct mk_slice part);

/*
 * The message is complete: sets `*payload`, which holds its compressed bytes if it is short, to the
 * decompressed ones, or `*cut`. Returns the same.
 */
int mk_ws_decompress(struct mk_ws_parser *parser, struct mk_slice *payload, bool *cut);

#endif
