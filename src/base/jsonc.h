/*
 * jsonc: reads JSON with comments and trailing commas, and finds the position of a value in its
 * text. yyjson keeps no positions; they are searched for only when there is a mistake to show.
 */
#ifndef MK_BASE_JSONC_H
#define MK_BASE_JSONC_H

#include "base/slice.h"

#include <yyjson.h>

/*
 * Reads a document; numbers keep their text (YYJSON_TYPE_RAW). `text` is not empty,
 * and `alc` may be NULL. Returns NULL and fills `error` on malformed input.
 */
yyjson_doc *mk_jsonc_read(struct mk_slice text, const yyjson_alc *alc, yyjson_read_err *error);

/*
 * The byte at which `value` (or a key) of `doc` begins in `text`, which `doc` was read from by
 * mk_jsonc_read.
 */
size_t mk_jsonc_locate(struct mk_slice text, const yyjson_doc *doc, const yyjson_val *value);

/*
 * The line and the column of a byte, both from 1; columns count characters. It does
 * not use yyjson_locate_pos, which takes ends of lines for parts of characters where comments are
 * in another encoding than UTF-8.
 */
void mk_jsonc_position(struct mk_slice text, size_t at, size_t *line, size_t *column);

#endif
