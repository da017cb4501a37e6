/*
 * config_check: an embedder's structs are checked by the rules of a file, with the same messages;
 * the defaults that milky.h documents are the real ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/check.h"
#include "config/config.h"
#include "config/defaults.h"
#include "config/schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOT = 10001 };

/* Checks a configuration and forgets it. */
static int check(const struct milky_config *config, struct milky_error *error)
{
    struct mk_config_taken taken;
    int rc = mk_config_take(config, &taken, error);
    mk_config_give_back(&taken);
    return rc;
}

/* The sizes of the structs below. */
enum {
    B = sizeof(struct milky_bot),
    R = sizeof(struct milky_remote),
    S = sizeof(struct milky_server),
};

static const struct milky_backend table = { .size = sizeof(table), .name = "none" };
static const struct milky_config_backend backend = { sizeof(backend), "none", &table, NULL };
#define CONFIG .size = sizeof(struct milky_config), .backends = &backend, .backend_count = 1

#define BOTS(...)                                                                                  \
    CONFIG,                                                                                        \
        .bots = (const struct milky_bot[]){ __VA_ARGS__ },                                         \
        .bot_count = sizeof((const struct milky_bot[]){ __VA_ARGS__ }) / sizeof(struct milky_bot)
#define SERVERS(kind, ...)                                                                         \
    .kind = (const struct milky_server[]){ __VA_ARGS__ },                                          \
    .kind##_count =                                                                                \
        sizeof((const struct milky_server[]){ __VA_ARGS__ }) / sizeof(struct milky_server)
#define REMOTES(kind, ...)                                                                         \
    .kind = (const struct milky_remote[]){ __VA_ARGS__ },                                          \
    .kind##_count =                                                                                \
        sizeof((const struct milky_remote[]){ __VA_ARGS__ }) / sizeof(struct milky_remote)

/* --- the same messages --- */

/* The message for a file with the same mistake, without the position. */
static void said_of_file(const char *json, char *said, size_t size)
{
    const struct mk_config_origin origin = { NULL, MILKY_ENGLISH };
    struct mk_config *config = NULL;
    struct mk_buf mistakes;
    mk_buf_init(&mistakes, SIZE_MAX);
    int rc = mk_config_load(mk_slice_str(json), &origin, &config, &mistakes);
    if (rc != -EINVAL)
        print_error("nothing wrong with %s\n", json);
    assert_int_equal(rc, -EINVAL);
    assert_int_equal(mk_buf_append_char(&mistakes, '\0'), 0);
    const char *line = strstr(mistakes.data, ": ");
    snprintf(said, size, "%.*s", (int)strcspn(line + 2, "\n"), line + 2);
    mk_buf_fini(&mistakes);
}

#define FILE_BOT(inner) "{\"bots\": [{\"self_id\": 10001, " inner "}]}"

static const char *const bad_origins[] = { "https://a.example", "https://b.example/" };
static const char *const every_origin[] = { "*" };

