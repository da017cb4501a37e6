/*
 * The generated tables against the JSON tables that they were made of: every API of each dialect
 * is called with the required params and with all, and every event is sent. The params of the
 * backend and the results of the bot are checked against spec/milky-*.json, without the generated
 * tables.
 */
#include "protocol_fixture.h"

#include "protocol/event.h"
#include "protocol/tables.h"

static struct tables {
    yyjson_doc *doc;
    yyjson_val *apis, *events, *structs;
} tables[3]; /* by enum mk_dialect */

#define DIALECT_1_2 ((enum mk_dialect)(MK_DIALECT_NEWEST + 1))

static int read_tables(void **state)
{
    (void)state;
    const char *files[] = { MK_SPEC_DIR "/milky-draft.json", MK_SPEC_DIR "/milky-1.3.json",
                            MK_SPEC_DIR "/milky-1.2.json" };
    assert_int_equal(mk_dialect_count, 3);
    for (int i = 0; i < 3; i++) {
        tables[i].doc = yyjson_read_file(files[i], 0, NULL, NULL);
        if (!tables[i].doc)
            return -1;
        yyjson_val *root = yyjson_doc_get_root(tables[i].doc);
        tables[i].apis = yyjson_obj_get(root, "apis");
        tables[i].events = yyjson_obj_get(root, "events");
        tables[i].structs = yyjson_obj_get(root, "structs");
    }
    return 0;
}

static int free_tables(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        yyjson_doc_free(tables[i].doc);
    return 0;
}

static const char *text_of(yyjson_val *object, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));
    return text ? text : "";
}

static bool is_optional(yyjson_val *spec)
{
    return yyjson_is_true(yyjson_obj_get(spec, "optional")) ||
           yyjson_is_true(yyjson_obj_get(spec, "nullable"));
}

static bool is_segment(const char *struct_name)
{
    return strstr(struct_name, "Segment") != NULL;
}

/* --- making values --- */

struct maker {
    const struct tables *tables;
    yyjson_mut_doc *doc;
    bool full;        /* optional fields too */
    size_t variant;   /* of a union that is no field */
    const char *peer; /* of message_ids */
    int depth;
};

static yyjson_mut_val *make_value(struct maker *m, const char *name, yyjson_val *spec);

static void make_fields(struct maker *m, yyjson_val *fields, yyjson_mut_val *out)
{
    size_t i, max;
    yyjson_val *key, *spec;
    yyjson_obj_foreach (fields, i, max, key, spec) {
        bool is_ref = strcmp(text_of(spec, "type"), "ref") == 0;
        if (is_optional(spec) && !m->full && !is_ref)
            continue;
        const char *name = yyjson_get_str(key);
        yyjson_mut_val *value = make_value(m, name, spec);
        assert_true(yyjson_mut_obj_add(out, yyjson_mut_str(m->doc, name), value));
    }
}

static yyjson_mut_val *make_variant(struct maker *m, const char *name, yyjson_val *choice, size_t i)
{
    yyjson_mut_val *out = yyjson_mut_obj(m->doc), *fields = out;
    yyjson_val *variants = yyjson_obj_get(choice, "variants");
    yyjson_obj_iter iter = yyjson_obj_iter_with(variants);
    yyjson_val *key = NULL;
    for (size_t at = 0; at <= i; at++)
        key = yyjson_obj_iter_next(&iter);
    yyjson_mut_obj_add_str(m->doc, out, text_of(choice, "tag"), yyjson_get_str(key));
    if (is_segment(name))
        fields = yyjson_mut_obj_add_obj(m->doc, out, "data");
    m->depth++;
    make_fields(m, yyjson_obj_iter_get_val(key), fields);
    m->depth--;
    return out;
}

static yyjson_mut_val *make_ref(struct maker *m, const char *name)
{
    yyjson_val *spec = yyjson_obj_get(m->tables->structs, name);
    assert_non_null(spec);
    if (strcmp(text_of(spec, "kind"), "union") == 0) {
        size_t count = yyjson_obj_size(yyjson_obj_get(spec, "variants"));
        return make_variant(m, name, spec, m->variant % count);
    }
    yyjson_mut_val *out = yyjson_mut_obj(m->doc);
    make_fields(m, yyjson_obj_get(spec, "fields"), out);
    return out;
}

