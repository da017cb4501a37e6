/* dispatch: messages, echo, envelopes, and the life of calls. */
#include "protocol_fixture.h"

#include "base/json.h"

#define NEW MK_DIALECT_NEWEST
#define OLD MK_DIALECT_DRAFT

static const char *send_message(struct fixture *f, enum mk_dialect dialect, const char *message)
{
    mk_dispatch_message(&f->dispatch, dialect, mk_slice_str(message), &f->caller);
    return f->message.data;
}

static void test_envelopes(void **state)
{
    struct fixture *f = *state;
    f->result = "{\"cookies\":\"c\\\"\"}";
    request(f, NEW, "get_cookies", "{\"domain\":\"\"}");
    assert_string_equal(f->body.data,
                        "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"cookies\":\"c\\\"\"}}");
    assert_string_equal(f->message.data,
                        "{\"post_type\":\"action_response\",\"self_id\":10001000,\"data\":{"
                        "\"status\":\"ok\",\"retcode\":0,\"data\":{\"cookies\":\"c\\\"\"}}}");
    f->result = NULL;
    request(f, OLD, "quit_group", "{\"group_id\":10001}");
    assert_string_equal(f->body.data, "{\"status\":\"ok\",\"retcode\":0,\"data\":{}}");
    f->result = "{\"more\":1}";
    request(f, OLD, "quit_group", "{\"group_id\":10001}");
    assert_string_equal(f->body.data, "{\"status\":\"ok\",\"retcode\":0,\"data\":{}}");
    request(f, NEW, "quit_group", "{\"group_id\":10001}");
    assert_string_equal(f->body.data, "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"more\":1}}");
}

static void test_failures_of_the_backend(void **state)
{
    struct fixture *f = *state;
    f->later = true;
    request(f, OLD, "quit_group", "{\"group_id\":10001}");
    mk_call_fail(f->pending, -100, "no group %d\n\"", 10001);
    assert_string_equal(f->body.data, "{\"status\":\"failed\",\"retcode\":-100,\"message\":\"no "
                                      "group 10001\\n\\\"\"}");
    assert_int_equal(f->outcome, MK_OUTCOME_DONE);
    request(f, OLD, "quit_group", "{\"group_id\":10001}");
    mk_call_fail(f->pending, 7, "a\xff\xe4\xbd b\xe4\xbd\xa0");
    assert_string_equal(
        f->message.data,
        "{\"post_type\":\"action_response\",\"self_id\":10001000,\"data\":{"
        "\"status\":\"failed\",\"retcode\":7,\"message\":\"a\xef\xbf\xbd\xef\xbf\xbd"
        "\xef\xbf\xbd b\xe4\xbd\xa0\"}}");
    request(f, OLD, "quit_group", "{\"group_id\":10001}");
    mk_call_fail(f->pending, 0, "%s", "");
    assert_string_equal(f->body.data, "{\"status\":\"failed\",\"retcode\":-500,\"message\":\"\"}");
}

static void test_results_that_are_no_json(void **state)
{
    struct fixture *f = *state;
    f->later = true;
    request(f, NEW, "get_cookies", "{\"domain\":\"\"}");
    yyjson_mut_doc *doc = f->pending->doc;
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, data, "cookies", "\xff");
    assert_int_equal(mk_call_ok(f->pending, data), -EINVAL);
    assert_int_equal(f->retcode, MILKY_INTERNAL);
    assert_string_equal(f->body.data, "{\"status\":\"failed\",\"retcode\":-500,\"message\":"
                                      "\"the backend made a result that is no JSON\"}");
    assert_int_equal(f->dispatch.in_flight, 0);
}

static void test_a_result_may_live_in_another_document(void **state)
{
    struct fixture *f = *state;
    f->later = true;
    request(f, OLD, "send_group_message", "{\"group_id\":10001,\"message\":[]}");
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_uint(doc, data, "message_seq", 3);
    yyjson_mut_obj_add_uint(doc, data, "time", 4);
    mk_call_ok(f->pending, data);
    yyjson_mut_doc_free(doc);
    assert_string_equal(f->body.data, "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"message_id\":"
                                      "\"Group:10001:3\",\"time\":4}}");
}

