/* A bot's profile and conversations: names, likes, cookies, pins, read marks. */
#include "sandbox_world.h"

#include "backend/sandbox/model/uid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(text) "[{\"type\":\"text\",\"data\":{\"text\":\"" text "\"}}]"

/* --- nickname and signature --- */

static void nickname(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "set_nickname", "{\"new_nickname\":\"新名字 🐮\"}");
    assert_null(at(w, "/x"));
    assert_int_equal(w->host.event_count, 0);
    ask(w, BOT, "get_login_info", "{}");
    assert_string_equal(str(w, "/nickname"), "新名字 🐮");
    ask(w, BOT2, "get_user_profile", "{\"user_id\":10001000}");
    assert_string_equal(str(w, "/nickname"), "新名字 🐮");
    ask(w, MING, "get_friend_info", "{\"user_id\":10001000,\"no_cache\":false}");
    assert_string_equal(str(w, "/friend/nickname"), "新名字 🐮");
    ask(w, BOT2, "get_group_member_info",
        "{\"group_id\":700000001,\"user_id\":10001000,\"no_cache\":false}");
    assert_string_equal(str(w, "/member/nickname"), "新名字 🐮");
    ask(w, BOT2, "get_login_info", "{}");
    assert_string_equal(str(w, "/nickname"), "Milky 10002000"); /* not that of another account */
}

static void bio(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "set_bio", "{\"new_bio\":\"第一行\\n第二行\"}");
    ask(w, BOT2, "get_user_profile", "{\"user_id\":10001000}");
    assert_string_equal(str(w, "/bio"), "第一行\n第二行");
    ask(w, BOT, "set_bio", "{\"new_bio\":\"\"}");
    ask(w, BOT2, "get_user_profile", "{\"user_id\":10001000}");
    assert_string_equal(str(w, "/bio"), "");
}

/* The longest is accepted, one more is not; `filler` takes no more than three bytes. */
static void check_length(struct world *w, const char *action, const char *field, size_t most)
{
    char text[4096] = "";
    for (size_t i = 0; i < most; i++)
        strcat(text, "名");
    ask(w, BOT, action, "{\"%s\":\"%s\"}", field, text);
    refused(w, BOT, SB_BAD_TEXT, "is too long", action, "{\"%s\":\"%s!\"}", field, text);
}

static void bad_texts(void **state)
{
    struct world *w = *state;
    check_length(w, "set_nickname", "new_nickname", 36);
    refused(w, BOT, SB_BAD_TEXT, "new_nickname must not be empty", "set_nickname",
            "{\"new_nickname\":\"\"}");
    refused(w, BOT, SB_BAD_TEXT, "must not be empty", "set_nickname", "{\"new_nickname\":\"   \"}");
    static const char *const controls[] = { "\\n", "\\t", "\\u0000", "\\u007f", "\\u0085" };
    for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
        refused(w, BOT, SB_BAD_TEXT, "control characters", "set_nickname",
                "{\"new_nickname\":\"a%sb\"}", controls[i]);
    ask(w, BOT, "set_nickname", "{\"new_nickname\":\"a\\u00a0b\"}"); /* C2 A0 is none */
    refused(w, BOT, SB_BAD_TEXT, "control characters", "set_bio", "{\"new_bio\":\"a\\u0000b\"}");
    refused(w, 10009999, SB_NO_USER, "no user 10009999", "set_nickname",
            "{\"new_nickname\":\"x\"}");
}

/* --- likes --- */

static uint64_t number_in(struct world *w, const char *sql)
{
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_prepare_v2(world_db(w)->handle, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    uint64_t number = sb_db_uint(row, 0);
    sqlite3_finalize(row);
    return number;
}

static void likes(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "send_profile_like", "{\"user_id\":10003001,\"count\":9}");
    refused(w, BOT, SB_TOO_MUCH, "9 of them have been given", "send_profile_like",
            "{\"user_id\":10003001,\"count\":2}");
    ask(w, BOT, "send_profile_like", "{\"user_id\":10003001,\"count\":1}");
    refused(w, BOT, SB_TOO_MUCH, "at most 10 likes a day", "send_profile_like",
            "{\"user_id\":10003001,\"count\":1}");
    /* Each pair of accounts has its own ten. */
    ask(w, BOT2, "send_profile_like", "{\"user_id\":10003001,\"count\":10}");
    ask(w, BOT, "send_profile_like", "{\"user_id\":10003002,\"count\":10}");
    assert_int_equal(number_in(w, "SELECT sum(total) FROM profile_like WHERE uin = 10003001"), 20);
    assert_int_equal(w->host.event_count, 0);
}

