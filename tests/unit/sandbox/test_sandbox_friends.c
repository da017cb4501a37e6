/* Friendships, friend requests, nudges, and temporary sessions. */
#include "sandbox_world.h"

#include "backend/sandbox/api/friend_request.h"
#include "backend/sandbox/api/send.h"
#include "backend/sandbox/model/uid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(text) "[{\"type\":\"text\",\"data\":{\"text\":\"" text "\"}}]"

enum { STRANGER = 10004001, STRANGER2 = 10004002 };

static int setup(void **state)
{
    int rc = world_setup(state);
    if (rc == 0)
        world_sql(*state, "INSERT INTO person (uin, nickname) VALUES (10004001, '路人'),"
                          " (10004002, '路人乙')");
    return rc;
}

/* --- nudges --- */

static void nudged(struct world *w, size_t i, uint64_t bot, const char *data)
{
    assert_int_equal(w->host.events[i].self_id, bot);
    assert_string_equal(w->host.events[i].type, "friend_nudge");
    assert_json(event_at(w, i, ""), data);
}

#define NUDGE(user, send, receive)                                                                 \
    "{\"user_id\":" user ",\"is_self_send\":" send ",\"is_self_receive\":" receive                 \
    ",\"display_action\":\"戳了戳\",\"display_suffix\":\"\",\"display_action_img_url\":\"\"}"

/* Both bots get the event, each from its own point of view. */
static void nudges(void **state)
{
    struct world *w = *state;
    uint64_t before = world_print(w);
    ask(w, BOT, "send_friend_nudge", "{\"user_id\":10002000,\"is_self\":false}");
    assert_int_equal(w->host.event_count, 2);
    nudged(w, 0, BOT, NUDGE("10002000", "true", "false"));
    nudged(w, 1, BOT2, NUDGE("10001000", "false", "true"));
    ask(w, BOT, "send_friend_nudge", "{\"user_id\":10002000,\"is_self\":true}");
    nudged(w, 2, BOT, NUDGE("10002000", "true", "true"));
    nudged(w, 3, BOT2, NUDGE("10001000", "false", "false"));
    /* A person nudges a bot: only the bot gets an event. */
    ask(w, MING, "send_friend_nudge", "{\"user_id\":10001000,\"is_self\":false}");
    assert_int_equal(w->host.event_count, 5);
    nudged(w, 4, BOT, NUDGE("10003001", "false", "true"));
    assert_true(world_print(w) == before);
    refused(w, BOT, SB_NO_FRIEND, "10004001 is not a friend", "send_friend_nudge",
            "{\"user_id\":10004001,\"is_self\":false}");
    refused(w, BOT, SB_NO_FRIEND, "10001000 is not a friend", "send_friend_nudge",
            "{\"user_id\":10001000,\"is_self\":true}");
}

/* --- the end of a friendship --- */

static void delete_friend(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "send_private_message", "{\"user_id\":10003001,\"message\":%s}", TEXT("x"));
    ask(w, BOT, "delete_friend", "{\"user_id\":10003001}");
    assert_int_equal(w->host.event_count, 0);
    refused(w, BOT, SB_NO_FRIEND, "10003001", "get_friend_info",
            "{\"user_id\":10003001,\"no_cache\":false}");
    refused(w, MING, SB_NO_FRIEND, "10001000", "get_friend_info",
            "{\"user_id\":10001000,\"no_cache\":false}");
    ask(w, BOT, "get_friend_list", "{\"no_cache\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/friends")), 5);
    refused(w, MING, SB_NO_FRIEND, "is not a friend", "send_private_message",
            "{\"user_id\":10001000,\"message\":%s}", TEXT("x"));
    refused(w, BOT, SB_NO_FRIEND, "10003001", "delete_friend", "{\"user_id\":10003001}");
    refused(w, BOT, SB_NO_FRIEND, "10009999", "delete_friend", "{\"user_id\":10009999}");
    ask(w, BOT2, "get_friend_info", "{\"user_id\":10003001,\"no_cache\":false}"); /* not others' */
}

/* --- requests --- */

struct wish {
    uint64_t actor;
    struct sb_friend_wish wish;
};

static int run_wish(struct sb_request *request, const void *context)
{
    const struct wish *wish = context;
    return sb_friend_request_send(request, wish->actor, &wish->wish);
}