static void test_echo_comes_back_as_it_was(void **state)
{
    struct fixture *f = *state;
    const char *echoes[] = { "1.0",   "-0",
                             "1e400", "123456789012345678901234567890",
                             "null",  "true",
                             "\"\"",  "\"a\\\"\\\\\\n\xe4\xbd\xa0\"",
                             "[]",    "{\"b\":[1.50,{\"a\":null}],\"a\":\"x\"}" };
    for (size_t i = 0; i < sizeof(echoes) / sizeof(echoes[0]); i++) {
        char message[256], expected[256];
        snprintf(message, sizeof(message),
                 "{\"echo\":%s,\"action\":\"quit_group\",\"params\":{\"group_id\":10001}}",
                 echoes[i]);
        snprintf(expected, sizeof(expected),
                 "{\"post_type\":\"action_response\",\"self_id\":10001000,\"data\":{\"status\":"
                 "\"ok\",\"retcode\":0,\"data\":{},\"echo\":%s}}",
                 echoes[i]);
        assert_string_equal(send_message(f, NEW, message), expected);
        /* And on failures. */
        const char *failing[] = { "{\"action\":\"no_such\",\"echo\":%s}",
                                  "{\"action\":1,\"echo\":%s}", "{\"echo\":%s}",
                                  "{\"action\":\"quit_group\",\"echo\":%s,\"params\":[]}",
                                  "{\"action\":\"quit_group\",\"echo\":%s}" };
        for (size_t j = 0; j < sizeof(failing) / sizeof(failing[0]); j++) {
            size_t head = (size_t)(strstr(failing[j], "%s") - failing[j]);
            snprintf(message, sizeof(message), "%.*s%s%s", (int)head, failing[j], echoes[i],
                     failing[j] + head + 2);
            snprintf(expected, sizeof(expected), ",\"echo\":%s}}", echoes[i]);
            const char *reply = send_message(f, OLD, message);
            assert_string_equal(reply + strlen(reply) - strlen(expected), expected);
            assert_true(f->retcode == MILKY_MALFORMED || f->retcode == MILKY_UNKNOWN);
        }
    }
}

static void test_echo_of_any_depth(void **state)
{
    struct fixture *f = *state;
    enum { DEEP = 100000 };
    char *message = malloc(2 * DEEP + 64);
    char *at = stpcpy(message, "{\"echo\":");
    memset(at, '[', DEEP);
    memset(at + DEEP, ']', DEEP);
    strcpy(at + 2 * DEEP, ",\"action\":\"get_login_info\"}");
    f->result = "{\"uin\":10001,\"nickname\":\"\"}";
    const char *reply = send_message(f, OLD, message);
    assert_int_equal(f->retcode, 0);
    assert_memory_equal(strchr(strstr(reply, "\"echo\":"), '['), at, 2 * DEEP);
    free(message);
}

static void assert_refused(struct fixture *f, const char *message, enum mk_outcome outcome,
                           int retcode, const char *text)
{
    char expected[512];
    snprintf(expected, sizeof(expected),
             "{\"post_type\":\"action_response\",\"self_id\":10001000,\"data\":{\"status\":"
             "\"failed\",\"retcode\":%d,\"message\":\"%s\"}}",
             retcode, text);
    assert_string_equal(send_message(f, OLD, message), expected);
    assert_int_equal(f->outcome, outcome);
    assert_int_equal(f->retcode, retcode);
    assert_int_equal(f->calls, 0);
}

static void test_invalid_messages(void **state)
{
    struct fixture *f = *state;
    enum mk_outcome malformed = MK_OUTCOME_MALFORMED;
    assert_refused(f, "", malformed, -400, "malformed JSON at byte 0: empty");
    assert_refused(f, "[]", malformed, -400, "message: expected object, got array");
    assert_refused(f, "7", malformed, -400, "message: expected object, got number");
    assert_refused(f, "{}", malformed, -400, "action: expected string, got nothing");
    assert_refused(f, "{\"action\":null}", malformed, -400, "action: expected string, got null");
    assert_refused(f, "{\"action\":\"get_login_info\",\"params\":[]}", malformed, -400,
                   "params: expected object, got array");
    assert_refused(f, "{\"action\":\"delete_friend\",\"params\":null}", malformed, -400,
                   "user_id: expected integer from 10001 to 4294967295, got nothing");
    assert_refused(f, "{\"action\":\"no\\\"such\"}", MK_OUTCOME_UNKNOWN, -404,
                   "unknown API \\\"no\\\"such\\\"");
    assert_refused(f, "{\"action\":\"\"}", MK_OUTCOME_UNKNOWN, -404, "unknown API \\\"\\\"");
    /* The example of the draft has a comma too many. */
    assert_non_null(strstr(send_message(f, OLD, "{\"echo\":1,}"), "malformed JSON at byte "));
    assert_null(strstr(f->message.data, "echo"));
}

