/* event_filter: which events pass, and which filters are the same. */
#include "protocol_fixture.h"

#include "protocol/event_filter.h"

static const char *const names[] = { "message_receive", "group_nudge" };
static const char *const draft_names[] = { "message_receive" };
static const char *const groups_only[] = { "group" }, *const private_only[] = { "friend", "temp" };
static const uint64_t groups[] = { 700000002, 700000001 }, others[] = { 700000003 };
static const uint64_t users[] = { 10003001 }, strangers[] = { 10008001 };

#define MESSAGE(scene, peer, sender, segments)                                                     \
    "{\"message_scene\":\"" scene "\",\"peer_id\":" peer                                           \
    ",\"message_seq\":1,\"sender_id\":" sender ",\"time\":1,\"segments\":[" segments "]}"
#define MENTION(user) "{\"type\":\"mention\",\"data\":{\"user_id\":" user ",\"name\":\"x\"}}"
#define GROUP_MESSAGE MESSAGE("group", "700000001", "10003001", "")
#define NUDGE                                                                                      \
    "{\"group_id\":700000001,\"sender_id\":10003002,\"receiver_id\":10003001,"                     \
    "\"display_action\":\"\",\"display_suffix\":\"\",\"display_action_img_url\":\"\"}"
#define REQUEST "{\"initiator_id\":10008001,\"initiator_uid\":\"u\",\"comment\":\"\",\"via\":\"\"}"

static bool passes(const struct milky_events *events, bool own, const char *type, const char *data)
{
    const struct mk_event_filter *filter;
    assert_int_equal(mk_event_filter_new(events, own, &filter), 0);
    yyjson_doc *read = yyjson_read(data, strlen(data), 0);
    assert_non_null(read);
    yyjson_mut_doc *doc = yyjson_doc_mut_copy(read, NULL);
    const struct mk_event event = { .type = mk_event_type_find(mk_slice_str(type)),
                                    .self_id = SELF_ID,
                                    .data = yyjson_mut_doc_get_root(doc) };
    assert_non_null(event.type);
    bool result = mk_event_filter_passes(filter, &event);
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(read);
    mk_event_filter_unref(filter);
    return result;
}

#define TYPES(list)                                                                                \
    {                                                                                              \
        .types = list, .type_count = sizeof(list) / sizeof(list[0])                                \
    }
#define SCENES(list)                                                                               \
    {                                                                                              \
        .scenes = list, .scene_count = sizeof(list) / sizeof(list[0])                              \
    }
#define GROUPS(list)                                                                               \
    {                                                                                              \
        .groups = list, .group_count = sizeof(list) / sizeof(list[0])                              \
    }
#define USERS(list)                                                                                \
    {                                                                                              \
        .users = list, .user_count = sizeof(list) / sizeof(list[0])                                \
    }

static void test_passes(void **state)
{
    static const struct {
        struct milky_events events;
        const char *type;
        const char *data;
        bool passes;
    } table[] = {
        { { 0 }, "group_nudge", NUDGE, true },
        { TYPES(names), "group_nudge", NUDGE, true },
        { TYPES(draft_names), "group_nudge", NUDGE, false },
        { TYPES(names), "bot_offline", "{\"reason\":\"\"}", false },
        { SCENES(groups_only), "message_receive", GROUP_MESSAGE, true },
        { SCENES(private_only), "message_receive", GROUP_MESSAGE, false },
        { SCENES(groups_only), "group_nudge", NUDGE, true },
        { SCENES(private_only), "group_nudge", NUDGE, false },
        { SCENES(groups_only), "friend_request", REQUEST, false },
        { SCENES(groups_only), "bot_offline", "{\"reason\":\"\"}", true },
        { GROUPS(groups), "message_receive", GROUP_MESSAGE, true },
        { GROUPS(others), "message_receive", GROUP_MESSAGE, false },
        { GROUPS(others), "group_nudge", NUDGE, false },
        { GROUPS(others), "message_receive", MESSAGE("friend", "10003001", "10003001", ""), true },
        { GROUPS(others), "friend_request", REQUEST, true },
        { USERS(users), "message_receive", GROUP_MESSAGE, true },
        { USERS(strangers), "message_receive", GROUP_MESSAGE, false },
        { USERS(users), "group_nudge", NUDGE, true }, /* whom it is about */
        { USERS(strangers), "friend_request", REQUEST, true },
        { USERS(users), "friend_request", REQUEST, false },
        { USERS(strangers), "bot_offline", "{\"reason\":\"\"}", true },
        { { .mentioned = true }, "message_receive", GROUP_MESSAGE, false },
        { { .mentioned = true },
          "message_receive",
          MESSAGE("group", "700000001", "10003001", MENTION("10003002")),
          false },
        { { .mentioned = true },
          "message_receive",
          MESSAGE("group", "700000001", "10003001", MENTION("10003002") "," MENTION("10001000")),
          true },
        { { .mentioned = true },
          "message_receive",
          MESSAGE("friend", "10003001", "10003001", ""),
          true },
        { { .mentioned = true }, "group_nudge", NUDGE, true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (passes(&table[i].events, false, table[i].type, table[i].data) != table[i].passes)
            fail_msg("row %zu", i);
}

static void test_own_messages(void **state)
{
    (void)state;
    static const char own[] = MESSAGE("group", "700000001", "10001000", "");
    assert_false(passes(&(struct milky_events){ 0 }, false, "message_receive", own));
    assert_true(passes(&(struct milky_events){ 0 }, true, "message_receive", own));
    assert_false(passes(&(struct milky_events)GROUPS(others), true, "message_receive", own));
}

static const struct mk_event_filter *filter_of(struct milky_events events, bool own)
{
    const struct mk_event_filter *filter;
    assert_int_equal(mk_event_filter_new(&events, own, &filter), 0);
    return filter;
}

static void test_equality(void **state)
{
    (void)state;
    static const uint64_t other_order[] = { 700000001, 700000002 };
    const struct mk_event_filter *all[] = {
        filter_of((struct milky_events){ 0 }, false),
        filter_of((struct milky_events){ 0 }, true),
        filter_of((struct milky_events)TYPES(names), false),
        filter_of((struct milky_events)TYPES(draft_names), false),
        filter_of((struct milky_events)SCENES(groups_only), false),
        filter_of((struct milky_events)GROUPS(groups), false),
        filter_of((struct milky_events)GROUPS(others), false),
        filter_of((struct milky_events){ .users = others, .user_count = 1 }, false),
        filter_of((struct milky_events){ .mentioned = true }, false),
    };
    enum { COUNT = sizeof(all) / sizeof(all[0]) };
    assert_null(all[0]);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < COUNT; j++) {
            assert_int_equal(mk_event_filter_eq(all[i], all[j]), i == j);
            assert_int_equal(mk_event_filter_hash(all[i]) == mk_event_filter_hash(all[j]), i == j);
        }
    const struct mk_event_filter *same = filter_of((struct milky_events)GROUPS(other_order), false);
    assert_true(mk_event_filter_eq(same, all[5]));
    assert_int_equal(mk_event_filter_hash(same), mk_event_filter_hash(all[5]));
    mk_event_filter_unref(same);
    for (size_t i = 0; i < COUNT; i++)
        mk_event_filter_unref(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_own_messages),
        cmocka_unit_test(test_equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
