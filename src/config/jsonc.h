/*
 * jsonc: reading JSON with comments and trailing commas, and where a value stands in its text.
 * yyjson keeps no positions; this finds them again, only once a mistake must be shown.
 */
#ifndef MK_CONFIG_JSONC_H
#define MK_CONFIG_JSONC_H

#include "base/slice.h"

#include <yyjson.h>

/*
 * Reads it, numbers as the text that they were written as (YYJSON_TYPE_RAW). `text` is not empty,
 * and `alc` may be NULL. Returns NULL and fills `error` on malformed input.
 */
yyjson_doc *mk_jsonc_read(struct mk_slice text, const yyjson_alc *alc, yyjson_read_err *error);

/*
 * The byte where `value` (a key, too) of `doc` begins in `text`, out of which yyjson read it,
 * allowing comments and trailing commas.
 */
size_t mk_jsonc_locate(struct mk_slice text, const yyjson_doc *doc, const yyjson_val *value);

/*
 * The line and the column of a byte, both from 1; columns count characters. Not yyjson_locate_pos:
 * comments may be in another encoding than UTF-8, of which that takes ends of lines for parts of
 * characters.
 */
void mk_jsonc_place(struct mk_slice text, size_t at, size_t *line, size_t *column);

#endif
