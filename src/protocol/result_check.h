/*
 * result_check: what a backend delivers, checked against the tables of 1.2 before it leaves: every
 * field that must be there is, each with its JSON type. Ranges and enum values are the backend's
 * own business; fields and variants that the tables do not know pass (1.x may add them).
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