static void test_params_may_be_absent(void **state)
{
    struct fixture *f = *state;
    f->result = "{\"uin\":10001,\"nickname\":\"n\"}";
    const char *expected = "{\"post_type\":\"action_response\",\"self_id\":10001000,\"data\":{"
                           "\"status\":\"ok\",\"retcode\":0,\"data\":{\"uin\":10001,\"nickname\":"
                           "\"n\"}}}";
    assert_string_equal(send_message(f, OLD, "{\"action\":\"get_login_info\"}"), expected);
    assert_string_equal(send_message(f, NEW, "{\"action\":\"get_login_info\",\"params\":null}"),
                        expected);
    assert_string_equal(
        send_message(f, NEW, "{\"action\":\"x\",\"params\":{},\"action\":\"get_login_info\"}"),
        expected);
}

static void test_dialects_have_their_own_names(void **state)
{
    struct fixture *f = *state;
    (void)f;
    assert_null(mk_action_find(NEW, MK_SLICE("send_friend_poke")));
    assert_null(mk_action_find(NEW, MK_SLICE("recall_message")));
    assert_non_null(mk_action_find(OLD, MK_SLICE("send_friend_poke")));
    assert_ptr_equal(mk_action_find(OLD, MK_SLICE("send_friend_nudge")),
                     mk_action_find(NEW, MK_SLICE("send_friend_nudge")));
    assert_ptr_not_equal(mk_action_find(OLD, MK_SLICE("get_message")),
                         mk_action_find(NEW, MK_SLICE("get_message")));
    assert_null(mk_action_find(OLD, MK_SLICE("")));
    assert_null(mk_action_find(OLD, mk_slice_of(NULL, 0)));
    assert_null(mk_action_find(OLD, MK_SLICE("get_messagf")));
    char longest[200];
    memset(longest, 'a', sizeof(longest));
    for (size_t len = 0; len <= sizeof(longest); len++)
        assert_null(mk_action_find(OLD, mk_slice_of(longest, len)));
    assert_string_equal(mk_dialect_name(OLD), "draft");
    assert_string_equal(mk_dialect_name(NEW), "1.3");
}

static void test_action_numbers(void **state)
{
    (void)state;
    assert_int_equal(milky_action_count(), 65);
    for (size_t i = 0; i < milky_action_count(); i++)
        assert_int_equal(milky_action_number(milky_action_name(i)), i);
    assert_null(milky_action_name(65));
    assert_int_equal(milky_action_number("recall_message"), -1);
    assert_int_equal(milky_action_number(""), -1);
}

static void test_actions_that_take_uris(void **state)
{
    static const char *const takers[] = {
        "send_private_message",    "send_group_message",  "set_avatar",       "set_group_avatar",
        "send_group_announcement", "upload_private_file", "upload_group_file"
    };
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < milky_action_count(); i++)
        count += milky_action_takes_uris(i);
    assert_int_equal(count, sizeof(takers) / sizeof(takers[0]));
    for (size_t i = 0; i < count; i++)
        assert_true(milky_action_takes_uris((size_t)milky_action_number(takers[i])));
    assert_false(milky_action_takes_uris(SIZE_MAX));
}

static void test_replies_may_come_later_and_in_any_order(void **state)
{
    struct fixture *f = *state;
    f->later = true;
    struct mk_call *calls[3];
    for (int i = 0; i < 3; i++) {
        char message[128];
        snprintf(message, sizeof(message),
                 "{\"action\":\"quit_group\",\"params\":{\"group_id\":%d},\"echo\":%d}", 10001 + i,
                 i);
        send_message(f, OLD, message);
        calls[i] = f->pending;
    }
    assert_int_equal(f->replies, 0);
    assert_int_equal(f->caller.in_flight, 3);
    assert_int_equal(f->dispatch.in_flight, 3);
    assert_int_equal(milky_uint(calls[1]->params, "group_id"), 10002);
    assert_string_equal(calls[1]->name, "quit_group");
    assert_int_equal(calls[1]->number, milky_action_number("quit_group"));
    assert_int_equal(calls[1]->dispatch->self_id, SELF_ID);
    int order[] = { 2, 0, 1 };
    for (int i = 0; i < 3; i++) {
        char echo[16];
        mk_call_ok(calls[order[i]], NULL);
        snprintf(echo, sizeof(echo), "\"echo\":%d}", order[i]);
        assert_non_null(strstr(f->message.data, echo));
    }
    assert_int_equal(f->caller.in_flight, 0);
    assert_int_equal(f->dispatch.in_flight, 0);
    assert_int_equal(f->dispatch.spare_count, 3);
}

