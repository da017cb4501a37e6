/*
 * http1_extension: the grammar of chunk extensions (RFC 9112, 7.1.1), byte by byte:
 *
 *   *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
 *
 * The callers, which decode chunks (http1_body, http1_chunks), count the bytes; extensions have no
 * meaning for us.
 */
#ifndef MK_WIRE_HTTP1_EXTENSION_H
#define MK_WIRE_HTTP1_EXTENSION_H

#include <stdbool.h>
#include <stdint.h>

/* What the bytes behind a chunk's size have been so far. */
enum mk_http1_extension {
    MK_HTTP1_EXTENSION_NONE, /* the size alone, or a quoted string that has ended */
    MK_HTTP1_EXTENSION_BLANK,
    MK_HTTP1_EXTENSION_BEFORE_NAME,
    MK_HTTP1_EXTENSION_NAME,
    MK_HTTP1_EXTENSION_BEHIND_NAME,
    MK_HTTP1_EXTENSION_BEFORE_VALUE,
    MK_HTTP1_EXTENSION_VALUE,
    MK_HTTP1_EXTENSION_QUOTED,
    MK_HTTP1_EXTENSION_ESCAPED, /* behind a backslash in quotes */
    MK_HTTP1_EXTENSION_BAD,
};

/* Returns the state behind `c`, which is not the CR that ends the line. */
uint8_t mk_http1_extension_next(uint8_t state, char c);

/* Returns whether the line may end in this state. */
static inline bool mk_http1_extension_complete(uint8_t state)
{
    return state == MK_HTTP1_EXTENSION_NONE || state == MK_HTTP1_EXTENSION_NAME ||
           state == MK_HTTP1_EXTENSION_VALUE;
}

#endif
