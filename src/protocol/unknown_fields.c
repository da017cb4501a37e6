/* unknown_fields: see the header. */
#include "protocol/unknown_fields.h"

struct walk {
    struct mk_arena *arena;
    struct mk_slice *problem;
    unsigned depth; /* segments in segments */
};

static const struct mk_slice none;

static struct mk_slice text_of(yyjson_val *value)
{
    return mk_slice_of(yyjson_get_str(value), yyjson_get_len(value));
}

static int check_object(struct walk *walk, const struct mk_json_path *at,
                        const struct mk_object *object, struct mk_slice also, yyjson_val *given);

static const struct mk_field *field_of(const struct mk_object *object, struct mk_slice name)
{
    for (size_t i = 0; i < object->count; i++)
        if (name.len > 0 && mk_slice_eq(object->fields[i].name, name))
            return &object->fields[i];
    return NULL;
}

/* A segment: its tag, and its fields inside `data`. */
static int check_segment(struct walk *walk, const struct mk_json_path *at,
                         const struct mk_slice tag, const struct mk_object *object,
                         yyjson_val *given)
{
    const struct mk_slice data = MK_SLICE("data");
    const struct mk_field fields[] = { { .name = tag }, { .name = data } };
    const struct mk_object outer = { fields, 2, NULL };
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach (given, index, count, key, value) {
        const struct mk_json_path here = { .up = at, .name = text_of(key) };
        int rc = 0;
        if (!field_of(&outer, here.name))
            return mk_problem_of_field(walk->arena, &here, &outer, none, walk->problem);
        if (mk_slice_eq(here.name, data) && yyjson_is_obj(value))
            rc = check_object(walk, &here, object, none, value);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int check_union(struct walk *walk, const struct mk_json_path *at,
                       const struct mk_union *choice, yyjson_val *given)
{
    struct mk_slice tag = text_of(yyjson_obj_getn(given, choice->tag.ptr, choice->tag.len));
    int rc = 0;
    if (!yyjson_is_obj(given) || walk->depth == MK_DEPTH_MAX)
        return 0;
    walk->depth++;
    for (size_t i = 0; i < choice->count && rc == 0; i++) {
        const struct mk_variant *variant = &choice->variants[i];
        if (!tag.ptr || !mk_slice_eq(variant->name, tag))
            continue;
        rc = choice->in_data ? check_segment(walk, at, choice->tag, &variant->object, given)
                             : check_object(walk, at, &variant->object, choice->tag, given);
    }
    walk->depth--;
    return rc;
}

static int check_value(struct walk *walk, const struct mk_json_path *at, const struct mk_type *type,
                       yyjson_val *given)
{
    struct mk_json_path here = { .up = at };
    size_t count;
    yyjson_val *element;
    if (type->kind == MK_KIND_UNION)
        return check_union(walk, at, type->choice, given);
    if (type->kind == MK_KIND_OBJECT)
        return check_object(walk, at, type->object, none, given);
    if (type->kind != MK_KIND_ARRAY || !yyjson_is_arr(given))
        return 0;
    yyjson_arr_foreach (given, here.index, count, element) {
        int rc = check_value(walk, &here, type->of, element);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int check_object(struct walk *walk, const struct mk_json_path *at,
                        const struct mk_object *object, struct mk_slice also, yyjson_val *given)
{
    size_t index, count;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(given))
        return 0;
    yyjson_obj_foreach (given, index, count, key, value) {
        const struct mk_json_path here = { .up = at, .name = text_of(key) };
        const struct mk_field *field = field_of(object, here.name);
        if (!field && also.len > 0 && mk_slice_eq(here.name, also))
            continue;
        int rc = field ? check_value(walk, &here, field->type, value)
                       : mk_problem_of_field(walk->arena, &here, object, also, walk->problem);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int mk_unknown_fields_check(const struct mk_object *object, struct mk_slice also, yyjson_val *given,
                            struct mk_arena *arena, struct mk_slice *problem)
{
    struct walk walk = { .arena = arena, .problem = problem };
    return check_object(&walk, NULL, object, also, given);
}
