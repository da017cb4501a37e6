/* json: see the header. */
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>

static void *alc_malloc(void *arena, size_t size)
{
    return mk_arena_alloc(arena, size);
}

static void *alc_realloc(void *arena, void *old, size_t old_size, size_t size)
{
    return mk_arena_grow(arena, old, old_size, size);
}

static void alc_free(void *arena, void *old)
{
    (void)arena;
    (void)old;
}

yyjson_alc mk_json_alc(struct mk_arena *arena)
{
    return (yyjson_alc){ alc_malloc, alc_realloc, alc_free, arena };
}

yyjson_doc *mk_json_read(struct mk_slice text, const yyjson_alc *alc, yyjson_read_err *error)
{
    /* Without YYJSON_READ_INSITU the text is only read, so taking its const away is harmless. */
    return yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len, YYJSON_READ_NUMBER_AS_RAW, alc,
                            error);
}

yyjson_doc *mk_json_read_in_place(struct mk_buf *text, const yyjson_alc *alc,
                                  yyjson_read_err *error)
{
    if (text->max < SIZE_MAX - YYJSON_PADDING_SIZE)
        text->max += YYJSON_PADDING_SIZE; /* a text at its limit still fits */
    if (mk_buf_reserve(text, YYJSON_PADDING_SIZE) < 0) {
        *error = (yyjson_read_err){ YYJSON_READ_ERROR_MEMORY_ALLOCATION, "out of memory", 0 };
        return NULL;
    }
    memset(text->data + text->len, 0, YYJSON_PADDING_SIZE);
    return yyjson_read_opts(text->data, text->len, YYJSON_READ_NUMBER_AS_RAW | YYJSON_READ_INSITU,
                            alc, error);
}

enum {
    PIECE = 128,                   /* bytes that are counted at once; at most 255 */
    STRETCH = 512 * PIECE,         /* bytes between two looks at the counts */
    MOST_ESCAPES = 8 * 1024 * 1024 /* reading one costs as much as reading 30 other bytes */
};

struct counts {
    size_t values;
    size_t escapes;
};

/* A loop that compilers turn into vector instructions. '[' and '{' differ in one bit. */
static inline void count_piece(const char piece[PIECE], struct counts *counts)
{
    uint8_t values = 0, escapes = 0;
    for (size_t i = 0; i < PIECE; i++) {
        char c = piece[i];
        values = (uint8_t)(values + ((c == ',') | (c == ':') | ((c | 0x20) == '{')));
        escapes = (uint8_t)(escapes + (c == '\\'));
    }
    counts->values += values;
    counts->escapes += escapes;
}

bool mk_json_has_at_most(struct mk_slice text, size_t most)
{
    struct counts counts = { .values = 1 };
    if (text.len < most)
        return true;
    while (text.len > 0 && counts.values <= most && counts.escapes <= MOST_ESCAPES) {
        struct mk_slice some = mk_slice_of(text.ptr, text.len < STRETCH ? text.len : STRETCH);
        text = mk_slice_from(text, some.len);
        for (; some.len >= PIECE; some = mk_slice_from(some, PIECE))
            count_piece(some.ptr, &counts);
        char last[PIECE] = { 0 };
        if (some.len > 0)
            memcpy(last, some.ptr, some.len);
        count_piece(last, &counts);
    }
    return counts.values <= most && counts.escapes <= MOST_ESCAPES;
}

bool mk_json_is_within_limit(struct mk_slice text)
{
    return mk_json_has_at_most(text, MK_JSON_MAX_VALUES);
}

/*
 * The digits of a JSON number whose grammar yyjson has checked, as an exact integer: the digits of
 * integer and fraction form one decimal significand, and the exponent places the point.
 */
