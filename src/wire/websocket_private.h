/* websocket_private: what reading (websocket.c) and writing (websocket_write.c) share. */
#ifndef MK_WIRE_WEBSOCKET_PRIVATE_H
#define MK_WIRE_WEBSOCKET_PRIVATE_H

#include "wire/websocket.h"

enum { FIN = 0x80, RESERVED_BITS = 0x70, RSV1 = 0x40, OPCODE_BITS = 0x0f, CONTROL_BIT = 0x08 };
enum { MASKED = 0x80, LEN_BITS = 0x7f, LEN_16 = 126, LEN_64 = 127 };
enum { MASK_LEN = 4 };

/* `out` may be `in`. */
void mk_ws_apply_mask(char *out, const char *in, size_t len, const uint8_t mask[4]);

#endif
