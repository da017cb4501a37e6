/*
 * operations: the requests of operators that a backend takes (milky/backend.h, `control`), as
 * tables. They are generated from a table such as spec/sandbox.json by spec/generate_sandbox.py
 * when the project is built.
 *
 *   control address -> dispatch: the operation by its name, or the API that a person calls
 *                   -> its form, by the fields that are given
 *                   -> unknown fields are refused, the others checked and completed
 *                      (protocol/validate.h)
 *                   -> backend->control
 *
 * An operation may be short for an API: then the backend gets a call of that API by a person.
 */
#ifndef MK_PROTOCOL_OPERATIONS_H
#define MK_PROTOCOL_OPERATIONS_H

#include "base/suggestion.h"
#include "protocol/problem.h"
#include "protocol/tables.h"

/* The form of a request in which some field is given. */
struct mk_form {
    struct mk_slice with; /* the field; empty: always */
    struct mk_slice name; /* of the API or the operation that it becomes */
    const struct mk_object *params;
};

struct mk_operation {
    struct mk_slice name;
    bool by_person;                 /* the field `as` is the person who acts */
    const struct mk_object *fields; /* of all forms, without `as` */
    const struct mk_form *forms;    /* the first one whose field is given counts */
    size_t form_count;
    const struct mk_slice *choice; /* fields, of which one is needed to know the form */
    size_t choice_count;
    const struct mk_slice *one_of; /* fields, of which exactly one must be given */
    size_t one_of_count;
};

struct milky_operations {
    const struct mk_operation *list;
    size_t count;
};

/* The meaning of a name: an operation, an API of 1.x that a person calls, or nothing. */
struct mk_operation_found {
    const struct mk_operation *operation;
    const struct mk_action *api;
};
struct mk_operation_found mk_operation_find(const struct milky_operations *operations,
                                            struct mk_slice name);

/* The name that `word` was probably meant to be, or NULL. */
const char *mk_operation_near(const struct milky_operations *operations, struct mk_slice word);

/* The field of the found operation that `word` was probably meant to be, or NULL. */
const char *mk_operation_near_field(const struct mk_operation_found *found, struct mk_slice word);

/* The type of a field of the found operation; NULL where there is no such field. */
const struct mk_type *mk_operation_field_type(const struct mk_operation_found *found,
                                              struct mk_slice name);

/* The field that names the person who acts; NULL where there is none. */
const struct mk_field *mk_operation_actor(const struct mk_operation_found *found);

/* A request as its backend gets it. */
struct mk_operation_request {
    const char *name; /* of the API or the operation that it has become */
    size_t number;    /* of the API; SIZE_MAX where it is none */
    uint64_t actor;   /* the person who acts; 0: none */
    yyjson_mut_val *params;
    struct mk_slice problem; /* in `arena` */
};

/*
 * Checks the fields of a request: `given` is an object, or NULL for none; its strings are borrowed
 * by the result. `found` is not nothing. Returns MK_VALID, MK_MALFORMED or -ENOMEM.
 */
int mk_operation_check(const struct mk_operation_found *found, yyjson_val *given,
                       yyjson_mut_doc *doc, struct mk_arena *arena,
                       struct mk_operation_request *request);

#endif
