/*
 * operations: the help of `milky do` on the operations of the sandbox: their list, their fields,
 * and suggestions for mistyped names. Names, types and defaults come from the table that the
 * sandbox checks requests against (protocol/operations.h), explanations from another one, which
 * spec/generate_sandbox.py makes of the same spec/sandbox.json.
 */
#ifndef MK_CLI_OPERATIONS_H
#define MK_CLI_OPERATIONS_H

#include "protocol/operations.h"

struct mk_help_field {
    const char *name; /* NULL ends a table */
    const char *en;
    const char *zh;
};

struct mk_operation_help {
    const char *name; /* NULL ends the table */
    const char *en;
    const char *zh;
    const char *group_en; /* those of one group follow each other */
    const char *group_zh;
    const struct mk_help_field *fields;
    const char *result;          /* "{fault_id}" */
    const char *const *examples; /* words for `milky do`; ended by NULL. The last one is of this
                                    operation, those before prepare for it. */
};

extern const struct mk_operation_help mk_operation_help[];

/*
 * Prints one operation, or an API that a person calls; NULL: all operations, a line each. Returns
 * 0, or an exit code after it has printed that there is none.
 */
int mk_operations_explain(const char *name);

/* Finds an operation or an API. Returns 0, or an exit code after it has printed that there is none.
 */
int mk_operations_find(const char *name, struct mk_operation_found *found);

/* Looks for a field of an operation or API. Returns 0, or an exit code after it has printed that
 * there is none. */
int mk_operations_check_field(const struct mk_operation_found *found, struct mk_slice name);

#endif