static void likes_refused(void **state)
{
    struct world *w = *state;
    refused(w, BOT, SB_TOO_MUCH, "at most 10", "send_profile_like",
            "{\"user_id\":10003001,\"count\":11}");
    refused(w, BOT, SB_TOO_MUCH, "at most 10", "send_profile_like",
            "{\"user_id\":10003001,\"count\":9007199254740991}");
    refused(w, BOT, SB_NO_FRIEND, "10009999 is not a friend", "send_profile_like",
            "{\"user_id\":10009999,\"count\":1}");
    refused(w, BOT, SB_NO_FRIEND, "10001000 is not a friend", "send_profile_like",
            "{\"user_id\":10001000,\"count\":1}");
}

/* A new day begins at midnight in China. */
static void likes_of_another_day(void **state)
{
    struct world *w = *state;
    struct sb_clock clock = { .stopped_at = 1750003199 }; /* 2025-06-15 23:59:59 +0800 */
    assert_int_equal(sb_clock_set(world_db(w), &clock), 0);
    ask(w, BOT, "send_profile_like", "{\"user_id\":10003001,\"count\":10}");
    refused(w, BOT, SB_TOO_MUCH, "10 of them", "send_profile_like",
            "{\"user_id\":10003001,\"count\":1}");
    clock.stopped_at++;
    assert_int_equal(sb_clock_set(world_db(w), &clock), 0);
    ask(w, BOT, "send_profile_like", "{\"user_id\":10003001,\"count\":4}");
    refused(w, BOT, SB_TOO_MUCH, "4 of them", "send_profile_like",
            "{\"user_id\":10003001,\"count\":7}");
    assert_int_equal(number_in(w, "SELECT total FROM profile_like"), 14);
    clock.stopped_at = 0;
    assert_int_equal(sb_clock_set(world_db(w), &clock), 0);
}

/* --- cookies --- */

static char *cookies_of(struct world *w, uint64_t bot, const char *domain)
{
    ask(w, bot, "get_cookies", "{\"domain\":\"%s\"}", domain);
    char *copy = strdup(str(w, "/cookies"));
    assert_non_null(copy);
    return copy;
}

/* The value of `name` in a list of cookies. */
static void cookie(const char *cookies, const char *name, char out[64])
{
    const char *at = strstr(cookies, name);
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(name), "=%63[^;]", out), 1);
}

static void cookies(void **state)
{
    struct world *w = *state;
    char *qun = cookies_of(w, BOT, "qun.qq.com"), *qzone = cookies_of(w, BOT, "qzone.qq.com");
    char *again = cookies_of(w, BOT, ".QUN.qq.com"), *other = cookies_of(w, BOT2, "qun.qq.com");
    char uin[64], skey[64], other_skey[64];
    cookie(qun, "uin", uin);
    assert_string_equal(uin, "o0010001000");
    cookie(qun, "; skey", skey);
    assert_int_equal(skey[0], '@');
    assert_int_equal(strlen(skey), 10);
    assert_int_equal(strlen(strstr(qun, "p_skey=")), 7 + 44);
    assert_string_equal(qun, again);
    assert_string_not_equal(strstr(qun, "p_skey"), strstr(qzone, "p_skey")); /* per domain */
    cookie(qzone, "; skey", other_skey);
    assert_string_equal(skey, other_skey); /* per account */
    cookie(other, "; skey", other_skey);
    assert_string_not_equal(skey, other_skey);
    free(qzone);
    free(again);
    free(other);
    world_stop(w);
    assert_int_equal(world_start(w), 0);
    again = cookies_of(w, BOT, "qun.qq.com");
    assert_string_equal(qun, again); /* per world */
    free(again);
    free(qun);
}

/* The formula of spec/README.md, with 64-bit numbers. */
static void csrf_token(void **state)
{
    struct world *w = *state;
    char *list = cookies_of(w, BOT, "qun.qq.com"), skey[64], expected[32];
    cookie(list, "; skey", skey);
    free(list);
    uint64_t bkn = 5381;
    for (const char *c = skey; *c; c++)
        bkn = (bkn + (bkn << 5) + (uint64_t)*c) & 0x7fffffff;
    snprintf(expected, sizeof(expected), "%llu", (unsigned long long)bkn);
    ask(w, BOT, "get_csrf_token", "{}");
    assert_string_equal(str(w, "/csrf_token"), expected);
}

static void bad_domains(void **state)
{
    struct world *w = *state;
    char longest[300];
    memset(longest, 'a', 254);
    longest[254] = '\0';
    const char *const domains[] = { "",     ".",        "qq..com",  "qq.com.", "a b",
                                    "qq/m", "qq.com;x", "域名.com", longest };
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
        refused(w, BOT, SB_BAD_TEXT, "must be a host name", "get_cookies", "{\"domain\":\"%s\"}",
                domains[i]);
    free(cookies_of(w, BOT, longest + 1));
}