static struct wish wish_of(uint64_t actor, uint64_t target, bool is_filtered)
{
    return (struct wish){ actor,
                          { .target = target,
                            .comment = mk_slice_str("我是路人"),
                            .via = mk_slice_str("QQ号查找"),
                            .is_filtered = is_filtered } };
}

static void request_friend(struct world *w, uint64_t actor, uint64_t target, bool is_filtered)
{
    struct wish wish = wish_of(actor, target, is_filtered);
    act(w, run_wish, &wish);
}

static const char *uid_of(uint64_t uin)
{
    static char uid[SB_UID_LEN + 1];
    sb_uid_write(uin, uid);
    return uid;
}

/* "pending" ... of the bot's i-th request. */
static const char *state_of(struct world *w, uint64_t bot, bool is_filtered, int i)
{
    char pointer[64];
    snprintf(pointer, sizeof(pointer), "/requests/%d/state", i);
    ask(w, bot, "get_friend_requests", "{\"limit\":20,\"is_filtered\":%s}",
        is_filtered ? "true" : "false");
    return str(w, pointer);
}

static void requested(void **state)
{
    struct world *w = *state;
    struct sb_clock clock = { .stopped_at = 1750000000 };
    assert_int_equal(sb_clock_set(world_db(w), &clock), 0);
    char expected[512];
    request_friend(w, STRANGER, BOT, false);
    assert_int_equal(w->host.event_count, 1);
    assert_int_equal(w->host.events[0].self_id, BOT);
    assert_int_equal(w->host.events[0].time, 1750000000);
    assert_string_equal(w->host.events[0].type, "friend_request");
    snprintf(expected, sizeof(expected),
             "{\"initiator_id\":10004001,\"initiator_uid\":\"%s\",\"comment\":\"我是路人\","
             "\"via\":\"QQ号查找\"}",
             uid_of(STRANGER));
    assert_json(event_at(w, 0, ""), expected);
    ask(w, BOT, "get_friend_requests", "{\"limit\":20,\"is_filtered\":false}");
    char target[SB_UID_LEN + 1];
    sb_uid_write(BOT, target);
    snprintf(expected, sizeof(expected),
             "[{\"time\":1750000000,\"initiator_id\":10004001,\"initiator_uid\":\"%s\","
             "\"target_user_id\":10001000,\"target_user_uid\":\"%s\",\"state\":\"pending\","
             "\"comment\":\"我是路人\",\"via\":\"QQ号查找\",\"is_filtered\":false}]",
             uid_of(STRANGER), target);
    assert_json(at(w, "/requests"), expected);
    ask(w, BOT2, "get_friend_requests", "{\"limit\":20,\"is_filtered\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/requests")), 0);
    clock.stopped_at = 0;
    assert_int_equal(sb_clock_set(world_db(w), &clock), 0);
}

static void requests_in_order(void **state)
{
    struct world *w = *state;
    request_friend(w, STRANGER, BOT, false);
    request_friend(w, STRANGER2, BOT, false);
    ask(w, BOT, "get_friend_requests", "{\"limit\":1,\"is_filtered\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/requests")), 1);
    assert_int_equal(num(w, "/requests/0/initiator_id"), STRANGER2);
    request_friend(w, STRANGER, BOT, false); /* asked again: one request still, now the newest */
    assert_int_equal(w->host.event_count, 3);
    ask(w, BOT, "get_friend_requests", "{\"limit\":9007199254740991,\"is_filtered\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/requests")), 2);
    assert_int_equal(num(w, "/requests/0/initiator_id"), STRANGER);
    ask(w, BOT, "get_friend_requests", "{\"limit\":0,\"is_filtered\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/requests")), 2); /* 0: the default */
}

