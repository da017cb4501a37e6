/* Worlds as JSON: written by hand or dumped, loaded, refused; and their parts. */
#include "sandbox_world.h"

#include <errno.h>

#include "backend/sandbox/world/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIXEL                                                                                      \
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+"                                \
    "M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

/* The world as it is dumped; to be freed. */
static char *dump(struct world *w)
{
    control(w, "dump", "{}");
    char *text = yyjson_val_write(at(w, "/world"), 0, NULL);
    assert_non_null(text);
    return text;
}

static void load(struct world *w, const char *world)
{
    control(w, "load", "{\"world\":%s}", world);
}

/* Something of everything. */
static void live(struct world *w)
{
    ask(w, BOT, "set_bio", "{\"new_bio\":\"\\\"quoted\\\" 奶\\n\"}");
    ask(w, BOT, "set_avatar", "{\"uri\":\"base64://%s\"}", PIXEL);
    control(w, "say", "{\"as\":10003001,\"group\":700000001,\"text\":\"one\"}");
    control(w, "say",
            "{\"as\":10001000,\"group\":700000001,\"message\":["
            "{\"type\":\"reply\",\"data\":{\"message_seq\":1}},"
            "{\"type\":\"image\",\"data\":{\"uri\":\"base64://%s\",\"sub_type\":\"sticker\"}}]}",
            PIXEL);
    control(w, "say",
            "{\"as\":10003002,\"group\":700000001,\"message\":[{\"type\":\"forward\",\"data\":"
            "{\"messages\":[{\"user_id\":10003001,\"sender_name\":\"x\",\"segments\":["
            "{\"type\":\"text\",\"data\":{\"text\":\"inner\"}}]}]}}]}");
    control(w, "say",
            "{\"as\":10001000,\"group\":700000001,\"message\":[{\"type\":\"mention_all\",\"data\":{"
            "}}]}");
    control(w, "say", "{\"as\":10003001,\"to\":10001000,\"text\":\"gone\"}");
    control(w, "recall", "{\"as\":10003001,\"to\":10001000,\"seq\":1}");
    ask(w, BOT, "mark_message_as_read",
        "{\"message_scene\":\"friend\",\"peer_id\":10003001,\"message_seq\":1}");
    ask(w, BOT, "set_group_essence_message",
        "{\"group_id\":700000001,\"message_seq\":1,\"is_set\":true}");
    control(w, "react",
            "{\"as\":10003002,\"group\":700000001,\"seq\":1,\"reaction\":\"128512\","
            "\"reaction_type\":\"emoji\"}");
    ask(w, BOT, "set_group_member_admin",
        "{\"group_id\":700000001,\"user_id\":10003001,\"is_set\":true}");
    ask(w, BOT, "set_group_member_mute",
        "{\"group_id\":700000001,\"user_id\":10003002,\"duration\":600}");
    ask(w, BOT, "send_group_announcement",
        "{\"group_id\":700000001,\"content\":\"board\",\"image_uri\":\"base64://%s\"}", PIXEL);
    ask(w, BOT, "kick_group_member",
        "{\"group_id\":700000001,\"user_id\":10003005,\"reject_add_request\":true}");
    ask(w, BOT, "set_peer_pin",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"is_pinned\":true}");
    ask(w, BOT, "send_profile_like", "{\"user_id\":10003001,\"count\":3}");
    control(w, "create_person",
            "{\"user_id\":10009000,\"nickname\":\"stranger\","
            "\"sex\":\"female\",\"categories\":[{\"category_id\":3,"
            "\"category_name\":\"work\"}]}");
    control(w, "friend_request", "{\"as\":10009000,\"to\":10001000,\"comment\":\"hi\"}");
    control(w, "join", "{\"as\":10009000,\"group\":700000001,\"comment\":\"in\"}");
    control(w, "accept", "{\"as\":10001000,\"group\":700000001,\"from\":10009000}");
    control(w, "say", "{\"as\":10009000,\"to\":10001000,\"through\":700000001,\"text\":\"psst\"}");
    ask(w, BOT, "create_group_folder", "{\"group_id\":700000001,\"folder_name\":\"docs\"}");
    char folder[32];
    snprintf(folder, sizeof(folder), "%s", str(w, "/folder_id"));
    control(w, "upload",
            "{\"as\":10003001,\"group\":700000001,\"uri\":\"base64://aGVsbG8=\","
            "\"name\":\"hello.txt\",\"folder\":\"%s\"}",
            folder);
    control(w, "upload",
            "{\"as\":10003001,\"to\":10001000,\"uri\":\"base64://aGVsbG8=\","
            "\"name\":\"hello.txt\"}");
    control(w, "clock", "{\"advance\":100,\"stop\":true}");
}

