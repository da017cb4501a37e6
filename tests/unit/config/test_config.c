/* config: reading a configuration, and the messages about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/jsonc.h"
#include "base/log.h"
#include "base/suggestion.h"
#include "cli/text.h"
#include "config/config.h"
#include "config/mistakes.h"
#include "config/reader.h"
#include "config/schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#define NAME "dir/milky.jsonc"

/* Valid configurations but for the part that a case inserts. */
#define SERVER(inner) "{\"bots\": [{\"self_id\": 10001, \"http_server\": [{" inner "}]}]}"
#define BOT(inner) "{\"bots\": [{\"self_id\": 10001, " inner "}]}"
#define TOKEN                                                                                      \
    "bots[0].http_server[0].access_token: expected a string without control characters or "        \
    "spaces around it, got "
#define CONTROL                                                                                    \
    "control: expected HOST:PORT, [IPV6]:PORT or unix:PATH, an object with its `listen`, or "      \
    "null, "
#define TOP(inner) "{\"bots\": [{\"self_id\": 10001}], " inner "}"

static int parse(struct mk_slice text, struct mk_config **config, char **mistakes)
{
    struct mk_buf buf;
    mk_buf_init(&buf, SIZE_MAX);
    const struct mk_config_origin origin = { NAME, MILKY_CHINESE };
    int rc = mk_config_parse(text, &origin, config, &buf);
    assert_int_equal(mk_buf_append_char(&buf, '\0'), 0);
    *mistakes = buf.data;
    return rc;
}

static struct mk_config *parse_good(const char *text)
{
    struct mk_config *config = NULL;
    char *mistakes;
    int rc = parse(mk_slice_str(text), &config, &mistakes);
    if (rc)
        print_error("%s\n%s\n", text, mistakes);
    assert_int_equal(rc, 0);
    assert_string_equal(mistakes, "");
    free(mistakes);
    return config;
}

struct bad {
    const char *text;     /* with a '@' before each mistake */
    const char *mistakes; /* without "NAME:LINE:COLUMN: " in front of each line */
};

#define SAME_URL(first)                                                                            \
    "expected a URL of its own, got that of " first                                                \
    ": the journal keeps the progress of each by its URL (a "                                      \
    "query such as ?2 makes it another)\n"