/* --- pins --- */

static void pins(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "get_peer_pins", "{}");
    assert_json(at(w, ""), "{\"friends\":[],\"groups\":[]}");
    ask(w, BOT, "set_peer_pin",
        "{\"message_scene\":\"friend\",\"peer_id\":10003002,\"is_pinned\":true}");
    ask(w, BOT, "set_peer_pin",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"is_pinned\":true}");
    assert_int_equal(w->host.event_count, 2);
    assert_int_equal(w->host.events[0].self_id, BOT);
    assert_string_equal(w->host.events[0].type, "peer_pin_change");
    assert_json(event_at(w, 0, ""),
                "{\"message_scene\":\"friend\",\"peer_id\":10003002,\"is_pinned\":true}");
    assert_json(event_at(w, 1, ""),
                "{\"message_scene\":\"group\",\"peer_id\":700000001,\"is_pinned\":true}");
    /* Setting the same again changes nothing and makes no event. */
    ask(w, BOT, "set_peer_pin",
        "{\"message_scene\":\"friend\",\"peer_id\":10003002,\"is_pinned\":true}");
    ask(w, BOT, "set_peer_pin",
        "{\"message_scene\":\"friend\",\"peer_id\":10003001,\"is_pinned\":false}");
    assert_int_equal(w->host.event_count, 2);
    ask(w, BOT, "get_peer_pins", "{}");
    assert_int_equal(yyjson_arr_size(at(w, "/friends")), 1);
    assert_string_equal(str(w, "/friends/0/nickname"), "小红");
    assert_string_equal(str(w, "/friends/0/category/category_name"), "我的好友");
    assert_int_equal(yyjson_arr_size(at(w, "/groups")), 1);
    assert_int_equal(num(w, "/groups/0/member_count"), 7);
    ask(w, BOT2, "get_peer_pins", "{}");
    assert_json(at(w, ""), "{\"friends\":[],\"groups\":[]}");
    ask(w, BOT, "set_peer_pin",
        "{\"message_scene\":\"friend\",\"peer_id\":10003002,\"is_pinned\":false}");
    assert_json(event_at(w, 2, ""),
                "{\"message_scene\":\"friend\",\"peer_id\":10003002,\"is_pinned\":false}");
    ask(w, BOT, "get_peer_pins", "{}");
    assert_int_equal(yyjson_arr_size(at(w, "/friends")), 0);
}

static void pins_refused(void **state)
{
    struct world *w = *state;
    refused(w, BOT, SB_NO_FRIEND, "10009999 is not a friend", "set_peer_pin",
            "{\"message_scene\":\"friend\",\"peer_id\":10009999,\"is_pinned\":true}");
    refused(w, BOT, SB_NO_GROUP, "not in a group 700000002", "set_peer_pin",
            "{\"message_scene\":\"group\",\"peer_id\":700000002,\"is_pinned\":false}");
    refused(w, BOT, SB_NO_USER, "no temporary session with 10003001", "set_peer_pin",
            "{\"message_scene\":\"temp\",\"peer_id\":10003001,\"is_pinned\":true}");
}

/* A pin is removed with its friendship or membership, and does not come back. */
static void pins_go(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "set_peer_pin",
        "{\"message_scene\":\"friend\",\"peer_id\":10002000,\"is_pinned\":true}");
    ask(w, BOT2, "set_peer_pin",
        "{\"message_scene\":\"friend\",\"peer_id\":10001000,\"is_pinned\":true}");
    ask(w, BOT2, "set_peer_pin",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"is_pinned\":true}");
    ask(w, BOT, "delete_friend", "{\"user_id\":10002000}");
    assert_int_equal(number_in(w, "SELECT count(*) FROM pin WHERE scene = 0"), 0);
    world_sql(w, "DELETE FROM member WHERE uin = 10002000");
    assert_int_equal(number_in(w, "SELECT count(*) FROM pin"), 0);
}

/* --- read marks --- */

static uint64_t mark_of(struct world *w, uint64_t owner)
{
    char sql[128];
    snprintf(sql, sizeof(sql), "SELECT coalesce(max(seq), 0) FROM read_mark WHERE owner = %llu",
             (unsigned long long)owner);
    return number_in(w, sql);
}

