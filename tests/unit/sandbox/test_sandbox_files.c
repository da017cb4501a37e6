/* Files between friends, and those of a group with its folders. */
#include "sandbox_world.h"

#include "backend/sandbox/api/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "hello", and its TriSHA1: SHA-1 of hello and eight bytes of length. */
#define HELLO "base64://aGVsbG8="
#define HELLO_HASH "1113c45656638f56343b4007b43f542217fbdb2c"

/* A copy of the text at `pointer` in the last reply. */
static char *keep(struct world *w, const char *pointer)
{
    char *copy = strdup(str(w, pointer));
    assert_non_null(copy);
    return copy;
}

static char *upload(struct world *w, uint64_t by, const char *folder, const char *name)
{
    ask(w, by, "upload_group_file",
        "{\"group_id\":700000001,\"parent_folder_id\":\"%s\",\"file_uri\":\"" HELLO
        "\",\"file_name\":\"%s\"}",
        folder, name);
    return keep(w, "/file_id");
}

static char *make_folder(struct world *w, const char *name)
{
    ask(w, BOT, "create_group_folder", "{\"group_id\":700000001,\"folder_name\":\"%s\"}", name);
    return keep(w, "/folder_id");
}

static void list(struct world *w, const char *folder)
{
    ask(w, BOT2, "get_group_files", "{\"group_id\":700000001,\"parent_folder_id\":\"%s\"}", folder);
}

static size_t count(struct world *w, const char *pointer)
{
    return yyjson_arr_size(at(w, pointer));
}

/* --- private files --- */

static void private_file(struct world *w, char **file_id)
{
    ask(w, BOT, "upload_private_file",
        "{\"user_id\":10002000,\"file_uri\":\"" HELLO "\",\"file_name\":\"报告 1.txt\"}");
    *file_id = keep(w, "/file_id");
}

static void uploaded_privately(void **state)
{
    struct world *w = *state;
    char *file_id, expected[512];
    private_file(w, &file_id);
    assert_int_equal(w->host.event_count, 3);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(w->host.events[i].type, "friend_file_upload");
        assert_int_equal(w->host.events[i].self_id, i == 0 ? BOT : BOT2);
        snprintf(expected, sizeof(expected),
                 "{\"user_id\":%d,\"file_id\":\"%s\",\"file_name\":\"报告 1.txt\",\"file_size\":5,"
                 "\"file_hash\":\"" HELLO_HASH "\",\"is_self\":%s}",
                 i == 0 ? BOT2 : BOT, file_id, i == 0 ? "true" : "false");
        assert_json(event_at(w, (size_t)i, ""), expected);
    }
    assert_string_equal(w->host.events[2].type, "message_receive");
    assert_int_equal(w->host.events[2].self_id, BOT2);
    snprintf(expected, sizeof(expected),
             "[{\"type\":\"file\",\"data\":{\"file_id\":\"%s\",\"file_name\":\"报告 1.txt\","
             "\"file_size\":5,\"file_hash\":\"" HELLO_HASH "\"}}]",
             file_id);
    assert_json(event_at(w, 2, "/segments"), expected);
    assert_int_equal(event_num(w, 2, "/message_seq"), 1);
    ask(w, BOT, "get_message",
        "{\"message_scene\":\"friend\",\"peer_id\":10002000,\"message_seq\":1}");
    assert_json(at(w, "/message/segments"), expected);
    free(file_id);
}