/* One element; of a union, one of each variant. */
static yyjson_mut_val *make_array(struct maker *m, const char *name, yyjson_val *of)
{
    yyjson_mut_val *out = yyjson_mut_arr(m->doc);
    const char *ref = text_of(of, "ref");
    yyjson_val *choice = yyjson_obj_get(m->tables->structs, ref);
    size_t count = yyjson_obj_size(yyjson_obj_get(choice, "variants"));
    if (count > 1 && m->depth > 2)
        count = 1; /* the first one holds no others */
    if (count == 0)
        yyjson_mut_arr_append(out, make_value(m, name, of));
    for (size_t i = 0; i < count; i++)
        yyjson_mut_arr_append(out, make_variant(m, ref, choice, i));
    return out;
}

static yyjson_mut_val *make_string(struct maker *m, const char *name)
{
    char text[64] = "a\xe4\xbd\xa0\"";
    if (strstr(name, "message_id"))
        snprintf(text, sizeof(text), "%s:10001:7", m->peer);
    if (strcmp(name, "request_id") == 0)
        strcpy(text, "join:10001:5:0");
    return yyjson_mut_strcpy(m->doc, text);
}

static yyjson_mut_val *make_value(struct maker *m, const char *name, yyjson_val *spec)
{
    const char *type = text_of(spec, "type");
    if (strcmp(type, "bool") == 0)
        return yyjson_mut_bool(m->doc, true);
    if (strcmp(type, "uin") == 0)
        return yyjson_mut_uint(m->doc, 10001);
    if (strcmp(type, "int") == 0 || strcmp(type, "uint") == 0)
        return yyjson_mut_uint(m->doc, strstr(name, "_id") ? 10002 : 7);
    if (strcmp(type, "enum") == 0)
        return yyjson_mut_str(m->doc,
                              yyjson_get_str(yyjson_arr_get_last(yyjson_obj_get(spec, "values"))));
    if (strcmp(type, "array") == 0)
        return make_array(m, name, yyjson_obj_get(spec, "of"));
    if (strcmp(type, "ref") == 0)
        return make_ref(m, text_of(spec, "ref"));
    assert_string_equal(type, "string");
    return make_string(m, name);
}

static bool is_struct_ref(yyjson_val *body)
{
    return yyjson_is_str(yyjson_obj_get(body, "ref"));
}

/* An object of params, a result, or the data of an event, as JSON; to be freed. */
static char *make_body(const struct tables *of, yyjson_val *body, bool full, size_t variant,
                       const char *peer)
{
    struct maker m = { of, yyjson_mut_doc_new(NULL), full, variant, peer, 0 };
    yyjson_mut_val *root;
    if (is_struct_ref(body)) {
        root = make_ref(&m, text_of(body, "ref"));
    } else {
        root = yyjson_mut_obj(m.doc);
        make_fields(&m, body, root);
    }
    char *text = yyjson_mut_val_write(root, 0, NULL);
    yyjson_mut_doc_free(m.doc);
    return text;
}

/* --- checking values --- */

static void check_value(const struct tables *of, const char *what, const char *name,
                        yyjson_val *spec, yyjson_val *value);

/* A field with a default must be filled in. */
static void check_fields(const struct tables *of, const char *what, yyjson_val *fields,
                         yyjson_val *object, const char *allowed)
{
    size_t i, max;
    yyjson_val *key, *spec, *value;
    if (!yyjson_is_obj(object))
        fail_msg("%s: no object", what);
    yyjson_obj_foreach (fields, i, max, key, spec) {
        const char *name = yyjson_get_str(key);
        value = yyjson_obj_get(object, name);
        if (value)
            check_value(of, what, name, spec, value);
        else if (!is_optional(spec) || yyjson_obj_get(spec, "default"))
            fail_msg("%s: %s is missing", what, name);
    }
    yyjson_obj_foreach (object, i, max, key, value) {
        const char *name = yyjson_get_str(key);
        if (!yyjson_obj_get(fields, name) && strcmp(name, allowed) != 0)
            fail_msg("%s: there is no %s", what, name);
    }
}

