/* json_path: paths as text: every kind of frame, names that need quotes, and every size of the
 * text. */
#include "base/json_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>

static void is_written(const struct mk_json_path *path, const char *expected)
{
    struct mk_buf out;
    mk_buf_init(&out, 4096);
    assert_int_equal(mk_json_path_write(&out, path), 0);
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data ? out.data : "", expected, out.len);
    mk_buf_fini(&out);
}

static void name_is_written(const char *name, size_t len, const char *expected)
{
    is_written(&(struct mk_json_path){ .name = mk_slice_of(name, len) }, expected);
}

#define NAME_IS_WRITTEN(name, expected) name_is_written(name, sizeof(name) - 1, expected)

static void names_and_indexes_alternate(void **state)
{
    (void)state;
    const struct mk_json_path message = { .name = MK_SLICE("message") };
    const struct mk_json_path first = { .up = &message, .index = 0 };
    const struct mk_json_path data = { .up = &first, .name = MK_SLICE("data") };
    const struct mk_json_path text = { .up = &data, .name = MK_SLICE("text") };
    is_written(NULL, "");
    is_written(&message, "message");
    is_written(&first, "message[0]");
    is_written(&text, "message[0].data.text");
    const struct mk_json_path element = { .index = 3 };
    const struct mk_json_path inner = { .up = &element, .index = SIZE_MAX };
    const struct mk_json_path member = { .up = &inner, .name = MK_SLICE("$a_b-C9") };
    char expected[64];
    snprintf(expected, sizeof(expected), "[3][%zu].$a_b-C9", SIZE_MAX);
    is_written(&member, expected);
}

static void other_names_are_quoted(void **state)
{
    (void)state;
    NAME_IS_WRITTEN("", "\"\"");
    NAME_IS_WRITTEN("a.b", "\"a.b\"");
    NAME_IS_WRITTEN("a[0]", "\"a[0]\"");
    NAME_IS_WRITTEN("a b", "\"a b\"");
    NAME_IS_WRITTEN("\"\\", "\"\\\"\\\\\"");
    NAME_IS_WRITTEN("a\0b", "\"a\\u0000b\"");
    NAME_IS_WRITTEN("\n\x1b[2J\x7f", "\"\\n\\u001B[2J\\u007f\"");
    NAME_IS_WRITTEN("\xe7\xbe\xa4", "\"\xe7\xbe\xa4\"");
    NAME_IS_WRITTEN("\xe2\x80\xae", "\"\\u202e\"");
    const struct mk_json_path up = { .name = MK_SLICE("a") };
    is_written(&(struct mk_json_path){ .up = &up, .name = MK_SLICE("b.c") }, "a.\"b.c\"");
}

#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void long_names_are_cut(void **state)
{
    (void)state;
    NAME_IS_WRITTEN(SIXTY, SIXTY);
    NAME_IS_WRITTEN(SIXTY "0", "\"" SIXTY "\"...");
    /* not within a character, and before a byte that is no UTF-8 */
    NAME_IS_WRITTEN(TEN TEN TEN TEN TEN "012345678\xe7\xbe\xa4",
                    "\"" TEN TEN TEN TEN TEN "012345678\"...");
    NAME_IS_WRITTEN("ab\xff", "\"ab\"...");
}

/* The bound of the buf holds, and only whole frames are appended. */
static void each_bound_holds(void **state)
{
    (void)state;
    static const char whole[] = "groups[12].\"a b\"";
    static const size_t ends[] = { 0, 6, 10, 16 };
    const struct mk_json_path groups = { .name = MK_SLICE("groups") };
    const struct mk_json_path group = { .up = &groups, .index = 12 };
    const struct mk_json_path path = { .up = &group, .name = MK_SLICE("a b") };
    for (size_t most = 0; most <= sizeof(whole); most++) {
        size_t fits = 0;
        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
            if (ends[i] <= most)
                fits = ends[i];
        struct mk_buf out;
        mk_buf_init(&out, most + 2);
        assert_int_equal(mk_buf_append_slice(&out, MK_SLICE("> ")), 0);
        assert_int_equal(mk_json_path_write(&out, &path), most < sizeof(whole) - 1 ? -ENOBUFS : 0);
        assert_int_equal(out.len, fits + 2);
        assert_memory_equal(out.data, "> ", 2);
        assert_memory_equal(out.data + 2, whole, fits);
        mk_buf_fini(&out);

        char *text = malloc(most + 1); /* of its exact size, for AddressSanitizer */
        assert_non_null(text);
        mk_json_path_copy(text, most + 1, &path);
        assert_int_equal(strlen(text), fits);
        assert_memory_equal(text, whole, fits);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_indexes_alternate),
        cmocka_unit_test(other_names_are_quoted),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(each_bound_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
