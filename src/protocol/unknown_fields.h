/*
 * unknown_fields: finds fields that no table has, which are mostly mistyped ones, at any depth. For
 * requests of operators; unknown fields of bots are ignored (protocol/validate.h).
 */
#ifndef MK_PROTOCOL_UNKNOWN_FIELDS_H
#define MK_PROTOCOL_UNKNOWN_FIELDS_H

#include "protocol/problem.h"

/*
 * Walks along `object` and the JSON beside it. `also` is a further field at the top, or empty. A
 * value of another type than the table's is skipped: mk_validate refuses it. Returns MK_VALID;
 * MK_MALFORMED with "txt: unknown field; did you mean text?"; or -ENOMEM.
 */
int mk_unknown_fields_check(const struct mk_object *object, struct mk_slice also, yyjson_val *given,
                            struct mk_arena *arena, struct mk_slice *problem);

#endif