static void test_no_reply_after_the_caller_is_gone(void **state)
{
    struct fixture *f = *state;
    f->later = true;
    send_message(f, OLD, "{\"action\":\"quit_group\",\"params\":{\"group_id\":10001}}");
    struct mk_call *first = f->pending;
    send_message(f, OLD, "{\"action\":\"get_cookies\",\"params\":{\"domain\":\"d\"}}");
    struct mk_call *second = f->pending;
    mk_caller_fini(&f->caller);
    assert_int_equal(f->caller.in_flight, 0);
    assert_int_equal(f->dispatch.in_flight, 2);
    mk_call_ok(second, NULL); /* with a wrong result, too */
    mk_call_fail(first, -1, "x");
    assert_int_equal(f->replies, 0);
    assert_int_equal(f->dispatch.in_flight, 0);
}

static void leave_on_reply(struct mk_caller *caller, struct mk_call *call)
{
    on_reply(caller, call);
    mk_caller_fini(caller);
    memset(caller, 0xaa, sizeof(*caller));
}

static void test_the_caller_may_go_from_within_the_reply(void **state)
{
    struct fixture *f = *state;
    mk_caller_init(&f->caller, leave_on_reply);
    f->result = "{\"uin\":10001,\"nickname\":\"n\"}";
    request(f, NEW, "get_login_info", "{}");
    assert_int_equal(f->retcode, 0);
    mk_caller_init(&f->caller, leave_on_reply);
    request(f, NEW, "get_login_info", "[");
    assert_int_equal(f->outcome, MK_OUTCOME_MALFORMED);
    mk_caller_init(&f->caller, on_reply);
}

static void test_spare_calls_are_bounded(void **state)
{
    struct fixture *f = *state;
    f->later = true;
    enum { MANY = 100 };
    struct mk_call *calls[MANY];
    for (int i = 0; i < MANY; i++) {
        request(f, NEW, "quit_group", "{\"group_id\":10001}");
        calls[i] = f->pending;
    }
    for (int i = 0; i < MANY; i++)
        mk_call_ok(calls[i], NULL);
    assert_int_equal(f->dispatch.spare_count, 64);
    assert_int_equal(f->dispatch.in_flight, 0);
}

static void note_control(struct mk_call_target *target, struct mk_call *call)
{
    on_call(target, call);
}

static void test_control(void **state)
{
    struct fixture *f = *state;
    struct mk_slice any = MK_SLICE("say/\"x\"");
    mk_dispatch_control(&f->dispatch, any, MK_SLICE("{}"), &f->caller);
    assert_int_equal(f->outcome, MK_OUTCOME_UNKNOWN);
    assert_string_equal(f->body.data,
                        "{\"status\":\"failed\",\"retcode\":-404,\"message\":\"no such "
                        "request \\\"say/\\\"x\\\"\\\"\"}");
    f->target.control = note_control;
    f->later = true;
    f->dispatch.self_id = 0;
    mk_dispatch_control(&f->dispatch, any, MK_SLICE("{\"a\":{\"b\":[7,-1,1.5]},\"c\":null}"),
                        &f->caller);
    assert_string_equal(f->action, "say/\"x\"");
    assert_string_equal(f->params, "{\"a\":{\"b\":[7,-1,1.5]},\"c\":null}");
    assert_true(f->pending->number == SIZE_MAX);
    assert_int_equal(f->pending->dispatch->self_id, 0);
    assert_false(milky_has(f->pending->params, "c"));
    assert_true(milky_has(f->pending->params, "a"));
    answer(f->pending, "[1]");
    assert_string_equal(f->body.data, "{\"status\":\"ok\",\"retcode\":0,\"data\":[1]}");
    mk_dispatch_control(&f->dispatch, any, MK_SLICE(""), &f->caller);
    assert_string_equal(f->params, "{}");
    mk_call_ok(f->pending, NULL);
    mk_dispatch_control(&f->dispatch, any, MK_SLICE("[]"), &f->caller);
    assert_int_equal(f->outcome, MK_OUTCOME_MALFORMED);
    mk_dispatch_control(&f->dispatch, any, MK_SLICE("{"), &f->caller);
    assert_int_equal(f->outcome, MK_OUTCOME_MALFORMED);
}