static const struct bad bad[] = {
    /* invalid JSON */
    { "@", "the file is empty\n" },
    { "{@", "this is not JSON: unexpected end of data\n" },
    { "{\n  \"bots\" @[]}",
      "this is not JSON: unexpected character, expected a colon after object key\n" },
    { "@[]", "expected an object, got a list\n" },
    { "// only this\n@3", "expected an object, got 3\n" },

    /* keys */
    { TOP("@\"bot\": 1"), "bot: unknown key (did you mean `bots`?)\n" },
    { TOP("@\"zzzzzzzz\": 1"), "zzzzzzzz: unknown key (here are: `data_dir`, `control`, "
                               "`operations`, `resource_url`, `language`, `backend`, "
                               "`journal`, `limits`, `compression_threshold`, `busy_poll_us`, "
                               "`io_uring`, `log`, `bots`)\n" },
    { TOP("@\"a.\\n\": 1"), "\"a.\\n\": unknown key (here are: `data_dir`, `control`, "
                            "`operations`, `resource_url`, `language`, `backend`, "
                            "`journal`, `limits`, `compression_threshold`, `busy_poll_us`, "
                            "`io_uring`, `log`, `bots`)\n" },
    { TOP("\"backend\": {\"media\": {\"max_bytes\": @0, \"roots\": @[]}}"),
      "backend.media.max_bytes: expected a whole number from 1 to 1099511627776, got 0\n"
      "backend.media.roots: expected a list of paths, got a list\n" },
    { TOP("\"backend\": {\"media\": {\"roots\": [\"a\", @7]}}"),
      "backend.media.roots[1]: expected a path, got 7\n" },
    { TOP("\"backend\": {\"name\": @\"a b\"}"),
      "backend.name: expected a name of letters, digits, '-' and '_', got \"a b\" (no other "
      "characters)\n" },
    { BOT("\"backend\": {\"name\": @\"endpoint\"}"),
      "bots[0].backend.name: expected a name of letters, digits, '-' and '_', got \"endpoint\" "
      "(that "
      "is the endpoint itself)\n" },
    { BOT("\"backend\": {\"name\": @\"media\"}"),
      "bots[0].backend.name: expected another name, got \"media\", which is a folder of data_dir "
      "already\n" },
    { BOT("\"backend\": {@\"zzzzzzzz\": 1}"),
      "bots[0].backend.zzzzzzzz: unknown key (here are: `type`, `name`, `strictness`, `media`)\n" },
    { BOT("\"backend\": {@\"nam\": \"x\"}"),
      "bots[0].backend.nam: unknown key (did you mean `name`?)\n" },
    { BOT("\"backend\": @1"), "bots[0].backend: expected an object, got 1\n" },
    { BOT("\"backend\": {\"type\": @\"qq\", \"its_key\": 1}"),
      "bots[0].backend.type: expected \"sandbox\", got \"qq\"\n" },
    { "{\"bots\": [{\"self_id\": 10001, \"backend\": {\"name\": \"x\"}}, {\"self_id\": 10002, "
      "\"backend\": @{\"name\": \"x\", \"media\": {\"max_bytes\": 5}}}]}",
      "bots[1].backend: expected the same settings as at `bots[0].backend`, which has the same "
      "name "
      "(\"x\")\n" },
    { "{\"backend\": {\"media\": {\"roots\": [\"a\", \"b\"]}}, \"bots\": [{\"self_id\": 10001}, "
      "{\"self_id\": 10002, \"backend\": @{\"name\": \"sandbox\", \"media\": {\"roots\": "
      "[\"a\"]}}}]}",
      "bots[1].backend: expected the same settings as at `backend`, which has the same name "
      "(\"sandbox\")\n" },
    { BOT("\n@\"http_sever\": []"),
      "bots[0].http_sever: unknown key (did you mean `http_server`?)\n" },
    { SERVER("\"listen\": \"127.0.0.1:1\", @\"token\": \"x\""),
      "bots[0].http_server[0].token: unknown key (did you mean `access_token`?)\n" },
    { TOP("\"data_dir\": \"a\", @\"data_dir\": \"b\""), "data_dir: this key is here twice\n" },
    { TOP("\"data_dir\": \"\\\\\\\"\", @\"data\\u005fdir\": \"b\""),
      "data_dir: this key is here twice\n" },

    /* missing keys */
    { "@{}", "bots: missing: expected a list of objects\n" },
    { "{\"bots\": @[]}", "bots: expected at least one element\n" },
    { "{\"bots\": [@{}]}",
      "bots[0].self_id: missing: expected a QQ number from 10001 to 4294967295\n" },
    { BOT("\"http_server\": [@{}]"), "bots[0].http_server[0].listen: missing: expected HOST:PORT, "
                                     "[IPV6]:PORT or unix:PATH\n" },
    { BOT("\"webhook\": [@{}]"),
      "bots[0].webhook[0].url: missing: expected an http:// or https:// URL\n" },

    /* types and ranges */
    { "{\"bots\": [{\"self_id\": @10000}]}",
      "bots[0].self_id: expected a QQ number from 10001 to 4294967295, got 10000\n" },
    { "{\"bots\": [{\"self_id\": @4294967296}]}",
      "bots[0].self_id: expected a QQ number from 10001 to 4294967295, got 4294967296\n" },
    { "{\"bots\": [{\"self_id\":@-10001}]}",
      "bots[0].self_id: expected a QQ number from 10001 to 4294967295, got -10001\n" },
    { "{\"bots\": [{\"self_id\": @10001.5}]}",
      "bots[0].self_id: expected a QQ number from 10001 to 4294967295, got 10001.5\n" },
    { "{\"bots\": [{\"self_id\": @\"10001\"}]}",
      "bots[0].self_id: expected a QQ number from 10001 to 4294967295, got \"10001\"\n" },
    { "{\"bots\": @{}}", "bots: expected a list of objects, got an object\n" },
    { "{\"bots\": [@null]}", "bots[0]: expected an object, got null\n" },
    { BOT("\"webhook\": @{}"), "bots[0].webhook: expected a list of objects, got an object\n" },
    { BOT("\"webhook\": [@\"http://a/\"]"),
      "bots[0].webhook[0]: expected an object, got \"http://a/\"\n" },
    { TOP("\"log\": {\"level\": @\"loud\"}"),
      "log.level: expected \"error\", \"warn\", \"info\" or \"debug\", got \"loud\"\n" },
    { TOP("\"log\": {\"format\": @\"json\\u0000\"}"),
      "log.format: expected \"text\" or \"json\", got \"json\\u0000\"\n" },
    { TOP("\"log\": @true"), "log: expected an object, got true\n" },
    { TOP("\"backend\": {\"type\": @\"qq\"}"), "backend.type: expected \"sandbox\", got \"qq\"\n" },
    { TOP("\"data_dir\": @\"\""), "data_dir: expected a path, got an empty string\n" },
    { TOP("\"data_dir\": @1"), "data_dir: expected a path, got 1\n" },
    { TOP("\"data_dir\": @\"a\\u0000b\""),
      "data_dir: expected a path, got \"a\\u0000b\" (a control character)\n" },
    { TOP("\"$schema\": @1"), "$schema: expected a string, got 1\n" },
    { SERVER("\"listen\": \"127.0.0.1:1\", \"allow_anonymous\": @1"),
      "bots[0].http_server[0].allow_anonymous: expected true or false, got 1\n" },
    { SERVER("\"listen\": \"127.0.0.1:1\", \"dialect\": @1.2"),
      "bots[0].http_server[0].dialect: expected \"draft\", \"1.2\" or \"1.3\", got 1.2\n" },

    /* addresses */
    { SERVER("\"listen\": @3000"),
      "bots[0].http_server[0].listen: expected HOST:PORT, [IPV6]:PORT or unix:PATH, got 3000\n" },
    { TOP("\"control\": @1"), CONTROL "got 1\n" },
    { TOP("\"control\": @[]"), CONTROL "got a list\n" },
    { TOP("\"control\": @\"here\""), "control: expected HOST:PORT, [IPV6]:PORT or unix:PATH, got "
                                     "\"here\" (the port is missing)\n" },
    { TOP("\"control\": @\"0.0.0.0:3010\""),
      "control: expected an access_token beside it, got none: other machines can reach "
      "0.0.0.0:3010\n" },
    { TOP("\"control\": { \"listen\": @\"0.0.0.0:3010\" }"),
      "control.listen: expected an access_token beside it, got none: other machines can reach "
      "0.0.0.0:3010\n" },
    { TOP("\"control\": @{ \"access_token\": \"x\" }"),
      "control.listen: missing: expected HOST:PORT, [IPV6]:PORT or unix:PATH\n" },
    { TOP("\"control\": { \"listen\": \"0.0.0.0:3010\", \"access_token\": @\"a\\n\" }"),
      "control.access_token: expected a string without control characters or spaces around it, got "
      "one with a control character at byte 2\n" },
    { BOT("\"webhook\": [{\"url\": @\"ws://a/\"}]"),
      "bots[0].webhook[0].url: expected an http:// or https:// URL, got a ws:// URL\n" },
    { BOT("\"websocket_client\": [{\"url\": @\"HTTPS://a/\"}]"),
      "bots[0].websocket_client[0].url: expected a ws:// or wss:// URL, got an HTTPS:// URL\n" },

    /* tokens, which are never printed */
    { SERVER("\"listen\": \"127.0.0.1:1\", \"access_token\": @\"\""), TOKEN "an empty string\n" },
    { SERVER("\"listen\": \"127.0.0.1:1\", \"access_token\": @\"a b \""),
      TOKEN "one with a space at byte 4\n" },
    { SERVER("\"listen\": \"127.0.0.1:1\", \"access_token\": @\" \""),
      TOKEN "one with a space at byte 1\n" },
    { SERVER("\"listen\": \"127.0.0.1:1\", \"access_token\": @\"ab\\n\""),
      TOKEN "one with a control character at byte 3\n" },
    { SERVER("\"listen\": \"127.0.0.1:1\", \"access_token\": @123456"),
      TOKEN "a number (put it in quotes)\n" },
    { SERVER("\"listen\": \"0.0.0.0:1\", \"access_token\": @null"), TOKEN "null\n" },

    /* rules between keys */
    { "{\"bots\": [{\"self_id\": 10001}, {\"self_id\": 10002}, {\"self_id\": @1e4}, {\"self_id\": "
      "@10001}]}",
      "bots[2].self_id: expected a QQ number from 10001 to 4294967295, got 1e4\n"
      "bots[3].self_id: 10001 is bots[0] already\n" },
    { SERVER("\"listen\": @\"0.0.0.0:3000\""),
      "bots[0].http_server[0].listen: expected an access_token beside it, got none: other "
      "machines can reach 0.0.0.0:3000 (set access_token, or \"allow_anonymous\": true if "
      "anyone "
      "may use this bot)\n" },
    { BOT("\n\"http_server\": [{\"listen\": \"[::]:3000\", \"access_token\": \"x\"}],"
          "\n\"websocket_server\": [{\"listen\": @\"[::]:3000\"}]"),
      "bots[0].websocket_server[0].listen: expected an access_token beside it, got none: other "
      "machines can reach [::]:3000 (set access_token, or \"allow_anonymous\": true if anyone "
      "may "
      "use this bot)\n" },
    { BOT("\"http_server\": [\n{\"listen\": \"127.0.0.1:3000\"},\n{\"listen\": "
          "@\"localhost:3000\"}]"),
      "bots[0].http_server[1].listen: expected another address, got localhost:3000, which is "
      "http_server[0] already\n" },
    { "{\"bots\": [\n{\"self_id\": 10001, \"http_server\": [{\"listen\": \"127.0.0.1:1\"}]},\n"
      "{\"self_id\": 10002, \"websocket_server\": [{\"listen\": @\"127.0.0.1:1\"}]}]}",
      "bots[1].websocket_server[0].listen: expected a port of its own, got 127.0.0.1:1, which "
      "serves bots[0] (a port serves one bot)\n" },
    { SERVER("\"listen\": @\"unix:data/control.sock\""),
      "bots[0].http_server[0].listen: expected another address, got unix:dir/data/control.sock, "
      "which is `control`\n" },

    /* journal, limits, prefix, secret, tls */
    { "{\"journal\": {\"max_events\": @0, \"flush\": @1}, \"limits\": {\"connections\": @\"9\", "
      "\"lag_bytes\": @65535}, \"bots\": [{\"self_id\": 10001}]}",
      "journal.max_events: expected a whole number from 1 to 1000000000, got 0\n"
      "journal.flush: expected true or false, got 1\n"
      "limits.connections: expected a whole number from 1 to 1000000, got \"9\"\n"
      "limits.lag_bytes: expected a whole number from 65536 to 1073741824, got 65535\n" },
    { SERVER("\"listen\": \"127.0.0.1:1\", \"prefix\": @\"milky\""),
      "bots[0].http_server[0].prefix: expected a path like \"/milky\", got \"milky\" (it must "
      "begin "
      "with /)\n" },
    { SERVER("\"listen\": \"127.0.0.1:1\", \"prefix\": @\"/\""),
      "bots[0].http_server[0].prefix: expected a path like \"/milky\", got \"/\" (it must not end "
      "with /)\n" },
    { SERVER("\"listen\": \"127.0.0.1:1\", \"prefix\": @\"/a?b\""),
      "bots[0].http_server[0].prefix: expected a path like \"/milky\", got \"/a?b\" (only what a "
      "URL's path can have unescaped)\n" },
    { SERVER("\"listen\": \"127.0.0.1:1\", \"tls\": @{\"certificate\": \"a.pem\"}"),
      "bots[0].http_server[0].tls.key: missing: expected a path\n" },
    { BOT("\"http_server\": [{\"listen\": \"127.0.0.1:1\", \"prefix\": \"/a\"}], "
          "\"websocket_server\": [{\"listen\": \"127.0.0.1:1\", \"prefix\": @\"/b\"}]"),
      "bots[0].websocket_server[0].prefix: expected the same as at http_server[0], which shares "
      "its port\n" },
    { BOT("\"http_server\": [{\"listen\": \"127.0.0.1:1\", \"tls\": {\"certificate\": \"a\", "
          "\"key\": \"b\"}}], \"websocket_server\": [{\"listen\": @\"127.0.0.1:1\"}]"),
      "bots[0].websocket_server[0].tls: expected the same as at http_server[0], which shares its "
      "port\n" },
    { BOT("\"webhook\": [{\"url\": \"https://h/\", \"secret\": @\"a\\n\", \"tls\": "
          "{\"certificate\": @\"a\"}}]"),
      "bots[0].webhook[0].secret: expected a string without control characters or spaces around "
      "it, got one with a control character at byte 2\n"
      "bots[0].webhook[0].tls.certificate: expected `key` beside it\n" },
    { BOT("\"webhook\": [{\"url\": \"http://h/\", \"secret\": \"whsec\"}, {\"url\": "
          "\"http://h/2\", \"secret\": @\"whsec_bWlsa3k\"}]"),
      "bots[0].webhook[1].secret: expected whsec_ and base64, or any other text, of 512 bytes at "
      "most\n" },
    { BOT("\"webhook\": [{\"url\": \"http://h/b\"},\n{\"url\": \"http://h/a\"},\n{\"url\": "
          "@\"http://h/b\", \"dialect\": \"1.2\"},\n{\"url\": @\"http://h/b\"}]"),
      "bots[0].webhook[2].url: " SAME_URL("webhook[0]") "bots[0].webhook[3].url: " SAME_URL(
          "webhook[0]") },
    { BOT("\"websocket_client\": [{\"url\": \"ws://h/\"}, {\"url\": \"ws://h/\", \"replay\": "
          "true}, {\"url\": @\"ws://h/\", \"replay\": true}]"),
      "bots[0].websocket_client[2].url: " SAME_URL("websocket_client[1]") },

    /* all of them at once, in the order of the file; columns count characters */
    { "{ // 注释 \" {\n  @\"日志\": 1,\n  /* 奶[\n, */ \"log\": @7, \"bots\": [{ \"self_id\": @1, "
      "}, ], }",
      "\"日志\": unknown key (here are: `data_dir`, `control`, `operations`, `resource_url`, "
      "`language`, "
      "`backend`, `journal`, `limits`, "
      "`compression_threshold`, `busy_poll_us`, `io_uring`, `log`, `bots`)\n"
      "log: expected an object, got 7\n"
      "bots[0].self_id: expected a QQ number from 10001 to 4294967295, got 1\n" },
};

