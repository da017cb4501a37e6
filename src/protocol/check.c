/*
 * check: values that a backend got from elsewhere than a bot, held against the tables as if a bot
 * had sent them (milky/backend.h). It knows no call.
 */
#include "base/json.h"
#include "base/utf8.h"
#include "protocol/validate.h"

#include <errno.h>
#include <milky/backend.h>
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

int milky_check_params(const char *action, yyjson_mut_val *given, yyjson_mut_doc *doc,
                       yyjson_mut_val **checked, char *problem, size_t size)
{
    const struct mk_action *found = mk_action_find(MK_DIALECT_1_2, mk_slice_str(action));
    return found ? check_in_arena(found, given, doc, checked, problem, size) : -ENOENT;
}

int milky_check_result(const char *action, yyjson_mut_val *given, yyjson_mut_doc *doc,
                       yyjson_mut_val **checked, char *problem, size_t size)
{
    const struct mk_action *found = mk_action_find(MK_DIALECT_1_2, mk_slice_str(action));
    if (!found || found->result->kind != MK_KIND_OBJECT)
        return -ENOENT;
    struct mk_action as_params = *found;
    as_params.params = found->result->object;
    return check_in_arena(&as_params, given, doc, checked, problem, size);
}