static void private_url(void **state)
{
    struct world *w = *state;
    char *file_id;
    private_file(w, &file_id);
    uint64_t before = world_print(w);
    ask(w, BOT2, "get_private_file_download_url",
        "{\"user_id\":10001000,\"file_id\":\"%s\",\"file_hash\":\"" HELLO_HASH "\"}", file_id);
    assert_memory_equal(str(w, "/download_url"), "http://10002000.test/resource/", 30);
    ask(w, BOT, "get_private_file_download_url",
        "{\"user_id\":10002000,\"file_id\":\"%s\",\"file_hash\":\"\"}", file_id);
    assert_true(strlen(str(w, "/download_url")) > 30);
    assert_true(world_print(w) == before);

    refused(w, BOT2, SB_NO_FILE, "file_hash is not that of this file",
            "get_private_file_download_url",
            "{\"user_id\":10001000,\"file_id\":\"%s\",\"file_hash\":\"" HELLO_HASH "0\"}", file_id);
    /* Not for another account, nor in another conversation. */
    refused(w, MING, SB_NO_FILE, "no such file", "get_private_file_download_url",
            "{\"user_id\":10001000,\"file_id\":\"%s\",\"file_hash\":\"\"}", file_id);
    refused(w, BOT, SB_NO_FILE, "no such file", "get_private_file_download_url",
            "{\"user_id\":10003001,\"file_id\":\"%s\",\"file_hash\":\"\"}", file_id);
    static const char *const ids[] = { "", "/", "x", "/0000000000000001", "/00000000000000G1" };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        refused(w, BOT, SB_NO_FILE, "no such file", "get_private_file_download_url",
                "{\"user_id\":10002000,\"file_id\":\"%s\",\"file_hash\":\"\"}", ids[i]);
    refused(w, BOT, SB_NO_FRIEND, "10009999", "get_private_file_download_url",
            "{\"user_id\":10009999,\"file_id\":\"%s\",\"file_hash\":\"\"}", file_id);
    free(file_id);
}

/* Invalid names of files. */
static const char *const bad_names[] = { "",  "  ", "a/b",   "/",        "a\\\\b",
                                         ".", "..", "a\\nb", "a\\u0000", "\\u007f" };
enum { BAD_NAMES = sizeof(bad_names) / sizeof(bad_names[0]) };

/* A name of that many bytes, three each. */
static void long_name(char out[300], size_t bytes)
{
    out[0] = '\0';
    for (size_t i = 0; i < bytes / 3; i++)
        strcat(out, "长");
}

static void private_refused(void **state)
{
    struct world *w = *state;
    char name[300];
    for (size_t i = 0; i < BAD_NAMES; i++)
        refused(w, BOT, SB_BAD_TEXT, "file_name", "upload_private_file",
                "{\"user_id\":10002000,\"file_uri\":\"" HELLO "\",\"file_name\":\"%s\"}",
                bad_names[i]);
    long_name(name, 258);
    refused(w, BOT, SB_BAD_TEXT, "at most 255 bytes", "upload_private_file",
            "{\"user_id\":10002000,\"file_uri\":\"" HELLO "\",\"file_name\":\"%s\"}", name);
    long_name(name, 255);
    ask(w, BOT, "upload_private_file",
        "{\"user_id\":10002000,\"file_uri\":\"" HELLO "\",\"file_name\":\"%s\"}", name);
    ask(w, BOT, "get_private_file_download_url",
        "{\"user_id\":10002000,\"file_id\":\"%s\",\"file_hash\":\"\"}", str(w, "/file_id"));
    assert_true(strlen(str(w, "/download_url")) > 255);
    refused(w, BOT, SB_NO_FRIEND, "10009999", "upload_private_file",
            "{\"user_id\":10009999,\"file_uri\":\"" HELLO "\",\"file_name\":\"x\"}");
    refused(w, BOT, SB_BAD_URI, "", "upload_private_file",
            "{\"user_id\":10002000,\"file_uri\":\"nonsense\",\"file_name\":\"x\"}");
}

/* --- group files --- */

static void uploaded_to_group(void **state)
{
    struct world *w = *state;
    char expected[512];
    char *file_id = upload(w, BOT2, "/", "歌.mp3");
    uint64_t time = w->host.events[0].time;
    /* Both bots get the event, the uploader too; the message is for the other one. */
    assert_int_equal(w->host.event_count, 3);
    snprintf(expected, sizeof(expected),
             "{\"group_id\":700000001,\"user_id\":10002000,\"file_id\":\"%s\","
             "\"file_name\":\"歌.mp3\",\"file_size\":5}",
             file_id);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(w->host.events[i].type, "group_file_upload");
        assert_int_equal(w->host.events[i].self_id, i == 0 ? BOT : BOT2);
        assert_json(event_at(w, (size_t)i, ""), expected);
    }
    assert_string_equal(w->host.events[2].type, "message_receive");
    assert_int_equal(w->host.events[2].self_id, BOT);
    snprintf(expected, sizeof(expected),
             "[{\"type\":\"file\",\"data\":{\"file_id\":\"%s\",\"file_name\":\"歌.mp3\","
             "\"file_size\":5}}]",
             file_id);
    assert_json(event_at(w, 2, "/segments"), expected);
    assert_string_equal(event_str(w, 2, "/message_scene"), "group");

    list(w, "/");
    snprintf(expected, sizeof(expected),
             "{\"files\":[{\"group_id\":700000001,\"file_id\":\"%s\",\"parent_folder_id\":\"/\","
             "\"file_name\":\"歌.mp3\",\"file_size\":5,\"uploaded_time\":%llu,"
             "\"uploader_id\":10002000,\"downloaded_times\":0}],\"folders\":[]}",
             file_id, (unsigned long long)time);
    assert_json(at(w, ""), expected);
    free(file_id);
}

