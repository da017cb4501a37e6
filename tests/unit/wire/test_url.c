/* URLs taken apart, escapes both ways, parameters found and set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feed.h"
#include "wire/url.h"

#include <errno.h>
#include <stdio.h>

/* Parses a copy that ends at a guard page; the slices of `url` then point to it. */
static const char *parse(struct feed_guard *guard, struct mk_slice text, struct mk_url *url)
{
    *guard = feed_guard_new(text.len);
    return mk_url_parse(mk_slice_of(feed_guard_place(*guard, text), text.len), url);
}

static void expect_url(const char *text, const char *expected)
{
    struct feed_guard guard;
    struct mk_url url;
    char parts[512];
    assert_null(parse(&guard, mk_slice_str(text), &url));
    snprintf(parts, sizeof(parts), "%.*s %.*s|%.*s|%.*s|%u%s%s|%.*s|%s%.*s", (int)url.scheme.len,
             url.scheme.ptr, (int)url.userinfo.len, url.userinfo.ptr, (int)url.host.len,
             url.host.ptr, (int)url.authority_host.len, url.authority_host.ptr, url.port,
             url.default_port ? " default" : "", url.tls ? " tls" : "", (int)url.path.len,
             url.path.ptr, url.has_query ? "?" : "", (int)url.query.len, url.query.ptr);
    assert_string_equal(parts, expected);
    feed_guard_free(guard);
}

static void test_parse(void **state)
{
    (void)state;
    expect_url("ws://h", "ws |h|h|80 default||");
    expect_url("wss://h/", "wss |h|h|443 default tls|/|");
    expect_url("http://h:8080/a/b?c=d#e?f", "http |h|h|8080|/a/b|?c=d");
    expect_url("HTTPS://h:443?x/y", "HTTPS |h|h|443 default tls||?x/y");
    expect_url("https://h:80/?", "https |h|h|80 tls|/|?");
    expect_url("http://u:p%40@h:1/", "http u:p%40|h|h|1|/|");
    expect_url("http://@h", "http |h|h|80 default||");
    expect_url("ws://[::1]:65535/x", "ws |::1|[::1]|65535|/x|");
    expect_url("ws://[2001:db8::1]", "ws |2001:db8::1|[2001:db8::1]|80 default||");
    expect_url("ws://127.0.0.1:#a", "ws |127.0.0.1|127.0.0.1|80 default||");
    expect_url("ws://h#/?", "ws |h|h|80 default||");
    expect_url("ws://h:0080/@:?@", "ws |h|h|80 default|/@:|?@");
    expect_url("ws://a-b.c_d~!$&'()*+,;=%20/",
               "ws |a-b.c_d~!$&'()*+,;=%20|a-b.c_d~!$&'()*+,;=%20|80 "
               "default|/|");
}

static void test_parse_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *error; /* a part of it */
    } cases[] = {
        { "", "scheme" },
        { "ws", "scheme" },
        { "ws:", "scheme" },
        { "ws:/h", "scheme" },
        { "wsx://h", "scheme" },
        { "ftp://h", "scheme" },
        { "//h", "scheme" },
        { "h:80", "scheme" },
        { "ws://", "no host" },
        { "ws:///a", "no host" },
        { "ws://?a", "no host" },
        { "ws://#a", "no host" },
        { "ws://:80", "no host" },
        { "ws://u@", "no host" },
        { "ws://u@:80", "no host" },
        { "ws://a@b@c", "'@'" },
        { "ws://h:65536", "port" },
        { "ws://h:0", "port" },
        { "ws://h:-1", "port" },
        { "ws://h:8x", "port" },
        { "ws://h:1:2", "port" },
        { "ws://::1", "no host" },
        { "ws://1::1", "port" },
        { "ws://[::1", "malformed host" },
        { "ws://[::1]1", "malformed host" },
        { "ws://[1]", "malformed host" },
        { "ws://[::x]", "malformed host" },
        { "ws://[]", "malformed host" },
        { "ws://a]b", "malformed host" },
        { "ws://a\\b", "malformed host" },
        { "ws://a%2", "malformed host" },
        { "ws://h/a b", "space" },
        { " ws://h", "space" },
        { "ws://h\r\n", "control" },
        { "ws://h/\x7f", "control" },
        { "ws://\xe4\xbd\xa0", "ASCII" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct feed_guard guard;
        struct mk_url url;
        const char *error = parse(&guard, mk_slice_str(cases[i].text), &url);
        if (!error || !strstr(error, cases[i].error))
            fail_msg("<%s>: %s", cases[i].text, error ? error : "taken");
        feed_guard_free(guard);
    }
    struct mk_url url;
    assert_non_null(mk_url_parse(mk_slice_of("ws://h\0i", 8), &url));
    assert_non_null(mk_url_parse(mk_slice_of(NULL, 0), &url));
}

