/*
 * dialect: translates results and events of 1.x to the draft. It walks the draft's tables and takes
 * the fields that they name from the 1.x value. protocol/validate.h translates params in the other
 * direction.
 */
#ifndef MK_PROTOCOL_DIALECT_H
#define MK_PROTOCOL_DIALECT_H

#include "base/arena.h"
#include "protocol/pattern.h"
#include "protocol/tables.h"

#include <yyjson.h>

/*
 * Makes `*out` in `doc` from `value`, which is of the type's counterpart in 1.x and has passed
 * mk_result_check; strings are borrowed from it, new ones are in `arena`. `conversation` is the
 * conversation that the value is about, if the value itself does not contain it. Returns 0, -EINVAL
 * where a number for an id is not an integer, -ENOMEM.
 */
int mk_dialect_translate(const struct mk_type *type, yyjson_mut_val *value,
                         struct mk_conversation conversation, yyjson_mut_doc *doc,
                         struct mk_arena *arena, yyjson_mut_val **out);

#endif