/* Removes the marks from `marked` and puts their positions before the lines. */
static void expect(const struct bad *one, char *text, char *mistakes, size_t size)
{
    size_t line = 1, column = 1, at = 0;
    const char *said = one->mistakes;
    for (const char *c = one->text; *c; c++) {
        if (*c == '@') {
            size_t len = strcspn(said, "\n") + 1;
            at += (size_t)snprintf(mistakes + at, size - at, NAME ":%zu:%zu: %.*s", line, column,
                                   (int)len, said);
            said += len;
            continue;
        }
        column = *c == '\n' ? 1 : column + ((*c & 0xc0) != 0x80);
        line += *c == '\n';
        *text++ = *c;
    }
    *text = '\0';
    assert_string_equal(said, "");
}

static void mistakes_have_positions_and_reasons(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct mk_config *config = NULL;
        char *mistakes;
        char text[1024];
        char expected[2048];
        expect(&bad[i], text, expected, sizeof(expected));
        assert_int_equal(parse(mk_slice_str(text), &config, &mistakes), -EINVAL);
        if (strcmp(mistakes, expected) != 0)
            print_error("in %s\n", text);
        assert_string_equal(mistakes, expected);
        assert_null(config);
        free(mistakes);
    }
}

/* The reasons of the parsers of addresses and URLs are passed on, in brackets, without the URL. */
static void reasons_of_parsers_are_passed_on(void **state)
{
    (void)state;
    static const struct bad cases[] = {
        { SERVER("\"listen\": \"127.0.0.1\""), "got \"127.0.0.1\" (" },
        { SERVER("\"listen\": \"127.0.0.1:65536\""), "got \"127.0.0.1:65536\" (" },
        { SERVER("\"listen\": \"unix:\""), "got \"unix:\" (" },
        { BOT("\"webhook\": [{\"url\": \"s3cret\"}]"), "got another string (" },
        { BOT("\"webhook\": [{\"url\": \"http://s3cret@ a/\"}]"), "got another string (" },
        { BOT("\"webhook\": [{\"url\": \"ws://a:s3cret@a/?access_token=s3cret\"}]"),
          "a ws:// URL" },
        { BOT("\"webhook\": [{\"url\": \"http://a:s3cret@a/\"}, {\"url\": "
              "\"http://a:s3cret@a/\"}]"),
          "that of webhook[0]" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_config *config = NULL;
        char *mistakes;
        assert_int_equal(parse(mk_slice_str(cases[i].text), &config, &mistakes), -EINVAL);
        if (!strstr(mistakes, cases[i].mistakes))
            print_error("%s", mistakes);
        assert_non_null(strstr(mistakes, cases[i].mistakes));
        assert_null(strstr(mistakes, "s3cret"));
        free(mistakes);
    }
}

static void reads_the_media_settings(void **state)
{
    (void)state;
    struct mk_config *config = parse_good(TOP("\"resource_url\": \"https://a.example/x\", "
                                              "\"backend\": {\"media\": {\"max_bytes\": 5, "
                                              "\"roots\": [\"pics\", \"/srv\"], "
                                              "\"allow_private_addresses\": true}}"));
    assert_string_equal(config->endpoint.resource_url, "https://a.example/x");
    assert_int_equal(config->backends[0].sandbox.media.max_bytes, 5);
    assert_int_equal(config->backends[0].sandbox.media.download_seconds, 60);
    assert_true(config->backends[0].sandbox.media.allow_private_addresses);
    assert_int_equal(config->backends[0].sandbox.media.root_count, 2);
    assert_string_equal(config->backends[0].sandbox.media.roots[0], "dir/pics");
    assert_string_equal(config->backends[0].sandbox.media.roots[1], "/srv");
    mk_config_free(config);
    config = parse_good(TOP("\"control\": null"));
    assert_int_equal(config->backends[0].sandbox.media.max_bytes, 104857600);
    assert_int_equal(config->backends[0].sandbox.media.root_count, 0);
    assert_null(config->endpoint.resource_url);
    mk_config_free(config);
}

static void lists_each_backend_of_bots(void **state)
{
    (void)state;
    struct mk_config *config = parse_good(
        "{\"backend\": {\"media\": {\"max_bytes\": 5}}, \"bots\": ["
        "{\"self_id\": 10001, \"backend\": {\"type\": \"sandbox\"}},"
        "{\"self_id\": 10002},"
        "{\"self_id\": 10003, \"backend\": {\"name\": \"x\", \"media\": {\"max_bytes\": "
        "104857600}}},"
        "{\"self_id\": 10004},"
        "{\"self_id\": 10005, \"backend\": {\"name\": \"x\", \"media\": {}}},"
        "{\"self_id\": 10006, \"backend\": {\"name\": \"sandbox\", \"media\": {\"max_bytes\": 5}}},"
        "{\"self_id\": 10007, \"backend\": {\"name\": \"sandbox-10001\"}}]}");
    static const char *const names[] = { "sandbox", "sandbox-10001", "x" };
    static const char *const of_bots[] = { "sandbox-10001", "sandbox",      "x", "sandbox", "x",
                                           "sandbox",       "sandbox-10001" };
    assert_int_equal(config->backend_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(config->backends[i].name, names[i]);
        assert_string_equal(mk_config_backend_type(&config->backends[i]), "sandbox");
    }
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(config->endpoint.bots[i].backend, of_bots[i]);
    assert_int_equal(config->backends[0].sandbox.media.max_bytes, 5);
    assert_int_equal(config->backends[1].sandbox.media.max_bytes, 104857600);
    assert_ptr_equal(mk_config_find_sandbox(config), &config->backends[0]);
    mk_config_free(config);

    /* The default backend exists where a bot uses it, and not otherwise. */
    config = parse_good("{\"backend\": {\"name\": \"media\"}, \"bots\": [{\"self_id\": 10001, "
                        "\"backend\": {}}]}");
    assert_int_equal(config->backend_count, 1);
    assert_string_equal(config->backends[0].name, "sandbox-10001");
    mk_config_free(config);
    config = parse_good("{\"backend\": {\"name\": \"mine\"}, \"bots\": [{\"self_id\": 10001}]}");
    assert_string_equal(config->endpoint.bots[0].backend, "mine");
    mk_config_free(config);
}

static char *settings_of(const char *inner)
{
    char text[256];
    snprintf(text, sizeof(text), "{\"backend\": {%s}, \"bots\": [{\"self_id\": 10001}]}", inner);
    struct mk_config *config = parse_good(text);
    char *settings = mk_config_backend_text(&config->backends[0]);
    assert_non_null(settings);
    mk_config_free(config);
    return settings;
}

static void compares_the_settings_of_backends(void **state)
{
    (void)state;
    static const char *const same[] = {
        "",
        "\"name\": \"other\"",
        "\"media\": {\"allow_private_addresses\": false, \"download_seconds\": 60}",
    };
    static const char *const others[] = {
        "\"media\": {\"max_bytes\": 1}",
        "\"media\": {\"download_seconds\": 61}",
        "\"media\": {\"allow_private_addresses\": true}",
        "\"media\": {\"roots\": [\"/a\"]}",
        "\"media\": {\"roots\": [\"/a\", \"/b\"]}",
        "\"media\": {\"roots\": [\"/a\\\",\\\"/b\"]}",
    };
    char *first = settings_of(same[0]);
    for (size_t i = 1; i < sizeof(same) / sizeof(same[0]); i++) {
        char *again = settings_of(same[i]);
        assert_string_equal(again, first);
        free(again);
    }
    free(first);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        for (size_t j = 0; j <= i; j++) {
            char *a = settings_of(others[i]), *b = settings_of(i == j ? "" : others[j]);
            assert_string_not_equal(a, b);
            free(a);
            free(b);
        }
}

/* --- several types of backends, as later versions have them --- */

#define NUMBER(key_name)                                                                           \
    {                                                                                              \
        .name = key_name, .type = MK_CONFIG_NUMBER, .most = 9, .usual = 4, .en = "n", .zh = "n",   \
        .at = offsetof(struct mk_config_backend, sandbox.media.max_bytes)                          \
    }
static const struct mk_config_key tin_keys[] = { NUMBER("tin_size"), { .name = NULL } };
static const struct mk_config_key can_keys[] = { NUMBER("can_size"), { .name = NULL } };
static const struct mk_config_variant kinds[] = { { "tin", tin_keys },
                                                  { "can", can_keys },
                                                  { NULL, NULL } };
static const struct mk_config_key common_keys[] = {
    { .name = "type",
      .type = MK_CONFIG_CHOICE,
      .at = offsetof(struct mk_config_backend, type),
      .variants = kinds,
      .fallback = "tin",
      .en = "t",
      .zh = "t" },
    { .name = NULL },
};
static const struct mk_config_key top_keys[] = {
    { .name = "backend",
      .type = MK_CONFIG_BACKEND,
      .keys = common_keys,
      .variants = kinds,
      .fallback = "tin",
      .en = "b",
      .zh = "b" },
    { .name = NULL },
};
static const struct mk_config_key several = {
    .type = MK_CONFIG_OBJECT, .keys = top_keys, .en = "a", .zh = "a"
};

/* Returns the first mistake, or "" and the backend. */
static const char *read_several(const char *text, struct mk_config_backend *backend)
{
    static char said[256];
    struct mk_arena arena;
    struct mk_config_reader *reader = calloc(1, sizeof(*reader));
    struct mk_config config = { 0 };
    assert_non_null(reader);
    mk_arena_init(&arena);
    reader->mistakes.arena = &arena;
    reader->mistakes.most = 1;
    reader->mistakes.text = mk_slice_str(text);
    reader->mistakes.doc = mk_jsonc_read(mk_slice_str(text), NULL, NULL);
    assert_non_null(reader->mistakes.doc);
    mk_config_read(reader, &several, &config);
    assert_non_null(reader->backends);
    *backend = reader->backends->backend;
    const struct mk_mistake *mistake = &reader->mistakes.list[0];
    bool is_wrong = reader->mistakes.count > 0;
    snprintf(said, sizeof(said), "%s%s%s", is_wrong ? mistake->path : "", is_wrong ? ": " : "",
             is_wrong ? mistake->text : "");
    yyjson_doc_free(reader->mistakes.doc);
    mk_arena_fini(&arena);
    free(reader);
    return said;
}

static void reads_the_keys_of_a_type(void **state)
{
    (void)state;
    struct mk_config_backend backend;
    assert_string_equal(read_several("{}", &backend), "");
    assert_true(backend.type == 0 && backend.sandbox.media.max_bytes == 4);
    assert_string_equal(read_several("{\"backend\": {\"tin_size\": 5}}", &backend), "");
    assert_true(backend.type == 0 && backend.sandbox.media.max_bytes == 5);
    assert_string_equal(
        read_several("{\"backend\": {\"can_size\": 6, \"type\": \"can\"}}", &backend), "");
    assert_true(backend.type == 1 && backend.sandbox.media.max_bytes == 6);
    assert_string_equal(
        read_several("{\"backend\": {\"type\": \"can\", \"tin_size\": 5}}", &backend),
        "backend.tin_size: this is a key of the type \"tin\"");
    mk_language_set(MK_CHINESE);
    const char *said = read_several("{\"backend\": {\"can_size\": 5}}", &backend);
    mk_language_set(MK_ENGLISH);
    assert_string_equal(said, "backend.can_size: 该键属于类型 \"can\"");
    assert_string_equal(
        read_several("{\"backend\": {\"type\": \"jar\", \"jar_size\": 5}}", &backend),
        "backend.type: expected \"tin\" or \"can\", got \"jar\"");
    assert_string_equal(read_several("{\"backend\": {\"tin_sise\": 5}}", &backend),
                        "backend.tin_sise: unknown key (did you mean `tin_size`?)");
}

static void write_several(FILE *out, const char *unused)
{
    (void)unused;
    mk_config_write_schema_of(out, &several);
}

static void reads_control_in_each_of_its_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text, *listen, *token;
    } cases[] = {
        { TOP("\"control\": null"), NULL, NULL },
        { TOP("\"control\": \"127.0.0.1:3010\""), "127.0.0.1:3010", NULL },
        { TOP("\"control\": { \"listen\": \"[::1]:0\" }"), "[::1]:0", NULL },
        { TOP("\"control\": { \"listen\": \"unix:c\", \"access_token\": \"x\" }"), "unix:dir/c",
          "x" },
        { TOP("\"control\": { \"listen\": \"0.0.0.0:1\", \"access_token\": \"x\" }"), "0.0.0.0:1",
          "x" },
        /* Port 0 is a different port each time. */
        { "{\"bots\": [{\"self_id\": 10001, \"http_server\": [{\"listen\": \"127.0.0.1:0\"}]}], "
          "\"control\": \"127.0.0.1:0\"}",
          "127.0.0.1:0", NULL },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_config *config = parse_good(cases[i].text);
        const char *listen = config->endpoint.control,
                   *token = config->endpoint.control_access_token;
        assert_true(!listen == !cases[i].listen && !token == !cases[i].token);
        if (listen)
            assert_string_equal(listen, cases[i].listen);
        if (token)
            assert_string_equal(token, cases[i].token);
        mk_config_free(config);
    }
}

