/* json_error: says why a text is not JSON. yyjson says so in English. */
#ifndef MK_BASE_JSON_ERROR_H
#define MK_BASE_JSON_ERROR_H

#include "base/language.h"

#include <yyjson.h>

/* The reason of an error that yyjson has filled in. The text is constant. */
const char *mk_json_error_text(enum mk_language language, const yyjson_read_err *error);

#endif
