/*
 * dialect: results and events of 1.2 in the words of the draft. It walks the draft's tables and
 * takes from the 1.2 value what they name; the way of params, from a dialect to 1.2, is
 * protocol/validate.h.
 */
#ifndef MK_PROTOCOL_DIALECT_H
#define MK_PROTOCOL_DIALECT_H

#include "base/arena.h"
#include "protocol/pattern.h"
#include "protocol/tables.h"

#include <yyjson.h>

/*
 * Makes `*out` in `doc` from `value`, which is of the type's counterpart in 1.2 and has passed
 * mk_result_check; strings are borrowed from it, new ones stand in `arena`. `conversation` is the
 * conversation that it is about, where only its surroundings tell that. Returns 0, -EINVAL where a
 * number that an id is made of is no integer, -ENOMEM.
 */
int mk_dialect_translate(const struct mk_type *type, yyjson_mut_val *value,
                         struct mk_conversation conversation, yyjson_mut_doc *doc,
                         struct mk_arena *arena, yyjson_mut_val **out);

#endif