static void refuses_an_impossible_control_socket(void **state)
{
    (void)state;
    char text[512];
    char folder[128];
    struct mk_config *config = NULL;
    char *mistakes;
    memset(folder, 'd', sizeof(folder));
    snprintf(text, sizeof(text), TOP("\"data_dir\": \"%.*s\""), (int)sizeof(folder), folder);
    assert_int_equal(parse(mk_slice_str(text), &config, &mistakes), -EINVAL);
    assert_non_null(strstr(mistakes, NAME ":1:44: data_dir: no control socket can be there: "));
    free(mistakes);
    snprintf(text, sizeof(text), TOP("\"data_dir\": \"%.*s\", \"control\": null"),
             (int)sizeof(folder), folder);
    config = parse_good(text);
    assert_null(config->endpoint.control);
    mk_config_free(config);
}

static void bounds_the_size_of_a_file(void **state)
{
    (void)state;
    static char text[MK_CONFIG_MAX_FILE + 1];
    struct mk_config *config = NULL;
    char *mistakes;
    memset(text, ' ', sizeof(text));
    assert_int_equal(parse(mk_slice_of(text, sizeof(text)), &config, &mistakes), -EINVAL);
    assert_string_equal(mistakes, NAME ":1:1: larger than 1048576 bytes\n");
    free(mistakes);

    /* More mistakes than are reported. */
    text[0] = '{';
    size_t at = 1;
    for (int i = 0; i < 20000; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "\"k%d\":0,\n", i);
    text[at] = '}';
    assert_int_equal(parse(mk_slice_of(text, at + 1), &config, &mistakes), -EINVAL);
    size_t lines = 0;
    for (const char *c = mistakes; (c = strchr(c, '\n')); c++)
        lines++;
    assert_int_equal(lines, MK_CONFIG_MAX_MISTAKES);
    free(mistakes);
}

