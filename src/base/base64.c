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

/* --- a text of others --- */

enum { OTHER = 128, SPACE = 129, PADDING = 130 };

/* As `value`, with both alphabets, white space and padding. */
static const uint8_t kinds[256] = {
#define OTHERS_8 OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER
#define OTHERS_32 OTHERS_8, OTHERS_8, OTHERS_8, OTHERS_8
    OTHERS_8,  OTHER,     SPACE,     SPACE,     SPACE, SPACE,   SPACE, OTHER,
    OTHER,     OTHERS_8,  OTHERS_8, /* 32 */
    SPACE,     OTHER,     OTHER,     OTHER,     OTHER, OTHER,   OTHER, OTHER,
    OTHER,     OTHER,     OTHER,     62,        OTHER, 62,      OTHER, 63,
    52,        53,        54,        55,        56,    57,      58,    59,
    60,        61,        OTHER,     OTHER,     OTHER, PADDING, OTHER, OTHER, /* 64 */
    OTHER,     0,         1,         2,         3,     4,       5,     6,
    7,         8,         9,         10,        11,    12,      13,    14,
    15,        16,        17,        18,        19,    20,      21,    22,
    23,        24,        25,        OTHER,     OTHER, OTHER,   OTHER, 63, /* 96 */
    OTHER,     26,        27,        28,        29,    30,      31,    32,
    33,        34,        35,        36,        37,    38,      39,    40,
    41,        42,        43,        44,        45,    46,      47,    48,
    49,        50,        51,        OTHER,     OTHER, OTHER,   OTHER, OTHER, /* 128 */
    OTHERS_32, OTHERS_32, OTHERS_32, OTHERS_32,
#undef OTHERS_8
#undef OTHERS_32
};

static uint8_t *put_three(uint8_t *out, uint32_t bits)
{
    out[0] = (uint8_t)(bits >> 16);
    out[1] = (uint8_t)(bits >> 8);
    out[2] = (uint8_t)bits;
    return out + 3;
}

/* Groups of four in a row, up to the first that is anything else. */
static const unsigned char *read_groups(const unsigned char *from, const unsigned char *end,
                                        uint8_t **out)
{
    uint8_t *to = *out;
    for (; end - from >= 4; from += 4) {
        uint32_t a = kinds[from[0]], b = kinds[from[1]], c = kinds[from[2]], d = kinds[from[3]];
        if ((a | b | c | d) & 128)
            break;
        to = put_three(to, a << 18 | b << 12 | c << 6 | d);
    }
    *out = to;
    return from;
}

/* Takes one character. `*out` moves when it completes three bytes. */
static enum mk_base64_fault read_one(struct mk_base64_reader *reader, uint32_t kind, uint8_t **out)
{
    if (kind == SPACE)
        return MK_BASE64_GOOD;
    if (kind == OTHER)
        return MK_BASE64_CHARACTER;
    if (kind == PADDING) /* it fills up to four */
        return reader->held >= 2 && reader->held + ++reader->padding <= 4 ? MK_BASE64_GOOD
                                                                          : MK_BASE64_PADDING;
    if (reader->padding > 0)
        return MK_BASE64_PADDING;
    reader->bits = reader->bits << 6 | kind;
    if (++reader->held == 4) {
        *out = put_three(*out, reader->bits);
        reader->held = 0;
    }
    return MK_BASE64_GOOD;
}

enum mk_base64_fault mk_base64_read(struct mk_base64_reader *reader, struct mk_slice run,
                                    uint8_t *out, size_t *len)
{
    *len = 0;
    if (run.len == 0) /* its pointer may be NULL */
        return MK_BASE64_GOOD;
    const unsigned char *from = (const unsigned char *)run.ptr, *start = from;
    const unsigned char *end = from + run.len;
    enum mk_base64_fault fault = MK_BASE64_GOOD;
    uint8_t *to = out;
    while (from < end && fault == MK_BASE64_GOOD) {
        if (reader->held == 0 && reader->padding == 0)
            from = read_groups(from, end, &to);
        if (from < end && (fault = read_one(reader, kinds[*from], &to)) == MK_BASE64_GOOD)
            from++;
    }
    reader->position += (uint64_t)(from - start);
    *len = (size_t)(to - out);
    return fault;
}

enum mk_base64_fault mk_base64_read_end(struct mk_base64_reader *reader, uint8_t *out, size_t *len)
{
    unsigned held = reader->held;
    uint32_t unused = held == 2 ? 15 : held == 3 ? 3 : 0;
    *len = 0;
    if (held == 1 || (reader->bits & unused) != 0)
        return MK_BASE64_CUT;
    if (held == 2)
        out[(*len)++] = (uint8_t)(reader->bits >> 4);
    if (held == 3) {
        out[(*len)++] = (uint8_t)(reader->bits >> 10);
        out[(*len)++] = (uint8_t)(reader->bits >> 2);
    }
    return MK_BASE64_GOOD;
}

size_t mk_base64_count(struct mk_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += kinds[(unsigned char)text.ptr[i]] <= OTHER;
    return count;
}

/* --- writing --- */

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