static void accepted(void **state)
{
    struct world *w = *state;
    request_friend(w, STRANGER, BOT, false);
    ask(w, BOT, "accept_friend_request", "{\"initiator_uid\":\"%s\",\"is_filtered\":false}",
        uid_of(STRANGER));
    assert_string_equal(state_of(w, BOT, false, 0), "accepted");
    ask(w, BOT, "get_friend_info", "{\"user_id\":10004001,\"no_cache\":false}");
    assert_string_equal(str(w, "/friend/category/category_name"), "我的好友");
    ask(w, STRANGER, "get_friend_info", "{\"user_id\":10001000,\"no_cache\":false}");
    ask(w, BOT, "send_private_message", "{\"user_id\":10004001,\"message\":%s}", TEXT("hi"));
    refused(w, BOT, SB_NO_REQUEST, "has been accepted already", "accept_friend_request",
            "{\"initiator_uid\":\"%s\",\"is_filtered\":false}", uid_of(STRANGER));
    refused(w, BOT, SB_NO_REQUEST, "has been accepted already", "reject_friend_request",
            "{\"initiator_uid\":\"%s\",\"is_filtered\":false}", uid_of(STRANGER));
    struct wish again = wish_of(STRANGER, BOT, false);
    act_refused(w, SB_ALREADY, "are friends already", run_wish, &again);
    /* The friendship has ended: everything begins again. */
    ask(w, STRANGER, "delete_friend", "{\"user_id\":10001000}");
    request_friend(w, STRANGER, BOT, false);
    assert_string_equal(state_of(w, BOT, false, 0), "pending");
}

/* Two who have requested each other become friends with one answer. */
static void accepted_both_ways(void **state)
{
    struct world *w = *state;
    request_friend(w, STRANGER, BOT, false);
    request_friend(w, BOT, STRANGER, false);
    assert_int_equal(w->host.event_count, 1); /* people get no events */
    ask(w, STRANGER, "accept_friend_request", "{\"initiator_uid\":\"%s\",\"is_filtered\":false}",
        uid_of(BOT));
    assert_string_equal(state_of(w, BOT, false, 0), "accepted");
    ask(w, BOT, "get_friend_info", "{\"user_id\":10004001,\"no_cache\":false}");
}

static void rejected(void **state)
{
    struct world *w = *state;
    request_friend(w, STRANGER, BOT, false);
    ask(w, BOT, "reject_friend_request",
        "{\"initiator_uid\":\"%s\",\"is_filtered\":false,\"reason\":\"不认识\"}", uid_of(STRANGER));
    assert_string_equal(state_of(w, BOT, false, 0), "rejected");
    refused(w, BOT, SB_NO_FRIEND, "10004001", "get_friend_info",
            "{\"user_id\":10004001,\"no_cache\":false}");
    refused(w, BOT, SB_NO_REQUEST, "has been rejected already", "accept_friend_request",
            "{\"initiator_uid\":\"%s\",\"is_filtered\":false}", uid_of(STRANGER));
    request_friend(w, STRANGER, BOT, false); /* another request is allowed */
    ask(w, BOT, "accept_friend_request", "{\"initiator_uid\":\"%s\",\"is_filtered\":false}",
        uid_of(STRANGER));
}

static int run_ignore(struct sb_request *request, const void *context)
{
    (void)context;
    return sb_friend_request_answer(request, BOT, STRANGER, false, SB_IGNORED, mk_slice_str(""));
}

static void ignored(void **state)
{
    struct world *w = *state;
    request_friend(w, STRANGER, BOT, false);
    act(w, run_ignore, NULL);
    assert_string_equal(state_of(w, BOT, false, 0), "ignored");
    act_refused(w, SB_NO_REQUEST, "has been ignored already", run_ignore, NULL);
}

/* Filtered requests make no event and are a list of their own. */
static void filtered(void **state)
{
    struct world *w = *state;
    request_friend(w, STRANGER, BOT, true);
    assert_int_equal(w->host.event_count, 0);
    ask(w, BOT, "get_friend_requests", "{\"limit\":20,\"is_filtered\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/requests")), 0);
    assert_string_equal(state_of(w, BOT, true, 0), "pending");
    assert_true(yyjson_is_true(at(w, "/requests/0/is_filtered")));
    refused(w, BOT, SB_NO_REQUEST, "no friend request of 10004001", "accept_friend_request",
            "{\"initiator_uid\":\"%s\",\"is_filtered\":false}", uid_of(STRANGER));
    ask(w, BOT, "accept_friend_request", "{\"initiator_uid\":\"%s\",\"is_filtered\":true}",
        uid_of(STRANGER));
    assert_string_equal(state_of(w, BOT, true, 0), "accepted");
    ask(w, BOT, "get_friend_info", "{\"user_id\":10004001,\"no_cache\":false}");
}