static void group_url(void **state)
{
    struct world *w = *state;
    char *file_id = upload(w, BOT2, "/", "a.txt");
    for (int i = 0; i < 2; i++)
        ask(w, i == 0 ? BOT : BOT2, "get_group_file_download_url",
            "{\"group_id\":700000001,\"file_id\":\"%s\"}", file_id);
    assert_non_null(strstr(str(w, "/download_url"), "/a.txt"));
    list(w, "/");
    assert_int_equal(num(w, "/files/0/downloaded_times"), 2);
    refused(w, BOT, SB_NO_FILE, "no such file", "get_group_file_download_url",
            "{\"group_id\":700000001,\"file_id\":\"/0000000000000001\"}");
    refused(w, BOT, SB_NO_GROUP, "700000002", "get_group_file_download_url",
            "{\"group_id\":700000002,\"file_id\":\"%s\"}", file_id);
    /* Another group's file is no file here. */
    world_sql(w, "INSERT INTO qq_group (group_id, name, created_time) VALUES (700000002, 'x', 1);"
                 "INSERT INTO member (group_id, uin, join_time) VALUES (700000002, 10001000, 1)");
    refused(w, BOT, SB_NO_FILE, "no such file", "get_group_file_download_url",
            "{\"group_id\":700000002,\"file_id\":\"%s\"}", file_id);
    free(file_id);
}

static void uploads_refused(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < BAD_NAMES; i++)
        refused(w, BOT, SB_BAD_TEXT, "file_name", "upload_group_file",
                "{\"group_id\":700000001,\"parent_folder_id\":\"/\",\"file_uri\":\"" HELLO
                "\",\"file_name\":\"%s\"}",
                bad_names[i]);
    refused(w, BOT, SB_NO_GROUP, "700000002", "upload_group_file",
            "{\"group_id\":700000002,\"parent_folder_id\":\"/\",\"file_uri\":\"" HELLO
            "\",\"file_name\":\"x\"}");
    static const char *const folders[] = { "//", "x", "/0000000000000001" };
    for (size_t i = 0; i < 3; i++)
        refused(w, BOT, SB_NO_FOLDER, "parent_folder_id names no folder", "upload_group_file",
                "{\"group_id\":700000001,\"parent_folder_id\":\"%s\",\"file_uri\":\"" HELLO
                "\",\"file_name\":\"x\"}",
                folders[i]);
    refused(w, BOT, SB_NO_FOLDER, "parent_folder_id names no folder", "get_group_files",
            "{\"group_id\":700000001,\"parent_folder_id\":\"x\"}");
    refused(w, BOT, SB_NO_GROUP, "700000002", "get_group_files",
            "{\"group_id\":700000002,\"parent_folder_id\":\"/\"}");
    world_sql(w, "UPDATE member SET shut_up_end_time = 99999999999 WHERE uin = 10002000");
    refused(w, BOT2, SB_MUTED, "is muted", "upload_group_file",
            "{\"group_id\":700000001,\"parent_folder_id\":\"/\",\"file_uri\":\"" HELLO
            "\",\"file_name\":\"x\"}");
}

/* Two files may have one name; the newest is first. */
static void same_names(void **state)
{
    struct world *w = *state;
    struct sb_clock clock = { .stopped_at = 1750000000 };
    assert_int_equal(sb_clock_set(world_db(w), &clock), 0);
    char *first = upload(w, BOT, "/", "a.txt");
    clock.stopped_at++;
    assert_int_equal(sb_clock_set(world_db(w), &clock), 0);
    char *second = upload(w, BOT, "/", "a.txt");
    assert_string_not_equal(first, second);
    list(w, "/");
    assert_int_equal(count(w, "/files"), 2);
    assert_string_equal(str(w, "/files/0/file_id"), second);
    assert_int_equal(num(w, "/files/1/uploaded_time"), 1750000000);
    clock.stopped_at = 0;
    assert_int_equal(sb_clock_set(world_db(w), &clock), 0);
    free(first);
    free(second);
}