static int add_table(void *context, int count, char **values, char **names)
{
    (void)names;
    (void)count;
    struct mk_buf *all = context;
    return mk_buf_printf(all, "%s ", values[0]);
}

static int count_rows(void *context, int count, char **values, char **names)
{
    (void)names;
    (void)count;
    *(int *)context = atoi(values[0]);
    return 0;
}

/* A table without a list would be lost with every dump. */
static void every_table_is_in_a_world(void **state)
{
    struct world *w = *state;
    struct mk_buf tables;
    mk_buf_init(&tables, 4096);
    live(w);
    assert_int_equal(
        sqlite3_exec(world_db(w)->handle,
                     "SELECT name FROM sqlite_schema WHERE type = 'table' AND name"
                     " NOT LIKE 'sqlite_%' AND name NOT IN ('secret', 'unsent', 'media_loose',"
                     " 'media_gone', 'forward_loose') ORDER BY name",
                     add_table, &tables, NULL),
        SQLITE_OK);
    assert_int_equal(mk_buf_append_char(&tables, '\0'), 0);
    char *first = dump(w);
    load(w, first);
    free(first);
    for (char *name = strtok(tables.data, " "); name; name = strtok(NULL, " ")) {
        char sql[96];
        int rows = 0;
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", name);
        assert_int_equal(sqlite3_exec(world_db(w)->handle, sql, count_rows, &rows, NULL),
                         SQLITE_OK);
        if (rows == 0)
            fail_msg("%s is empty after a dump and a load", name);
    }
    mk_buf_fini(&tables);
    control(w, "clock", "{\"reset\":true}");
}

static void dumped_and_loaded(void **state)
{
    struct world *w = *state;
    live(w);
    char *first = dump(w);
    uint64_t before = world_print(w);
    control(w, "reset", "{}");
    assert_true(world_print(w) != before);
    load(w, first);
    char *second = dump(w);
    assert_string_equal(first, second);
    load(w, second);
    char *third = dump(w);
    assert_string_equal(first, third);
    /* It continues: the next message has the next number, and the clock is where it was stopped. */
    control(w, "say", "{\"as\":10003001,\"group\":700000001,\"text\":\"two\"}");
    assert_int_equal(num(w, "/message_seq"), 6);
    ask(w, BOT, "get_history_messages",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"limit\":30}");
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), 6);
    free(first);
    free(second);
    free(third);
    control(w, "clock", "{\"reset\":true}");
}

#define SMALL                                                                                      \
    "{\"milky_world\":1,\"people\":[{\"user_id\":20001,\"nickname\":\"甲\"},"                     \
    "{\"user_id\":20002,\"nickname\":\"乙\",\"sex\":\"female\"},"                                 \
    "{\"user_id\":10001000,\"nickname\":\"bot\",\"is_bot\":true}],"                                \
    "\"friendships\":[{\"user_id\":20001,\"friend_id\":10001000,\"remark\":\"小机\"}],"          \
    "\"groups\":[{\"group_id\":800000001,\"group_name\":\"G\",\"members\":["                       \
    "{\"user_id\":20001,\"role\":\"owner\"},{\"user_id\":10001000}]}],"                            \
    "\"conversations\":[{\"message_scene\":\"friend\",\"user_id\":20001,\"peer_id\":10001000,"     \
    "\"messages\":[{\"sender_id\":20001,\"time\":5,\"segments\":[{\"type\":\"text\",\"data\":"     \
    "{\"text\":\"first\"}}]},{\"message_seq\":7,\"sender_id\":10001000,\"segments\":["             \
    "{\"type\":\"text\",\"data\":{\"text\":\"second\"}}]}]}]}"

