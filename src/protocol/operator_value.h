/*
 * operator_value: values of the types that only requests of operators have (protocol/operations.h).
 * A part of the walk of protocol/validate.h.
 */
#ifndef MK_PROTOCOL_OPERATOR_VALUE_H
#define MK_PROTOCOL_OPERATOR_VALUE_H

#include "protocol/problem.h"

/*
 * Checks `given` against a type from MK_KIND_RANGE on, and makes the value of it in `doc`. Returns
 * an mk_verdict or -ENOMEM.
 */
int mk_operator_value_read(const struct mk_type *type, const struct mk_json_path *at,
                           yyjson_val *given, yyjson_mut_doc *doc, struct mk_arena *arena,
                           yyjson_mut_val **made, struct mk_slice *problem);

#endif