static void read_marks(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 3; i++)
        ask(w, BOT2, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", TEXT("x"));
    ask(w, BOT2, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":3}");
    size_t events = w->host.event_count;
    ask(w, BOT, "mark_message_as_read",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":2}");
    assert_int_equal(mark_of(w, BOT), 2);
    ask(w, BOT, "mark_message_as_read",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":1}");
    assert_int_equal(mark_of(w, BOT), 2); /* nothing becomes unread again */
    ask(w, BOT, "mark_message_as_read",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":3}");
    assert_int_equal(mark_of(w, BOT), 3); /* recalled, but it existed */
    assert_int_equal(mark_of(w, BOT2), 0);
    assert_int_equal(w->host.event_count, events);
    ask(w, MING, "send_private_message", "{\"user_id\":10001000,\"message\":%s}", TEXT("y"));
    ask(w, BOT, "mark_message_as_read",
        "{\"message_scene\":\"friend\",\"peer_id\":10003001,\"message_seq\":1}");
    assert_int_equal(number_in(w, "SELECT count(*) FROM read_mark WHERE owner = 10001000"), 2);
}

static void read_marks_refused(void **state)
{
    struct world *w = *state;
    ask(w, BOT2, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", TEXT("x"));
    static const char *const nothing[] = { "0", "2", "4294967297" };
    for (size_t i = 0; i < 3; i++)
        refused(w, BOT, SB_NO_MESSAGE, "there is no message", "mark_message_as_read",
                "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":%s}",
                nothing[i]);
    refused(w, BOT, SB_NO_MESSAGE, "there is no message 1", "mark_message_as_read",
            "{\"message_scene\":\"friend\",\"peer_id\":10003001,\"message_seq\":1}");
    refused(w, BOT, SB_NO_MESSAGE, "there is no message 1", "mark_message_as_read",
            "{\"message_scene\":\"temp\",\"peer_id\":10003001,\"message_seq\":1}");
    refused(w, BOT, SB_NO_GROUP, "700000002", "mark_message_as_read",
            "{\"message_scene\":\"group\",\"peer_id\":700000002,\"message_seq\":1}");
    refused(w, BOT, SB_NO_FRIEND, "10009999", "mark_message_as_read",
            "{\"message_scene\":\"friend\",\"peer_id\":10009999,\"message_seq\":1}");
}

/* --- memory --- */

static void memory_runs_out(void **state)
{
    struct world *w = *state;
    ask(w, BOT2, "send_group_message", "{\"group_id\":700000001,\"message\":%s}", TEXT("x"));
    static const char *const calls[][2] = {
        { "get_cookies", "{\"domain\":\"qq.com\"}" },
        { "get_csrf_token", "{}" },
        { "set_peer_pin",
          "{\"message_scene\":\"group\",\"peer_id\":700000001,\"is_pinned\":true}" },
        { "set_peer_pin",
          "{\"message_scene\":\"friend\",\"peer_id\":10003001,\"is_pinned\":true}" },
        { "get_peer_pins", "{}" },
        { "mark_message_as_read",
          "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":1}" },
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        ask_with_little_memory(w, BOT, calls[i][0], calls[i][1]);
}

/* --- uids --- */

static void uids(void **state)
{
    (void)state;
    static const uint64_t uins[] = { 10001, 10001000, 10001001, 2147483648, 4294967295 };
    char uid[SB_UID_LEN + 1], before[SB_UID_LEN + 1] = "";
    for (size_t i = 0; i < sizeof(uins) / sizeof(uins[0]); i++) {
        uint64_t read = 0;
        sb_uid_write(uins[i], uid);
        assert_int_equal(strlen(uid), SB_UID_LEN);
        assert_memory_equal(uid, "u_", 2);
        assert_string_not_equal(uid, before);
        assert_true(sb_uid_read(mk_slice_str(uid), &read));
        assert_int_equal(read, uins[i]);
        strcpy(before, uid);
    }
    /* With any letter changed it belongs to no account. */
    for (size_t i = 0; i < SB_UID_LEN; i++) {
        uint64_t read;
        strcpy(before, uid);
        before[i] = before[i] == 'A' ? 'B' : 'A';
        assert_false(sb_uid_read(mk_slice_str(before), &read));
        before[i] = '\0';
        assert_false(sb_uid_read(mk_slice_of(before, SB_UID_LEN), &read));
        assert_false(sb_uid_read(mk_slice_of(uid, i), &read));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nickname),
        TEST(bio),
        TEST(bad_texts),
        TEST(likes),
        TEST(likes_refused),
        TEST(likes_of_another_day),
        cmocka_unit_test_setup_teardown(cookies, world_setup_file, world_teardown),
        TEST(csrf_token),
        TEST(bad_domains),
        TEST(pins),
        TEST(pins_refused),
        TEST(pins_go),
        TEST(read_marks),
        TEST(read_marks_refused),
        TEST(memory_runs_out),
        cmocka_unit_test(uids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