static void written_by_hand(void **state)
{
    struct world *w = *state;
    load(w, SMALL);
    assert_int_equal(w->host.event_count, 0);
    ask(w, BOT, "get_friend_list", "{\"no_cache\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/friends")), 1);
    assert_string_equal(str(w, "/friends/0/category/category_name"), "我的好友");
    ask(w, BOT, "get_group_info", "{\"group_id\":800000001,\"no_cache\":false}");
    assert_int_equal(num(w, "/group/member_count"), 2);
    ask(w, BOT, "get_history_messages",
        "{\"message_scene\":\"friend\",\"peer_id\":20001,\"limit\":20}");
    assert_int_equal(num(w, "/messages/0/message_seq"), 1);
    assert_int_equal(num(w, "/messages/1/message_seq"), 7);
    ask(w, BOT, "send_private_message",
        "{\"user_id\":20001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"x\"}}]}");
    assert_int_equal(num(w, "/message_seq"), 8);
    /* Events reach the bots that are in it; the other bot of the configuration has no friends. */
    control(w, "say", "{\"as\":20001,\"group\":800000001,\"text\":\"hi\"}");
    assert_int_equal(w->host.event_count, 1);
    ask(w, BOT2, "get_login_info", "{}");
    ask(w, BOT2, "get_friend_list", "{\"no_cache\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/friends")), 0);
}

static void an_empty_world(void **state)
{
    struct world *w = *state;
    load(w, "{\"milky_world\":1}");
    control(w, "world", "{}");
    assert_int_equal(yyjson_arr_size(at(w, "/people")), 2); /* the bots */
    assert_int_equal(yyjson_arr_size(at(w, "/groups")), 0);
}

#define PEOPLE                                                                                     \
    "\"people\":[{\"user_id\":20001,\"nickname\":\"a\"},{\"user_id\":20002,\"nickname\":\"b\"}]"
#define W(inner) "{\"milky_world\":1," PEOPLE "," inner "}"
#define TALK(inner)                                                                                \
    W("\"conversations\":[{\"message_scene\":\"friend\",\"user_id\":20001,\"peer_id\":20002,"      \
      "\"messages\":[" inner "]}]")