static void check_ref(const struct tables *of, const char *what, const char *name,
                      yyjson_val *value)
{
    yyjson_val *spec = yyjson_obj_get(of->structs, name);
    if (strcmp(text_of(spec, "kind"), "struct") == 0) {
        check_fields(of, what, yyjson_obj_get(spec, "fields"), value, "");
        return;
    }
    const char *tag = text_of(spec, "tag");
    yyjson_val *fields = yyjson_obj_get(yyjson_obj_get(spec, "variants"), text_of(value, tag));
    if (!fields)
        fail_msg("%s: %s has no variant %s", what, name, text_of(value, tag));
    if (is_segment(name)) {
        assert_int_equal(yyjson_obj_size(value), 2);
        check_fields(of, what, fields, yyjson_obj_get(value, "data"), "");
        return;
    }
    /* The tag is among the fields. A forwarded message of the draft has a name besides. */
    size_t extra = yyjson_obj_get(value, "name") && strstr(what, "get_forwarded_messages") ? 1 : 0;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *copy = yyjson_val_mut_copy(doc, value);
    yyjson_mut_obj_remove_key(copy, tag);
    yyjson_mut_doc_set_root(doc, copy);
    yyjson_doc *rest = yyjson_mut_doc_imut_copy(doc, NULL);
    check_fields(of, what, fields, yyjson_doc_get_root(rest), extra ? "name" : "");
    yyjson_doc_free(rest);
    yyjson_mut_doc_free(doc);
}

static void check_value(const struct tables *of, const char *what, const char *name,
                        yyjson_val *spec, yyjson_val *value)
{
    const char *type = text_of(spec, "type");
    bool good = false;
    size_t i, max;
    yyjson_val *element;
    if (strcmp(type, "bool") == 0) {
        good = yyjson_is_bool(value);
    } else if (strcmp(type, "uin") == 0) {
        good = yyjson_is_uint(value) && yyjson_get_uint(value) >= 10001 &&
               yyjson_get_uint(value) <= UINT32_MAX;
    } else if (strcmp(type, "int") == 0 || strcmp(type, "uint") == 0) {
        good = yyjson_is_uint(value);
    } else if (strcmp(type, "string") == 0) {
        good = yyjson_is_str(value);
    } else if (strcmp(type, "enum") == 0) {
        yyjson_arr_foreach (yyjson_obj_get(spec, "values"), i, max, element) {
            good = good || yyjson_equals(element, value);
        }
    } else if (strcmp(type, "array") == 0) {
        good = yyjson_is_arr(value);
        yyjson_arr_foreach (value, i, max, element) {
            check_value(of, what, name, yyjson_obj_get(spec, "of"), element);
        }
    } else if (strcmp(type, "ref") == 0) {
        good = yyjson_is_obj(value);
        check_ref(of, what, text_of(spec, "ref"), value);
    }
    if (!good)
        fail_msg("%s: %s is no %s", what, name, type);
}

static void check_body(const struct tables *of, const char *what, yyjson_val *body,
                       yyjson_val *value)
{
    if (is_struct_ref(body))
        check_ref(of, what, text_of(body, "ref"), value);
    else
        check_fields(of, what, body, value, "");
}

/* --- the tests --- */

static void call_one(struct fixture *f, enum mk_dialect dialect, const char *name, yyjson_val *api,
                     bool full, size_t variant)
{
    const struct tables *new = &tables[MK_DIALECT_NEWEST];
    const char *peer = strstr(name, "private") ? "Private" : "Group";
    char *params = make_body(&tables[dialect], yyjson_obj_get(api, "params"), full, variant, peer);
    unsigned calls = f->calls;
    const char *reply = request(f, dialect, name, params);
    if (f->calls != calls + 1)
        fail_msg("%s %s: %s", name, params, reply);
    yyjson_val *asked = yyjson_obj_get(new->apis, f->action);
    yyjson_doc *got = yyjson_read(f->params, strlen(f->params), 0);
    check_body(new, name, yyjson_obj_get(asked, "params"), yyjson_doc_get_root(got));
    yyjson_doc_free(got);
    if (dialect != MK_DIALECT_DRAFT)
        assert_string_equal(f->action, name);

    char *result = make_body(new, yyjson_obj_get(asked, "result"), full, variant, "");
    answer(f->pending, result);
    if (f->retcode != 0)
        fail_msg("%s %s: %s", name, result, f->body.data);
    got = yyjson_read(f->body.data, strlen(f->body.data), 0);
    check_body(&tables[dialect], name, yyjson_obj_get(api, "result"),
               yyjson_obj_get(yyjson_doc_get_root(got), "data"));
    yyjson_doc_free(got);
    free(params);
    free(result);
}

