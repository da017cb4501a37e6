/* operator_value: see the header. */
#include "protocol/operator_value.h"

#include "base/json.h"

#include <errno.h>
#include <stdlib.h>

static bool read_range(const struct mk_type *type, yyjson_val *given, yyjson_mut_doc *doc,
                       yyjson_mut_val **made)
{
    bool negative;
    uint64_t magnitude;
    if (!mk_json_integer(given, &negative, &magnitude) || magnitude > INT64_MAX)
        return false;
    int64_t value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (value < type->least || value > type->most)
        return false;
    *made = negative ? yyjson_mut_sint(doc, value) : yyjson_mut_uint(doc, magnitude);
    return true;
}

static bool read_text(const struct mk_type *type, yyjson_val *given, yyjson_mut_doc *doc,
                      yyjson_mut_val **made)
{
    size_t len = yyjson_get_len(given);
    if (!yyjson_is_str(given) || len < (size_t)type->least || len > (size_t)type->most)
        return false;
    *made = yyjson_mut_strn(doc, yyjson_get_str(given), len);
    return true;
}

/* It may be raw, as it was written. */
static bool read_fraction(yyjson_val *given, yyjson_mut_doc *doc, yyjson_mut_val **made)
{
    double number = -1;
    if (yyjson_is_raw(given))
        number = strtod(yyjson_get_raw(given), NULL);
    else if (yyjson_is_num(given))
        number = yyjson_get_num(given);
    if (!(number >= 0 && number <= 1))
        return false;
    *made = yyjson_mut_real(doc, number);
    return true;
}

/* [{"type": "text", "data": {"text": ...}}] */
static bool read_text_message(yyjson_val *given, yyjson_mut_doc *doc, yyjson_mut_val **made)
{
    if (!yyjson_is_str(given))
        return false;
    yyjson_mut_val *message = yyjson_mut_arr(doc);
    yyjson_mut_val *segment = yyjson_mut_arr_add_obj(doc, message);
    bool ok = yyjson_mut_obj_add_str(doc, segment, "type", "text") &&
              yyjson_mut_obj_add_strn(doc, yyjson_mut_obj_add_obj(doc, segment, "data"), "text",
                                      yyjson_get_str(given), yyjson_get_len(given));
    *made = ok ? message : NULL;
    return true;
}

/* False where the type does not fit; `made` is NULL where memory was too scarce. */
static bool read_value(const struct mk_type *type, yyjson_val *given, yyjson_mut_doc *doc,
                       yyjson_mut_val **made)
{
    switch (type->kind) {
    case MK_KIND_RANGE:
        return read_range(type, given, doc, made);
    case MK_KIND_TEXT:
        return read_text(type, given, doc, made);
    case MK_KIND_FRACTION:
        return read_fraction(given, doc, made);
    case MK_KIND_TEXT_MESSAGE:
        return read_text_message(given, doc, made);
    default: /* MK_KIND_JSON */
        *made = yyjson_val_mut_copy(doc, given);
        return true;
    }
}

int mk_operator_value_read(const struct mk_type *type, const struct mk_json_path *at,
                           yyjson_val *given, yyjson_mut_doc *doc, struct mk_arena *arena,
                           yyjson_mut_val **made, struct mk_slice *problem)
{
    if (!read_value(type, given, doc, made))
        return mk_problem_of_type(arena, at, type, given, problem);
    return *made ? MK_VALID : -ENOMEM;
}