static void refused_with_their_path(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *part;
        const char *world;
    } cases[] = {
        { "world.milky_world: expected integer from 0 to 9223372036854775807, got nothing", "{}" },
        { "milky_world: this milky reads worlds of version 1, not 2", "{\"milky_world\":2}" },
        { "peple: unknown field", "{\"milky_world\":1,\"peple\":[]}" },
        { "people: expected array, got object", "{\"milky_world\":1,\"people\":{}}" },
        { "people[0]: expected object, got number", "{\"milky_world\":1,\"people\":[1]}" },
        { "people[0].nickname: expected string of at most 65535 bytes, got nothing",
          "{\"milky_world\":1,\"people\":[{\"user_id\":20001}]}" },
        { "people[0].user_id: expected integer from 10001 to 4294967295, got 5",
          "{\"milky_world\":1,\"people\":[{\"user_id\":5,\"nickname\":\"x\"}]}" },
        { "people[0].sex: expected one of \"unknown\", \"male\", \"female\"",
          "{\"milky_world\":1,\"people\":[{\"user_id\":20001,\"nickname\":\"x\",\"sex\":\"?\"}]}" },
        { "people[0].avatar: no content of that resource_id",
          "{\"milky_world\":1,\"people\":[{\"user_id\":20001,\"nickname\":\"x\",\"avatar\":\"a\"}]"
          "}" },
        { "people[1]: it exists already",
          "{\"milky_world\":1,\"people\":[{\"user_id\":20001,\"nickname\":\"x\"},"
          "{\"user_id\":20001,\"nickname\":\"y\"}]}" },
        { "friendships[0].friend_id: there is no person 20003",
          W("\"friendships\":[{\"user_id\":20001,\"friend_id\":20003}]") },
        { "friendships[1]: it exists already",
          W("\"friendships\":[{\"user_id\":20001,\"friend_id\":20002},"
            "{\"user_id\":20002,\"friend_id\":20001}]") },
        { "groups[0].members: expected one owner among them, got 0",
          W("\"groups\":[{\"group_id\":800000001,\"group_name\":\"G\"}]") },
        { "groups[0].members[1].user_id: there is no person 20003",
          W("\"groups\":[{\"group_id\":800000001,\"group_name\":\"G\",\"members\":["
            "{\"user_id\":20001,\"role\":\"owner\"},{\"user_id\":20003}]}]") },
        { "groups[0].members[0].role: expected one of",
          W("\"groups\":[{\"group_id\":800000001,\"group_name\":\"G\",\"members\":["
            "{\"user_id\":20001,\"role\":\"boss\"},{\"user_id\":20002,\"role\":\"owner\"}]}]") },
        { "conversations[0].user_id: expected the other one",
          W("\"conversations\":[{\"message_scene\":\"friend\",\"peer_id\":20002}]") },
        { "conversations[0].messages[0].sender_id: there is no person 20003",
          TALK("{\"sender_id\":20003,\"segments\":[]}") },
        { "conversations[0].messages[0]: segments[0].type: expected one of",
          TALK("{\"sender_id\":20001,\"segments\":[{\"type\":\"dance\"}]}") },
        { "conversations[0].messages[0]: segments[0].data.text: expected string, got number",
          TALK("{\"sender_id\":20001,\"segments\":[{\"type\":\"text\",\"data\":{\"text\":1}}]}") },
        { "conversations[0].messages[1]: it exists already",
          TALK("{\"sender_id\":20001,\"message_seq\":3,\"segments\":[]},"
               "{\"sender_id\":20001,\"message_seq\":3,\"segments\":[]}") },
        { "forwards[0].forward_id: expected 16 hexadecimal digits",
          W("\"forwards\":[{\"forward_id\":\"xyz\",\"messages\":[]}]") },
        { "pins[0].user_id: there is no person 20009",
          W("\"pins\":[{\"user_id\":20009,\"message_scene\":\"friend\",\"peer_id\":20001}]") },
        { "clock.offset: expected integer from -253402300799 to 253402300799, got string",
          W("\"clock\":{\"offset\":\"x\"}") },
        { "media[0].uri: expected string, got nothing", W("\"media\":[{}]") },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        control_refused(w, MILKY_MALFORMED, cases[i].part, "load", "{\"world\":%s}",
                        cases[i].world);
    control_refused(w, MILKY_MALFORMED, "world: expected object, got nothing", "load", "{}");
    control_refused(w, MILKY_MALFORMED, "unknown field", "dump", "{\"x\":1}");
    control_refused(w, SB_BAD_URI, "media[0].uri", "load",
                    "{\"world\":{\"milky_world\":1,\"media\":[{\"uri\":\"nonsense\"}]}}");
}

/* Earlier calls of a turn keep their effect, whether a load in it succeeds or not. */
static void refused_within_a_turn(void **state)
{
    struct world *w = *state;
    struct fake_reply said, loaded;
    fake_control(&w->host, &w->backend, "say",
                 "{\"as\":10003001,\"group\":700000001,\"text\":\"x\"}", &said);
    fake_control(&w->host, &w->backend, "load",
                 "{\"world\":{\"milky_world\":1,\"people\":[{\"user_id\":20001}]}}", &loaded);
    w->backend.table->turn_end(w->backend.self);
    assert_int_equal(said.retcode, 0);
    assert_int_equal(loaded.retcode, MILKY_MALFORMED);
    ask(w, BOT, "get_message",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":1}");
    fake_reply_fini(&said);
    fake_reply_fini(&loaded);
}