static void reads_everything(void **state)
{
    (void)state;
    struct mk_config *config = parse_good(
        "\xef\xbb\xbf{ \"$schema\": \"x\", \"data_dir\": \"/var/lib/milky\", \"control\": "
        "\"unix:c\","
        "\"backend\": {\"type\": \"sandbox\"}, \"log\": {\"level\": \"debug\", \"format\": "
        "\"json\"},"
        "\"bots\": [ {\"self_id\": 1.0001e4}, {\"self_id\": 4294967295,"
        "\"http_server\": [{\"listen\": \"0.0.0.0:1\", \"access_token\": \"t1\"},"
        "  {\"listen\": \"unix:s\", \"dialect\": \"1.2\"}],"
        "\"websocket_server\": [{\"listen\": \"0.0.0.0:1\", \"allow_anonymous\": true, "
        "\"compression\": false}],"
        "\"websocket_client\": [{\"url\": \"wss://a/?b\", \"access_token\": \"t2\"}, "
        "{\"url\": \"ws://b/\", \"compression\": false}],"
        "\"webhook\": [{\"url\": \"http://a/1\", \"dialect\": \"1.2\"}, {\"url\": \"https://a/2\"}]"
        "}]}");
    assert_string_equal(config->file, NAME);
    assert_string_equal(config->data_dir, "/var/lib/milky");
    assert_string_equal(config->endpoint.control, "unix:dir/c");
    assert_null(config->endpoint.control_access_token);
    assert_int_equal(config->log.level, MK_LOG_DEBUG);
    assert_int_equal(config->log.format, MK_LOG_JSON);
    assert_int_equal(config->backends[0].type, MK_BACKEND_SANDBOX);
    assert_int_equal(config->endpoint.bot_count, 2);
    assert_int_equal(config->endpoint.bots[0].self_id, 10001);
    assert_int_equal(config->endpoint.bots[0].http_server_count, 0);
    const struct milky_bot *bot = &config->endpoint.bots[1];
    assert_int_equal(bot->self_id, UINT32_MAX);
    assert_int_equal(bot->http_server_count, 2);
    assert_string_equal(bot->http_server[0].listen, "0.0.0.0:1");
    assert_string_equal(bot->http_server[0].access_token, "t1");
    assert_int_equal(bot->http_server[0].dialect, MILKY_DIALECT_DRAFT);
    assert_string_equal(bot->http_server[1].listen, "unix:dir/s");
    assert_null(bot->http_server[1].access_token);
    assert_int_equal(bot->http_server[1].dialect, MILKY_DIALECT_1_2);
    assert_int_equal(bot->websocket_server_count, 1);
    assert_true(bot->websocket_server[0].allow_anonymous);
    assert_true(bot->websocket_server[0].no_compression);
    assert_false(bot->http_server[0].no_compression);
    assert_int_equal(bot->websocket_client_count, 2);
    assert_false(bot->websocket_client[0].no_compression);
    assert_true(bot->websocket_client[1].no_compression);
    assert_string_equal(bot->websocket_client[0].url, "wss://a/?b");
    assert_string_equal(bot->websocket_client[0].access_token, "t2");
    assert_int_equal(bot->webhook_count, 2);
    assert_int_equal(bot->webhook[0].dialect, MILKY_DIALECT_1_2);
    assert_string_equal(bot->webhook[1].url, "https://a/2");
    assert_int_equal(bot->webhook[1].dialect, MILKY_DIALECT_DRAFT);
    mk_config_free(config);
}