static void requests_refused(void **state)
{
    struct world *w = *state;
    char longest[512] = "";
    for (int i = 0; i <= SB_REQUEST_TEXT_MAX_CHARS; i++)
        strcat(longest, "啊");
    struct wish wish = wish_of(STRANGER, 10009999, false);
    act_refused(w, SB_NO_USER, "no user 10009999", run_wish, &wish);
    wish = wish_of(10009999, BOT, false);
    act_refused(w, SB_NO_USER, "no user 10009999", run_wish, &wish);
    wish = wish_of(BOT, BOT, false);
    act_refused(w, MILKY_MALFORMED, "friend of oneself", run_wish, &wish);
    wish = wish_of(MING, BOT, false);
    act_refused(w, SB_ALREADY, "are friends already", run_wish, &wish);
    wish = wish_of(STRANGER, BOT, false);
    wish.wish.comment = mk_slice_str(longest);
    act_refused(w, SB_BAD_TEXT, "comment is too long", run_wish, &wish);
    wish = wish_of(STRANGER, BOT, false);
    wish.wish.via = mk_slice_str("a\nb");
    act_refused(w, SB_BAD_TEXT, "via must not have control", run_wish, &wish);

    refused(w, BOT, SB_NO_REQUEST, "no friend request of 10004001", "accept_friend_request",
            "{\"initiator_uid\":\"%s\",\"is_filtered\":false}", uid_of(STRANGER));
    static const char *const uids[] = { "", "u_", "10004001", "u_AAAAAAAAAAAAAAAAAAAAAA" };
    for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++)
        refused(w, BOT, SB_NO_REQUEST, "no one has this initiator_uid", "reject_friend_request",
                "{\"initiator_uid\":\"%s\",\"is_filtered\":false}", uids[i]);
    request_friend(w, STRANGER, BOT, false);
    fake_host_forget(&w->host);
    refused(w, BOT, SB_BAD_TEXT, "reason is too long", "reject_friend_request",
            "{\"initiator_uid\":\"%s\",\"is_filtered\":false,\"reason\":\"%s\"}", uid_of(STRANGER),
            longest);
    refused(w, BOT2, SB_NO_REQUEST, "no friend request", "accept_friend_request",
            "{\"initiator_uid\":\"%s\",\"is_filtered\":false}", uid_of(STRANGER));
}

static void memory_runs_out(void **state)
{
    struct world *w = *state;
    request_friend(w, STRANGER, BOT, false);
    ask_with_little_memory(w, BOT, "get_friend_requests", "{\"limit\":20,\"is_filtered\":false}");
    ask_with_little_memory(w, BOT, "send_friend_nudge", "{\"user_id\":10002000,\"is_self\":false}");
}

/* --- temporary sessions --- */

struct saying {
    uint64_t sender, user, group;
    const char *message;
};

