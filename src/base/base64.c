/* base64: see the header. */
#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The six bits of a character; a value with bit 128 set for any other. */
static uint32_t value(char c)
{
    static const uint8_t values[128] = {
        128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
        128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
        128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 62,  128, 128, 128, 63,
        52,  53,  54,  55,  56,  57,  58,  59,  60,  61,  128, 128, 128, 128, 128, 128,
        128, 0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,
        15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  128, 128, 128, 128, 128,
        128, 26,  27,  28,  29,  30,  31,  32,  33,  34,  35,  36,  37,  38,  39,  40,
        41,  42,  43,  44,  45,  46,  47,  48,  49,  50,  51,  128, 128, 128, 128, 128,
    };
    return (unsigned char)c < 128 ? values[(unsigned char)c] : 128;
}

/* The last four characters, where they end with one or two '='. */
static bool decode_padded(const char *from, uint8_t *out, size_t *len)
{
    uint32_t a = value(from[0]), b = value(from[1]);
    bool two = from[2] == '=';
    uint32_t c = two ? 0 : value(from[2]);
    if ((a | b | c) & 128 || (two ? b & 15 : c & 3))
        return false;
    out[(*len)++] = (uint8_t)(a << 2 | b >> 4);
    if (!two)
        out[(*len)++] = (uint8_t)(b << 4 | c >> 2);
    return true;
}

bool mk_base64_decode(struct mk_slice text, uint8_t *out, size_t *len)
{
    *len = 0;
    if (text.len % 4 != 0 || text.len == 0)
        return text.len == 0;
    bool is_padded = text.len > 0 && text.ptr[text.len - 1] == '=';
    const char *from = text.ptr, *end = text.ptr + text.len - (is_padded ? 4 : 0);
    for (; from < end; from += 4) {
        uint32_t a = value(from[0]), b = value(from[1]), c = value(from[2]), d = value(from[3]);
        if ((a | b | c | d) & 128)
            return false;
        uint32_t bits = a << 18 | b << 12 | c << 6 | d;
        out[(*len)++] = (uint8_t)(bits >> 16);
        out[(*len)++] = (uint8_t)(bits >> 8);
        out[(*len)++] = (uint8_t)bits;
    }
    return !is_padded || decode_padded(from, out, len);
}

/* Returns the end of the written characters. */
static char *encode(const uint8_t *bytes, size_t len, const char *digits, char *text)
{
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 6; held -= 6)
            *text++ = digits[bits >> (held - 6) & 63];
    }
    if (held > 0)
        *text++ = digits[bits << (6 - held) & 63];
    return text;
}

void mk_base64_encode(const uint8_t *bytes, size_t len, char *text)
{
    char *end = text + mk_base64_chars(len);
    for (text = encode(bytes, len, alphabet, text); text < end; text++)
        *text = '=';
}

int mk_base64_append(struct mk_buf *buf, const uint8_t *bytes, size_t len)
{
    int rc = mk_buf_reserve(buf, mk_base64_chars(len));
    if (rc < 0 || len == 0)
        return rc;
    mk_base64_encode(bytes, len, buf->data + buf->len);
    buf->len += mk_base64_chars(len);
    return 0;
}

void mk_base64url_encode(const uint8_t *bytes, size_t len, char *text)
{
    *encode(bytes, len, url_alphabet, text) = '\0';
}

bool mk_base64url_decode(struct mk_slice text, uint8_t *bytes, size_t len)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t made = 0;
    if (text.len != (len * 4 + 2) / 3)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.ptr[i] ? strchr(url_alphabet, text.ptr[i]) : NULL;
        if (!at)
            return false;
        bits = bits << 6 | (uint32_t)(at - url_alphabet);
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[made++] = (uint8_t)(bits >> held);
        }
    }
    return (bits & ((1u << held) - 1)) == 0;
}