static void has_defaults(void **state)
{
    (void)state;
    struct mk_config *config = parse_good("{\"bots\": [{\"self_id\": 10001}]}");
    assert_string_equal(config->data_dir, "dir/data");
    assert_string_equal(config->endpoint.control, "unix:dir/data/control.sock");
    assert_int_equal(config->log.level, MK_LOG_INFO);
    assert_int_equal(config->log.format, MK_LOG_TEXT);
    assert_int_equal(config->endpoint.compression_threshold, 1024);
    mk_config_free(config);
}

/* A free port is a different one each time; a named one is shared by the two kinds. */
static void addresses_may_be_shared(void **state)
{
    (void)state;
    mk_config_free(parse_good(BOT("\"http_server\": [{\"listen\": \"127.0.0.1:0\"}, "
                                  "{\"listen\": \"127.0.0.1:0\"}, {\"listen\": \"127.0.0.1:7\"}], "
                                  "\"websocket_server\": [{\"listen\": \"127.0.0.1:7\"}]")));
}

static void fills_the_structs_of_the_endpoint(void **state)
{
    (void)state;
    struct mk_config *config = parse_good(
        "{\"journal\": {\"max_events\": 7, \"max_age\": 60, \"flush\": false}, \"limits\": "
        "{\"connections\": 3}, \"bots\": [{\"self_id\": 10001, \"http_server\": [{\"listen\": "
        "\"127.0.0.1:1\", \"prefix\": \"/a/b\", \"tls\": {\"certificate\": \"c.pem\", \"key\": "
        "\"/k.pem\"}}], \"websocket_client\": [{\"url\": \"ws://h/\", \"replay\": true, \"tls\": "
        "{\"ca\": \"ca.pem\", \"insecure_skip_verify\": true}}], \"webhook\": [{\"url\": "
        "\"http://h/\", \"secret\": \"whsec_eA==\"}]}]}");
    const struct milky_config *endpoint = &config->endpoint;
    assert_int_equal(endpoint->journal.max_events, 7);
    assert_int_equal(endpoint->journal.max_age, 60);
    assert_true(endpoint->journal.no_flush);
    assert_int_equal(endpoint->limits.connections, 3);
    assert_int_equal(endpoint->limits.connections_per_address, 0);
    assert_int_equal(endpoint->limits.calls_in_flight, 256);
    const struct milky_bot *bot = &endpoint->bots[0];
    assert_string_equal(bot->http_server[0].prefix, "/a/b");
    assert_string_equal(bot->http_server[0].tls.certificate, "dir/c.pem");
    assert_string_equal(bot->http_server[0].tls.key, "/k.pem");
    assert_true(bot->websocket_client[0].replay);
    assert_string_equal(bot->websocket_client[0].tls.ca, "dir/ca.pem");
    assert_true(bot->websocket_client[0].tls.insecure_skip_verify);
    assert_string_equal(bot->webhook[0].secret, "whsec_eA==");
    mk_config_free(config);
    config = parse_good("{\"bots\": [{\"self_id\": 10001}]}");
    assert_int_equal(config->endpoint.journal.max_events, 100000);
    assert_false(config->endpoint.journal.no_flush);
    mk_config_free(config);
}