/* --- folders --- */

static void folders(void **state)
{
    struct world *w = *state;
    struct sb_clock clock = { .stopped_at = 1750000000 };
    assert_int_equal(sb_clock_set(world_db(w), &clock), 0);
    char *folder = make_folder(w, "资料"), expected[512];
    assert_int_equal(w->host.event_count, 0);
    list(w, "/");
    snprintf(expected, sizeof(expected),
             "{\"files\":[],\"folders\":[{\"group_id\":700000001,\"folder_id\":\"%s\","
             "\"parent_folder_id\":\"/\",\"folder_name\":\"资料\",\"created_time\":1750000000,"
             "\"last_modified_time\":1750000000,\"creator_id\":10001000,\"file_count\":0}]}",
             folder);
    assert_json(at(w, ""), expected);
    clock.stopped_at += 60;
    assert_int_equal(sb_clock_set(world_db(w), &clock), 0);
    char *file = upload(w, BOT2, folder, "a.txt");
    list(w, folder);
    assert_int_equal(count(w, "/files"), 1);
    assert_int_equal(count(w, "/folders"), 0); /* they do not nest */
    assert_string_equal(str(w, "/files/0/parent_folder_id"), folder);
    list(w, "/");
    assert_int_equal(count(w, "/files"), 0);
    assert_int_equal(num(w, "/folders/0/file_count"), 1);
    assert_int_equal(num(w, "/folders/0/last_modified_time"), 1750000060);
    assert_int_equal(num(w, "/folders/0/created_time"), 1750000000);

    ask(w, BOT, "rename_group_folder",
        "{\"group_id\":700000001,\"folder_id\":\"%s\",\"new_folder_name\":\"新资料\"}", folder);
    ask(w, BOT, "rename_group_folder",
        "{\"group_id\":700000001,\"folder_id\":\"%s\",\"new_folder_name\":\"新资料\"}", folder);
    list(w, "/");
    assert_string_equal(str(w, "/folders/0/folder_name"), "新资料");
    ask(w, BOT, "delete_group_folder", "{\"group_id\":700000001,\"folder_id\":\"%s\"}", folder);
    list(w, "/");
    assert_json(at(w, ""), "{\"files\":[],\"folders\":[]}");
    refused(w, BOT, SB_NO_FILE, "no such file", "get_group_file_download_url",
            "{\"group_id\":700000001,\"file_id\":\"%s\"}", file); /* it was deleted too */
    clock.stopped_at = 0;
    assert_int_equal(sb_clock_set(world_db(w), &clock), 0);
    free(file);
    free(folder);
}

static void folders_refused(void **state)
{
    struct world *w = *state;
    char *folder = make_folder(w, "a"), *other = make_folder(w, "b");
    refused(w, BOT, SB_ALREADY, "has a folder of this name", "create_group_folder",
            "{\"group_id\":700000001,\"folder_name\":\"a\"}");
    refused(w, BOT, SB_ALREADY, "has a folder of this name", "rename_group_folder",
            "{\"group_id\":700000001,\"folder_id\":\"%s\",\"new_folder_name\":\"b\"}", folder);
    for (size_t i = 0; i < BAD_NAMES; i++) {
        refused(w, BOT, SB_BAD_TEXT, "folder_name", "create_group_folder",
                "{\"group_id\":700000001,\"folder_name\":\"%s\"}", bad_names[i]);
        refused(w, BOT, SB_BAD_TEXT, "new_folder_name", "rename_group_folder",
                "{\"group_id\":700000001,\"folder_id\":\"%s\",\"new_folder_name\":\"%s\"}", folder,
                bad_names[i]);
    }
    /* A member without a role. */
    refused(w, BOT2, SB_NO_PERMISSION, "make, rename and delete folders", "create_group_folder",
            "{\"group_id\":700000001,\"folder_name\":\"c\"}");
    refused(w, BOT2, SB_NO_PERMISSION, "only the owner or an admin", "rename_group_folder",
            "{\"group_id\":700000001,\"folder_id\":\"%s\",\"new_folder_name\":\"c\"}", folder);
    refused(w, BOT2, SB_NO_PERMISSION, "only the owner or an admin", "delete_group_folder",
            "{\"group_id\":700000001,\"folder_id\":\"%s\"}", folder);
    static const char *const nothing[] = { "/", "", "/0000000000000001" };
    for (size_t i = 0; i < 3; i++) {
        refused(w, BOT, SB_NO_FOLDER, "folder_id names no folder", "delete_group_folder",
                "{\"group_id\":700000001,\"folder_id\":\"%s\"}", nothing[i]);
        refused(w, BOT, SB_NO_FOLDER, "folder_id names no folder", "rename_group_folder",
                "{\"group_id\":700000001,\"folder_id\":\"%s\",\"new_folder_name\":\"c\"}",
                nothing[i]);
    }
    refused(w, BOT, SB_NO_GROUP, "700000002", "create_group_folder",
            "{\"group_id\":700000002,\"folder_name\":\"c\"}");
    world_sql(w, "UPDATE member SET role = 1 WHERE uin = 10002000");
    ask(w, BOT2, "create_group_folder", "{\"group_id\":700000001,\"folder_name\":\"c\"}");
    free(folder);
    free(other);
}

