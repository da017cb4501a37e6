/* result_check: see the header. */
#include "protocol/result_check.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/json_path.h"
#include "base/log.h"

#include <errno.h>

/* Bounds the recursion: replies in replies are the backend's data. */
enum { DEEPEST = 64, LONGEST_PATH = 4096 };

struct check {
    bool is_result; /* of an API; else the data of an event */
    const char *name;
    unsigned depth;
};

static int check_value(struct check *check, const struct mk_json_path *at,
                       const struct mk_type *type, yyjson_mut_val *value);

static int complain(const struct check *check, const struct mk_json_path *at, const char *expected,
                    yyjson_mut_val *got)
{
    struct mk_buf path;
    mk_buf_init(&path, LONGEST_PATH);
    int rc = at ? mk_json_path_write(&path, at) : mk_buf_append_slice(&path, MK_SLICE("data"));
    const char *got_type = mk_json_type_name((const yyjson_val *)got);
    int len = rc < 0 ? 0 : (int)path.len;
    const char *text = path.data ? path.data : "";
    if (check->is_result)
        mk_log_error("protocol", "result of %s, made by the backend: %.*s: expected %s, got %s",
                     "后端给出的 %s 的结果：%.*s：应为 %s，实际为 %s", check->name, len, text,
                     expected, got_type);
    else
        mk_log_error("protocol", "event %s, made by the backend: %.*s: expected %s, got %s",
                     "后端发出的事件 %s：%.*s：应为 %s，实际为 %s", check->name, len, text,
                     expected, got_type);
    mk_buf_fini(&path);
    return -EINVAL;
}

static int check_object(struct check *check, const struct mk_json_path *at,
                        const struct mk_object *object, yyjson_mut_val *value)
{
    if (!yyjson_mut_is_obj(value))
        return complain(check, at, "object", value);
    for (size_t i = 0; i < object->count; i++) {
        const struct mk_field *field = &object->fields[i];
        const struct mk_json_path here = { .up = at, .name = field->name };
        yyjson_mut_val *inner = mk_json_member(value, field->name);
        if (field->absent != MK_ABSENT_ERROR && (!inner || yyjson_mut_is_null(inner))) {
            if (inner)
                yyjson_mut_obj_remove_keyn(value, field->name.ptr, field->name.len);
            continue;
        }
        int rc = check_value(check, &here, field->type, inner);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_union(struct check *check, const struct mk_json_path *at,
                       const struct mk_union *choice, yyjson_mut_val *value)
{
    const struct mk_json_path tag_path = { .up = at, .name = choice->tag };
    const struct mk_json_path data_path = { .up = at, .name = MK_SLICE("data") };
    if (!yyjson_mut_is_obj(value))
        return complain(check, at, "object", value);
    yyjson_mut_val *tag = mk_json_member(value, choice->tag);
    if (!yyjson_mut_is_str(tag))
        return complain(check, &tag_path, "string", tag);
    for (size_t i = 0; i < choice->count; i++) {
        const struct mk_variant *variant = &choice->variants[i];
        if (!yyjson_mut_equals_strn(tag, variant->name.ptr, variant->name.len))
            continue;
        if (choice->in_data)
            return check_object(check, &data_path, &variant->object,
                                mk_json_member(value, data_path.name));
        return check_object(check, at, &variant->object, value);
    }
    return 0;
}

static int check_array(struct check *check, const struct mk_json_path *at, const struct mk_type *of,
                       yyjson_mut_val *value)
{
    if (!yyjson_mut_is_arr(value))
        return complain(check, at, "array", value);
    struct mk_json_path here = { .up = at };
    size_t index, count;
    yyjson_mut_val *element;
    yyjson_mut_arr_foreach (value, index, count, element) {
        here.index = index;
        int rc = check_value(check, &here, of, element);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_value(struct check *check, const struct mk_json_path *at,
                       const struct mk_type *type, yyjson_mut_val *value)
{
    int rc = 0;
    switch (type->kind) {
    case MK_KIND_BOOL:
        return yyjson_mut_is_bool(value) ? 0 : complain(check, at, "boolean", value);
    case MK_KIND_INT:
    case MK_KIND_UINT:
    case MK_KIND_UIN:
        if (yyjson_mut_is_num(value) || yyjson_mut_is_raw(value))
            return 0;
        return complain(check, at, "number", value);
    case MK_KIND_STRING:
    case MK_KIND_ENUM:
        return yyjson_mut_is_str(value) ? 0 : complain(check, at, "string", value);
    case MK_KIND_ARRAY:
        if (check->depth == DEEPEST)
            return complain(check, at, "fewer levels", value);
        check->depth++;
        rc = check_array(check, at, type->of, value);
        check->depth--;
        return rc;
    case MK_KIND_OBJECT:
        return check_object(check, at, type->object, value);
    case MK_KIND_UNION:
        return check_union(check, at, type->choice, value);
    default: /* the rest is in requests of operators, of which no result has any */
        return rc;
    }
}

int mk_result_check(const struct mk_type *type, yyjson_mut_val *value, bool is_result,
                    const char *name)
{
    struct check check = { .is_result = is_result, .name = name };
    return check_value(&check, NULL, type, value);
}