static bool raw_integer(struct mk_slice raw, bool *negative, uint64_t *magnitude)
{
    size_t at = 0;
    bool minus = raw.len > 0 && raw.ptr[0] == '-';
    if (minus)
        at++;
    uint64_t value = 0;
    long scale = 0; /* value is to be multiplied by ten to this power */
    long zeros = 0; /* trailing zeros of the significand, not yet multiplied into value */
    bool fraction = false;
    for (; at < raw.len && raw.ptr[at] != 'e' && raw.ptr[at] != 'E'; at++) {
        char c = raw.ptr[at];
        if (c == '.') {
            fraction = true;
            continue;
        }
        if (fraction)
            scale--;
        if (c == '0') {
            zeros++;
            continue;
        }
        for (zeros++; value > 0 && zeros > 0; zeros--)
            if (__builtin_mul_overflow(value, 10, &value))
                return false;
        zeros = 0;
        if (__builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
            return false;
    }
    if (at < raw.len) {
        bool down = at + 1 < raw.len && raw.ptr[at + 1] == '-';
        long exponent = 0;
        for (at++; at < raw.len; at++)
            if (raw.ptr[at] >= '0' && raw.ptr[at] <= '9' && exponent < 1000000)
                exponent = exponent * 10 + (raw.ptr[at] - '0');
        scale += down ? -exponent : exponent;
    }
    scale += zeros;
    if (value > 0 && scale < 0)
        return false;
    for (; value > 0 && scale > 0; scale--)
        if (__builtin_mul_overflow(value, 10, &value))
            return false;
    *negative = minus && value > 0;
    *magnitude = value;
    return true;
}

bool mk_json_integer(const yyjson_val *value, bool *negative, uint64_t *magnitude)
{
    yyjson_val *number = (yyjson_val *)(uintptr_t)value; /* yyjson's readers take no const */
    if (yyjson_is_raw(number))
        return raw_integer(mk_slice_of(yyjson_get_raw(number), yyjson_get_len(number)), negative,
                           magnitude);
    if (yyjson_is_uint(number)) {
        *negative = false;
        *magnitude = yyjson_get_uint(number);
        return true;
    }
    if (yyjson_is_sint(number)) {
        *negative = true;
        *magnitude = (uint64_t)0 - (uint64_t)yyjson_get_sint(number);
        return true;
    }
    return false;
}

const char *mk_json_type_name(const yyjson_val *value)
{
    switch (yyjson_get_type((yyjson_val *)(uintptr_t)value)) {
    case YYJSON_TYPE_NULL:
        return "null";
    case YYJSON_TYPE_BOOL:
        return "boolean";
    case YYJSON_TYPE_RAW:
    case YYJSON_TYPE_NUM:
        return "number";
    case YYJSON_TYPE_STR:
        return "string";
    case YYJSON_TYPE_ARR:
        return "array";
    case YYJSON_TYPE_OBJ:
        return "object";
    default:
        return "nothing";
    }
}

/*
 * An allocator that makes yyjson's writer write into the free room of a buf. yyjson writes into one
 * block that it grows, and expects it to be aligned as by malloc: so the text is written in its
 * final position, or a few bytes behind it.
 */
struct tail {
    struct mk_buf *out;
    size_t gap;
    int rc;
};

static void *tail_grow(void *ctx, void *old, size_t old_size, size_t size)
{
    struct tail *tail = ctx;
    (void)old;
    (void)old_size;
    tail->rc = mk_buf_reserve(tail->out, size + tail->gap);
    return tail->rc == 0 ? tail->out->data + tail->out->len + tail->gap : NULL;
}

static void *tail_malloc(void *ctx, size_t size)
{
    return tail_grow(ctx, NULL, 0, size);
}

int mk_json_write(struct mk_buf *out, const yyjson_mut_val *value)
{
    struct tail tail = { .out = out, .gap = -out->len % sizeof(void *) };
    const yyjson_alc alc = { tail_malloc, tail_grow, alc_free, &tail };
    size_t len;
    yyjson_write_err error;
    if (!yyjson_mut_val_write_opts((yyjson_mut_val *)(uintptr_t)value, YYJSON_WRITE_NOFLAG, &alc,
                                   &len, &error))
        return tail.rc < 0 ? tail.rc : -EINVAL;
    if (tail.gap > 0)
        memmove(out->data + out->len, out->data + out->len + tail.gap, len);
    out->len += len;
    return 0;
}

int mk_json_write_string(struct mk_buf *out, struct mk_slice text)
{
    yyjson_mut_val value = { 0 };
    value.tag = ((uint64_t)text.len << YYJSON_TAG_BIT) | YYJSON_TYPE_STR | YYJSON_SUBTYPE_NONE;
    value.uni.str = text.ptr ? text.ptr : "";
    return mk_json_write(out, &value);
}