/* --- moving, renaming, deleting --- */

static void moved(void **state)
{
    struct world *w = *state;
    char *folder = make_folder(w, "a"), *file = upload(w, BOT2, "/", "x");
#define MOVE(from, to)                                                                             \
    "{\"group_id\":700000001,\"file_id\":\"%s\",\"parent_folder_id\":\"" from                      \
    "\",\"target_folder_id\":\"" to "\"}"
    ask(w, BOT2, "move_group_file", MOVE("/", "%s"), file, folder);
    list(w, "/");
    assert_int_equal(count(w, "/files"), 0);
    assert_int_equal(num(w, "/folders/0/file_count"), 1);
    uint64_t before = world_print(w);
    ask(w, BOT, "move_group_file", MOVE("%s", "%s"), file, folder, folder); /* it is there */
    assert_true(world_print(w) == before);
    refused(w, BOT, SB_NO_FILE, "not in the folder", "move_group_file", MOVE("/", "/"), file);
    refused(w, BOT, SB_NO_FOLDER, "target_folder_id names no folder", "move_group_file",
            MOVE("%s", "/0000000000000001"), file, folder);
    refused(w, BOT, SB_NO_FOLDER, "parent_folder_id names no folder", "move_group_file",
            MOVE("x", "/"), file);
    refused(w, BOT, SB_NO_FILE, "no such file", "move_group_file", MOVE("/", "%s"),
            "/0000000000000001", folder);
    refused(w, HONG, SB_NO_PERMISSION, "move files of others", "move_group_file", MOVE("%s", "/"),
            file, folder);
    ask(w, BOT, "move_group_file", MOVE("%s", "/"), file, folder); /* the owner may */
    ask(w, BOT2, "move_group_file", MOVE("", "%s"), file, folder); /* "" is "/" */
    ask(w, BOT2, "move_group_file", MOVE("%s", ""), file, folder);
    list(w, "/");
    assert_int_equal(count(w, "/files"), 1);
    assert_int_equal(num(w, "/folders/0/file_count"), 0);
    free(folder);
    free(file);
}

static void renamed(void **state)
{
    struct world *w = *state;
    char *file = upload(w, BOT2, "/", "x"), *folder = make_folder(w, "a");
#define RENAME(name)                                                                               \
    "{\"group_id\":700000001,\"file_id\":\"%s\",\"parent_folder_id\":\"%s\","                      \
    "\"new_file_name\":\"" name "\"}"
    ask(w, BOT2, "rename_group_file", RENAME("y.txt"), file, "/");
    list(w, "/");
    assert_string_equal(str(w, "/files/0/file_name"), "y.txt");
    ask(w, BOT, "rename_group_file", RENAME("z.txt"), file, "/");
    ask(w, BOT, "get_group_file_download_url", "{\"group_id\":700000001,\"file_id\":\"%s\"}", file);
    assert_non_null(strstr(str(w, "/download_url"), "/z.txt"));
    refused(w, HONG, SB_NO_PERMISSION, "rename files of others", "rename_group_file", RENAME("w"),
            file, "/");
    refused(w, BOT, SB_NO_FILE, "not in the folder", "rename_group_file", RENAME("w"), file,
            folder);
    for (size_t i = 0; i < BAD_NAMES; i++)
        refused(w, BOT, SB_BAD_TEXT, "new_file_name", "rename_group_file", RENAME("%s"), file, "/",
                bad_names[i]);
    free(file);
    free(folder);
}

