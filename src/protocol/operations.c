/* operations: see the header. */
#include "protocol/operations.h"

#include "base/json.h"
#include "protocol/schema.h"
#include "protocol/unknown_fields.h"
#include "protocol/validate.h"

#include <errno.h>

static const struct mk_slice none;

/* The field that is not among those of the forms. */
static const struct mk_type actor_type = { MK_KIND_UIN };
static const struct mk_field actor_field = {
    .name = { "as", 2 },
    .counterpart = { "as", 2 },
    .type = &actor_type,
    .absent = MK_ABSENT_ERROR,
};

/* --- finding --- */

struct mk_operation_found mk_operation_find(const struct milky_operations *operations,
                                            struct mk_slice name)
{
    struct mk_operation_found found = { 0 };
    for (size_t i = 0; i < operations->count && !found.operation; i++)
        if (mk_slice_eq(operations->list[i].name, name))
            found.operation = &operations->list[i];
    if (!found.operation)
        found.api = mk_action_find(MK_DIALECT_NEWEST, name);
    return found;
}

const char *mk_operation_near(const struct milky_operations *operations, struct mk_slice word)
{
    struct mk_suggestion near = { 0 };
    for (size_t i = 0; i < operations->count; i++)
        mk_suggestion_offer(&near, word, operations->list[i].name.ptr);
    for (size_t i = 0; i < mk_action_count; i++)
        mk_suggestion_offer(&near, word, mk_actions[i].name.ptr);
    return near.best;
}

static const struct mk_object *fields_of(const struct mk_operation_found *found)
{
    return found->operation ? found->operation->fields : found->api->params;
}

static bool has_actor(const struct mk_operation_found *found)
{
    return !found->operation || found->operation->by_person;
}

static const struct mk_field *field_of(const struct mk_object *object, struct mk_slice name)
{
    for (size_t i = 0; i < object->count; i++)
        if (mk_slice_eq(object->fields[i].name, name))
            return &object->fields[i];
    return NULL;
}

const struct mk_field *mk_operation_actor(const struct mk_operation_found *found)
{
    return has_actor(found) ? &actor_field : NULL;
}

const struct mk_type *mk_operation_field_type(const struct mk_operation_found *found,
                                              struct mk_slice name)
{
    const struct mk_field *field = field_of(fields_of(found), name);
    if (!field && has_actor(found) && mk_slice_eq(name, actor_field.name))
        field = &actor_field;
    return field ? field->type : NULL;
}

const char *mk_operation_near_field(const struct mk_operation_found *found, struct mk_slice word)
{
    const struct mk_object *object = fields_of(found);
    struct mk_suggestion near = { 0 };
    if (has_actor(found))
        mk_suggestion_offer(&near, word, actor_field.name.ptr);
    for (size_t i = 0; i < object->count; i++)
        mk_suggestion_offer(&near, word, object->fields[i].name.ptr);
    return near.best;
}

/* --- checking --- */

struct check {
    struct mk_arena *arena;
    yyjson_mut_doc *doc;
    yyjson_val *given;
    struct mk_slice *problem;
};

static bool is_given(const struct check *check, struct mk_slice name)
{
    yyjson_val *value = check->given ? yyjson_obj_getn(check->given, name.ptr, name.len) : NULL;
    return value && !yyjson_is_null(value);
}

static size_t count_given(const struct check *check, const struct mk_slice *names, size_t count)
{
    size_t given = 0;
    for (size_t i = 0; i < count; i++)
        given += is_given(check, names[i]);
    return given;
}

/* "one of to and group must be given" */
static int refuse_choice(const struct check *check, const struct mk_slice *names, size_t count)
{
    char text[256];
    struct mk_buf list;
    mk_buf_init(&list, sizeof(text) - 1);
    int rc = mk_buf_append_slice(&list, MK_SLICE("one of "));
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = mk_buf_printf(&list, "%s%s",
                           i == 0          ? ""
                           : i + 1 < count ? ", "
                                           : " and ",
                           names[i].ptr);
    if (rc == 0)
        rc = mk_buf_append_slice(&list, MK_SLICE(" must be given"));
    if (rc == 0)
        rc = mk_buf_append_char(&list, '\0');
    if (rc == 0)
        rc = mk_problem_say(check->arena, NULL, list.data, check->problem);
    mk_buf_fini(&list);
    return rc;
}

/* A field of another form than this one. */
static int refuse_stray(const struct check *check, struct mk_slice name, const struct mk_form *form)
{
    char text[160];
    const struct mk_json_path at = { .name = name };
    snprintf(text, sizeof(text), "it does not go with %s", form->with.ptr);
    return mk_problem_say(check->arena, &at, text, check->problem);
}

static int check_form(const struct check *check, const struct mk_operation *operation,
                      const struct mk_form **form)
{
    const struct mk_object *fields = operation->fields;
    *form = NULL;
    for (size_t i = 0; i < operation->form_count && !*form; i++)
        if (operation->forms[i].with.len == 0 || is_given(check, operation->forms[i].with))
            *form = &operation->forms[i];
    if (!*form || count_given(check, operation->choice, operation->choice_count) > 1)
        return refuse_choice(check, operation->choice, operation->choice_count);
    for (size_t i = 0; i < fields->count; i++)
        if (is_given(check, fields->fields[i].name) &&
            !field_of((*form)->params, fields->fields[i].name))
            return refuse_stray(check, fields->fields[i].name, *form);
    if (operation->one_of_count > 0 &&
        count_given(check, operation->one_of, operation->one_of_count) != 1)
        return refuse_choice(check, operation->one_of, operation->one_of_count);
    return 0;
}

static int check_object(const struct check *check, const struct mk_object *object,
                        yyjson_mut_val **made)
{
    const struct mk_action as_params = { .params = object };
    struct mk_request request;
    int rc = mk_validate(&as_params, check->given, check->doc, check->arena, &request);
    *made = request.params;
    if (rc > 0)
        *check->problem = request.problem;
    return rc;
}

static int check_actor(const struct check *check, uint64_t *actor)
{
    static const struct mk_object object = { &actor_field, 1, NULL };
    yyjson_mut_val *made;
    int rc = check_object(check, &object, &made);
    *actor = rc == 0 ? yyjson_mut_get_uint(mk_json_member(made, actor_field.name)) : 0;
    return rc;
}

static void become(const struct mk_operation_found *found, const struct mk_form *form,
                   struct mk_operation_request *request)
{
    struct mk_slice name = form ? form->name : found->api->name;
    const struct mk_action *api = form ? mk_action_find(MK_DIALECT_NEWEST, name) : found->api;
    request->name = name.ptr;
    request->number = api ? api->number : SIZE_MAX;
}

int mk_operation_check(const struct mk_operation_found *found, yyjson_val *given,
                       yyjson_mut_doc *doc, struct mk_arena *arena,
                       struct mk_operation_request *request)
{
    const struct check check = { arena, doc, given, &request->problem };
    const struct mk_form *form = NULL;
    struct mk_slice also = has_actor(found) ? actor_field.name : none;
    request->actor = 0;
    if (given && !yyjson_is_obj(given))
        return mk_problem(arena, NULL, MK_SLICE("object"), given, &request->problem);
    int rc = mk_unknown_fields_check(fields_of(found), also, given, arena, &request->problem);
    if (rc == 0 && also.len > 0)
        rc = check_actor(&check, &request->actor);
    if (rc == 0 && found->operation)
        rc = check_form(&check, found->operation, &form);
    if (rc == 0)
        rc = check_object(&check, form ? form->params : found->api->params, &request->params);
    if (rc == 0)
        become(found, form, request);
    return rc;
}
