/* columns: see the header. */
#include "backend/sandbox/world/columns.h"

static uint64_t read_choice(const struct sb_column *column, yyjson_mut_val *value)
{
    uint64_t choice = 0;
    while (column->choices[choice + 1] && !yyjson_mut_equals_str(value, column->choices[choice]))
        choice++;
    return choice;
}

static void read_one(const struct sb_column *column, struct sb_value *value)
{
    switch (column->kind) {
    case SB_KIND_NUMBER:
        value->number = yyjson_mut_get_uint(value->json);
        break;
    case SB_KIND_TEXT:
        value->text = mk_slice_of(yyjson_mut_get_str(value->json), yyjson_mut_get_len(value->json));
        break;
    case SB_KIND_FLAG:
        value->number = yyjson_mut_get_bool(value->json);
        break;
    case SB_KIND_CHOICE:
        value->number = read_choice(column, value->json);
        break;
    case SB_KIND_JSON:
        break;
    }
}

/* Where a field is; `from` is where to begin, for fields that come in order. */
static size_t column_of(const struct sb_column *columns, size_t from, yyjson_mut_val *key)
{
    for (size_t i = from; columns[i].name; i++)
        if (yyjson_mut_equals_str(key, columns[i].name))
            return i;
    size_t i = 0;
    while (i < from && !yyjson_mut_equals_str(key, columns[i].name))
        i++;
    return i < from ? i : SIZE_MAX;
}

void sb_columns_read(const struct sb_column *columns, yyjson_mut_val *element,
                     struct sb_value *values)
{
    size_t i, count, from = 0;
    yyjson_mut_val *key, *value;
    for (i = 0; columns[i].name; i++)
        values[i] = (struct sb_value){ .number = columns[i].otherwise, .text = { "", 0 } };
    yyjson_mut_obj_foreach (element, i, count, key, value) {
        size_t at = column_of(columns, from, key);
        if (at == SIZE_MAX)
            continue; /* a test compares the columns with the table */
        from = at + 1;
        values[at].given = true;
        values[at].json = value;
        read_one(&columns[at], &values[at]);
    }
}
