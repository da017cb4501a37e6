/*
 * validate: turns a bot's params, in its dialect, into a backend's params, in 1.x: checks them
 * against the tables, renames and combines them, and adds defaults.
 *
 * Fields that the table does not have are ignored. If an object has a field twice, the last one
 * counts, as with JavaScript's JSON.parse. An integer is any JSON number that is one mathematically
 * (12, 12.0, 1.2e1) and lies in its range. A field that may be left out is left out where it is
 * null, "", 0 or [], as far as the table says so (spec/GENERATOR.md).
 */
#ifndef MK_PROTOCOL_VALIDATE_H
#define MK_PROTOCOL_VALIDATE_H

#include "base/arena.h"
#include "protocol/problem.h"
#include "protocol/tables.h"

#include <yyjson.h>

/* A call as 1.x has it. */
struct mk_request {
    size_t number;           /* of the action */
    yyjson_mut_val *params;  /* in `doc` */
    struct mk_slice problem; /* in `arena` */
};

/*
 * `given` is the object of params, numbers raw (mk_json_read), or NULL for none; its strings are
 * borrowed by the result. Returns an mk_verdict or -ENOMEM; `request` is filled accordingly.
 */
int mk_validate(const struct mk_action *action, yyjson_val *given, yyjson_mut_doc *doc,
                struct mk_arena *arena, struct mk_request *request);

#endif