static void test_fields_of_params(void **state)
{
    struct fixture *f = *state;
    f->later = true;
    request(f, NEW, "reject_friend_request",
            "{\"initiator_uid\":\"a\\u0000b\",\"is_filtered\":true}");
    yyjson_mut_val *params = f->pending->params;
    size_t len = 0;
    assert_memory_equal(milky_string(params, "initiator_uid", &len), "a\0b", 4);
    assert_int_equal(len, 3);
    assert_true(milky_bool(params, "is_filtered"));
    assert_false(milky_has(params, "reason"));
    assert_null(milky_string(params, "reason", &len));
    assert_int_equal(len, 0);
    mk_call_fail(f->pending, -1, "x");
}

static struct mk_buf gathered(const char *text)
{
    struct mk_buf buf;
    mk_buf_init(&buf, strlen(text)); /* full: reading in place needs a few bytes more */
    assert_int_equal(mk_buf_append(&buf, text, strlen(text)), 0);
    return buf;
}

/* A text that was taken over is read in place, lives as long as the call, and is freed with it. */
static void test_taken_texts(void **state)
{
    struct fixture *f = *state;
    const struct mk_action *action = mk_action_find(NEW, MK_SLICE("get_cookies"));
    struct mk_buf text = gathered("{\"domain\":\"a\\u4f60\\/b\"}");
    f->later = true;
    mk_dispatch_request_take(&f->dispatch, action, &text, &f->caller);
    assert_string_equal(f->params, "{\"domain\":\"a\xe4\xbd\xa0/b\"}");
    assert_string_equal(milky_string(f->pending->params, "domain", NULL), "a\xe4\xbd\xa0/b");
    mk_call_fail(f->pending, -1, "no");
    f->later = false;
    text = gathered("{\"domain\":");
    mk_dispatch_request_take(&f->dispatch, action, &text, &f->caller);
    assert_int_equal(f->outcome, MK_OUTCOME_MALFORMED);
    assert_non_null(strstr(f->body.data, "at byte"));
    text = gathered("{\"action\":\"quit_group\",\"params\":{\"group_id\":10001},\"echo\":[1.50]}");
    mk_dispatch_message_take(&f->dispatch, NEW, &text, &f->caller);
    assert_int_equal(f->retcode, 0);
    assert_non_null(strstr(f->message.data, "\"echo\":[1.50]"));
    text = gathered("[");
    mk_dispatch_message_take(&f->dispatch, NEW, &text, &f->caller);
    assert_int_equal(f->retcode, MILKY_MALFORMED);
    assert_int_equal(f->replies, 4);
}

/* {"action":"x","params":PIECE PIECE ... END}, of as many values as that */
static struct mk_buf of_values(const char *piece, size_t values, const char *end)
{
    struct mk_buf text = gathered("{\"action\":\"x\",\"params\":[");
    text.max = SIZE_MAX;
    for (size_t i = 5; i < values; i++) /* there is a root, two keys with one value, and a list */
        assert_int_equal(mk_buf_append_slice(&text, mk_slice_str(piece)), 0);
    assert_int_equal(mk_buf_append_slice(&text, mk_slice_str(end)), 0);
    return text;
}

/* Each value takes memory however short it is, so their number has a bound of its own. */
static void test_values_are_bounded(void **state)
{
    struct fixture *f = *state;
    static const char *const pieces[] = { "0,", "[],", "{},", "\"\",", "[" };
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct mk_buf text = of_values(pieces[i], MK_CALL_MOST_VALUES + 1, "0]}");
        mk_dispatch_message(&f->dispatch, NEW, mk_buf_slice(&text), &f->caller);
        assert_int_equal(f->retcode, MILKY_MALFORMED);
        assert_non_null(strstr(f->message.data, "too many values"));
        mk_dispatch_message_take(&f->dispatch, NEW, &text, &f->caller);
        assert_int_equal(f->retcode, MILKY_MALFORMED);
        assert_non_null(strstr(f->message.data, "too many values"));
    }
    struct mk_buf text = of_values("0,", MK_CALL_MOST_VALUES - 2, "0]}");
    assert_true(text.len > MK_CALL_MOST_VALUES);
    mk_dispatch_message(&f->dispatch, NEW, mk_buf_slice(&text), &f->caller);
    assert_int_equal(f->retcode, MILKY_UNKNOWN);
    mk_buf_fini(&text);
}