static void has_a_built_in_configuration(void **state)
{
    (void)state;
    struct mk_config *config = NULL;
    assert_int_equal(mk_config_builtin(MILKY_ENGLISH, &config), 0);
    assert_null(config->file);
    assert_string_equal(config->data_dir, "data");
    assert_string_equal(config->endpoint.control, "unix:data/control.sock");
    assert_int_equal(config->endpoint.bot_count, 2);
    assert_int_equal(config->endpoint.bots[0].self_id, 10001000);
    assert_int_equal(config->endpoint.bots[0].http_server_count, 1);
    assert_string_equal(config->endpoint.bots[0].http_server[0].listen, "127.0.0.1:3000");
    assert_int_equal(config->endpoint.bots[0].websocket_server_count, 1);
    assert_string_equal(config->endpoint.bots[0].websocket_server[0].listen, "127.0.0.1:3000");
    assert_int_equal(config->endpoint.bots[1].self_id, 10002000);
    assert_int_equal(config->endpoint.bots[1].http_server_count, 0);
    mk_config_free(config);
}

static char *written(void (*write)(FILE *, const char *), const char *token)
{
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);
    assert_non_null(file);
    write(file, token);
    assert_int_equal(fclose(file), 0);
    return text;
}

/* Takes "// " off the lines that hold a key or a bracket, but leaves the explanations. */
static void uncomment(char *text)
{
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        char *c = line + strspn(line, " ");
        if (strncmp(c, "// ", 3) == 0 && strchr("\"{}]", c[3 + strspn(c + 3, " ")]))
            memset(c, ' ', 2);
    }
}

