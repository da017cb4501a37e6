/* validate: one walk along the table of an action and the JSON beside it. See the header. */
#include "protocol/validate.h"

#include "base/json.h"
#include "base/json_path.h"
#include "protocol/file_name.h"
#include "protocol/operator_value.h"
#include "protocol/pattern.h"
#include "protocol/problem.h"

#include <errno.h>

struct walk {
    struct mk_arena *arena;
    yyjson_mut_doc *doc;
    const struct mk_conversation_rule *rule; /* which conversation the params are about */
    yyjson_mut_val *params;                  /* the params made so far */
    unsigned depth;                          /* segments in segments */
    size_t elements;                         /* of all lists */
    struct mk_slice problem;
};

static int read_object(struct walk *walk, const struct mk_json_path *at,
                       const struct mk_object *object, yyjson_val *given, yyjson_mut_val *made);

static struct mk_slice string_of(yyjson_val *value)
{
    return mk_slice_of(yyjson_get_str(value), yyjson_get_len(value));
}

/* --- scalars --- */

static bool in_range(enum mk_kind kind, bool negative, uint64_t magnitude)
{
    if (kind == MK_KIND_UIN)
        return !negative && magnitude >= 10001 && magnitude <= UINT32_MAX;
    if (negative)
        return kind == MK_KIND_INT && magnitude <= (uint64_t)INT64_MAX + 1;
    return magnitude <= INT64_MAX;
}

static int read_integer(struct walk *walk, const struct mk_json_path *at,
                        const struct mk_type *type, yyjson_val *given, yyjson_mut_val **made)
{
    bool negative;
    uint64_t magnitude;
    if (!mk_json_integer(given, &negative, &magnitude) ||
        !in_range(type->kind, negative, magnitude))
        return mk_problem_of_type(walk->arena, at, type, given, &walk->problem);
    *made = negative ? yyjson_mut_sint(walk->doc, (int64_t)(0 - magnitude))
                     : yyjson_mut_uint(walk->doc, magnitude);
    return *made ? 0 : -ENOMEM;
}

static bool is_one_of(const struct mk_type *type, struct mk_slice text)
{
    for (size_t i = 0; i < type->value_count; i++)
        if (mk_slice_eq(type->values[i], text))
            return true;
    return false;
}

static int read_scalar(struct walk *walk, const struct mk_json_path *at, const struct mk_type *type,
                       yyjson_val *given, yyjson_mut_val **made)
{
    if (type->kind == MK_KIND_BOOL && yyjson_is_bool(given)) {
        *made = yyjson_mut_bool(walk->doc, yyjson_get_bool(given));
    } else if (type->kind == MK_KIND_STRING && yyjson_is_str(given)) {
        *made = yyjson_mut_strn(walk->doc, yyjson_get_str(given), yyjson_get_len(given));
    } else if (type->kind == MK_KIND_ENUM && yyjson_is_str(given) &&
               is_one_of(type, string_of(given))) {
        *made = yyjson_mut_strn(walk->doc, yyjson_get_str(given), yyjson_get_len(given));
    } else {
        return mk_problem_of_type(walk->arena, at, type, given, &walk->problem);
    }
    return *made ? 0 : -ENOMEM;
}

/* --- arrays, objects, unions --- */

static int read_value(struct walk *walk, const struct mk_json_path *at, const struct mk_type *type,
                      yyjson_val *given, yyjson_mut_val **made);

static int read_array(struct walk *walk, const struct mk_json_path *at, const struct mk_type *type,
                      yyjson_val *given, yyjson_mut_val **made)
{
    if (!yyjson_is_arr(given))
        return mk_problem_of_type(walk->arena, at, type, given, &walk->problem);
    yyjson_mut_val *array = yyjson_mut_arr(walk->doc);
    if (!array)
        return -ENOMEM;
    struct mk_json_path here = { .up = at };
    size_t index, count;
    yyjson_val *element;
    walk->elements += yyjson_arr_size(given);
    yyjson_arr_foreach (given, index, count, element) {
        here.index = index;
        yyjson_mut_val *value;
        int rc = read_value(walk, &here, type->of, element, &value);
        if (rc != 0)
            return rc;
        yyjson_mut_arr_append(array, value);
    }
    *made = array;
    return 0;
}