static void test_messages_are_those_of_a_file(void **state)
{
    (void)state;
    const struct {
        struct milky_config config;
        const char *file;
        const char *path;
        const char *expected; /* NULL: not checked */
        const char *got;
    } cases[] = {
        /* values */
        { { BOTS({ B, 10000 }) },
          "{\"bots\": [{\"self_id\": 10000}]}",
          "bots[0].self_id",
          "a QQ number from 10001 to 4294967295",
          "10000" },
        { { BOTS({ B, BOT, SERVERS(http_server, { S, "what?" }) }) },
          FILE_BOT("\"http_server\": [{\"listen\": \"what?\"}]"),
          "bots[0].http_server[0].listen",
          "HOST:PORT, [IPV6]:PORT or unix:PATH",
          "\"what?\"" },
        { { BOTS({ B, BOT, SERVERS(websocket_server, { S, "127.0.0.1:1" }, { S, NULL }) }) },
          FILE_BOT("\"websocket_server\": [{\"listen\": \"127.0.0.1:1\"}, {}]"),
          "bots[0].websocket_server[1].listen",
          "HOST:PORT, [IPV6]:PORT or unix:PATH",
          "" },
        { { BOTS(
              { B, BOT, SERVERS(http_server, { S, "127.0.0.1:1", .access_token = "s3cret " }) }) },
          FILE_BOT("\"http_server\": [{\"listen\": \"127.0.0.1:1\", \"access_token\": \"s3cret "
                   "\"}]"),
          "bots[0].http_server[0].access_token",
          "a string without control characters or spaces around it",
          "one with a space at byte 7" },
        { { BOTS({ B, BOT, SERVERS(http_server, { S, "127.0.0.1:1", .access_token = "" }) }) },
          FILE_BOT("\"http_server\": [{\"listen\": \"127.0.0.1:1\", \"access_token\": \"\"}]"),
          "bots[0].http_server[0].access_token",
          NULL,
          "an empty string" },
        { { BOTS({ B, BOT,
                   SERVERS(http_server,
                           { S, "127.0.0.1:1", .origins = bad_origins, .origin_count = 2 }) }) },
          FILE_BOT("\"http_server\": [{\"listen\": \"127.0.0.1:1\", "
                   "\"origins\": [\"https://a.example\", \"https://b.example/\"]}]"),
          "bots[0].http_server[0].origins[1]",
          "an origin like \"https://console.example\", or \"*\"",
          "\"https://b.example/\"" },
        { { BOTS({ B, BOT,
                   SERVERS(http_server,
                           { S, "127.0.0.1:1", .origins = every_origin, .origin_count = 1 }) }) },
          FILE_BOT("\"http_server\": [{\"listen\": \"127.0.0.1:1\", \"origins\": \"*\"}]"),
          "bots[0].http_server[0].origins",
          "an access_token beside \"*\"",
          "none" },
        { { BOTS({ B, BOT, SERVERS(http_server, { S, "127.0.0.1:1", .prefix = "a" }) }) },
          FILE_BOT("\"http_server\": [{\"listen\": \"127.0.0.1:1\", \"prefix\": \"a\"}]"),
          "bots[0].http_server[0].prefix",
          "a path like \"/milky\"",
          "\"a\"" },
        { { BOTS({ B, BOT, SERVERS(http_server, { S, "127.0.0.1:1", .tls = { "c" } }) }) },
          FILE_BOT("\"http_server\": [{\"listen\": \"127.0.0.1:1\", \"tls\": {\"certificate\": "
                   "\"c\"}}]"),
          "bots[0].http_server[0].tls.key",
          "a path",
          "" },
        { { BOTS({ B, BOT, REMOTES(websocket_client, { R, "ws://h/", .origin = "*" }) }) },
          FILE_BOT("\"websocket_client\": [{\"url\": \"ws://h/\", \"origin\": \"*\"}]"),
          "bots[0].websocket_client[0].origin",
          "an origin like \"https://console.example\"",
          "\"*\"" },
        { { BOTS(
              { B, BOT, REMOTES(websocket_client, { R, "ws://h/", .origin = "https://A/b" }) }) },
          FILE_BOT("\"websocket_client\": [{\"url\": \"ws://h/\", \"origin\": \"https://A/b\"}]"),
          "bots[0].websocket_client[0].origin",
          "an origin like \"https://console.example\"",
          "\"https://A/b\"" },
        { { BOTS({ B, BOT, REMOTES(webhook, { R, "ws://a:s3cret@h/" }) }) },
          FILE_BOT("\"webhook\": [{\"url\": \"ws://a:s3cret@h/\"}]"),
          "bots[0].webhook[0].url",
          "an http:// or https:// URL",
          "a ws:// URL" },
        { { BOTS({ B, BOT }), .limits = { .lag_bytes = 65535 } },
          "{\"limits\": {\"lag_bytes\": 65535}, \"bots\": [{\"self_id\": 10001}]}",
          "limits.lag_bytes",
          "a whole number from 65536 to 1073741824",
          "65535" },
        { { BOTS({ B, BOT }), .journal = { .max_age = UINT64_MAX } },
          "{\"journal\": {\"max_age\": 18446744073709551615}, \"bots\": [{\"self_id\": 10001}]}",
          "journal.max_age",
          "a whole number from 1 to 315360000",
          "18446744073709551615" },
        { { BOTS({ B, BOT }), .resource_url = "ftp://h/" },
          "{\"resource_url\": \"ftp://h/\", \"bots\": [{\"self_id\": 10001}]}",
          "resource_url",
          "an http:// or https:// URL",
          "another string" },
        { { BOTS({ B, BOT }), .control = "127.0.0.1:1", .control_access_token = "\n" },
          "{\"control\": {\"listen\": \"127.0.0.1:1\", \"access_token\": \"\\n\"}, \"bots\": "
          "[{\"self_id\": 10001}]}",
          "control.access_token",
          NULL,
          "one with a control character at byte 1" },

        /* rules */
        { { BOTS({ B, BOT }, { B, BOT }) },
          "{\"bots\": [{\"self_id\": 10001}, {\"self_id\": 10001}]}",
          "bots[1].self_id",
          "a self_id of its own",
          "10001" },
        { { BOTS({ B, BOT, SERVERS(http_server, { S, "0.0.0.0:1" }) }) },
          FILE_BOT("\"http_server\": [{\"listen\": \"0.0.0.0:1\"}]"),
          "bots[0].http_server[0].listen",
          "an access_token beside it",
          "none" },
        { { BOTS({ B, BOT, SERVERS(http_server, { S, "127.0.0.1:1" }, { S, "localhost:1" }) }) },
          FILE_BOT("\"http_server\": [{\"listen\": \"127.0.0.1:1\"}, {\"listen\": "
                   "\"localhost:1\"}]"),
          "bots[0].http_server[1].listen",
          "another address",
          "localhost:1" },
        { { BOTS({ B, BOT, SERVERS(http_server, { S, "127.0.0.1:1" }) },
                 { B, 10002, SERVERS(http_server, { S, "127.0.0.1:1" }) }) },
          "{\"bots\": [{\"self_id\": 10001, \"http_server\": [{\"listen\": \"127.0.0.1:1\"}]}, "
          "{\"self_id\": 10002, \"http_server\": [{\"listen\": \"127.0.0.1:1\"}]}]}",
          "bots[1].http_server[0].listen",
          "a port of its own",
          "127.0.0.1:1" },
        { { BOTS({ B, BOT, SERVERS(http_server, { S, "127.0.0.1:1" }),
                   SERVERS(websocket_server, { S, "127.0.0.1:1", .prefix = "/a" }) }) },
          FILE_BOT("\"http_server\": [{\"listen\": \"127.0.0.1:1\"}], \"websocket_server\": "
                   "[{\"listen\": \"127.0.0.1:1\", \"prefix\": \"/a\"}]"),
          "bots[0].websocket_server[0].prefix",
          "that of http_server[0]",
          "" },
        { { BOTS({ B, BOT, REMOTES(webhook, { R, "https://h/", .tls = { .key = "k" } }) }) },
          FILE_BOT("\"webhook\": [{\"url\": \"https://h/\", \"tls\": {\"key\": \"k\"}}]"),
          "bots[0].webhook[0].tls.key",
          "`certificate` beside it",
          "" },
        { { BOTS({ B, BOT, REMOTES(webhook, { R, "http://h/", .secret = "whsec_s3cret?" }) }) },
          FILE_BOT("\"webhook\": [{\"url\": \"http://h/\", \"secret\": \"whsec_s3cret?\"}]"),
          "bots[0].webhook[0].secret",
          "whsec_ and base64, or any other text, of 512 bytes at most",
          "" },
        { { BOTS(
              { B, BOT, REMOTES(webhook, { R, "http://s3cret@h/" }, { R, "http://s3cret@h/" }) }) },
          FILE_BOT("\"webhook\": [{\"url\": \"http://s3cret@h/\"}, {\"url\": "
                   "\"http://s3cret@h/\"}]"),
          "bots[0].webhook[1].url",
          "a URL of its own",
          "that of webhook[0]" },
        { { BOTS({ B, BOT }), .control = "[::]:1" },
          "{\"control\": \"[::]:1\", \"bots\": [{\"self_id\": 10001}]}",
          "control",
          "an access_token beside it",
          "none" },
        { { BOTS({ B, BOT }), .control = "127.0.0.1:1", .operations = "127.0.0.1:1" },
          "{\"control\": \"127.0.0.1:1\", \"operations\": \"127.0.0.1:1\", \"bots\": "
          "[{\"self_id\": 10001}]}",
          "operations",
          "another address",
          "127.0.0.1:1" },

        /* files */
        { { BOTS({ B, BOT,
                   SERVERS(http_server, { S, "127.0.0.1:1", .tls = { "/no/c", "/no/k" } }) }) },
          FILE_BOT("\"http_server\": [{\"listen\": \"127.0.0.1:1\", \"tls\": {\"certificate\": "
                   "\"/no/c\", \"key\": \"/no/k\"}}]"),
          "bots[0].http_server[0].tls.certificate",
          "",
          "" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct milky_error error = { .size = sizeof(error) };
        char said[1024];
        said_of_file(cases[i].file, said, sizeof(said));
        assert_int_equal(check(&cases[i].config, &error), -EINVAL);
        assert_string_equal(error.text, said);
        assert_string_equal(error.path, cases[i].path);
        if (cases[i].expected)
            assert_string_equal(error.expected, cases[i].expected);
        assert_string_equal(error.got, cases[i].got);
        assert_null(strstr(error.text, "s3cret"));
    }
}

/* --- mistakes that only structs can have --- */

static void test_refuses_mistakes_that_no_file_can_have(void **state)
{
    (void)state;
    const struct {
        struct milky_config config;
        const char *said;
    } cases[] = {
        { { BOTS({ B, BOT, SERVERS(http_server, { S, "127.0.0.1:1", .dialect = 7 }) }) },
          "bots[0].http_server[0].dialect: expected \"draft\", \"1.2\" or \"1.3\", got 7" },
        { { BOTS({ B, BOT, .webhook_count = 1 }) },
          "bots[0].webhook: missing: expected a list of objects" },
        { { BOTS({ B, BOT, SERVERS(http_server, { S, "a\xff\x01" }) }) },
          "bots[0].http_server[0].listen: expected HOST:PORT, [IPV6]:PORT or unix:PATH, got "
          "\"a\"... (a control character)" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct milky_error error = { .size = sizeof(error) };
        assert_int_equal(check(&cases[i].config, &error), -EINVAL);
        assert_string_equal(error.text, cases[i].said);
    }
}

static void test_fields_may_be_left_out(void **state)
{
    (void)state;
    const struct milky_config cases[] = {
        { CONFIG },
        { BOTS({ B, BOT }, { B, 10002 }) },
        { CONFIG, .control_access_token = "without an address" },
        { BOTS({ B, BOT, SERVERS(http_server, { S, "127.0.0.1:0" }, { S, "127.0.0.1:0" }) },
               { B, 10002, SERVERS(http_server, { S, "127.0.0.1:0" }) }) },
        { BOTS({ B, BOT, SERVERS(http_server, { S, "0.0.0.0:1", .allow_anonymous = true }) }) },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct milky_error error = { .size = sizeof(error) };
        assert_int_equal(check(&cases[i], &error), 0);
        assert_string_equal(error.text, "");
    }
}

static void test_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    char listen[3 * 1000] = "0.0.0.0:1", longer[3 * 1000];
    for (size_t i = 0; i + 3 < sizeof(longer); i += 3)
        memcpy(longer + i, "\xe5\xa5\xb6", 4);
    const struct milky_config file = { BOTS(
        { B, BOT, SERVERS(http_server, { S, listen, "t", .tls = { longer, longer } }) }) };
    struct milky_error error = { .size = sizeof(error) };
    assert_int_equal(check(&file, &error), -EINVAL);
    size_t len = strlen(error.text);
    assert_in_range(len, sizeof(error.text) - 4, sizeof(error.text) - 1);
    assert_memory_equal(error.text + len - 3, "\xe5\xa5\xb6", 3);
}

/* --- sizes: of an embedder that was compiled with another header --- */

/* Structs as an older header and a newer one have them. */
struct small_server {
    size_t size;
    const char *listen;
};
struct large_server {
    struct milky_server known;
    const char *later;
};
struct small_bot {
    size_t size;
    uint64_t self_id;
    const char *backend;
    const struct small_server *http_server;
    size_t http_server_count;
};
struct large_bot {
    struct milky_bot known;
    uint64_t later[3];
};
struct large_config {
    struct milky_config known;
    const char *later;
};
struct large_backend {
    struct milky_config_backend known;
    char later;
};

static void test_accepts_smaller_structs(void **state)
{
    (void)state;
    static const struct small_server servers[] = { { sizeof(servers[0]), "127.0.0.1:1" },
                                                   { sizeof(servers[0]), "127.0.0.1:2" } };
    static const struct small_bot bots[] = { { sizeof(bots[0]), 10001, NULL, servers, 2 },
                                             { sizeof(bots[0]), 10002, "none", NULL, 0 } };
    /* Up to `control` the struct is the same in all versions. */
    struct milky_config small = { .size = offsetof(struct milky_config, control),
                                  .backends = &backend,
                                  .backend_count = 1,
                                  .bots = (const struct milky_bot *)(const void *)bots,
                                  .bot_count = 2 };
    small.control = "not its own memory any more";
    struct mk_config_taken taken;
    assert_int_equal(mk_config_take(&small, &taken, NULL), 0);
    const struct milky_config *config = &taken.config;
    assert_int_equal(config->size, sizeof(*config));
    assert_null(config->control);
    assert_int_equal(config->bot_count, 2);
    assert_int_equal(config->bots[0].size, sizeof(struct milky_bot));
    assert_int_equal(config->bots[0].http_server_count, 2);
    assert_int_equal(config->bots[0].http_server[1].size, sizeof(struct milky_server));
    assert_string_equal(config->bots[0].http_server[1].listen, "127.0.0.1:2");
    assert_null(config->bots[0].http_server[1].access_token);
    assert_int_equal(config->bots[1].self_id, 10002);
    assert_string_equal(config->bots[1].backend, "none");
    assert_int_equal(config->bots[1].webhook_count, 0);
    mk_config_give_back(&taken);
}

static void test_accepts_larger_structs_with_zeros_at_the_end(void **state)
{
    (void)state;
    static const struct large_server servers[] = { { { sizeof(servers[0]), "127.0.0.1:1" }, NULL },
                                                   { { sizeof(servers[0]), "127.0.0.1:2" },
                                                     NULL } };
    static const struct large_bot bots[] = {
        { { sizeof(bots[0]), 10001, .http_server = &servers[0].known, .http_server_count = 2 },
          { 0 } },
        { { sizeof(bots[0]), 10002 }, { 0 } },
    };
    static const struct large_backend backends[] = {
        { { sizeof(backends[0]), "one", &table, NULL }, 0 },
        { { sizeof(backends[0]), "two", &table, (void *)(uintptr_t)&table }, 0 },
    };
    const struct large_config large = {
        { sizeof(large), &backends[0].known, 2, .bots = &bots[0].known, .bot_count = 2 }, NULL
    };
    struct mk_config_taken taken;
    assert_int_equal(mk_config_take(&large.known, &taken, NULL), 0);
    assert_string_equal(taken.config.backends[1].name, "two");
    assert_ptr_equal(taken.config.backends[1].self, &table);
    assert_string_equal(taken.config.bots[0].http_server[1].listen, "127.0.0.1:2");
    assert_int_equal(taken.config.bots[1].self_id, 10002);
    mk_config_give_back(&taken);
}

#define OLDER ": this library is older than the header that the program was compiled with: "

static void refuses(const struct milky_config *config, const char *path, const char *said)
{
    struct milky_error error = { .size = sizeof(error) };
    assert_int_equal(check(config, &error), -EINVAL);
    assert_string_equal(error.path, path);
    if (!strstr(error.text, said))
        print_error("%s instead of %s\n", error.text, said);
    assert_non_null(strstr(error.text, said));
}

static void test_refuses_settings_of_a_newer_header(void **state)
{
    (void)state;
    struct large_config config = { { CONFIG }, "a feature to come" };
    config.known.size = sizeof(config);
    refuses(&config.known, "", "the configuration" OLDER);

    struct large_server servers[] = { { { sizeof(servers[0]), "127.0.0.1:1" }, NULL },
                                      { { sizeof(servers[0]), "127.0.0.1:2" }, "more" } };
    const struct milky_config with_server = { BOTS(
        { B, BOT, .http_server = &servers[0].known, .http_server_count = 2 }) };
    refuses(&with_server, "bots[0].http_server[1]", "bots[0].http_server[1]" OLDER);

    struct large_backend backends[] = { { { sizeof(backends[0]), "a", &table, NULL }, 1 } };
    const struct milky_config with_backend = { .size = sizeof(with_backend),
                                               .backends = &backends[0].known,
                                               .backend_count = 1 };
    refuses(&with_backend, "backends[0]", OLDER);

    struct milky_config reserved = { CONFIG };
    reserved.limits.reserved[9] = 1;
    refuses(&reserved, "limits", OLDER);
    reserved = (struct milky_config){ CONFIG, .journal = { .reserved = { 1 } } };
    refuses(&reserved, "journal", OLDER);
    const struct milky_config server_tls = { BOTS(
        { B, BOT,
          SERVERS(websocket_server, { S, "127.0.0.1:1" },
                  { S, "127.0.0.1:2", .tls = { .reserved = { NULL, &table } } }) }) };
    refuses(&server_tls, "bots[0].websocket_server[1].tls", OLDER);
    const struct milky_config remote_tls = { BOTS(
        { B, BOT, REMOTES(webhook, { R, "https://h/", .tls = { .reserved = { &table } } }) }) };
    refuses(&remote_tls, "bots[0].webhook[0].tls", OLDER);
}

static void test_refuses_impossible_sizes(void **state)
{
    (void)state;
    struct milky_config config = { CONFIG };
    config.size = 0;
    refuses(&config, "size", "got 0");
    config.size = SIZE_MAX;
    refuses(&config, "size", "expected the size of its struct");
    const struct milky_config bots = { BOTS({ B, BOT }, { 0, 10002 }) };
    refuses(&bots, "bots[1].size", "got 0");
    const struct milky_config servers = { BOTS(
        { B, BOT, SERVERS(http_server, { S, "127.0.0.1:1" }, { S + 8, "127.0.0.1:2" }) }) };
    refuses(&servers, "bots[0].http_server[1].size", "expected the size of its struct");
}

/* The copy does not refer to the embedder's memory. */
static void test_copies_everything(void **state)
{
    (void)state;
    char url[] = "http://h/1", token[] = "t1", path[] = "j.db", name[] = "none",
         control[] = "unix:c";
    struct milky_remote hook = { R, url, token, .secret = token };
    char listen[] = "127.0.0.1:1", page[] = "http://a";
    const char *origins[] = { page, "*" };
    struct milky_server server = { S, listen, token, .origins = origins, .origin_count = 2 };
    struct milky_bot bot = { B, BOT, name, &server, 1, .webhook = &hook, .webhook_count = 1 };
    struct milky_config_backend mine = { sizeof(mine), name, &table, &bot };
    struct milky_config config = { sizeof(config),
                                   &mine,
                                   1,
                                   .journal = { .path = path },
                                   .bots = &bot,
                                   .bot_count = 1,
                                   .control = control,
                                   .control_access_token = token,
                                   .resource_url = url };
    struct mk_config_taken taken;
    assert_int_equal(mk_config_take(&config, &taken, NULL), 0);
    memset(url, 'x', sizeof(url) - 1);
    memset(token, 'x', sizeof(token) - 1);
    memset(path, 'x', sizeof(path) - 1);
    memset(name, 'x', sizeof(name) - 1);
    memset(control, 'x', sizeof(control) - 1);
    memset(page, 'x', sizeof(page) - 1);
    memset(origins, 'x', sizeof(origins));
    memset(&server, 'x', sizeof(server));
    memset(&hook, 'x', sizeof(hook));
    memset(&mine, 'x', sizeof(mine));
    memset(&config, 'x', sizeof(config));
    assert_string_equal(taken.config.bots[0].webhook[0].url, "http://h/1");
    assert_string_equal(taken.config.bots[0].webhook[0].secret, "t1");
    assert_string_equal(taken.config.bots[0].webhook[0].access_token, "t1");
    assert_int_equal(taken.config.bots[0].http_server[0].origin_count, 2);
    assert_string_equal(taken.config.bots[0].http_server[0].origins[0], "http://a");
    assert_string_equal(taken.config.bots[0].http_server[0].origins[1], "*");
    assert_string_equal(taken.config.bots[0].backend, "none");
    assert_string_equal(taken.config.backends[0].name, "none");
    assert_ptr_equal(taken.config.backends[0].table, &table);
    assert_ptr_equal(taken.config.backends[0].self, &bot);
    assert_string_equal(taken.config.journal.path, "j.db");
    assert_string_equal(taken.config.control, "unix:c");
    assert_string_equal(taken.config.control_access_token, "t1");
    assert_string_equal(taken.config.resource_url, "http://h/1");
    memset(&bot, 'x', sizeof(bot));
    assert_int_equal(taken.config.bots[0].self_id, BOT);
    mk_config_give_back(&taken);
}

/* --- defaults --- */

static void test_replaces_zeros_with_defaults(void **state)
{
    (void)state;
    const struct milky_config given = { CONFIG, .limits = { .header_bytes = 2048 },
                                        .journal = { .max_age = 5 } };
    struct mk_config_taken taken;
    assert_int_equal(mk_config_take(&given, &taken, NULL), 0);
    const struct milky_config config = taken.config;
    mk_config_give_back(&taken);
    assert_int_equal(config.limits.header_bytes, 2048);
    assert_int_equal(config.limits.body_bytes, MK_DEFAULT_BODY_BYTES);
    assert_int_equal(config.limits.connections, MK_DEFAULT_CONNECTIONS);
    assert_int_equal(config.limits.connections_per_address, 0);
    assert_int_equal(config.journal.max_events, MK_DEFAULT_MAX_EVENTS);
    assert_int_equal(config.journal.max_age, 5);
    assert_int_equal(config.compression_threshold, MK_DEFAULT_COMPRESSION_THRESHOLD);
    assert_int_equal(config.busy_poll_us, 0);
}

static void test_replaces_zeros_of_webhooks(void **state)
{
    (void)state;
    const struct milky_remote webhooks[] = {
        { .size = sizeof(webhooks[0]), .url = "http://127.0.0.1:1/a" },
        { .size = sizeof(webhooks[0]),
          .url = "http://127.0.0.1:1/b",
          .timeout = 3,
          .give_up_tries = 4,
          .give_up_seconds = 5,
          .on_give_up = MILKY_GIVE_UP_WAIT },
    };
    const struct milky_bot bot = { B, BOT, .webhook = webhooks, .webhook_count = 2 };
    const struct milky_config given = { CONFIG, .bots = &bot, .bot_count = 1 };
    struct mk_config_taken taken;
    assert_int_equal(mk_config_take(&given, &taken, NULL), 0);
    const struct milky_remote *usual = &taken.config.bots[0].webhook[0];
    assert_int_equal(usual->timeout, MK_DEFAULT_TIMEOUT);
    assert_int_equal(usual->give_up_tries, MK_DEFAULT_GIVE_UP_TRIES);
    assert_int_equal(usual->give_up_seconds, MK_DEFAULT_GIVE_UP_SECONDS);
    assert_int_equal(usual->on_give_up, MILKY_GIVE_UP_DEAD_LETTER);
    const struct milky_remote *own = &usual[1];
    assert_int_equal(own->timeout, 3);
    assert_int_equal(own->give_up_tries, 4);
    assert_int_equal(own->give_up_seconds, 5);
    assert_int_equal(own->on_give_up, MILKY_GIVE_UP_WAIT);
    mk_config_give_back(&taken);
}

static char *read_header(void)
{
    FILE *file = fopen(MK_INCLUDE_DIR "/milky/milky.h", "re");
    assert_non_null(file);
    char *text = calloc(1, 64 * 1024);
    assert_non_null(text);
    assert_true(fread(text, 1, 64 * 1024 - 1, file) > 1000);
    fclose(file);
    return text;
}

/* "16,384", "32 KiB", "7 days": as milky.h writes a number; 0 for none. */
static uint64_t number_of(const char *text)
{
    static const struct {
        const char *name;
        uint64_t factor;
    } units[] = { { " KiB", 1024 },
                  { " MiB", 1024 * 1024 },
                  { " GiB", 1024 * 1024 * 1024 },
                  { " days", 24 * 3600 } };
    uint64_t number = 0;
    for (; (*text >= '0' && *text <= '9') || (*text == ',' && text[1] >= '0' && text[1] <= '9');
         text++)
        if (*text != ',')
            number = number * 10 + (uint64_t)(*text - '0');
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strncmp(text, units[i].name, strlen(units[i].name)) == 0)
            return number * units[i].factor;
    return number;
}