static void writes_a_valid_sample(void **state)
{
    (void)state;
    char *text = written(mk_config_write_sample, "s3cret");
    struct mk_config *config = parse_good(text);
    assert_string_equal(config->endpoint.bots[0].http_server[0].access_token, "s3cret");
    assert_int_equal(config->endpoint.bots[0].webhook_count, 0);
    mk_config_free(config);
    uncomment(text);
    config = parse_good(text);
    assert_int_equal(config->endpoint.bots[0].webhook_count, 1);
    assert_int_equal(config->endpoint.bots[0].websocket_client_count, 1);
    mk_config_free(config);
    free(text);
}

static void write_schema(FILE *out, const char *unused)
{
    (void)unused;
    mk_config_write_schema(out);
}

static void writes_a_schema_that_is_json(void **state)
{
    (void)state;
    char *text = written(write_schema, NULL);
    yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
    assert_non_null(doc);
    yyjson_val *listen = yyjson_doc_ptr_get(
        doc, "/properties/bots/items/properties/http_server/items/properties/listen");
    assert_true(yyjson_equals_str(yyjson_obj_get(listen, "type"), "string"));
    yyjson_doc_free(doc);
    free(text);
}

static void writes_a_schema_of_each_type(void **state)
{
    (void)state;
    char *text = written(write_several, NULL);
    yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
    assert_non_null(doc);
    yyjson_val *one = yyjson_doc_ptr_get(doc, "/properties/backend/oneOf");
    assert_int_equal(yyjson_arr_size(one), 2);
    yyjson_val *tin = yyjson_arr_get(one, 0), *can = yyjson_arr_get(one, 1);
    assert_non_null(yyjson_ptr_get(tin, "/properties/tin_size"));
    assert_null(yyjson_ptr_get(tin, "/properties/can_size"));
    assert_null(yyjson_obj_get(tin, "required"));
    assert_non_null(yyjson_ptr_get(can, "/properties/can_size"));
    assert_true(yyjson_equals_str(yyjson_ptr_get(can, "/required/0"), "type"));
    assert_int_equal(yyjson_arr_size(yyjson_ptr_get(can, "/properties/type/enum")), 1);
    assert_true(yyjson_equals_str(yyjson_ptr_get(can, "/properties/type/enum/0"), "can"));
    yyjson_doc_free(doc);
    free(text);
}

static void reports_in_chinese(void **state)
{
    (void)state;
    struct mk_config *config = NULL;
    char *mistakes;
    mk_language_set(MK_CHINESE);
    assert_int_equal(parse(mk_slice_str("{\"bots\": 1}"), &config, &mistakes), -EINVAL);
    mk_language_set(MK_ENGLISH);
    assert_string_equal(mistakes, NAME ":1:10: bots: 应为由对象组成的列表，实际为1\n");
    free(mistakes);
}

static const char *near_of(const char *word, const char *a, const char *b)
{
    struct mk_suggestion near = { 0 };
    mk_suggestion_offer(&near, mk_slice_str(word), a);
    mk_suggestion_offer(&near, mk_slice_str(word), b);
    return near.best;
}

static void suggests_similar_words(void **state)
{
    (void)state;
    assert_string_equal(near_of("sever", "say", "serve"), "serve");
    assert_string_equal(near_of("lisen", "listen", "dialect"), "listen");
    assert_string_equal(near_of("token", "allow_anonymous", "access_token"), "access_token");
    assert_string_equal(near_of("say", "sad", "say"), "say");
    assert_null(near_of("", "say", "a"));
    assert_null(near_of("quit", "serve", "watch"));
    assert_null(near_of("a-word-that-is-longer-than-any-that-is-worth-a-guess", "say", "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_have_positions_and_reasons),
        cmocka_unit_test(reasons_of_parsers_are_passed_on),
        cmocka_unit_test(reads_the_media_settings),
        cmocka_unit_test(lists_each_backend_of_bots),
        cmocka_unit_test(compares_the_settings_of_backends),
        cmocka_unit_test(reads_the_keys_of_a_type),
        cmocka_unit_test(reads_control_in_each_of_its_forms),
        cmocka_unit_test(refuses_an_impossible_control_socket),
        cmocka_unit_test(bounds_the_size_of_a_file),
        cmocka_unit_test(reads_everything),
        cmocka_unit_test(has_defaults),
        cmocka_unit_test(addresses_may_be_shared),
        cmocka_unit_test(fills_the_structs_of_the_endpoint),
        cmocka_unit_test(has_a_built_in_configuration),
        cmocka_unit_test(writes_a_valid_sample),
        cmocka_unit_test(writes_a_schema_that_is_json),
        cmocka_unit_test(writes_a_schema_of_each_type),
        cmocka_unit_test(reports_in_chinese),
        cmocka_unit_test(suggests_similar_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