static int add(struct walk *walk, yyjson_mut_val *object, struct mk_slice name,
               yyjson_mut_val *value)
{
    yyjson_mut_val *key = yyjson_mut_strn(walk->doc, name.ptr, name.len);
    return yyjson_mut_obj_add(object, key, value) ? 0 : -ENOMEM;
}

/* The last field of this name: see the header about duplicates. */
static yyjson_val *last_of(yyjson_val *object, struct mk_slice name)
{
    yyjson_val *found = NULL;
    size_t index, count;
    yyjson_val *key, *value;
    if (!object)
        return NULL;
    yyjson_obj_foreach (object, index, count, key, value) {
        if (mk_slice_eq(string_of(key), name))
            found = value;
    }
    return found;
}

static const struct mk_variant *variant_of(const struct mk_union *choice, yyjson_val *tag)
{
    for (size_t i = 0; yyjson_is_str(tag) && i < choice->count; i++)
        if (mk_slice_eq(choice->variants[i].name, string_of(tag)))
            return &choice->variants[i];
    return NULL;
}

/* Reads the fields of a segment: inside `data`, which may be absent if it has none. */
static int read_data(struct walk *walk, const struct mk_json_path *at,
                     const struct mk_object *object, yyjson_val *segment, yyjson_mut_val *made)
{
    const struct mk_json_path here = { .up = at, .name = MK_SLICE("data") };
    yyjson_val *data = last_of(segment, here.name);
    bool none = !data || yyjson_is_null(data);
    if (!yyjson_is_obj(data) && !(none && object->count == 0))
        return mk_problem(walk->arena, &here, MK_SLICE("object"), data, &walk->problem);
    yyjson_mut_val *inner = yyjson_mut_obj(walk->doc);
    if (!inner || add(walk, made, here.name, inner) < 0)
        return -ENOMEM;
    return read_object(walk, &here, object, data, inner);
}

static int read_union(struct walk *walk, const struct mk_json_path *at, const struct mk_type *type,
                      yyjson_val *given, yyjson_mut_val **made)
{
    const struct mk_union *choice = type->choice;
    if (!yyjson_is_obj(given))
        return mk_problem_of_type(walk->arena, at, type, given, &walk->problem);
    const struct mk_json_path tag_path = { .up = at, .name = choice->tag };
    yyjson_val *tag = last_of(given, choice->tag);
    const struct mk_variant *variant = variant_of(choice, tag);
    if (!variant)
        return mk_problem_of_tag(walk->arena, &tag_path, choice, tag, &walk->problem);
    if (walk->depth == MK_DEPTH_MAX)
        return mk_problem_say(walk->arena, at, "nested more than 16 levels deep", &walk->problem);
    yyjson_mut_val *object = yyjson_mut_obj(walk->doc);
    yyjson_mut_val *counterpart =
        yyjson_mut_strn(walk->doc, variant->counterpart.ptr, variant->counterpart.len);
    if (!object || add(walk, object, choice->counterpart, counterpart) < 0)
        return -ENOMEM;
    walk->depth++;
    int rc = choice->in_data ? read_data(walk, at, &variant->object, given, object)
                             : read_object(walk, at, &variant->object, given, object);
    walk->depth--;
    *made = object;
    return rc;
}

