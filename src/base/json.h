/*
 * json: yyjson on an arena, and the little that is missing around it.
 */
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
 * The same, in place: strings of the document point into `text`, which is overwritten and must live
 * as long. For large texts, which would else be copied. 4 bytes more are reserved behind it.
 */
yyjson_doc *mk_json_read_in_place(struct mk_buf *text, const yyjson_alc *alc,
                                  yyjson_read_err *error);

enum { MK_JSON_MAX_VALUES = 1000 * 1000 };

/*
 * The text holds no more than that many values. One takes 16 bytes at least once it is read, so
 * "[[[[[" takes many times its length, which may have come compressed to next to nothing. For texts
 * of strangers, before they are read. What stands before a value is counted within strings as well:
 * a text that is so long and full of commas is refused too.
 */
bool mk_json_is_within_limit(struct mk_slice text);

/*
 * The value as an integer: any JSON number that is one mathematically (12, 12.0, 1.2e1) and fits.
 * Works on raw and on parsed numbers. Returns false for anything else. `*negative` tells the sign,
 * `*magnitude` the absolute value.
 */
bool mk_json_integer(const yyjson_val *value, bool *negative, uint64_t *magnitude);

/* "null", "boolean", "number", "string", "array", "object": for messages about what was got. */
const char *mk_json_type_name(const yyjson_val *value);

/* A member of an object by its name, the first of them, or NULL. */
static inline yyjson_mut_val *mk_json_member(yyjson_mut_val *object, struct mk_slice name)
{
    return yyjson_mut_obj_getn(object, name.ptr, name.len);
}

/*
 * Appends a value as compact JSON, written once, where it is to be. Returns 0; -EINVAL for what
 * JSON cannot hold (a string that is no UTF-8, an infinite number); -ENOMEM; -ENOBUFS. Then nothing
 * was appended.
 */
int mk_json_write(struct mk_buf *out, const yyjson_mut_val *value);

/* Appends `text` (valid UTF-8) as a JSON string, quotes included. */
int mk_json_write_string(struct mk_buf *out, struct mk_slice text);

#endif