static void deleted(void **state)
{
    struct world *w = *state;
    char *folder = make_folder(w, "a");
    char *first = upload(w, BOT2, folder, "x"), *second = upload(w, BOT, "/", "y");
    size_t events = w->host.event_count;
#define FILE_PARAMS "{\"group_id\":700000001,\"file_id\":\"%s\"}"
    ask(w, BOT, "persist_group_file", FILE_PARAMS, first); /* the owner, anybody's */
    refused(w, BOT2, SB_NO_PERMISSION, "keep files of others", "persist_group_file", FILE_PARAMS,
            second);
    refused(w, BOT, SB_NO_FILE, "no such file", "persist_group_file", FILE_PARAMS, "/0");
    refused(w, BOT2, SB_NO_PERMISSION, "delete files of others", "delete_group_file", FILE_PARAMS,
            second);
    ask(w, BOT2, "delete_group_file", FILE_PARAMS, first);
    list(w, "/");
    assert_int_equal(num(w, "/folders/0/file_count"), 0);
    refused(w, BOT2, SB_NO_FILE, "no such file", "delete_group_file", FILE_PARAMS, first);
    world_sql(w, "UPDATE member SET role = 1 WHERE uin = 10002000");
    ask(w, BOT2, "delete_group_file", FILE_PARAMS, second); /* an admin, even the owner's */
    list(w, "/");
    assert_int_equal(count(w, "/files"), 0);
    assert_int_equal(w->host.event_count, events);
    ask(w, BOT, "get_message",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":2}");
    assert_string_equal(str(w, "/message/segments/0/type"), "file"); /* the message stays */
    free(folder);
    free(first);
    free(second);
}

static void memory_runs_out(void **state)
{
    struct world *w = *state;
    char *folder = make_folder(w, "a"), *file = upload(w, BOT, "/", "x"), params[256];
    ask_with_little_memory(w, BOT, "create_group_folder",
                           "{\"group_id\":700000001,\"folder_name\":\"b\"}");
    ask_with_little_memory(w, BOT, "get_group_files",
                           "{\"group_id\":700000001,\"parent_folder_id\":\"/\"}");
    snprintf(params, sizeof(params), "{\"group_id\":700000001,\"file_id\":\"%s\"}", file);
    ask_with_little_memory(w, BOT, "get_group_file_download_url", params);
    ask_with_little_memory(w, BOT, "upload_private_file",
                           "{\"user_id\":10002000,\"file_uri\":\"" HELLO "\",\"file_name\":\"x\"}");
    ask_with_little_memory(w, BOT, "upload_group_file",
                           "{\"group_id\":700000001,\"parent_folder_id\":\"/\",\"file_uri\":"
                           "\"" HELLO "\",\"file_name\":\"x\"}");
    ask_with_little_memory(w, BOT, "delete_group_file", params);
    free(folder);
    free(file);
}

static void ids(void **state)
{
    (void)state;
    char text[SB_FILE_ID];
    uint64_t read = 1;
    sb_file_id_write(0, text);
    assert_string_equal(text, "/");
    assert_true(sb_file_id_read(mk_slice_str(text), &read));
    assert_int_equal(read, 0);
    sb_file_id_write(UINT64_C(0x0123456789abcdef), text);
    assert_string_equal(text, "/0123456789abcdef");
    assert_true(sb_file_id_read(mk_slice_str(text), &read));
    assert_true(read == UINT64_C(0x0123456789abcdef));
    static const char *const others[] = { "",
                                          "0",
                                          "/0",
                                          "/0000000000000000",
                                          "/0123456789ABCDEF",
                                          "//123456789abcdef",
                                          "x0123456789abcdef",
                                          "/0123456789abcdef0" };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(sb_file_id_read(mk_slice_str(others[i]), &read));
    assert_false(sb_file_id_read(mk_slice_of("/0123456789\0abcde", 17), &read));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(uploaded_privately),
        TEST(private_url),
        TEST(private_refused),
        TEST(uploaded_to_group),
        TEST(group_url),
        TEST(uploads_refused),
        TEST(same_names),
        TEST(folders),
        TEST(folders_refused),
        TEST(moved),
        TEST(renamed),
        TEST(deleted),
        TEST(memory_runs_out),
        cmocka_unit_test(ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
