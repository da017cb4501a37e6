/* hex: hexadecimal digits of bytes and of 64-bit numbers, in both directions. */
#ifndef MK_BASE_HEX_H
#define MK_BASE_HEX_H

#include "base/slice.h"

#include <stdint.h>

enum { MK_HEX_U64 = 17 }; /* bytes of a number's text, with its NUL */

/* 0 to 15 for a digit in either case, else -1. */
int mk_hex_digit(char c);

/* The digit of `value`, 0 to 15, in upper case. */
static inline char mk_hex_upper(unsigned value)
{
    return (char)(value < 10 ? '0' + value : 'A' + value - 10);
}

/* Writes the bytes in lower case with a NUL: 2 * len + 1 bytes. */
void mk_hex_write(const uint8_t *bytes, size_t len, char *text);

/*
 * Reads exactly `len` bytes, in lower case, so that each has one text. Returns false where `text`
 * is not that; then `bytes` may have been written in part.
 */
bool mk_hex_read(struct mk_slice text, uint8_t *bytes, size_t len);

/* The same for a number of 16 digits, the highest first; on false `number` is as it was. */
void mk_hex_write_u64(uint64_t number, char text[MK_HEX_U64]);
bool mk_hex_read_u64(struct mk_slice text, uint64_t *number);

#endif
