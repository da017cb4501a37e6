/* value: reads fields of objects, for backends in C (milky/json.h). It does not use calls. */
#include <milky/json.h>

uint64_t milky_uint(yyjson_mut_val *object, const char *name)
{
    return yyjson_mut_get_uint(yyjson_mut_obj_get(object, name));
}

bool milky_bool(yyjson_mut_val *object, const char *name)
{
    return yyjson_mut_get_bool(yyjson_mut_obj_get(object, name));
}

const char *milky_string(yyjson_mut_val *object, const char *name, size_t *len)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(object, name);
    const char *text = yyjson_mut_get_str(value);
    if (len)
        *len = text ? yyjson_mut_get_len(value) : 0;
    return text;
}

bool milky_has(yyjson_mut_val *object, const char *name)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(object, name);
    return value && !yyjson_mut_is_null(value);
}
