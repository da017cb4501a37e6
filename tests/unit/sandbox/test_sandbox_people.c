/* The world as a bot reads it: accounts, friends, groups and members, and refusals. */
#include "sandbox_world.h"

#include <milky/version.h>
#include <string.h>

static void login_and_impl(void **state)
{
    struct world *w = *state;
    ask(w, BOT2, "get_login_info", "{}");
    assert_json(at(w, ""), "{\"uin\":10002000,\"nickname\":\"Milky 10002000\"}");
    ask(w, BOT, "get_impl_info", "{}");
    assert_string_equal(str(w, "/impl_name"), "milky");
    assert_string_equal(str(w, "/impl_version"), MILKY_VERSION);
    assert_string_equal(str(w, "/qq_protocol_type"), "linux");
    assert_string_equal(str(w, "/qq_protocol_version"), "sandbox");
    refused(w, 10009999, MILKY_OFFLINE, "10009999 is not logged in", "get_login_info", "{}");
}

static void profiles(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "get_user_profile", "{\"user_id\":10003001}");
    assert_json(at(w, ""),
                "{\"nickname\":\"小明\",\"qid\":\"xiaoming\",\"age\":20,\"sex\":\"male\","
                "\"remark\":\"\",\"bio\":\"今天也要加油\",\"level\":16,\"country\":\"中国\","
                "\"city\":\"北京\",\"school\":\"牛奶大学\"}");
    world_sql(w, "UPDATE friendship SET remark='老朋友' WHERE owner=10001000 AND friend=10003001");
    ask(w, BOT, "get_user_profile", "{\"user_id\":10003001}");
    assert_string_equal(str(w, "/remark"), "老朋友");
    ask(w, BOT2, "get_user_profile", "{\"user_id\":10003001}");
    assert_string_equal(str(w, "/remark"), ""); /* each side has its own */
    ask(w, BOT, "get_user_profile", "{\"user_id\":10001000}");
    assert_string_equal(str(w, "/nickname"), "Milky 10001000");
    refused(w, BOT, SB_NO_USER, "there is no user 10009999", "get_user_profile",
            "{\"user_id\":10009999}");
}

static void friends(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "get_friend_list", "{\"no_cache\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/friends")), 6); /* the other bot and five people */
    assert_int_equal(num(w, "/friends/0/user_id"), BOT2);
    assert_int_equal(num(w, "/friends/1/user_id"), MING);
    ask(w, BOT, "get_friend_info", "{\"user_id\":10003002,\"no_cache\":true}");
    assert_json(
        at(w, "/friend"),
        "{\"user_id\":10003002,\"nickname\":\"小红\",\"sex\":\"female\",\"qid\":\"xiaohong\","
        "\"remark\":\"\",\"category\":{\"category_id\":0,\"category_name\":\"我的好友\"}}");
    refused(w, BOT, -100, "10009999 is not a friend of 10001000", "get_friend_info",
            "{\"user_id\":10009999,\"no_cache\":false}");
    refused(w, BOT, -100, "is not a friend of", "get_friend_info",
            "{\"user_id\":10001000,\"no_cache\":false}"); /* an account is no friend of itself */
}

static void groups(void **state)
{
    struct world *w = *state;
    ask(w, BOT2, "get_group_list", "{\"no_cache\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/groups")), 1);
    assert_int_equal(num(w, "/groups/0/member_count"), 7);
    world_sql(w, "UPDATE member SET remark='家' WHERE group_id=700000001 AND uin=10001000");
    ask(w, BOT, "get_group_info", "{\"group_id\":700000001,\"no_cache\":false}");
    assert_int_equal(num(w, "/group/group_id"), GROUP);
    assert_string_equal(str(w, "/group/group_name"), "牛奶小屋");
    assert_string_equal(str(w, "/group/remark"), "家");
    assert_int_equal(num(w, "/group/max_member_count"), 2000);
    assert_true(num(w, "/group/created_time") > 1700000000);
    assert_int_equal(yyjson_obj_size(at(w, "/group")), 9);
    ask(w, BOT2, "get_group_info", "{\"group_id\":700000001,\"no_cache\":false}");
    assert_string_equal(str(w, "/group/remark"), "");
    refused(w, BOT, SB_NO_GROUP, "10001000 is not in a group 700000002", "get_group_info",
            "{\"group_id\":700000002,\"no_cache\":false}");
}