static int run_saying(struct sb_request *request, const void *context)
{
    const struct saying *saying = context;
    yyjson_doc *doc = yyjson_read(saying->message, strlen(saying->message), 0);
    yyjson_mut_val *message = yyjson_val_mut_copy(request->doc, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    assert_non_null(message);
    return sb_send_temp(request, saying->sender, saying->user, saying->group, message);
}

static void say_temp(struct world *w, uint64_t sender, uint64_t user, const char *message)
{
    struct saying saying = { sender, user, GROUP, message };
    act(w, run_saying, &saying);
}

static void strangers_join(struct world *w)
{
    world_sql(w, "INSERT INTO member (group_id, uin, join_time) VALUES (700000001, 10004001, 1),"
                 " (700000001, 10004002, 1)");
}

static void temp_session(void **state)
{
    struct world *w = *state;
    strangers_join(w);
    say_temp(w, STRANGER, BOT, TEXT("你好"));
    assert_int_equal(w->host.event_count, 1);
    assert_int_equal(w->host.events[0].self_id, BOT);
    assert_string_equal(w->host.events[0].type, "message_receive");
    assert_string_equal(event_str(w, 0, "/message_scene"), "temp");
    assert_int_equal(event_num(w, 0, "/peer_id"), STRANGER);
    assert_int_equal(event_num(w, 0, "/sender_id"), STRANGER);
    assert_int_equal(event_num(w, 0, "/message_seq"), 1);
    assert_int_equal(event_num(w, 0, "/group/group_id"), GROUP);
    assert_json(event_at(w, 0, "/segments"), TEXT("你好"));
    assert_int_equal(yyjson_obj_size(event_at(w, 0, "")), 7);
    ask(w, BOT, "get_message",
        "{\"message_scene\":\"temp\",\"peer_id\":10004001,\"message_seq\":1}");
    char *event = yyjson_val_write(event_at(w, 0, ""), 0, NULL);
    assert_json(at(w, "/message"), event);
    free(event);

    /* Replies, both sides, and separate from the messages of friends. */
    say_temp(w, BOT, STRANGER,
             "[{\"type\":\"reply\",\"data\":{\"message_seq\":1}},"
             "{\"type\":\"text\",\"data\":{\"text\":\"在\"}}]");
    assert_int_equal(w->host.event_count, 1);
    ask(w, BOT, "get_history_messages",
        "{\"message_scene\":\"temp\",\"peer_id\":10004001,\"limit\":20}");
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), 2);
    assert_string_equal(str(w, "/messages/1/segments/0/data/sender_name"), "路人");
    assert_int_equal(num(w, "/messages/1/sender_id"), BOT);
    assert_int_equal(num(w, "/messages/0/group/group_id"), GROUP);
    ask(w, STRANGER, "get_history_messages",
        "{\"message_scene\":\"temp\",\"peer_id\":10001000,\"limit\":20}");
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), 2);
    assert_int_equal(num(w, "/messages/0/peer_id"), BOT);
    ask(w, BOT, "mark_message_as_read",
        "{\"message_scene\":\"temp\",\"peer_id\":10004001,\"message_seq\":2}");
    ask(w, BOT, "set_peer_pin",
        "{\"message_scene\":\"temp\",\"peer_id\":10004001,\"is_pinned\":true}");
    ask(w, BOT2, "get_history_messages",
        "{\"message_scene\":\"temp\",\"peer_id\":10004001,\"limit\":20}");
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), 0);
    refused(w, BOT2, SB_NO_FRIEND, "10004001", "send_private_message",
            "{\"user_id\":10004001,\"message\":%s}", TEXT("x"));
}

#define ANSWER "{\"user_id\":10004001,\"message\":" TEXT("ok") "}"
#define NUDGE_STRANGER "{\"user_id\":10004001,\"is_self\":false}"

/* While it is open, a stranger is answered as a friend is. */
static void temp_session_answered(void **state)
{
    struct world *w = *state;
    strangers_join(w);
    refused(w, BOT, SB_NO_FRIEND, "10004001", "send_private_message", ANSWER);
    say_temp(w, STRANGER, BOT, TEXT("hi"));
    ask(w, BOT, "send_private_message", ANSWER);
    assert_int_equal(num(w, "/message_seq"), 2);
    ask(w, BOT, "send_friend_nudge", NUDGE_STRANGER);
    ask(w, BOT, "get_message",
        "{\"message_scene\":\"friend\",\"peer_id\":10004001,\"message_seq\":2}");
    assert_string_equal(str(w, "/message/message_scene"), "temp");
    fake_host_forget(&w->host);
    ask(w, BOT, "recall_private_message", "{\"user_id\":10004001,\"message_seq\":2}");
    assert_string_equal(event_str(w, 0, "/message_scene"), "temp");
    assert_int_equal(event_num(w, 0, "/peer_id"), STRANGER);
    refused(w, BOT, SB_NO_FRIEND, "10004002", "send_private_message",
            "{\"user_id\":10004002,\"message\":%s}", TEXT("x"));
}

/* It is over with the common group, and when an operator closes it. */
static void temp_session_closed(void **state)
{
    struct world *w = *state;
    strangers_join(w);
    say_temp(w, STRANGER, BOT, TEXT("hi"));
    world_sql(w, "DELETE FROM member WHERE uin = 10004001");
    refused(w, BOT, SB_NO_FRIEND, "10004001", "send_private_message", ANSWER);
    refused(w, BOT, SB_NO_FRIEND, "10004001", "send_friend_nudge", NUDGE_STRANGER);
    refused(w, BOT, SB_NO_FRIEND, "10004001", "recall_private_message",
            "{\"user_id\":10004001,\"message_seq\":1}");
    world_sql(w, "INSERT INTO member (group_id, uin, join_time) VALUES (700000001, 10004001, 1)");
    ask(w, BOT, "send_private_message", ANSWER);
    control(w, "close_temp", "{\"as\":10004001,\"to\":10001000}");
    refused(w, BOT, SB_NO_FRIEND, "10004001", "send_private_message", ANSWER);
    control_refused(w, SB_ALREADY, "no temporary session is open", "close_temp",
                    "{\"as\":10004001,\"to\":10001000}");
    say_temp(w, STRANGER, BOT, TEXT("again"));
    ask(w, BOT, "send_private_message", ANSWER);
}

