/*
 * check: checks values that a backend did not get from a bot against the tables, as if a bot had
 * sent them (milky/backend.h, milky/json.h). It does not use calls.
 */
#include "base/json.h"
#include "base/utf8.h"
#include "protocol/operations.h"
#include "protocol/schema.h"
#include "protocol/validate.h"

#include <errno.h>
#include <milky/json.h>
#include <stdio.h>

/* Copies the text, cut to fit, never within a character. */
static void copy_text(struct mk_slice text, char *problem, size_t size)
{
    if (size > 0)
        mk_utf8_copy(problem, size, text);
}

/* The table to check against: the params of an action, or the fields of a request. */
struct table {
    const struct mk_action *action;
    struct mk_operation_found operation;
};

/* Returns a verdict or -ENOMEM. */
static int check_against(const struct table *table, yyjson_val *given, yyjson_mut_doc *doc,
                         struct mk_arena *arena, yyjson_mut_val **made, struct mk_slice *problem)
{
    if (!table->action) {
        struct mk_operation_request request = { 0 };
        int verdict = mk_operation_check(&table->operation, given, doc, arena, &request);
        *made = request.params;
        *problem = request.problem;
        return verdict;
    }
    struct mk_request request;
    int verdict = mk_validate(table->action, given, doc, arena, &request);
    *made = request.params;
    *problem = request.problem;
    return verdict;
}

/* Intermediate values are freed with the arena; only the checked value is copied. */
static int check(const struct table *table, struct mk_arena *arena, yyjson_mut_val *given,
                 yyjson_mut_doc *doc, yyjson_mut_val **checked, char *problem, size_t size)
{
    yyjson_alc alc = mk_json_alc(arena);
    yyjson_doc *copy = given ? yyjson_mut_val_imut_copy(given, &alc) : NULL;
    yyjson_mut_doc *made = yyjson_mut_doc_new(&alc);
    yyjson_mut_val *params;
    struct mk_slice text;
    if ((given && !copy) || !made)
        return -ENOMEM;
    int verdict = check_against(table, yyjson_doc_get_root(copy), made, arena, &params, &text);
    if (verdict < 0)
        return verdict;
    if (verdict != MK_VALID) {
        copy_text(text, problem, size);
        return -EINVAL;
    }
    yyjson_mut_val *value = yyjson_mut_val_mut_copy(doc, params);
    if (!value)
        return -ENOMEM;
    *checked = value;
    return 0;
}

static int check_in_arena(const struct table *table, yyjson_mut_val *given, yyjson_mut_doc *doc,
                          yyjson_mut_val **checked, char *problem, size_t size)
{
    struct mk_arena arena;
    mk_arena_init(&arena);
    int rc = check(table, &arena, given, doc, checked, problem, size);
    mk_arena_fini(&arena);
    return rc;
}

/* --- finding the table; false: no such name --- */

static bool params_of(const char *action, struct table *table)
{
    *table = (struct table){ .action = mk_action_find(MK_DIALECT_NEWEST, mk_slice_str(action)) };
    return table->action != NULL;
}

/* Makes a table that checks the result as if it were params. */
static bool result_of(const char *action, struct mk_action *as_params, struct table *table)
{
    if (!params_of(action, table) || table->action->result->kind != MK_KIND_OBJECT)
        return false;
    *as_params = *table->action;
    as_params->params = table->action->result->object;
    table->action = as_params;
    return true;
}

static bool operation_of(const struct milky_operations *operations, const char *name,
                         struct table *table)
{
    *table = (struct table){ .operation = mk_operation_find(operations, mk_slice_str(name)) };
    return table->operation.operation || table->operation.api;
}

/* --- as values --- */

int milky_check_params(const char *action, yyjson_mut_val *given, yyjson_mut_doc *doc,
                       yyjson_mut_val **checked, char *problem, size_t size)
{
    struct table table;
    return params_of(action, &table) ? check_in_arena(&table, given, doc, checked, problem, size)
                                     : -ENOENT;
}

int milky_check_result(const char *action, yyjson_mut_val *given, yyjson_mut_doc *doc,
                       yyjson_mut_val **checked, char *problem, size_t size)
{
    struct mk_action as_params;
    struct table table;
    return result_of(action, &as_params, &table)
               ? check_in_arena(&table, given, doc, checked, problem, size)
               : -ENOENT;
}

int milky_check_operation(const struct milky_operations *operations, const char *name,
                          yyjson_mut_val *given, yyjson_mut_doc *doc, yyjson_mut_val **checked,
                          char *problem, size_t size)
{
    struct table table;
    return operation_of(operations, name, &table)
               ? check_in_arena(&table, given, doc, checked, problem, size)
               : -ENOENT;
}

/* --- as text --- */

static int check_json(const struct table *table, struct mk_slice json, char *problem, size_t size)
{
    struct mk_arena arena;
    mk_arena_init(&arena);
    yyjson_alc alc = mk_json_alc(&arena);
    yyjson_read_err error = { .code = YYJSON_READ_SUCCESS, .msg = "too many values" };
    yyjson_doc *given = mk_json_is_within_limit(json) ? mk_json_read(json, &alc, &error) : NULL;
    yyjson_mut_doc *made = yyjson_mut_doc_new(&alc);
    yyjson_mut_val *params;
    struct mk_slice text;
    int rc = made && error.code != YYJSON_READ_ERROR_MEMORY_ALLOCATION ? 0 : -ENOMEM;
    if (rc == 0 && !given) {
        char malformed[256];
        snprintf(malformed, sizeof(malformed), "malformed JSON at byte %zu: %s", error.pos,
                 error.msg);
        copy_text(mk_slice_str(malformed), problem, size);
        rc = -EINVAL;
    }
    if (rc == 0)
        rc = check_against(table, yyjson_doc_get_root(given), made, &arena, &params, &text);
    if (rc > 0) {
        copy_text(text, problem, size);
        rc = -EINVAL;
    }
    mk_arena_fini(&arena);
    return rc;
}

int milky_check_params_json(const char *action, const char *json, size_t len, char *problem,
                            size_t size)
{
    struct table table;
    return params_of(action, &table) ? check_json(&table, mk_slice_of(json, len), problem, size)
                                     : -ENOENT;
}

int milky_check_result_json(const char *action, const char *json, size_t len, char *problem,
                            size_t size)
{
    struct mk_action as_params;
    struct table table;
    return result_of(action, &as_params, &table)
               ? check_json(&table, mk_slice_of(json, len), problem, size)
               : -ENOENT;
}

int milky_check_operation_json(const struct milky_operations *operations, const char *name,
                               const char *json, size_t len, char *problem, size_t size)
{
    struct table table;
    return operation_of(operations, name, &table)
               ? check_json(&table, mk_slice_of(json, len), problem, size)
               : -ENOENT;
}
