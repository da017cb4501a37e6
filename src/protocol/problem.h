/*
 * problem: the messages about malformed params, "PATH: expected WHAT, got WHAT". They name params
 * by their path, in the dialect of the caller, and quote at most 64 bytes of the request.
 *
 * Each function makes one message in `arena` and returns MK_MALFORMED or -ENOMEM. `at` NULL is the
 * params object itself; `got` NULL is an absent value.
 */
#ifndef MK_PROTOCOL_PROBLEM_H
#define MK_PROTOCOL_PROBLEM_H

#include "base/arena.h"
#include "base/json_path.h"
#include "protocol/pattern.h"
#include "protocol/tables.h"

#include <yyjson.h>

/* The result of checking params. */
enum mk_verdict {
    MK_VALID = 0,
    MK_MALFORMED = 1, /* `problem` describes the mistake */
    MK_REFUSED = 2,   /* well-formed, but not possible in 1.x; `problem` describes it */
};

/* "params: expected object, got array" */
int mk_problem(struct mk_arena *arena, const struct mk_json_path *at, struct mk_slice expected,
               yyjson_val *got, struct mk_slice *problem);

/* "user_id: expected integer from 10001 to 4294967295, got 5" */
int mk_problem_of_type(struct mk_arena *arena, const struct mk_json_path *at,
                       const struct mk_type *type, yyjson_val *got, struct mk_slice *problem);

/* "message[0].type: expected one of "text", "at", got "foo"" */
int mk_problem_of_tag(struct mk_arena *arena, const struct mk_json_path *at,
                      const struct mk_union *choice, yyjson_val *got, struct mk_slice *problem);

/* "start_message_id: expected a message_id that begins with "Group:123456:", got "x"" */
int mk_problem_of_id(struct mk_arena *arena, const struct mk_json_path *at,
                     struct mk_conversation conversation, yyjson_val *got,
                     struct mk_slice *problem);

/*
 * "txt: unknown field; did you mean text?", or "(here are: as, to, text)" where none is near. `at`
 * ends with the field; `object` is the table without such a field, `also` one more field that is
 * allowed, or empty.
 */
int mk_problem_of_field(struct mk_arena *arena, const struct mk_json_path *at,
                        const struct mk_object *object, struct mk_slice also,
                        struct mk_slice *problem);

/* "message[0]: nested too deep": any other text about the value. */
int mk_problem_say(struct mk_arena *arena, const struct mk_json_path *at, const char *text,
                   struct mk_slice *problem);

/* "message_id: a message of a temporary session cannot be recalled"; returns MK_REFUSED. */
int mk_problem_refuse(struct mk_arena *arena, struct mk_slice param, const char *text,
                      struct mk_slice *problem);

#endif
