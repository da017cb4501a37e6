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
 * Returns 0, or -EINVAL after it has logged an error: `what` and `name` tell what it is ("result
 * of", "get_message"), the path in it where it went wrong and what was expected there. `value` may
 * be NULL.
 */
int mk_result_check(const struct mk_type *type, yyjson_mut_val *value, const char *what,
                    const char *name);

#endif
