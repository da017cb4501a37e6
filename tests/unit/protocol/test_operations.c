/*
 * operations: what requests of the sandbox's operators become by its table, and what the messages
 * about mistakes say. The examples of the table and its unknown fields are in
 * tests/e2e/do.test.mjs.
 */
#include "protocol/operations.h"

#include "backend/sandbox/turn/operations.h"
#include "base/json.h"
#include "protocol/schema.h"

/* cmocka wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct checked {
    struct mk_arena arena;
    yyjson_doc *given;
    yyjson_mut_doc *made;
    struct mk_operation_request request;
    int verdict;
};

static void check(struct checked *checked, const char *action, const char *json)
{
    struct mk_operation_found found = mk_operation_find(&sb_operations, mk_slice_str(action));
    assert_true(found.operation || found.api);
    mk_arena_init(&checked->arena);
    checked->given = yyjson_read(json, strlen(json), 0);
    assert_non_null(checked->given);
    checked->made = yyjson_mut_doc_new(NULL);
    checked->verdict = mk_operation_check(&found, yyjson_doc_get_root(checked->given),
                                          checked->made, &checked->arena, &checked->request);
}

static void end(struct checked *checked)
{
    yyjson_mut_doc_free(checked->made);
    yyjson_doc_free(checked->given);
    mk_arena_fini(&checked->arena);
}

/* The request becomes `name` with exactly these params. */
static void assert_becomes(const char *action, const char *json, const char *name, uint64_t actor,
                           const char *params)
{
    struct checked checked;
    check(&checked, action, json);
    if (checked.verdict != MK_VALID)
        fail_msg("%s %s: %.*s", action, json, (int)checked.request.problem.len,
                 checked.request.problem.ptr);
    assert_string_equal(checked.request.name, name);
    assert_true(checked.request.actor == actor);
    const struct mk_action *api = mk_action_find(MK_DIALECT_NEWEST, mk_slice_str(name));
    assert_true(checked.request.number == (api ? api->number : SIZE_MAX));
    char *text = yyjson_mut_val_write(checked.request.params, 0, NULL);
    assert_string_equal(text, params);
    free(text);
    end(&checked);
}

static void assert_refused(const char *action, const char *json, const char *problem)
{
    struct checked checked;
    check(&checked, action, json);
    assert_int_equal(checked.verdict, MK_MALFORMED);
    assert_string_equal(checked.request.problem.ptr, problem);
    end(&checked);
}

static void test_short_forms_become_apis(void **state)
{
    (void)state;
    assert_becomes("say", "{\"as\":10001,\"to\":10002,\"text\":\"hi\"}", "send_private_message",
                   10001,
                   "{\"user_id\":10002,\"message\":"
                   "[{\"type\":\"text\",\"data\":{\"text\":\"hi\"}}]}");
    assert_becomes("say",
                   "{\"message\":[{\"type\":\"face\",\"data\":{\"face_id\":\"1\"}}],"
                   "\"group\":10002,\"as\":10001}",
                   "send_group_message", 10001,
                   "{\"group_id\":10002,\"message\":[{\"type\":\"face\",\"data\":"
                   "{\"face_id\":\"1\",\"is_large\":false}}]}");
    assert_becomes("say", "{\"as\":10001,\"to\":10002,\"through\":10003,\"text\":\"\"}", "say_temp",
                   10001,
                   "{\"user_id\":10002,\"through\":10003,\"message\":"
                   "[{\"type\":\"text\",\"data\":{\"text\":\"\"}}]}");
    assert_becomes("nudge", "{\"as\":10001,\"to\":10002}", "send_friend_nudge", 10001,
                   "{\"user_id\":10002,\"is_self\":false}"); /* a default that has no field here */
    assert_becomes("nudge", "{\"as\":10001,\"group\":10003,\"user\":10002,\"to\":null}",
                   "send_group_nudge", 10001, "{\"group_id\":10003,\"user_id\":10002}");
    assert_becomes("react", "{\"as\":10001,\"group\":10003,\"seq\":1,\"reaction\":\"76\"}",
                   "send_group_message_reaction", 10001,
                   "{\"group_id\":10003,\"message_seq\":1,\"reaction\":\"76\","
                   "\"reaction_type\":\"face\",\"is_add\":true}");
}