/* member_count follows every join and leave. */
static void member_count(void **state)
{
    struct world *w = *state;
    world_sql(w, "DELETE FROM member WHERE group_id=700000001 AND uin IN (10003001, 10003002)");
    ask(w, BOT, "get_group_info", "{\"group_id\":700000001,\"no_cache\":false}");
    assert_int_equal(num(w, "/group/member_count"), 5);
    world_sql(w, "INSERT INTO member (group_id, uin, join_time) VALUES (700000001, 10003001, 5)");
    ask(w, BOT, "get_group_info", "{\"group_id\":700000001,\"no_cache\":false}");
    assert_int_equal(num(w, "/group/member_count"), 6);
}

static void members(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "get_group_member_list", "{\"group_id\":700000001,\"no_cache\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/members")), 7);
    assert_string_equal(str(w, "/members/0/role"), "owner");
    assert_string_equal(str(w, "/members/1/role"), "member");
    world_sql(w, "UPDATE member SET card='明明', title='元老', level=3, role=1, join_time=1000,"
                 " last_sent_time=2000, shut_up_end_time=4000000000 WHERE uin=10003001");
    ask(w, BOT, "get_group_member_info",
        "{\"group_id\":700000001,\"user_id\":10003001,\"no_cache\":false}");
    assert_json(
        at(w, "/member"),
        "{\"user_id\":10003001,\"nickname\":\"小明\",\"sex\":\"male\",\"group_id\":700000001,"
        "\"card\":\"明明\",\"title\":\"元老\",\"level\":3,\"role\":\"admin\","
        "\"join_time\":1000,\"last_sent_time\":2000,\"shut_up_end_time\":4000000000}");
    ask(w, BOT, "get_group_member_info",
        "{\"group_id\":700000001,\"user_id\":10003002,\"no_cache\":false}");
    assert_null(at(w, "/member/shut_up_end_time")); /* never muted */
}

static void members_refused(void **state)
{
    struct world *w = *state;
    refused(w, BOT, SB_NO_GROUP, "is not in a group", "get_group_member_list",
            "{\"group_id\":700000002,\"no_cache\":false}");
    refused(w, BOT, SB_NO_GROUP, "is not in a group", "get_group_member_info",
            "{\"group_id\":700000002,\"user_id\":10003001,\"no_cache\":false}");
    refused(w, BOT, SB_NO_MEMBER, "10009999 is not a member of group 700000001",
            "get_group_member_info",
            "{\"group_id\":700000001,\"user_id\":10009999,\"no_cache\":false}");
    world_sql(w, "DELETE FROM member WHERE uin=10003001");
    refused(w, BOT, SB_NO_MEMBER, "10003001 is not a member", "get_group_member_info",
            "{\"group_id\":700000001,\"user_id\":10003001,\"no_cache\":false}");
    /* A group that the bot is not in is refused like one that does not exist. */
    world_sql(w, "INSERT INTO qq_group (group_id, name, created_time) VALUES (700000002, 'x', 1)");
    refused(w, BOT, SB_NO_GROUP, "is not in a group", "get_group_info",
            "{\"group_id\":700000002,\"no_cache\":false}");
}

static void not_supported(void **state)
{
    struct world *w = *state;
    w->host.supported[milky_action_number("set_bio")] = false;
    refused(w, BOT, MILKY_NOT_SUPPORTED, "set_bio", "set_bio", "{\"new_bio\":\"\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(login_and_impl, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(profiles, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(friends, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(groups, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(member_count, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(members, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(members_refused, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(not_supported, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