/* --- files --- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int start_with(struct world *w, const char *path, uint64_t seed)
{
    struct sb_sandbox_config config = { .path = w->path, .world = path, .seed = &seed };
    w->backend.self = sb_sandbox_new(&config);
    assert_non_null(w->backend.self);
    int rc = sb_backend.start(w->backend.self, &w->host);
    if (rc < 0) {
        sb_backend.free(w->backend.self);
        w->backend.self = NULL;
    }
    return rc;
}

static void started_from_a_file(void **state)
{
    struct world *w = *state;
    char path[128];
    snprintf(path, sizeof(path), "%s.json", w->path);
    world_stop(w);
    unlink(w->path);
    write_file(path, "// a comment\n" SMALL);
    assert_int_equal(start_with(w, path, 1), 0);
    control(w, "world", "{}");
    assert_int_equal(yyjson_arr_size(at(w, "/people")), 4);
    control(w, "say", "{\"as\":20001,\"group\":800000001,\"text\":\"lively\"}");
    char *lived = dump(w);
    control(w, "reset", "{}");
    char *anew = dump(w);
    assert_string_not_equal(lived, anew);
    assert_null(strstr(anew, "lively"));
    /* An existing world is not replaced. */
    control(w, "say", "{\"as\":20001,\"group\":800000001,\"text\":\"stays\"}");
    world_stop(w);
    assert_int_equal(start_with(w, path, 1), 0);
    char *again = dump(w);
    assert_non_null(strstr(again, "stays"));
    /* The file may become invalid meanwhile. */
    write_file(path, "{\"milky_world\":1,\n \"people\":[}");
    control_refused(w, MILKY_MALFORMED, "not JSON: 2:", "reset", "{}");
    unlink(path);
    control_refused(w, SB_NO_CONTENT, "cannot be read", "reset", "{}");
    world_stop(w);
    unlink(w->path);
    assert_int_equal(start_with(w, path, 1), -EINVAL);
    free(lived);
    free(anew);
    free(again);
}

/* The file_id of the group's message `seq`, which this creates. */
static void forward_id(struct world *w, unsigned seq, char id[32])
{
    control(w, "say",
            "{\"as\":10003002,\"group\":700000001,\"message\":[{\"type\":\"forward\",\"data\":"
            "{\"messages\":[{\"user_id\":10003001,\"sender_name\":\"x\",\"segments\":["
            "{\"type\":\"text\",\"data\":{\"text\":\"inner\"}}]}]}}]}");
    ask(w, BOT, "get_message",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":%u}", seq);
    snprintf(id, 32, "%s", str(w, "/message/segments/0/data/forward_id"));
}

static void seeds_repeat_ids(void **state)
{
    struct world *w = *state;
    char first[32], again[32], other[32];
    world_stop(w);
    unlink(w->path);
    assert_int_equal(start_with(w, NULL, 42), 0);
    forward_id(w, 1, first);
    control(w, "reset", "{}");
    forward_id(w, 1, again);
    world_stop(w);
    unlink(w->path);
    assert_int_equal(start_with(w, NULL, 43), 0);
    forward_id(w, 1, other);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
}

static void each_world_has_its_random_numbers(void **state)
{
    struct world *w = *state;
    char first[32], second[32], others_first[32], others_second[32], third[32];
    void *made;
    assert_int_equal(world_setup_file(&made), 0);
    struct world *other = made;
    world_stop(w);
    world_stop(other);
    unlink(w->path);
    unlink(other->path);
    assert_int_equal(start_with(w, NULL, 42), 0);
    assert_int_equal(start_with(other, NULL, 42), 0);
    forward_id(w, 1, first);
    forward_id(other, 1, others_first);
    forward_id(w, 2, second);
    forward_id(other, 2, others_second);
    assert_string_equal(first, others_first);
    assert_string_equal(second, others_second);
    assert_string_not_equal(first, second);
    world_stop(other);
    unlink(other->path);
    assert_int_equal(world_start(other), 0); /* this one without a seed */
    forward_id(w, 3, third);
    forward_id(other, 1, others_first);
    assert_string_not_equal(third, others_first);
    world_teardown(&made);
}

