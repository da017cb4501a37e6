/* dialect: see the header. */
#include "protocol/dialect.h"

#include "base/json.h"

#include <errno.h>

struct walk {
    yyjson_mut_doc *doc;
    struct mk_arena *arena;
};

static int make_value(const struct walk *walk, const struct mk_type *type, yyjson_mut_val *from,
                      struct mk_conversation conversation, yyjson_mut_val **made);

/* A value of yyjson is a list node of its container, so each container needs a copy. */
static int copy_scalar(const struct walk *walk, yyjson_mut_val *from, yyjson_mut_val **made)
{
    yyjson_mut_val *copy = yyjson_mut_null(walk->doc);
    if (!copy)
        return -ENOMEM;
    copy->tag = from->tag;
    copy->uni = from->uni;
    *made = copy;
    return 0;
}

static int make_string(const struct walk *walk, struct mk_slice text, yyjson_mut_val **made)
{
    *made = yyjson_mut_strn(walk->doc, text.ptr, text.len);
    return *made ? 0 : -ENOMEM;
}

static int add(const struct walk *walk, yyjson_mut_val *object, struct mk_slice name,
               yyjson_mut_val *value)
{
    yyjson_mut_val *key = yyjson_mut_strn(walk->doc, name.ptr, name.len);
    return yyjson_mut_obj_add(object, key, value) ? 0 : -ENOMEM;
}

static int make_absent(const struct walk *walk, const struct mk_field *field, yyjson_mut_val **made)
{
    switch (field->absent) {
    case MK_ABSENT_BOOL:
        *made = yyjson_mut_bool(walk->doc, field->number != 0);
        return *made ? 0 : -ENOMEM;
    case MK_ABSENT_UINT:
        *made = yyjson_mut_uint(walk->doc, field->number);
        return *made ? 0 : -ENOMEM;
    case MK_ABSENT_STRING:
        return make_string(walk, field->text, made);
    default:
        return -EINVAL;
    }
}

static int make_field(const struct walk *walk, const struct mk_field *field, yyjson_mut_val *from,
                      struct mk_conversation conversation, yyjson_mut_val *object)
{
    yyjson_mut_val *made;
    int rc;
    if (field->pattern) {
        struct mk_slice text;
        rc = mk_pattern_write(field->pattern, from, conversation, walk->arena, &text);
        if (rc == -ENOENT)
            return field->absent == MK_ABSENT_SKIP ? 0 : -EINVAL;
        if (rc == 0)
            rc = make_string(walk, text, &made);
    } else {
        if (field->within.len > 0)
            from = mk_json_member(from, field->within);
        yyjson_mut_val *counterpart =
            field->counterpart.len > 0 ? mk_json_member(from, field->counterpart) : NULL;
        bool none = !counterpart || yyjson_mut_is_null(counterpart);
        if (none && field->absent == MK_ABSENT_SKIP)
            return 0;
        rc = none ? make_absent(walk, field, &made)
                  : make_value(walk, field->type, counterpart, conversation, &made);
    }
    return rc < 0 ? rc : add(walk, object, field->name, made);
}

