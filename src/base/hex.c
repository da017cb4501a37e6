/* hex: see the header. */
#include "base/hex.h"

int mk_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

void mk_hex_write(const uint8_t *bytes, size_t len, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
}

static int lower_digit(char c)
{
    return c >= 'A' && c <= 'F' ? -1 : mk_hex_digit(c);
}

bool mk_hex_read(struct mk_slice text, uint8_t *bytes, size_t len)
{
    if (text.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = lower_digit(text.ptr[2 * i]), low = lower_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void mk_hex_write_u64(uint64_t number, char text[MK_HEX_U64])
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    mk_hex_write(bytes, sizeof(bytes), text);
}

bool mk_hex_read_u64(struct mk_slice text, uint64_t *number)
{
    uint8_t bytes[8];
    uint64_t value = 0;
    if (!mk_hex_read(text, bytes, sizeof(bytes)))
        return false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        value = value << 8 | bytes[i];
    *number = value;
    return true;
}
