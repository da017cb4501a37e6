/* URLs as browsers show them, made those that servers take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/web_url.h"

#include <errno.h>
#include <stdio.h>

/* Cleaned, or "" with `rc`. */
static const char *clean(const char *text, int *rc)
{
    static char result[1024];
    struct mk_buf out;
    mk_buf_init(&out, sizeof(result) - 1);
    *rc = mk_web_url_clean(&out, mk_slice_str(text));
    snprintf(result, sizeof(result), "%.*s", (int)out.len, out.len > 0 ? out.data : "");
    mk_buf_fini(&out);
    return result;
}

static void becomes(const char *text, const char *wanted)
{
    int rc;
    const char *result = clean(text, &rc);
    if (rc < 0)
        fail_msg("%s: %d", text, rc);
    assert_string_equal(result, wanted);
    char again[1024];
    snprintf(again, sizeof(again), "%s", result);
    assert_string_equal(clean(again, &rc), wanted); /* a clean one stays as it is */
}

static void rests(void **state)
{
    (void)state;
    becomes("http://a.com/b/c.png?d=e&f=%20+", "http://a.com/b/c.png?d=e&f=%20+");
    becomes("http://a.com/图 1.png", "http://a.com/%E5%9B%BE%201.png");
    becomes("http://a.com/a?q=图 片&x='\"<>",
            "http://a.com/a?q=%E5%9B%BE%20%E7%89%87&x=%27%22%3C%3E");
    becomes("http://a.com/\"<>`{}^|[]'%/%zz", "http://a.com/%22%3C%3E%60%7B%7D%5E|[]'%/%zz");
    becomes(" \n http://a.com/a\r\n\tb \x01 c ", "http://a.com/ab%20%01%20c");
    becomes("http://a.com\\b\\c?\\#d", "http://a.com/b/c?\\");
    becomes("http://a.com/a#图?b", "http://a.com/a");
    becomes("http://a.com#x@b.com/", "http://a.com");
    becomes("HTTPS://A.com:8443?x", "https://A.com:8443?x");
    becomes("http://a.com/\x7f", "http://a.com/%7F");
    /* References of redirects. */
    becomes("/图?片", "/%E5%9B%BE?%E7%89%87");
    becomes("图 1.png", "%E5%9B%BE%201.png");
    becomes("?a b", "?a%20b");
    becomes("//例子.com/x", "//xn--fsqu00a.com/x");
    becomes("", "");
    becomes("file:///etc/a b", "file:///etc/a%20b");
}

static void hosts(void **state)
{
    (void)state;
    becomes("http://例子.com:80/", "http://xn--fsqu00a.com:80/");
    becomes("http://Bücher.example", "http://xn--bcher-kva.example");
    becomes("http://straße.de/", "http://xn--strae-oqa.de/");
    becomes("http://例子。测试/", "http://xn--fsqu00a.xn--0zwm56d/");
    becomes("http://b\xc3\xbc\x63her.example/", "http://xn--bcher-kva.example/");
    becomes("http://bu\xcc\x88\x63her.example/",
            "http://xn--bcher-kva.example/"); /* not composed */
    becomes("http://%E4%BE%8B%E5%AD%90.com/", "http://xn--fsqu00a.com/");
    becomes("http://a%2ecom/", "http://a.com/");
    becomes("http://用户:密 码@例子.com/",
            "http://%E7%94%A8%E6%88%B7:%E5%AF%86%20%E7%A0%81@xn--fsqu00a.com/");
    becomes("http://a@b@c.com/", "http://a%40b@c.com/");
    becomes("http://[::1]:8080/", "http://[::1]:8080/");
    becomes("http://a_b.com/", "http://a_b.com/");
    /* To addresses, which are checked when they are connected to. */
    becomes("http://１２７.０.０.１/", "http://127.0.0.1/");
    becomes("http://①②⑦．⓪。0.1:80/", "http://127.0.0.1:80/");
    becomes("http://ｌｏｃａｌｈｏｓｔ/", "http://localhost/");
}

static void refused(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://",           "http:///path",      "http://:80/",         "http://user@/",
        "http://a b.com/",   "http://a%20b.com/", "http://a%2fb.com/",   "http://a%00.com/",
        "http://a%40b.com/", "http://a＠b.com/",  "http://a：80/",       "http://a＃b.com/",
        "http://℀.com/",     /* becomes "a/c" */
        "http://a\xff.com/", /* no UTF-8 */
        "http://a<b>.com/",  "http://[::1]é/",    "http://例子.com:8x/",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        int rc;
        assert_string_equal(clean(urls[i], &rc), "");
        if (rc != -EINVAL)
            fail_msg("%s: %d", urls[i], rc);
    }
    char host[1500] = "http://";
    for (size_t i = 7; i < sizeof(host) - 1; i++)
        host[i] = 'a';
    int rc;
    clean(host, &rc);
    assert_int_equal(rc, -EINVAL);
    struct mk_buf out;
    mk_buf_init(&out, 8);
    assert_int_equal(mk_web_url_clean(&out, MK_SLICE("http://a.com/")), -ENOBUFS);
    assert_int_equal(out.len, 0);
    mk_buf_fini(&out);
}

static void origins(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "http://a.com/b?c", "http://a.com/" },
        { "https://a.com:8443", "https://a.com:8443/" },
        { "http://user:secret@a.com/@", "http://a.com/" },
        { "http://a.com?x@y", "http://a.com/" },
        { "http://[::1]:80/", "http://[::1]:80/" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_buf out;
        mk_buf_init(&out, 64);
        assert_int_equal(mk_web_url_origin(&out, mk_slice_str(cases[i][0])), 0);
        assert_true(mk_slice_eq(mk_buf_slice(&out), mk_slice_str(cases[i][1])));
        mk_buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rests),
        cmocka_unit_test(hosts),
        cmocka_unit_test(refused),
        cmocka_unit_test(origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