/* --- parts --- */

static void reset_is_the_first_world(void **state)
{
    struct world *w = *state;
    control(w, "reset", "{}");
    uint64_t before = world_print(w);
    char *first = dump(w);
    world_make_plain(w);
    live(w);
    control(w, "clock", "{\"reset\":true}");
    control(w, "reset", "{}");
    control(w, "world", "{}");
    assert_int_equal(yyjson_arr_size(at(w, "/people")), 10);
    char *again = dump(w);
    if (before == world_print(w)) /* else a second has passed meanwhile */
        assert_string_equal(first, again);
    free(first);
    free(again);
}

/* Each kind of event can be made in the built-in world without creating people first. */
static void the_first_world_can_be_played_with(void **state)
{
    struct world *w = *state;
    control(w, "reset", "{}");
    ask(w, BOT, "get_group_member_info",
        "{\"group_id\":700000001,\"user_id\":10003001,\"no_cache\":false}");
    assert_string_equal(str(w, "/member/role"), "owner");
    ask(w, BOT, "get_group_member_info",
        "{\"group_id\":700000001,\"user_id\":10001000,\"no_cache\":false}");
    assert_string_equal(str(w, "/member/role"), "admin");
    ask(w, BOT, "get_group_list", "{\"no_cache\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/groups")), 1);
    ask(w, BOT, "get_friend_list", "{\"no_cache\":false}");
    assert_int_equal(yyjson_arr_size(at(w, "/friends")), 6);
    ask(w, BOT, "get_friend_requests", "{\"limit\":20,\"is_filtered\":false}");
    assert_int_equal(num(w, "/requests/0/initiator_id"), 10008002);
    assert_string_equal(str(w, "/requests/0/state"), "pending");
    ask(w, BOT, "get_group_notifications", "{\"is_filtered\":false,\"limit\":20}");
    assert_int_equal(num(w, "/notifications/0/initiator_id"), 10008003);
    control(w, "say", "{\"as\":10008001,\"to\":10001000,\"through\":700000001,\"text\":\"hi\"}");
    assert_string_equal(event_str(w, 0, "/message_scene"), "temp");
    control(w, "invite", "{\"as\":10003002,\"group\":700000002,\"user\":10001000}");
    assert_string_equal(str(w, "/state"), "invited");
    control(w, "accept", "{\"as\":10001000,\"group\":700000001,\"from\":10008003}");
    control(w, "accept", "{\"as\":10001000,\"from\":10008002}");
}

