/* The limits of QQ beside their numbers: forms, what is left of a message, times, risk control, and
 * what the operator sees. */
#include "sandbox_saying.h"

#include "backend/sandbox/turn/limits.h"

static void forms_of_reactions(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *reaction;
        const char *type;
        bool is_right;
    } forms[] = {
        { "128077", "emoji", true },      { "9728", "emoji", true },
        { "10024", "emoji", true },       { "129782", "emoji", true },
        { "👍", "emoji", false },          { "abc", "emoji", false },
        { "14", "emoji", false },         { "999", "emoji", false },
        { "0128077", "emoji", false },    { "+128077", "emoji", false },
        { " 128077", "emoji", false },    { "128077 ", "emoji", false },
        { "1f44d", "emoji", false },      { "20320", "emoji", false },
        { "55296", "emoji", false },      { "1114112", "emoji", false },
        { "4294967297", "emoji", false }, { "128077.0", "emoji", false },
        { "76", "face", true },           { "0", "face", true },
        { "999", "face", true },          { "1000", "face", false },
        { "128077", "face", false },      { "076", "face", false },
        { "-1", "face", false },          { "７６", "face", false },
        { "👍", "face", false },
    };
    say(w, TEXT("x"));
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        react(w, forms[i].reaction, forms[i].type);
        if (w->reply.retcode != (forms[i].is_right ? 0 : SB_BAD_VALUE))
            fail_msg("%s %s: %d %s", forms[i].type, forms[i].reaction, w->reply.retcode,
                     w->reply.message);
    }
}

static void assert_received(struct world *w, const char *segments)
{
    if (w->host.event_count != 1)
        fail_msg("%zu events: %d %s", w->host.event_count, w->reply.retcode, w->reply.message);
    assert_json(event_at(w, 0, "/segments"), segments);
    fake_host_forget(&w->host);
}

static void what_is_dropped(void **state)
{
    struct world *w = *state;
    whisper(w, TEXT("first"));
    fake_host_forget(&w->host);
    /* An empty text is nothing. */
    whisper(w, "{\"type\":\"mention_all\",\"data\":{}}," TEXT(
                   "x") ",{\"type\":\"mention\",\"data\":{\"user_id\":10003001}}");
    assert_received(w, "[" TEXT("x") "]");
    whisper(w, REPLY("99") "," TEXT("x") ",{\"type\":\"face\",\"data\":{\"face_id\":\"smile\"}}");
    assert_received(w, "[" TEXT("x") "]");
    whisper(w, REPLY("99") "," REPLY("1") "," REPLY("2") "," TEXT("x"));
    assert_int_equal(event_num(w, 0, "/segments/0/data/message_seq"), 1);
    assert_int_equal(yyjson_arr_size(event_at(w, 0, "/segments")), 2);
    fake_host_forget(&w->host);
    refused(w, BOT, SB_BAD_MESSAGE, "is empty", "send_private_message",
            "{\"user_id\":10002000,\"message\":[%s]}", "{\"type\":\"mention_all\",\"data\":{}}");
    refused(w, BOT, SB_BAD_MESSAGE, "is empty", "send_private_message",
            "{\"user_id\":10002000,\"message\":[%s]}", REPLY("99"));
    /* What stands alone. */
    whisper(w, REPLY("1") "," TEXT("") "," APP(SIGNED) "," TEXT("x") "," APP(SIGNED));
    assert_string_equal(event_str(w, 0, "/segments/0/type"), "light_app");
    assert_int_equal(yyjson_arr_size(event_at(w, 0, "/segments")), 1);
    fake_host_forget(&w->host);
    whisper(w, REPLY("1") "," TEXT("") "," FORWARD(ONE(TEXT("y"))));
    assert_string_equal(event_str(w, 0, "/segments/0/type"), "forward");
    assert_int_equal(yyjson_arr_size(event_at(w, 0, "/segments")), 1);
    refused(w, BOT, SB_BAD_MESSAGE, "message[0]: a forward stands alone", "send_private_message",
            "{\"user_id\":10002000,\"message\":[%s,%s]}", APP(SIGNED), FORWARD(ONE(TEXT("y"))));
}

/* QQ sends a mention of anybody: with the nickname, or the number. */
static void mention_of_a_stranger(void **state)
{
    struct world *w = *state;
    make_stranger(w);
    fake_host_forget(&w->host);
    say(w, "{\"type\":\"mention\",\"data\":{\"user_id\":10009000}},{\"type\":\"mention\",\"data\":{"
           "\"user_id\":77777}}");
    assert_received(w,
                    "[{\"type\":\"mention\",\"data\":{\"user_id\":10009000,\"name\":\"stranger\"}},"
                    "{\"type\":\"mention\",\"data\":{\"user_id\":77777,\"name\":\"77777\"}}]");
}