static void test_apis_by_their_names(void **state)
{
    (void)state;
    assert_becomes("set_nickname", "{\"as\":10001,\"new_nickname\":\"x\"}", "set_nickname", 10001,
                   "{\"new_nickname\":\"x\"}");
    assert_becomes("get_friend_list", "{\"as\":10001}", "get_friend_list", 10001,
                   "{\"no_cache\":false}");
    assert_refused("get_friend_list", "{}",
                   "as: expected integer from 10001 to 4294967295, got nothing");
}

static void test_defaults_are_filled_in(void **state)
{
    (void)state;
    assert_becomes("world", "{}", "world", 0, "{}");
    assert_becomes("clock", "{\"advance\":-1}", "clock", 0, "{\"advance\":-1,\"reset\":false}");
    assert_becomes("join", "{\"as\":10001,\"group\":10002,\"comment\":null}", "join", 10001,
                   "{\"group\":10002,\"comment\":\"\",\"is_filtered\":false}");
    assert_becomes("fault", "{\"bot\":10001,\"probability\":5e-1}", "fault", 0,
                   "{\"bot\":10001,\"every\":1,\"probability\":0.5,\"seed\":0,\"times\":0,"
                   "\"latency\":0,\"retcode\":0,\"message\":\"injected "
                   "fault\",\"interval\":1100,\"drop\":false}");
    assert_becomes("load",
                   "{\"world\":{\"milky_world\":1,\"conversations\":[{\"message_scene\":\"group\","
                   "\"peer_id\":10002,\"messages\":[{\"sender_id\":10001,"
                   "\"segments\":[{\"any\":[1.5,null]}]}]}]}}",
                   "load", 0,
                   "{\"world\":{\"milky_world\":1,\"conversations\":[{\"message_scene\":\"group\","
                   "\"peer_id\":10002,\"last_message_seq\":0,\"messages\":[{\"sender_id\":10001,"
                   "\"segments\":[{\"any\":[1.5,null]}],\"is_hidden\":false}]}]}}");
}