static void people_are_added_and_removed(void **state)
{
    struct world *w = *state;
    control(w, "create_person", "{\"nickname\":\"neu\",\"level\":7}");
    assert_int_equal(num(w, "/user_id"), 10003006);
    ask(w, BOT, "get_user_profile", "{\"user_id\":10003006}");
    assert_int_equal(num(w, "/level"), 7);
    control(w, "create_friendship", "{\"user_id\":10003006,\"friend_id\":10001000}");
    control(w, "say", "{\"as\":10003006,\"to\":10001000,\"text\":\"x\"}");
    control(w, "say", "{\"as\":10003001,\"group\":700000001,\"text\":\"stays\"}");
    world_sql(w, "INSERT INTO member (group_id, uin, join_time) VALUES (700000001, 10003006, 1)");
    control(w, "say", "{\"as\":10003006,\"group\":700000001,\"text\":\"goes\"}");
    control(w, "delete_person", "{\"user_id\":10003006}");
    ask(w, BOT, "get_history_messages",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"limit\":20}");
    assert_int_equal(yyjson_arr_size(at(w, "/messages")), 1);
    ask(w, BOT, "get_group_info", "{\"group_id\":700000001,\"no_cache\":false}");
    assert_int_equal(num(w, "/group/member_count"), 7);
    control(w, "say", "{\"as\":10003001,\"group\":700000001,\"text\":\"next\"}");
    assert_int_equal(num(w, "/message_seq"), 3);
    control_refused(w, SB_NO_USER, "10003006", "delete_person", "{\"user_id\":10003006}");
    control_refused(w, SB_NO_PERMISSION, "served here", "delete_person", "{\"user_id\":10002000}");
    control(w, "create_group",
            "{\"group_name\":\"G\",\"members\":[{\"user_id\":10003001,\"role\":\"owner\"}]}");
    control_refused(w, SB_NO_PERMISSION, "delete the group 700000002 first", "delete_person",
                    "{\"user_id\":10003001}");
    control_refused(w, MILKY_MALFORMED, "it exists already", "create_person",
                    "{\"user_id\":10003001,\"nickname\":\"x\"}");
    control_refused(w, MILKY_MALFORMED,
                    "nickname: expected string of at most 65535 bytes, got nothing",
                    "create_person", "{}");
    control_refused(w, MILKY_MALFORMED, "nick: unknown field", "create_person", "{\"nick\":\"x\"}");
}

static void groups_are_added_and_removed(void **state)
{
    struct world *w = *state;
    control(w, "create_group",
            "{\"group_name\":\"G\",\"join_policy\":\"anybody\",\"members\":[{\"user_id\":10003001,"
            "\"role\":\"owner\",\"title\":\"t\"},{\"user_id\":10001000,\"role\":\"admin\"}]}");
    assert_int_equal(num(w, "/group_id"), 700000002);
    control(w, "say", "{\"as\":10003001,\"group\":700000002,\"text\":\"x\"}");
    assert_int_equal(w->host.event_count, 1);
    control(w, "delete_group", "{\"group_id\":700000002}");
    control_refused(w, SB_NO_GROUP, "no group 700000002", "delete_group",
                    "{\"group_id\":700000002}");
    refused(w, BOT, SB_NO_GROUP, "", "get_group_info",
            "{\"group_id\":700000002,\"no_cache\":false}");
    control_refused(w, MILKY_MALFORMED, "members: expected one owner among them, got 2",
                    "create_group",
                    "{\"group_name\":\"G\",\"members\":[{\"user_id\":10003001,\"role\":\"owner\"},"
                    "{\"user_id\":10003002,\"role\":\"owner\"}]}");
    control_refused(w, MILKY_MALFORMED, "members[0].user_id: there is no person 20001",
                    "create_group",
                    "{\"group_name\":\"G\",\"members\":[{\"user_id\":20001,\"role\":\"owner\"}]}");
}

static void friendships_are_added_and_removed(void **state)
{
    struct world *w = *state;
    control(w, "delete_friendship", "{\"user_id\":10003001,\"friend_id\":10001000}");
    refused(w, BOT, SB_NO_FRIEND, "", "get_friend_info",
            "{\"user_id\":10003001,\"no_cache\":false}");
    control_refused(w, SB_NO_FRIEND, "", "delete_friendship",
                    "{\"user_id\":10003001,\"friend_id\":10001000}");
    control(w, "create_friendship",
            "{\"user_id\":10003001,\"friend_id\":10001000,\"friend_remark\":\"老明\"}");
    ask(w, BOT, "get_friend_info", "{\"user_id\":10003001,\"no_cache\":false}");
    assert_string_equal(str(w, "/friend/remark"), "老明");
    control_refused(w, MILKY_MALFORMED, "it exists already", "create_friendship",
                    "{\"user_id\":10003001,\"friend_id\":10001000}");
    assert_int_equal(w->host.event_count, 0);
}

#define FRIENDS "{\"user_id\":10003001,\"friend_id\":10001000,\"category_id\":%d}"

