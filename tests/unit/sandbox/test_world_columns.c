/*
 * The lists of a world against spec/sandbox.json: each field of the table has its column, in its
 * order, of its kind, with its default; no list is without one.
 */
#include "backend/sandbox/world/world.h"

/* cmocka wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static yyjson_doc *table;

static int read_table(void **state)
{
    (void)state;
    table = yyjson_read_file(MK_SPEC_DIR "/sandbox.json", 0, NULL, NULL);
    return table ? 0 : -1;
}

static int free_table(void **state)
{
    (void)state;
    yyjson_doc_free(table);
    return 0;
}

static const char *text_of(yyjson_val *spec, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(spec, name));
    return text ? text : "";
}

static yyjson_val *fields_of(const char *name)
{
    yyjson_val *structs = yyjson_obj_get(yyjson_doc_get_root(table), "structs");
    yyjson_val *fields = yyjson_obj_get(yyjson_obj_get(structs, name), "fields");
    assert_non_null(fields);
    return fields;
}

static enum sb_column_kind kind_of(const char *type)
{
    static const struct {
        const char *type;
        enum sb_column_kind kind;
    } kinds[] = {
        { "uin", SB_COLUMN_NUMBER },   { "uint", SB_COLUMN_NUMBER },
        { "count", SB_COLUMN_NUMBER }, { "integer", SB_COLUMN_NUMBER },
        { "text", SB_COLUMN_TEXT },    { "bool", SB_COLUMN_FLAG },
        { "enum", SB_COLUMN_CHOICE },  { "json", SB_COLUMN_JSON },
        { "array", SB_COLUMN_LIST },
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].kind;
    fail_msg("a column cannot keep a %s", type);
    return SB_COLUMN_JSON;
}

/* The number of a default in the database. */
static uint64_t number_of(yyjson_val *spec, yyjson_val *value)
{
    size_t i, count;
    yyjson_val *choice;
    yyjson_arr_foreach (yyjson_obj_get(spec, "values"), i, count, choice)
        if (yyjson_equals(choice, value))
            return i;
    return yyjson_is_bool(value) ? yyjson_get_bool(value) : yyjson_get_uint(value);
}

static void compare_default(const struct sb_column *column, yyjson_val *spec)
{
    yyjson_val *otherwise = yyjson_obj_get(spec, "default");
    bool optional = yyjson_is_true(yyjson_obj_get(spec, "optional"));
    assert_int_equal(column->required, column->kind != SB_COLUMN_LIST && !otherwise && !optional);
    if (otherwise && column->kind == SB_COLUMN_TEXT)
        assert_string_equal(yyjson_get_str(otherwise), "");
    else if (otherwise)
        assert_true(column->otherwise == number_of(spec, otherwise));
    if (column->kind != SB_COLUMN_LIST) /* absent in the checked JSON: NULL, or now */
        assert_int_equal(column->nullable || column->otherwise == SB_COLUMN_NOW, optional);
}

static void compare_choices(const struct sb_column *column, yyjson_val *spec)
{
    size_t i, count;
    yyjson_val *choice;
    yyjson_arr_foreach (yyjson_obj_get(spec, "values"), i, count, choice) {
        assert_non_null(column->choices[i]);
        assert_string_equal(column->choices[i], yyjson_get_str(choice));
    }
    assert_null(column->choices[i]);
}

static void compare_list(const struct sb_world_list *list, const char *name)
{
    size_t i, count, inner = 0;
    yyjson_val *key, *spec;
    yyjson_val *fields = fields_of(name);
    yyjson_obj_foreach (fields, i, count, key, spec) {
        const struct sb_column *column = &list->columns[i];
        assert_non_null(column->name);
        assert_string_equal(column->name, yyjson_get_str(key));
        assert_int_equal(column->kind, kind_of(text_of(spec, "type")));
        compare_default(column, spec);
        if (column->kind == SB_COLUMN_CHOICE)
            compare_choices(column, spec);
        if (column->kind == SB_COLUMN_LIST)
            compare_list(list->lists[inner++], text_of(yyjson_obj_get(spec, "of"), "ref"));
    }
    assert_null(list->columns[i].name);
    assert_true(!list->lists || !list->lists[inner]);
    assert_true(i <= SB_COLUMNS_MAX);
}

static void each_list_has_its_fields(void **state)
{
    (void)state;
    size_t lists = 0, i, count;
    yyjson_val *key, *spec;
    yyjson_val *world = fields_of("World");
    for (; sb_world_lists[lists]; lists++) {
        spec = yyjson_obj_get(world, sb_world_lists[lists]->name);
        assert_string_equal(text_of(spec, "type"), "array");
        compare_list(sb_world_lists[lists], text_of(yyjson_obj_get(spec, "of"), "ref"));
    }
    size_t arrays = 0;
    yyjson_obj_foreach (world, i, count, key, spec) {
        (void)key;
        arrays += strcmp(text_of(spec, "type"), "array") == 0;
    }
    assert_int_equal(arrays, lists + 1); /* `media` is no list in the database */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_list_has_its_fields),
    };
    return cmocka_run_group_tests(tests, read_table, free_table);
}
