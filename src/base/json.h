/* json: yyjson on an arena, and helpers that yyjson lacks. */
#ifndef MK_BASE_JSON_H
#define MK_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>
#include <yyjson.h>

/* An allocator that takes from `arena` and frees nothing: for documents that die with it. */
yyjson_alc mk_json_alc(struct mk_arena *arena);

/*
 * Reads strict JSON (RFC 8259, valid UTF-8) into a document on `alc`. Numbers are kept as the text
 * that they were written as (YYJSON_TYPE_RAW), so that a value can be given back exactly; read them
 * with mk_json_integer. Returns NULL and fills `error` on malformed input.
 */
yyjson_doc *mk_json_read(struct mk_slice text, const yyjson_alc *alc, yyjson_read_err *error);

/*
 * Does the same in place, for large texts, which would otherwise be copied: strings of the document
 * point into `text`, which is overwritten and must live as long. Reserves 4 more bytes behind it.
 */
yyjson_doc *mk_json_read_in_place(struct mk_buf *text, const yyjson_alc *alc,
                                  yyjson_read_err *error);

enum { MK_JSON_MAX_VALUES = 1000 * 1000 };

/*
 * Returns whether the text holds at most MK_JSON_MAX_VALUES values. A value takes at least 16 bytes
 * once it is read, so "[[[[[" takes many times its length, and the text may have arrived compressed
 * to almost nothing. To be called for untrusted texts before they are read. It counts the
 * characters before values within strings as well: a string with that many commas is refused too.
 * So is a text with more than 8 Mi escapes, which take a multiple of the time of other bytes.
 */
bool mk_json_is_within_limit(struct mk_slice text);
/* The same with another bound. */
bool mk_json_has_at_most(struct mk_slice text, size_t most);

/*
 * The value as an integer: any JSON number that is one mathematically (12, 12.0, 1.2e1) and fits.
 * Works on raw and on parsed numbers. Returns false for anything else. `*negative` is the sign,
 * `*magnitude` the absolute value.
 */
bool mk_json_integer(const yyjson_val *value, bool *negative, uint64_t *magnitude);

/* "null", "boolean", "number", "string", "array", "object": for error messages. */
const char *mk_json_type_name(const yyjson_val *value);

/* A member of an object by its name, the first of them, or NULL. */
static inline yyjson_mut_val *mk_json_member(yyjson_mut_val *object, struct mk_slice name)
{
    return yyjson_mut_obj_getn(object, name.ptr, name.len);
}

/*
 * Appends a value as compact JSON, without an intermediate copy. Returns 0; -EINVAL for a value
 * that JSON cannot hold (a string that is not UTF-8, an infinite number); -ENOMEM; -ENOBUFS. On an
 * error nothing was appended.
 */
int mk_json_write(struct mk_buf *out, const yyjson_mut_val *value);

/* Appends `text` (valid UTF-8) as a JSON string, quotes included. */
int mk_json_write_string(struct mk_buf *out, struct mk_slice text);

#endif