/* A call that refers to nothing is refused by itself: others of its turn are not affected. */
static void references_to_nothing(void **state)
{
    struct world *w = *state;
    struct fake_reply sent, refusal, later;
    char params[128];
    control(w, "delete_friendship", "{\"user_id\":10003001,\"friend_id\":10001000}");
    snprintf(params, sizeof(params), FRIENDS, 7);
    fake_call(&w->host, &w->backend, BOT, "set_bio", "{\"new_bio\":\"first\"}", &sent);
    fake_control(&w->host, &w->backend, "create_friendship", params, &refusal);
    fake_control(&w->host, &w->backend, "create_person",
                 "{\"user_id\":10009000,\"nickname\":\"n\"}", &later);
    w->backend.table->turn_end(w->backend.self);
    assert_int_equal(sent.retcode, 0);
    assert_int_equal(refusal.retcode, MILKY_MALFORMED);
    assert_non_null(strstr(refusal.message, "a category_id that its owner does not have"));
    assert_int_equal(later.retcode, 0);
    fake_reply_fini(&sent);
    fake_reply_fini(&later);
    refused(w, BOT, SB_NO_FRIEND, "", "send_private_message",
            "{\"user_id\":10003001,\"message\":[{\"type\":\"text\",\"data\":{\"text\":\"x\"}}]}");
    control_refused(
        w, MILKY_MALFORMED, "category_id", "load",
        "{\"world\":{\"milky_world\":1,\"people\":[{\"user_id\":10003001,\"nickname\":\"a\"},"
        "{\"user_id\":10001000,\"nickname\":\"b\"}],\"friendships\":[" FRIENDS "]}}",
        7);
    control(w, "create_friendship", FRIENDS, 0);
}

static void memory_runs_out(void **state)
{
    struct world *w = *state;
    control(w, "create_person", "{\"user_id\":10009000,\"nickname\":\"stranger\"}");
    static const struct {
        const char *operation, *params;
    } cases[] = {
        { "create_person", "{\"nickname\":\"a person whose name is longer than a pool\"}" },
        { "create_group", "{\"group_name\":\"G\",\"members\":[{\"user_id\":10003001,\"role\":"
                          "\"owner\"},{\"user_id\":10001000}]}" },
        { "join", "{\"as\":10009000,\"group\":700000001,\"comment\":\"let me in\"}" },
        { "accept", "{\"as\":10001000,\"group\":700000001,\"from\":10009000}" },
        { "friend_request", "{\"as\":10009000,\"to\":10001000,\"comment\":\"hello\"}" },
        { "invite", "{\"as\":10003001,\"group\":700000002,\"user\":10003002}" },
        { "recall", "{\"as\":10003001,\"group\":700000001,\"seq\":1}" },
        { "fault", "{\"bot\":10002000,\"latency\":1}" },
        { "bots", "{}" },
        { "offline", "{\"bot\":10002000,\"reason\":\"a reason that is longer than a pool\"}" },
        { "clock", "{\"advance\":1}" },
        { "dump", "{}" },
    };
    control(w, "say", "{\"as\":10003001,\"group\":700000001,\"text\":\"x\"}");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ask_with_little_memory(w, 0, cases[i].operation, cases[i].params);
    control(w, "clock", "{\"reset\":true}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup_file, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_table_is_in_a_world),
        TEST(dumped_and_loaded),
        TEST(written_by_hand),
        TEST(an_empty_world),
        TEST(refused_with_their_path),
        TEST(refused_within_a_turn),
        FILE_TEST(started_from_a_file),
        FILE_TEST(seeds_repeat_ids),
        FILE_TEST(each_world_has_its_random_numbers),
        TEST(reset_is_the_first_world),
        TEST(the_first_world_can_be_played_with),
        TEST(people_are_added_and_removed),
        TEST(groups_are_added_and_removed),
        TEST(friendships_are_added_and_removed),
        TEST(references_to_nothing),
        TEST(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
