/*
 * The lists of a world against spec/sandbox.json: each field of the table has its column, in its
 * order, of its kind, with its default, or a list within the element; and there are no others.
 */
#include "backend/sandbox/world/lists.h"

/* cmocka wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static yyjson_doc *table;
static const struct sb_world_list *lists[SB_WORLD_LISTS_MAX];
static size_t list_count;

static int read_table(void **state)
{
    (void)state;
    list_count = sb_world_lists(lists);
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
        { "uin", SB_KIND_NUMBER },     { "uint", SB_KIND_NUMBER }, { "count", SB_KIND_NUMBER },
        { "integer", SB_KIND_NUMBER }, { "text", SB_KIND_TEXT },   { "bool", SB_KIND_FLAG },
        { "enum", SB_KIND_CHOICE },    { "json", SB_KIND_JSON },
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].kind;
    fail_msg("a column cannot keep a %s", type);
    return SB_KIND_JSON;
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
    assert_int_equal(column->required, !otherwise && !optional);
    if (otherwise && column->kind == SB_KIND_TEXT)
        assert_string_equal(yyjson_get_str(otherwise), "");
    else if (otherwise)
        assert_true(column->otherwise == number_of(spec, otherwise));
    /* absent in the checked JSON: NULL, or now */
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

static void compare_lists(const struct sb_world_list *within, yyjson_val *fields);

static void compare_list(const struct sb_world_list *list, const char *name)
{
    size_t i, count, columns = 0;
    yyjson_val *key, *spec;
    yyjson_val *fields = fields_of(name);
    yyjson_obj_foreach (fields, i, count, key, spec) {
        if (strcmp(text_of(spec, "type"), "array") == 0)
            continue;
        const struct sb_column *column = &list->columns[columns++];
        assert_non_null(column->name);
        assert_string_equal(column->name, yyjson_get_str(key));
        assert_int_equal(column->kind, kind_of(text_of(spec, "type")));
        compare_default(column, spec);
        if (column->kind == SB_KIND_CHOICE)
            compare_choices(column, spec);
    }
    assert_null(list->columns[columns].name);
    assert_true(columns < SB_COLUMNS_MAX);
    compare_lists(list, fields);
}

/* The arrays among `fields` are the lists within that one, no more and no fewer. */
static void compare_lists(const struct sb_world_list *within, yyjson_val *fields)
{
    size_t arrays = 0, i, count;
    yyjson_val *key, *spec;
    for (i = 0; i < list_count; i++) {
        if (lists[i]->within != within)
            continue;
        spec = yyjson_obj_get(fields, lists[i]->name);
        assert_string_equal(text_of(spec, "type"), "array");
        compare_list(lists[i], text_of(yyjson_obj_get(spec, "of"), "ref"));
        arrays++;
    }
    yyjson_obj_foreach (fields, i, count, key, spec) {
        bool is_media = !within && yyjson_equals_str(key, "media"); /* no list of the database */
        if (!is_media && strcmp(text_of(spec, "type"), "array") == 0)
            assert_int_not_equal(arrays--, 0);
    }
    assert_int_equal(arrays, 0);
}

static void each_list_has_its_fields(void **state)
{
    (void)state;
    compare_lists(NULL, fields_of("World"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_list_has_its_fields),
    };
    return cmocka_run_group_tests(tests, read_table, free_table);
}