static int read_value(struct walk *walk, const struct mk_json_path *at, const struct mk_type *type,
                      yyjson_val *given, yyjson_mut_val **made)
{
    switch (type->kind) {
    case MK_KIND_INT:
    case MK_KIND_UINT:
    case MK_KIND_UIN:
        return read_integer(walk, at, type, given, made);
    case MK_KIND_ARRAY:
        return read_array(walk, at, type, given, made);
    case MK_KIND_UNION:
        return read_union(walk, at, type, given, made);
    case MK_KIND_OBJECT:
        if (!yyjson_is_obj(given))
            return mk_problem_of_type(walk->arena, at, type, given, &walk->problem);
        *made = yyjson_mut_obj(walk->doc);
        return *made ? read_object(walk, at, type->object, given, *made) : -ENOMEM;
    case MK_KIND_BOOL:
    case MK_KIND_STRING:
    case MK_KIND_ENUM:
        return read_scalar(walk, at, type, given, made);
    default:
        return mk_operator_value_read(type, at, given, walk->doc, walk->arena, made,
                                      &walk->problem);
    }
}

/* --- fields --- */

static int absent_value(struct walk *walk, const struct mk_field *field, yyjson_mut_val *made,
                        yyjson_mut_val **value)
{
    struct mk_slice text = field->text;
    switch (field->absent) {
    case MK_ABSENT_BOOL:
        *value = yyjson_mut_bool(walk->doc, field->number != 0);
        break;
    case MK_ABSENT_UINT:
        *value = yyjson_mut_uint(walk->doc, field->number);
        break;
    case MK_ABSENT_FILE_NAME: {
        yyjson_mut_val *uri = mk_json_member(made, text);
        int rc = mk_file_name_of_uri(mk_slice_of(yyjson_mut_get_str(uri), yyjson_mut_get_len(uri)),
                                     walk->arena, &text);
        if (rc < 0)
            return rc;
        *value = yyjson_mut_strn(walk->doc, text.ptr, text.len);
        break;
    }
    default:
        *value = yyjson_mut_strn(walk->doc, text.ptr, text.len);
        break;
    }
    return *value ? 0 : -ENOMEM;
}

/* "Group:123456:0": a conversation without a number. */
static void drop_zeros(const struct mk_pattern *pattern, yyjson_mut_val *made)
{
    for (size_t i = 0; i < pattern->count; i++) {
        const struct mk_slice name = pattern->parts[i].text;
        yyjson_mut_val *value = mk_json_member(made, name);
        if (pattern->parts[i].kind == MK_PART_UINT && yyjson_mut_get_uint(value) == 0)
            yyjson_mut_obj_remove_keyn(made, name.ptr, name.len);
    }
}

/* Reads a message_id, which must be of the conversation of the call; within a forward, of any. */
static int read_id(struct walk *walk, const struct mk_json_path *at, const struct mk_field *field,
                   yyjson_val *given, yyjson_mut_val *made)
{
    struct mk_conversation conversation = { MK_SCENE_NONE, 0 };
    if (walk->depth <= 1)
        conversation = mk_conversation_of(walk->rule, walk->params);
    int rc = MK_PATTERN_OTHER;
    if (yyjson_is_str(given))
        rc = mk_pattern_read(field->pattern, string_of(given), conversation, walk->doc, made);
    if (rc == 0 && field->empty_is_absent)
        drop_zeros(field->pattern, made);
    if (rc != MK_PATTERN_OTHER)
        return rc;
    if (!yyjson_is_str(given))
        return mk_problem_of_type(walk->arena, at, field->type, given, &walk->problem);
    return mk_problem_of_id(walk->arena, at, conversation, given, &walk->problem);
}

/* The value that a language without optional fields gives one that was not set. */
static bool is_empty(enum mk_kind kind, yyjson_val *given)
{
    bool negative;
    uint64_t magnitude;
    switch (kind) {
    case MK_KIND_STRING:
    case MK_KIND_ENUM:
        return yyjson_is_str(given) && yyjson_get_len(given) == 0;
    case MK_KIND_ARRAY:
        return yyjson_is_arr(given) && yyjson_arr_size(given) == 0;
    default:
        return mk_json_integer(given, &negative, &magnitude) && magnitude == 0;
    }
}

static bool is_absent(const struct mk_field *field, yyjson_val *given)
{
    if (!given || yyjson_is_null(given))
        return true;
    return field->empty_is_absent && is_empty(field->type->kind, given);
}