static int fill_object(const struct walk *walk, const struct mk_object *object,
                       yyjson_mut_val *from, struct mk_conversation conversation,
                       yyjson_mut_val *made)
{
    if (object->conversation)
        conversation = mk_conversation_of(object->conversation, from);
    for (size_t i = 0; i < object->count; i++) {
        int rc = make_field(walk, &object->fields[i], from, conversation, made);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Makes a text segment of a segment of 1.x that the draft does not have. */
static int segment_as_text(const struct walk *walk, const struct mk_union *choice,
                           yyjson_mut_val *tag, yyjson_mut_val *from,
                           struct mk_conversation conversation, yyjson_mut_val *made)
{
    const struct mk_text_fallback *fallback = NULL;
    for (size_t i = 0; i < choice->fallback_count && !fallback; i++)
        if (yyjson_mut_equals_strn(tag, choice->fallbacks[i].counterpart.ptr,
                                   choice->fallbacks[i].counterpart.len))
            fallback = &choice->fallbacks[i];
    struct mk_slice text;
    if (fallback) {
        int rc = mk_pattern_write(&fallback->as, mk_json_member(from, MK_SLICE("data")),
                                  conversation, walk->arena, &text);
        if (rc < 0)
            return rc == -ENOENT ? -EINVAL : rc;
    } else {
        text = mk_slice_str(mk_arena_printf(walk->arena, "[%s]", yyjson_mut_get_str(tag)));
        if (!text.ptr)
            return -ENOMEM;
    }
    yyjson_mut_val *data = yyjson_mut_obj(walk->doc);
    yyjson_mut_val *type, *string;
    if (!data || make_string(walk, MK_SLICE("text"), &type) < 0 ||
        make_string(walk, text, &string) < 0 || add(walk, made, choice->tag, type) < 0 ||
        add(walk, made, MK_SLICE("data"), data) < 0)
        return -ENOMEM;
    return add(walk, data, MK_SLICE("text"), string);
}

static int make_variant(const struct walk *walk, const struct mk_union *choice,
                        const struct mk_variant *variant, yyjson_mut_val *from,
                        struct mk_conversation conversation, yyjson_mut_val *object)
{
    yyjson_mut_val *tag;
    if (make_string(walk, variant->name, &tag) < 0 || add(walk, object, choice->tag, tag) < 0)
        return -ENOMEM;
    if (!choice->in_data)
        return fill_object(walk, &variant->object, from, conversation, object);
    yyjson_mut_val *data = yyjson_mut_obj(walk->doc);
    if (!data || add(walk, object, MK_SLICE("data"), data) < 0)
        return -ENOMEM;
    return fill_object(walk, &variant->object, mk_json_member(from, MK_SLICE("data")), conversation,
                       data);
}

static int make_union(const struct walk *walk, const struct mk_union *choice, yyjson_mut_val *from,
                      struct mk_conversation conversation, yyjson_mut_val **made)
{
    yyjson_mut_val *object = yyjson_mut_obj(walk->doc);
    if (!object)
        return -ENOMEM;
    *made = object;
    yyjson_mut_val *tag = mk_json_member(from, choice->counterpart);
    for (size_t i = 0; i < choice->count; i++) {
        const struct mk_slice counterpart = choice->variants[i].counterpart;
        if (yyjson_mut_equals_strn(tag, counterpart.ptr, counterpart.len))
            return make_variant(walk, choice, &choice->variants[i], from, conversation, object);
    }
    if (!choice->in_data)
        return -EINVAL; /* an unknown kind of message */
    return segment_as_text(walk, choice, tag, from, conversation, object);
}

static int make_array(const struct walk *walk, const struct mk_type *of, yyjson_mut_val *from,
                      struct mk_conversation conversation, yyjson_mut_val **made)
{
    yyjson_mut_val *array = yyjson_mut_arr(walk->doc);
    if (!array)
        return -ENOMEM;
    size_t index, count;
    yyjson_mut_val *element;
    yyjson_mut_arr_foreach (from, index, count, element) {
        yyjson_mut_val *value;
        int rc = make_value(walk, of, element, conversation, &value);
        if (rc < 0)
            return rc;
        yyjson_mut_arr_append(array, value);
    }
    *made = array;
    return 0;
}

static int make_value(const struct walk *walk, const struct mk_type *type, yyjson_mut_val *from,
                      struct mk_conversation conversation, yyjson_mut_val **made)
{
    switch (type->kind) {
    case MK_KIND_ARRAY:
        return make_array(walk, type->of, from, conversation, made);
    case MK_KIND_UNION:
        return make_union(walk, type->choice, from, conversation, made);
    case MK_KIND_OBJECT:
        *made = yyjson_mut_obj(walk->doc);
        return *made ? fill_object(walk, type->object, from, conversation, *made) : -ENOMEM;
    default:
        return copy_scalar(walk, from, made);
    }
}

int mk_dialect_translate(const struct mk_type *type, yyjson_mut_val *value,
                         struct mk_conversation conversation, yyjson_mut_doc *doc,
                         struct mk_arena *arena, yyjson_mut_val **out)
{
    const struct walk walk = { .doc = doc, .arena = arena };
    return make_value(&walk, type, value, conversation, out);
}