static void test_split_host(void **state)
{
    (void)state;
    struct mk_slice host;
    struct mk_slice port;
    assert_true(mk_url_split_host(MK_SLICE("h:80"), &host, &port));
    assert_true(mk_slice_eq(host, MK_SLICE("h")) && mk_slice_eq(port, MK_SLICE("80")));
    assert_true(mk_url_split_host(MK_SLICE("[::]:"), &host, &port));
    assert_true(mk_slice_eq(host, MK_SLICE("[::]")) && port.len == 0);
    assert_true(mk_url_split_host(MK_SLICE("h:0"), &host, &port));
    assert_false(mk_url_split_host(MK_SLICE(""), &host, &port));
    assert_false(mk_url_split_host(mk_slice_of(NULL, 0), &host, &port));
    assert_false(mk_url_split_host(MK_SLICE("["), &host, &port));
    assert_false(mk_url_split_host(MK_SLICE("h:65536"), &host, &port));
    assert_false(mk_url_split_host(MK_SLICE("u@h"), &host, &port));
    assert_false(mk_url_split_host(MK_SLICE("%"), &host, &port));
    assert_false(mk_url_split_host(MK_SLICE("a\0"), &host, &port));
}

static void test_query_find(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *name;
        const char *value; /* NULL: not found */
    } cases[] = {
        { "a=1&b=2", "a", "1" },  { "a=1&b=2", "b", "2" },
        { "a=1&a=2", "a", "1" },  { "a", "a", "" },
        { "a=", "a", "" },        { "x&a&y", "a", "" },
        { "a==b=", "a", "=b=" },  { "%61=1", "a", "1" },
        { "%6=1&a=2", "a", "2" }, { "a+b=%20+", "a+b", "%20+" },
        { "&&a=1&", "a", "1" },   { "=1", "", "1" },
        { "", "a", NULL },        { "ab=1", "a", NULL },
        { "a=1", "ab", NULL },    { "b=a=1", "a", NULL },
        { "A=1", "a", NULL },     { "&&", "", NULL },
        { "a%00=1", "a", NULL },  { "a;b=1", "b", NULL },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_slice value = { 0 };
        bool found =
            mk_url_query_find(mk_slice_str(cases[i].query), mk_slice_str(cases[i].name), &value);
        if (found != (cases[i].value != NULL) ||
            (found && !mk_slice_eq(value, mk_slice_str(cases[i].value))))
            fail_msg("%s in <%s>", cases[i].name, cases[i].query);
    }
}

static void expect_target(const char *text, const char *name, const char *value,
                          const char *expected)
{
    struct mk_url url;
    struct mk_buf out;
    mk_buf_init(&out, 256);
    assert_null(mk_url_parse(mk_slice_str(text), &url));
    assert_int_equal(mk_url_write_target(&out, &url, name, mk_slice_str(value)), 0);
    mk_buf_append_char(&out, '\0');
    assert_string_equal(out.data, expected);
    mk_buf_fini(&out);
}

static void test_write_target(void **state)
{
    (void)state;
    expect_target("ws://h", NULL, NULL, "/");
    expect_target("ws://h?a", NULL, NULL, "/?a");
    expect_target("ws://h/?", NULL, NULL, "/?");
    expect_target("ws://h/a%20?b=c#d", NULL, NULL, "/a%20?b=c");
    expect_target("ws://h", "t", "s 3&", "/?t=s%203%26");
    expect_target("ws://h/?", "t", "1", "/?t=1");
    expect_target("ws://h/x?a=1", "t", "1", "/x?a=1&t=1");
    expect_target("ws://h/x?t=0&a=1", "t", "1", "/x?t=1&a=1");
    expect_target("ws://h/x?a=1&%74&b", "t", "1", "/x?a=1&t=1&b");
    expect_target("ws://h/x?t=2&a&t=3", "t", "", "/x?t=&a");
    expect_target("ws://h/x?tt=2", "t", "1", "/x?tt=2&t=1");
    /* What a path and a query may not hold is escaped, and their escapes are left. */
    expect_target("ws://h/a[1]|{b}^\"<>\\`?[]=%5b%zz%4", NULL, NULL,
                  "/a%5B1%5D%7C%7Bb%7D%5E%22%3C%3E%5C%60?%5B%5D=%5b%25zz%254");
    expect_target("ws://h/a]?b]=c]&t=0", "t", "]", "/a%5D?b%5D=c%5D&t=%5D");
    struct mk_url url;
    struct mk_buf out;
    mk_buf_init(&out, 12);
    assert_null(mk_url_parse(MK_SLICE("ws://h/path?a=1"), &url));
    assert_int_equal(mk_url_write_target(&out, &url, "t", MK_SLICE("1")), -ENOBUFS);
    assert_int_equal(out.len, 0);
    mk_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),        cmocka_unit_test(test_parse_refused),
        cmocka_unit_test(test_split_host),   cmocka_unit_test(test_query_find),
        cmocka_unit_test(test_write_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