static void call_all(struct fixture *f, enum mk_dialect dialect, size_t count)
{
    f->later = true;
    size_t i, max;
    yyjson_val *key, *api;
    assert_int_equal(yyjson_obj_size(tables[dialect].apis), count);
    yyjson_obj_foreach (tables[dialect].apis, i, max, key, api) {
        for (size_t variant = 0; variant < 3; variant++) {
            call_one(f, dialect, yyjson_get_str(key), api, false, variant);
            call_one(f, dialect, yyjson_get_str(key), api, true, variant);
        }
    }
}

static void test_every_api_of_1_3(void **state)
{
    call_all(*state, MK_DIALECT_NEWEST, 65);
}

static void test_every_api_of_1_2(void **state)
{
    call_all(*state, DIALECT_1_2, 64);
    assert_null(mk_action_find(DIALECT_1_2, MK_SLICE("persist_group_file")));
    assert_non_null(mk_action_find(MK_DIALECT_DRAFT, MK_SLICE("persist_group_file")));
}

static void test_every_api_of_the_draft(void **state)
{
    call_all(*state, MK_DIALECT_DRAFT, 43);
}

/*
 * Sends one event in a dialect and checks it against that dialect's tables, or in the draft, where
 * it does not have it, against those of the newest version. Returns whether it has.
 */
static bool send_one(const char *name, yyjson_val *data, enum mk_dialect dialect)
{
    yyjson_mut_doc *doc = yyjson_doc_mut_copy(tables[0].doc, NULL);
    struct mk_event event = { .type = mk_event_type_find(mk_slice_str(name)),
                              .self_id = SELF_ID,
                              .time = 1,
                              .data = yyjson_val_mut_copy(doc, data) };
    struct mk_arena arena;
    struct mk_buf out;
    mk_arena_init(&arena);
    mk_buf_init(&out, 1 << 20);
    assert_non_null(event.type);
    if (!mk_event_type_is_in(event.type, dialect)) {
        assert_null(yyjson_obj_get(tables[dialect].events, name));
        yyjson_mut_doc_free(doc);
        return false;
    }
    assert_int_equal(mk_event_write(&out, &event, dialect, MK_ENVELOPE_BARE, &arena), 0);
    yyjson_doc *got = yyjson_read(out.data, out.len, 0);
    yyjson_val *root = yyjson_doc_get_root(got);
    const char *type = text_of(root, "event_type");
    yyjson_val *spec = yyjson_obj_get(tables[dialect].events, type);
    if (spec)
        check_body(&tables[dialect], type, spec, yyjson_obj_get(root, "data"));
    else
        assert_true(yyjson_equals(yyjson_obj_get(root, "data"), data));
    yyjson_doc_free(got);
    mk_buf_fini(&out);
    mk_arena_fini(&arena);
    yyjson_mut_doc_free(doc);
    return spec != NULL;
}

static void test_every_event(void **state)
{
    (void)state;
    const struct tables *new = &tables[MK_DIALECT_NEWEST];
    size_t i, max, known[3] = { 0 };
    yyjson_val *key, *spec;
    yyjson_obj_foreach (new->events, i, max, key, spec) {
        const char *name = yyjson_get_str(key);
        for (size_t round = 0; round < 6; round++) {
            char *text = make_body(new, spec, round % 2 == 1, round / 2, "");
            yyjson_doc *data = yyjson_read(text, strlen(text), 0);
            for (int dialect = 0; dialect < 3; dialect++)
                if (send_one(name, yyjson_doc_get_root(data), (enum mk_dialect)dialect) &&
                    round == 0)
                    known[dialect]++;
            yyjson_doc_free(data);
            free(text);
        }
    }
    assert_int_equal(known[MK_DIALECT_DRAFT], 18);
    assert_int_equal(known[MK_DIALECT_NEWEST], 21);
    assert_int_equal(known[DIALECT_1_2], 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_every_api_of_1_3),
        FIXTURE_TEST(test_every_api_of_1_2),
        FIXTURE_TEST(test_every_api_of_the_draft),
        cmocka_unit_test(test_every_event),
    };
    return cmocka_run_group_tests(tests, read_tables, free_tables);
}