/* A message of `len` bytes of params that nothing reads, or (wanted) that the call keeps. */
static struct mk_buf of_length(size_t len, bool wanted)
{
    struct mk_buf text =
        gathered("{\"action\":\"get_cookies\",\"echo\":7,\"params\":{\"domain\":\"a\"");
    text.max = SIZE_MAX;
    assert_int_equal(
        mk_buf_append_slice(&text, wanted ? MK_SLICE(",\"domain\":\"") : MK_SLICE(",\"x\":\"")), 0);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(mk_buf_append_char(&text, 'b'), 0);
    assert_int_equal(mk_buf_append_slice(&text, MK_SLICE("\"}}")), 0);
    return text;
}

/* A call that waits holds what it needs: its params and its echo, not the text that it came in. */
static void test_a_text_is_freed_when_it_was_read(void **state)
{
    struct fixture *f = *state;
    f->later = true;
    for (int taken = 0; taken < 2; taken++) {
        struct mk_buf text = of_length(1 << 20, false);
        if (taken) {
            mk_dispatch_message_take(&f->dispatch, NEW, &text, &f->caller);
        } else {
            mk_dispatch_message(&f->dispatch, NEW, mk_buf_slice(&text), &f->caller);
            mk_buf_fini(&text);
        }
        assert_string_equal(f->params, "{\"domain\":\"a\"}");
        assert_null(f->pending->text.data);
        assert_null(f->dispatch.reading.block);
        assert_in_range(f->dispatch.held, 1, 8192);
        assert_int_equal(f->caller.held, f->dispatch.held);
        assert_string_equal(milky_string(f->pending->params, "domain", NULL), "a");
        mk_call_fail(f->pending, -1, "no");
        assert_non_null(strstr(f->message.data, "\"echo\":7"));
        assert_int_equal(f->dispatch.held + f->caller.held, 0);
    }
    struct mk_buf text = of_length(1 << 20, true);
    mk_dispatch_message_take(&f->dispatch, NEW, &text, &f->caller);
    assert_in_range(f->dispatch.held, 1 << 20, 5 << 19);
    size_t len;
    assert_int_equal(milky_string(f->pending->params, "domain", &len)[(1 << 20) - 1], 'b');
    assert_int_equal(len, 1 << 20);
    mk_call_fail(f->pending, -1, "no");
    assert_int_equal(f->dispatch.held + f->caller.held, 0);
}

/* The calls of a bot hold a bounded number of bytes; one large call fits, and small ones beside. */
static void test_held_bytes_are_bounded(void **state)
{
    struct fixture *f = *state;
    const struct mk_slice small = MK_SLICE("{\"action\":\"get_login_info\",\"echo\":8}");
    f->later = true;
    f->dispatch.most_held = 1 << 20;
    struct mk_buf text = of_length(2 << 20, true);
    mk_dispatch_message_take(&f->dispatch, NEW, &text, &f->caller);
    struct mk_call *first = f->pending;
    assert_int_equal(f->dispatch.held, 3 << 18);
    text = of_length(1 << 19, true);
    mk_dispatch_message_take(&f->dispatch, NEW, &text, &f->caller);
    assert_int_equal(f->calls, 1);
    assert_int_equal(f->retcode, MILKY_BUSY);
    assert_int_equal(f->outcome, MK_OUTCOME_BUSY);
    assert_non_null(strstr(f->message.data, "\"echo\":7"));
    mk_dispatch_message(&f->dispatch, NEW, small, &f->caller);
    assert_int_equal(f->calls, 2);
    mk_call_fail(first, -1, "no");
    uint64_t held = f->dispatch.held;
    struct mk_caller gone;
    struct mk_call *kept = f->pending;
    mk_caller_init(&gone, f->caller.reply);
    mk_dispatch_message(&f->dispatch, NEW, small, &gone);
    assert_int_equal(f->dispatch.held, 2 * held);
    mk_caller_fini(&gone); /* its call still holds memory */
    assert_int_equal(f->dispatch.held, 2 * held);
    f->dispatch.most_held = 2 * held;
    mk_dispatch_message(&f->dispatch, NEW, small, &f->caller);
    assert_int_equal(f->retcode, MILKY_BUSY);
    mk_call_fail(f->pending, -1, "no");
    mk_call_fail(kept, -1, "no");
    assert_int_equal(f->dispatch.held, 0);
}