static int read_field(struct walk *walk, const struct mk_json_path *up,
                      const struct mk_field *field, yyjson_val *given, yyjson_mut_val *made)
{
    const struct mk_json_path at = { .up = up, .name = field->name };
    bool none = is_absent(field, given);
    if (none && field->absent == MK_ABSENT_SKIP)
        return 0;
    if (!none && field->pattern)
        return read_id(walk, &at, field, given, made);
    yyjson_mut_val *value;
    int rc;
    if (none && field->absent != MK_ABSENT_ERROR)
        rc = absent_value(walk, field, made, &value);
    else if (none)
        rc = mk_problem_of_type(walk->arena, &at, field->type, given, &walk->problem);
    else
        rc = read_value(walk, &at, field->type, given, &value);
    if (rc != 0 || field->counterpart.len == 0)
        return rc;
    return add(walk, made, field->counterpart, value);
}

/* Finds the fields of `given` (NULL: there are none) that are in the table. */
static void find_fields(const struct mk_object *object, yyjson_val *given,
                        yyjson_val *slots[MK_FIELDS_MAX])
{
    size_t index, count;
    yyjson_val *key, *value;
    if (!given)
        return;
    yyjson_obj_foreach (given, index, count, key, value) {
        struct mk_slice name = string_of(key);
        for (size_t i = 0; i < object->count; i++)
            if (name.len > 0 && mk_slice_eq(object->fields[i].name, name))
                slots[i] = value;
    }
}

static int read_object(struct walk *walk, const struct mk_json_path *at,
                       const struct mk_object *object, yyjson_val *given, yyjson_mut_val *made)
{
    if (object->count == 0)
        return 0;
    yyjson_val *slots[MK_FIELDS_MAX] = { NULL };
    find_fields(object, given, slots);
    for (size_t i = 0; i < object->count; i++) {
        int rc = read_field(walk, at, &object->fields[i], slots[i], made);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* --- the whole --- */

/* For an action of the draft that is one of several in 1.x: its id determines which. */
static int choose_route(struct walk *walk, const struct mk_action *action, yyjson_val *given,
                        const struct mk_route **chosen)
{
    const struct mk_json_path at = { .name = action->id };
    const struct mk_conversation any = { MK_SCENE_NONE, 0 };
    yyjson_val *id = last_of(given, action->id);
    for (size_t i = 0; yyjson_is_str(id) && i < action->route_count; i++) {
        *chosen = &action->routes[i];
        int rc = mk_pattern_read(&(*chosen)->pattern, string_of(id), any, walk->doc, walk->params);
        if (rc != MK_PATTERN_OTHER)
            return rc;
    }
    return mk_problem(walk->arena, &at, action->id_expected, id, &walk->problem);
}

int mk_validate(const struct mk_action *action, yyjson_val *given, yyjson_mut_doc *doc,
                struct mk_arena *arena, struct mk_request *request)
{
    struct walk walk = { .arena = arena, .doc = doc, .params = yyjson_mut_obj(doc) };
    const struct mk_route *route = NULL;
    int rc = walk.params ? MK_VALID : -ENOMEM;
    if (rc == MK_VALID && given && !yyjson_is_obj(given))
        rc = mk_problem(arena, NULL, MK_SLICE("object"), given, &walk.problem);
    if (rc == MK_VALID && action->route_count > 0)
        rc = choose_route(&walk, action, given, &route);
    if (rc == MK_VALID) {
        const struct mk_object *object = route ? route->params : action->params;
        walk.rule = object->conversation;
        rc = read_object(&walk, NULL, object, given, walk.params);
    }
    if (rc == MK_VALID && route && route->refuse)
        rc = mk_problem_refuse(arena, action->id, route->refuse, &walk.problem);
    if (rc == MK_VALID && walk.elements > MK_ELEMENTS_MAX)
        rc = mk_problem_refuse(arena, MK_SLICE("params"), "more than 4096 elements in all lists",
                               &walk.problem);
    request->number = route ? route->number : action->number;
    request->params = walk.params;
    request->problem = walk.problem;
    return rc;
}
