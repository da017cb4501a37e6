/*
 * result_check: checks results and events of a backend against the tables of 1.x: every required
 * field is there, each with its JSON type. Ranges and enum values are not checked; unknown fields
 * and variants are allowed (1.x may add them). A field that is optional and null is removed: strict
 * clients accept an absent one everywhere, but null not.
 */
#ifndef MK_PROTOCOL_RESULT_CHECK_H
#define MK_PROTOCOL_RESULT_CHECK_H

#include "protocol/tables.h"

#include <yyjson.h>

/*
 * Checks the result of the API `name`, or the data of the event `name`. `value` may be NULL.
 * Returns 0, or -EINVAL after it has logged the JSON path of the mistake and the type that is
 * expected there.
 */
int mk_result_check(const struct mk_type *type, yyjson_mut_val *value, bool is_result,
                    const char *name);

#endif