/* The reply with an echo of this length can be sent; a longer one is refused before the call. */
static void test_an_echo_is_bounded(void **state)
{
    struct fixture *f = *state;
    for (int form = 0; form < 3; form++) {
        const struct mk_slice begin = form == 0   ? MK_SLICE("\"")
                                      : form == 1 ? MK_SLICE("[\"")
                                                  : MK_SLICE("");
        const struct mk_slice end = form == 0   ? MK_SLICE("\"")
                                    : form == 1 ? MK_SLICE("\"]")
                                                : MK_SLICE("");
        for (size_t more = 0; more < 2; more++) {
            struct mk_buf text =
                gathered("{\"action\":\"quit_group\",\"params\":{\"group_id\":10001},"
                         "\"echo\":");
            text.max = SIZE_MAX;
            unsigned calls = f->calls;
            mk_buf_append_slice(&text, begin);
            size_t len = (4 << 20) - begin.len - end.len + more;
            assert_int_equal(mk_buf_reserve(&text, len + 8), 0);
            memset(text.data + text.len, '7', len);
            text.len += len;
            mk_buf_append_slice(&text, end);
            mk_buf_append_slice(&text, MK_SLICE("}"));
            mk_dispatch_message_take(&f->dispatch, NEW, &text, &f->caller);
            assert_int_equal(f->calls, calls + (more == 0));
            assert_int_equal(f->retcode, more ? MILKY_MALFORMED : 0);
            assert_true(more ? strstr(f->message.data, "echo: longer than 4 MiB") != NULL
                             : strlen(f->message.data) > 4 << 20);
        }
    }
}

static void test_a_full_buffer_gets_nothing(void **state)
{
    (void)state;
    static const char failure[] = "{\"status\":\"failed\",\"retcode\":-1,\"message\":\"no\"}";
    struct mk_buf small;
    for (size_t max = 0; max < strlen(failure); max++) {
        mk_buf_init(&small, max);
        assert_int_equal(mk_reply_write_failure(&small, -1, MK_SLICE("no")), -ENOBUFS);
        assert_int_equal(small.len, 0);
        mk_buf_fini(&small);
    }
    mk_buf_init(&small, 1024);
    assert_int_equal(mk_reply_write_failure(&small, -1, MK_SLICE("no")), 0);
    assert_true(mk_slice_eq(mk_buf_slice(&small), mk_slice_str(failure)));
    mk_buf_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_envelopes),
        FIXTURE_TEST(test_failures_of_the_backend),
        FIXTURE_TEST(test_results_that_are_no_json),
        FIXTURE_TEST(test_a_result_may_live_in_another_document),
        FIXTURE_TEST(test_echo_comes_back_as_it_was),
        FIXTURE_TEST(test_echo_of_any_depth),
        FIXTURE_TEST(test_invalid_messages),
        FIXTURE_TEST(test_params_may_be_absent),
        FIXTURE_TEST(test_dialects_have_their_own_names),
        FIXTURE_TEST(test_action_numbers),
        FIXTURE_TEST(test_actions_that_take_uris),
        FIXTURE_TEST(test_replies_may_come_later_and_in_any_order),
        FIXTURE_TEST(test_no_reply_after_the_caller_is_gone),
        FIXTURE_TEST(test_the_caller_may_go_from_within_the_reply),
        FIXTURE_TEST(test_spare_calls_are_bounded),
        FIXTURE_TEST(test_control),
        FIXTURE_TEST(test_fields_of_params),
        FIXTURE_TEST(test_taken_texts),
        FIXTURE_TEST(test_values_are_bounded),
        FIXTURE_TEST(test_a_text_is_freed_when_it_was_read),
        FIXTURE_TEST(test_held_bytes_are_bounded),
        FIXTURE_TEST(test_an_echo_is_bounded),
        FIXTURE_TEST(test_a_full_buffer_gets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