/* Both bots hear a message of their own chat, each with the other one as the peer. */
static void own_messages_between_bots(void **state)
{
    struct world *w = *state;
    w->host.own_messages = true;
    ask(w, BOT, "send_private_message", "{\"user_id\":10002000,\"message\":%s}", TEXT("x"));
    assert_int_equal(w->host.event_count, 2);
    for (size_t i = 0; i < 2; i++) {
        uint64_t peer = w->host.events[i].self_id == BOT ? BOT2 : BOT;
        assert_int_equal(event_num(w, i, "/peer_id"), peer);
        assert_int_equal(event_num(w, i, "/friend/user_id"), peer);
        assert_int_equal(event_num(w, i, "/sender_id"), BOT);
    }
}

/* A person who has left the group still sees the messages, but not the group. */
static void temp_session_without_group(void **state)
{
    struct world *w = *state;
    strangers_join(w);
    say_temp(w, STRANGER, BOT2, TEXT("1"));
    world_sql(w, "DELETE FROM member WHERE uin = 10002000");
    ask(w, BOT2, "get_message",
        "{\"message_scene\":\"temp\",\"peer_id\":10004001,\"message_seq\":1}");
    assert_null(at(w, "/message/group"));
    assert_int_equal(yyjson_obj_size(at(w, "/message")), 6);
}

/* Friends use the conversation of friends, whatever group is named. */
static void temp_of_friends(void **state)
{
    struct world *w = *state;
    say_temp(w, MING, BOT, TEXT("嗨"));
    assert_string_equal(event_str(w, 0, "/message_scene"), "friend");
    assert_int_equal(event_num(w, 0, "/friend/user_id"), MING);
}

static void temp_refused(void **state)
{
    struct world *w = *state;
    struct saying saying = { STRANGER, BOT, GROUP, TEXT("x") };
    act_refused(w, SB_NO_GROUP, "10004001 is not in a group 700000001", run_saying, &saying);
    saying = (struct saying){ MING, STRANGER, GROUP, TEXT("x") };
    act_refused(w, SB_NO_MEMBER, "10004001 is not a member", run_saying, &saying);
    strangers_join(w);
    saying = (struct saying){ STRANGER, BOT, 700000002, TEXT("x") };
    act_refused(w, SB_NO_GROUP, "700000002", run_saying, &saying);
    saying = (struct saying){ STRANGER, STRANGER, GROUP, TEXT("x") };
    act_refused(w, MILKY_MALFORMED, "one cannot talk to oneself", run_saying, &saying);
    saying = (struct saying){ STRANGER, BOT, GROUP, "[]" };
    act_refused(w, SB_BAD_MESSAGE, "empty", run_saying, &saying);
    saying = (struct saying){ STRANGER, BOT, GROUP, "[{\"type\":\"mention_all\",\"data\":{}}]" };
    act_refused(w, SB_BAD_MESSAGE,
                "the message is empty: QQ drops what was in it (mention_all_in_private)",
                run_saying, &saying);
    saying = (struct saying){ STRANGER, BOT, GROUP,
                              "[{\"type\":\"reply\",\"data\":{\"message_seq\":1}}]" };
    act_refused(w, SB_BAD_MESSAGE, "reply_to_unknown", run_saying, &saying);
    assert_int_equal(w->host.event_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nudges),
        TEST(delete_friend),
        TEST(requested),
        TEST(requests_in_order),
        TEST(accepted),
        TEST(accepted_both_ways),
        TEST(rejected),
        TEST(ignored),
        TEST(filtered),
        TEST(requests_refused),
        TEST(memory_runs_out),
        TEST(temp_session),
        TEST(temp_session_answered),
        TEST(temp_session_closed),
        TEST(own_messages_between_bots),
        TEST(temp_session_without_group),
        TEST(temp_of_friends),
        TEST(temp_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
