/*
 * check: values that a backend got from elsewhere than a bot, held against the tables as if a bot
 * had sent them (milky/backend.h, milky/json.h). It knows no call.
 */
#include "base/json.h"
#include "base/utf8.h"
#include "protocol/schema.h"
#include "protocol/validate.h"

#include <errno.h>
#include <milky/json.h>
#include <stdio.h>

/* Cut to fit, never within a character. */
static void tell(struct mk_slice text, char *problem, size_t size)
{
    if (size == 0)
        return;
    if (text.len >= size)
        text.len = mk_utf8_valid_prefix(mk_slice_of(text.ptr, size - 1));
    memcpy(problem, text.ptr, text.len);
    problem[text.len] = '\0';
}

/* What is made on the way goes with the arena; only what was checked is copied out of it. */
static int check(const struct mk_action *action, struct mk_arena *arena, yyjson_mut_val *given,
                 yyjson_mut_doc *doc, yyjson_mut_val **checked, char *problem, size_t size)
{
    yyjson_alc alc = mk_json_alc(arena);
    yyjson_doc *copy = given ? yyjson_mut_val_imut_copy(given, &alc) : NULL;
    yyjson_mut_doc *made = yyjson_mut_doc_new(&alc);
    if ((given && !copy) || !made)
        return -ENOMEM;
    struct mk_request request;
    int verdict = mk_validate(action, yyjson_doc_get_root(copy), made, arena, &request);
    if (verdict < 0)
        return verdict;
    if (verdict != MK_VALID) {
        tell(request.problem, problem, size);
        return -EINVAL;
    }
    yyjson_mut_val *value = yyjson_mut_val_mut_copy(doc, request.params);
    if (!value)
        return -ENOMEM;
    *checked = value;
    return 0;
}

static int check_in_arena(const struct mk_action *action, yyjson_mut_val *given,
                          yyjson_mut_doc *doc, yyjson_mut_val **checked, char *problem, size_t size)
{
    struct mk_arena arena;
    mk_arena_init(&arena);
    int rc = check(action, &arena, given, doc, checked, problem, size);
    mk_arena_fini(&arena);
    return rc;
}

static const struct mk_action *params_of(const char *action)
{
    return mk_action_find(MK_DIALECT_1_2, mk_slice_str(action));
}

/* The result as if it were params; false where the action has none. */
static bool result_of(const char *action, struct mk_action *as_params)
{
    const struct mk_action *found = params_of(action);
    if (!found || found->result->kind != MK_KIND_OBJECT)
        return false;
    *as_params = *found;
    as_params->params = found->result->object;
    return true;
}

int milky_check_params(const char *action, yyjson_mut_val *given, yyjson_mut_doc *doc,
                       yyjson_mut_val **checked, char *problem, size_t size)
{
    const struct mk_action *found = params_of(action);
    return found ? check_in_arena(found, given, doc, checked, problem, size) : -ENOENT;
}

int milky_check_result(const char *action, yyjson_mut_val *given, yyjson_mut_doc *doc,
                       yyjson_mut_val **checked, char *problem, size_t size)
{
    struct mk_action found;
    return result_of(action, &found) ? check_in_arena(&found, given, doc, checked, problem, size)
                                     : -ENOENT;
}

/* --- as text --- */

static int check_json(const struct mk_action *action, struct mk_slice json, char *problem,
                      size_t size)
{
    struct mk_arena arena;
    mk_arena_init(&arena);
    yyjson_alc alc = mk_json_alc(&arena);
    yyjson_read_err error = { .code = YYJSON_READ_SUCCESS, .msg = "too many values" };
    yyjson_doc *given = mk_json_is_within_limit(json) ? mk_json_read(json, &alc, &error) : NULL;
    yyjson_mut_doc *made = yyjson_mut_doc_new(&alc);
    struct mk_request request;
    int rc = made && error.code != YYJSON_READ_ERROR_MEMORY_ALLOCATION ? 0 : -ENOMEM;
    if (rc == 0 && !given) {
        char text[256];
        snprintf(text, sizeof(text), "malformed JSON at byte %zu: %s", error.pos, error.msg);
        tell(mk_slice_str(text), problem, size);
        rc = -EINVAL;
    }
    if (rc == 0)
        rc = mk_validate(action, yyjson_doc_get_root(given), made, &arena, &request);
    if (rc > 0) {
        tell(request.problem, problem, size);
        rc = -EINVAL;
    }
    mk_arena_fini(&arena);
    return rc;
}

int milky_check_params_json(const char *action, const char *json, size_t len, char *problem,
                            size_t size)
{
    const struct mk_action *found = params_of(action);
    return found ? check_json(found, mk_slice_of(json, len), problem, size) : -ENOENT;
}

int milky_check_result_json(const char *action, const char *json, size_t len, char *problem,
                            size_t size)
{
    struct mk_action found;
    return result_of(action, &found) ? check_json(&found, mk_slice_of(json, len), problem, size)
                                     : -ENOENT;
}