static void test_fields_decide_the_form(void **state)
{
    (void)state;
    const char *cases[][3] = {
        { "say", "{\"as\":10001,\"text\":\"x\"}", "params: one of to and group must be given" },
        { "say", "{\"as\":10001,\"to\":10002,\"group\":10003,\"text\":\"x\"}",
          "params: one of to and group must be given" },
        { "say", "{\"as\":10001,\"to\":10002}", "params: one of text and message must be given" },
        { "say", "{\"as\":10001,\"to\":10002,\"text\":\"x\",\"message\":[]}",
          "params: one of text and message must be given" },
        { "say", "{\"as\":10001,\"through\":10002,\"text\":\"x\"}",
          "to: expected integer from 10001 to 4294967295, got nothing" },
        { "say", "{\"as\":10001,\"through\":10002,\"group\":10003,\"text\":\"x\"}",
          "group: it does not go with through" },
        { "nudge", "{\"as\":10001,\"to\":10002,\"user\":10003}", "user: it does not go with to" },
        { "nudge", "{\"as\":10001,\"group\":10002}",
          "user: expected integer from 10001 to 4294967295, got nothing" },
        { "upload", "{\"as\":10001,\"to\":10002,\"uri\":\"x\",\"name\":\"x\",\"folder\":\"/\"}",
          "folder: it does not go with to" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(cases[i][0], cases[i][1], cases[i][2]);
}

static void test_types_and_ranges(void **state)
{
    (void)state;
    const char *cases[][3] = {
        { "clock", "{\"set\":0}", "set: expected integer from 1 to 253402300799, got number" },
        { "clock", "{\"set\":\"now\"}",
          "set: expected integer from 1 to 253402300799, got string" },
        { "fault", "{\"bot\":10001,\"probability\":1.01}",
          "probability: expected number from 0 to 1, got number" },
        { "fault", "{\"bot\":10001,\"probability\":\"1\"}",
          "probability: expected number from 0 to 1, got string" },
        { "fault", "{\"bot\":10001,\"action\":\"\"}",
          "action: expected string of 1 to 63 bytes, got 0 bytes" },
        { "fault", "{\"bot\":10001,\"action\":7}",
          "action: expected string of 1 to 63 bytes, got number" },
        { "fault", "{\"bot\":10001,\"retcode\":-2147483648}",
          "retcode: expected integer from -2147483647 to 2147483647, got number" },
        { "fault", "{\"bot\":10001,\"drop\":1}", "drop: expected boolean, got number" },
        { "set_join_policy", "{\"as\":10001,\"group\":10002,\"policy\":\"x\"}",
          "policy: expected one of \"approval\", \"anybody\", \"nobody\", got \"x\"" },
        { "say", "{\"as\":10001,\"to\":10002,\"text\":[]}", "text: expected string, got array" },
        { "load", "{\"world\":[]}", "world: expected object, got array" },
        { "create_group", "{\"group_name\":\"G\",\"members\":[{\"user_id\":1}]}",
          "members[0].user_id: expected integer from 10001 to 4294967295, got number" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(cases[i][0], cases[i][1], cases[i][2]);
}

static void test_unknown_fields(void **state)
{
    (void)state;
    const char *cases[][3] = {
        { "dump", "{\"x\":1}", "x: unknown field" },
        { "set_nickname", "{\"as\":10001,\"new_nickname\":\"x\",\"foo\":1}",
          "foo: unknown field (here are: as, new_nickname)" },
        { "say", "{\"as\":10001,\"to\":10002,\"txt\":\"hi\"}",
          "txt: unknown field; did you mean text?" },
        { "clock", "{\"as\":10001}", "as: unknown field (here are: set, advance, stop, reset)" },
        { "say", "{\"\":1}",
          "\"\": unknown field (here are: as, to, group, through, text, message)" },
        { "say", "{\"message\":[{\"type\":\"text\",\"text\":\"x\"}]}",
          "message[0].text: unknown field (here are: type, data)" },
        { "say", "{\"message\":[{\"type\":\"dance\",\"data\":{\"x\":1}}]}",
          "as: expected integer from 10001 to 4294967295, got nothing" },
        { "create_person", "{\"nickname\":\"x\",\"categories\":[{\"category_nme\":\"x\"}]}",
          "categories[0].category_nme: unknown field; did you mean category_name?" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(cases[i][0], cases[i][1], cases[i][2]);
}

/* A name may be of any length, and forwards of any depth. */
static void test_long_and_deep(void **state)
{
    (void)state;
    char json[20000] = "{\"";
    memset(json + 2, 'x', 9000);
    memcpy(json + 9002, "\":1}", 5);
    struct checked checked;
    check(&checked, "dump", json);
    assert_int_equal(checked.verdict, MK_MALFORMED);
    assert_true(checked.request.problem.len < 200);
    end(&checked);

    struct mk_buf deep;
    mk_buf_init(&deep, 1024 * 1024);
    mk_buf_printf(&deep, "{\"as\":10001,\"to\":10002,\"message\":[");
    for (int i = 0; i < 100; i++)
        mk_buf_printf(&deep, "{\"type\":\"forward\",\"data\":{\"messages\":[{\"user_id\":10001,"
                             "\"sender_name\":\"x\",\"segments\":[");
    for (int i = 0; i < 100; i++)
        mk_buf_printf(&deep, "]}]}}");
    mk_buf_printf(&deep, "]}");
    mk_buf_append_char(&deep, '\0');
    check(&checked, "say", deep.data);
    assert_int_equal(checked.verdict, MK_MALFORMED);
    assert_non_null(strstr(checked.request.problem.ptr, "nested more than 16 levels deep"));
    end(&checked);
    mk_buf_fini(&deep);
}

static void test_names_that_are_near(void **state)
{
    (void)state;
    const struct milky_operations *all = &sb_operations;
    assert_string_equal(mk_operation_near(all, MK_SLICE("clok")), "clock");
    assert_string_equal(mk_operation_near(all, MK_SLICE("set_nicknme")), "set_nickname");
    assert_null(mk_operation_near(all, MK_SLICE("xyzzy")));
    struct mk_operation_found found = mk_operation_find(all, MK_SLICE("xyzzy"));
    assert_true(!found.operation && !found.api);
    found = mk_operation_find(all, MK_SLICE("say_temp")); /* a form, not a request */
    assert_true(!found.operation && !found.api);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_forms_become_apis),
        cmocka_unit_test(test_apis_by_their_names),
        cmocka_unit_test(test_defaults_are_filled_in),
        cmocka_unit_test(test_fields_decide_the_form),
        cmocka_unit_test(test_types_and_ranges),
        cmocka_unit_test(test_unknown_fields),
        cmocka_unit_test(test_long_and_deep),
        cmocka_unit_test(test_names_that_are_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