/* The default in the comment of a field: the number in brackets, or after "0: ". */
static uint64_t documented(const char *header, const char *name)
{
    char field[64];
    snprintf(field, sizeof(field), " %s;", name);
    const char *declared = strstr(header, field);
    assert_non_null(declared);
    const char *comment = strstr(declared, "/*");
    const char *end = comment ? strstr(comment, "*/") : NULL;
    /* The comment of compression_threshold is before the field. */
    if (!end || strcspn(declared, "\n") < (size_t)(comment - declared)) {
        end = declared;
        comment = end;
        while (strncmp(comment, "/*", 2) != 0)
            comment--;
    }
    uint64_t number = 0;
    for (const char *at = comment; at < end; at++)
        if ((*at == '(' || strncmp(at, "0: ", 3) == 0) && number_of(at + (*at == '(' ? 1 : 3)))
            number = number_of(at + (*at == '(' ? 1 : 3));
    return number;
}

static size_t compare(const char *header, const struct mk_config_key *keys)
{
    size_t count = 0;
    for (const struct mk_config_key *key = keys; key->name; key++) {
        if (key->type != MK_CONFIG_NUMBER || !key->usual)
            continue;
        if (documented(header, key->name) != key->usual)
            print_error("milky.h on %s\n", key->name);
        assert_int_equal(documented(header, key->name), key->usual);
        count++;
    }
    return count;
}