/* Of any age: the owner's and an admin's. The days are those of China. */
static void times(void **state)
{
    struct world *w = *state;
    control(w, "clock", "{\"set\":1750003199,\"stop\":true}"); /* 2025-06-15 23:59:59 +0800 */
    say(w, TEXT("of the owner"));
    call(w, BOT2, "send_group_message", "{\"group_id\":700000001,\"message\":[%s]}", TEXT("x"));
    mention_all(w, BOT, 10);
    mention_all(w, BOT, 1);
    assert_int_equal(w->reply.retcode, SB_TOO_MUCH);
    if (!strstr(w->reply.message, "(QQ: 121)"))
        fail_msg("%s", w->reply.message);
    wait_seconds(w, 1);
    mention_all(w, BOT, 10);
    assert_int_equal(w->reply.retcode, 0);
    wait_seconds(w, 1000000);
    ask(w, BOT, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":1}");
    ask(w, BOT, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":2}");
    control(w, "clock", "{\"advance\":-2000000}"); /* older than the messages */
    say(w, TEXT("x"));
    control(w, "clock", "{\"reset\":true}");
}

/* A message that only its sender sees. */
static void assert_hidden(struct world *w, uint64_t seq)
{
    assert_int_equal(w->reply.retcode, 0);
    assert_int_equal(w->host.event_count, 0);
    ask(w, BOT, "get_message",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":%d}", (int)seq);
    ask(w, BOT2, "get_history_messages",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"limit\":20}");
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), 0);
    refused(w, BOT2, SB_NO_MESSAGE, "no message", "get_message",
            "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":%d}", (int)seq);
}

static void hidden(void **state)
{
    struct world *w = *state;
    say(w, APP(""));
    assert_int_equal(num(w, "/message_seq"), 1);
    assert_hidden(w, 1);
    w->asks_once = true;
    control(w, "fault",
            "{\"bot\":10001000,\"kind\":\"hidden\",\"times\":1,\"every\":1,\"seed\":0,"
            "\"latency\":0,\"retcode\":0,\"message\":\"\",\"drop\":false,\"interval\":1100}");
    say(w, TEXT("x"));
    assert_int_equal(num(w, "/message_seq"), 0);
    assert_hidden(w, 2);
    say(w, TEXT("x"));
    assert_int_equal(w->host.event_count, 1);
}

static void fault(struct world *w, const char *kind)
{
    control(w, "clear_faults", "{}");
    control(w, "fault",
            "{\"bot\":10001000,\"kind\":\"%s\",\"times\":0,\"every\":1,\"seed\":0,"
            "\"latency\":0,\"retcode\":0,\"message\":\"\",\"drop\":false,\"interval\":1100}",
            kind);
}

static void risk_control(void **state)
{
    struct world *w = *state;
    fault(w, "restricted");
    say(w, TEXT("x"));
    assert_int_equal(w->reply.retcode, 46);
    ask(w, BOT, "get_login_info", "{}"); /* it is about messages */
    fault(w, "unavailable");
    whisper(w, TEXT("x"));
    assert_int_equal(w->reply.retcode, 32);
    fault(w, "too_fast");
    control(w, "clock", "{\"stop\":true}");
    say(w, TEXT("x"));
    assert_int_equal(w->reply.retcode, 0);
    whisper(w, TEXT("x")); /* another conversation */
    assert_int_equal(w->reply.retcode, 0);
    wait_seconds(w, 1);
    say(w, TEXT("x"));
    assert_int_equal(w->reply.retcode, 241);
    wait_seconds(w, 1);
    say(w, TEXT("x"));
    assert_int_equal(w->reply.retcode, 0);
    control(w, "clock", "{\"reset\":true}");
}

/* The operation that shows them, and one line of the log for a thousand of a kind. */
static void shown(void **state)
{
    struct world *w = *state;
    logged[0] = '\0';
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, keep_log);
    say_repeated(w, "", 1000, "{\"type\":\"face\",\"data\":{\"face_id\":\"x\"}}", ",",
                 "," TEXT("x"));
    assert_non_null(strstr(logged, "bot 10001000, send_group_message"));
    assert_non_null(strstr(logged, "message[0]"));
    mk_log_setup(MK_LOG_ERROR, MK_LOG_TEXT, NULL);
    react(w, "abc", "emoji");
    control(w, "limits", "{}");
    assert_string_equal(str(w, "/strictness"), "strict");
    assert_string_equal(str(w, "/limits/0/limit"), "face_unknown_id");
    assert_int_equal(num(w, "/limits/0/dropped"), 1000);
    assert_string_equal(str(w, "/limits/1/limit"), "reaction_form");
    assert_int_equal(num(w, "/limits/1/refused"), 1);
    assert_int_equal(yyjson_arr_size(at(w, "/last")), 32);
    assert_string_equal(str(w, "/last/0/outcome"), "refused");
    assert_int_equal(num(w, "/last/0/user_id"), BOT2);
    assert_string_equal(str(w, "/last/1/path"), "message[999]");
    assert_string_equal(str(w, "/last/1/action"), "send_group_message");
}

#define IN_WORLD(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {

        IN_WORLD(forms_of_reactions),
        IN_WORLD(what_is_dropped),
        IN_WORLD(mention_of_a_stranger),
        IN_WORLD(times),
        IN_WORLD(hidden),
        IN_WORLD(risk_control),
        IN_WORLD(shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