static void test_the_header_documents_the_real_defaults(void **state)
{
    (void)state;
    char *header = read_header();
    size_t count = compare(header, mk_config_schema.keys);
    for (const struct mk_config_key *key = mk_config_schema.keys; key->name; key++)
        if (strcmp(key->name, "limits") == 0 || strcmp(key->name, "journal") == 0)
            count += compare(header, key->keys);
    assert_int_equal(count, 1 + offsetof(struct milky_limits, reserved) / sizeof(uint64_t) + 2);
    free(header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_are_those_of_a_file),
        cmocka_unit_test(test_refuses_mistakes_that_no_file_can_have),
        cmocka_unit_test(test_fields_may_be_left_out),
        cmocka_unit_test(test_long_text_is_cut_between_characters),
        cmocka_unit_test(test_accepts_smaller_structs),
        cmocka_unit_test(test_accepts_larger_structs_with_zeros_at_the_end),
        cmocka_unit_test(test_refuses_settings_of_a_newer_header),
        cmocka_unit_test(test_refuses_impossible_sizes),
        cmocka_unit_test(test_copies_everything),
        cmocka_unit_test(test_replaces_zeros_with_defaults),
        cmocka_unit_test(test_replaces_zeros_of_webhooks),
        cmocka_unit_test(test_the_header_documents_the_real_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
