/* auth: credentials in header and query, and web pages at a server without a token. */
#include "web/auth.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <stdio.h>

#include <cmocka.h>

static enum mk_auth check(const char *token, enum mk_auth_from from, const char *query,
                          const char *authorization)
{
    struct mk_http1_header header = { MK_SLICE("authorization"), mk_slice_str(authorization) };
    struct mk_http1_request request = {
        .query = mk_slice_str(query),
        .headers = &header,
        .header_count = authorization ? 1 : 0,
    };
    return mk_auth_check(&request, &(struct mk_access){ .token = mk_slice_str(token) }, from);
}

static void test_header(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum mk_auth expected;
    } cases[] = {
        { NULL, MK_AUTH_MISSING },          { "", MK_AUTH_MISSING },
        { "Bearer", MK_AUTH_MISSING },      { "Basic czNjcmV0", MK_AUTH_MISSING },
        { "s3cret", MK_AUTH_MISSING },      { "Bearer s3cret", MK_AUTH_OK },
        { "bearer s3cret", MK_AUTH_OK },    { "Bearer   s3cret", MK_AUTH_OK },
        { "Bearer s3cre", MK_AUTH_WRONG },  { "Bearer s3crets", MK_AUTH_WRONG },
        { "Bearer S3CRET", MK_AUTH_WRONG }, { "Bearer s3crets3cret", MK_AUTH_WRONG },
        { "Bearer  ", MK_AUTH_WRONG },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(check("s3cret", MK_AUTH_HEADER, "", cases[i].value), cases[i].expected);
    /* An HTTP call takes no query. */
    assert_int_equal(check("s3cret", MK_AUTH_HEADER, "access_token=s3cret", NULL), MK_AUTH_MISSING);
}

static void test_query(void **state)
{
    (void)state;
    static const struct {
        const char *token;
        const char *query;
        const char *header;
        enum mk_auth expected;
    } cases[] = {
        { "s3cret", "", NULL, MK_AUTH_MISSING },
        { "s3cret", "token=s3cret", NULL, MK_AUTH_MISSING },
        { "s3cret", "access_token=s3cret", NULL, MK_AUTH_OK },
        { "s3cret", "a=1&access_token=s3cret&b=2", NULL, MK_AUTH_OK },
        { "s3cret", "access_token=s3c%72et", NULL, MK_AUTH_OK },
        { "s3cret", "access_token=s3c", NULL, MK_AUTH_WRONG },
        { "s3cret", "access_token=", NULL, MK_AUTH_WRONG },
        { "s3cret", "access_token=%zz", NULL, MK_AUTH_WRONG },
        { "s3cret", "", "Bearer s3cret", MK_AUTH_OK },
        { "s3cret", "access_token=wrong", "Bearer s3cret", MK_AUTH_WRONG },
        { "a+b c", "access_token=a%2Bb%20c", NULL, MK_AUTH_OK },
        { "a+b", "access_token=a+b", NULL, MK_AUTH_OK },
        { "a b", "access_token=a+b", NULL, MK_AUTH_OK },
        { "\xe5\xaf\x86", "access_token=%E5%AF%86", NULL, MK_AUTH_OK },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(
            check(cases[i].token, MK_AUTH_QUERY_OR_HEADER, cases[i].query, cases[i].header),
            cases[i].expected);
}

static void test_repeated_header(void **state)
{
    (void)state;
    struct mk_http1_header headers[] = {
        { MK_SLICE("Authorization"), MK_SLICE("Bearer s3cret") },
        { MK_SLICE("Authorization"), MK_SLICE("Bearer other") },
    };
    struct mk_http1_request request = { .headers = headers, .header_count = 2 };
    assert_int_equal(
        mk_auth_check(&request, &(struct mk_access){ .token = MK_SLICE("s3cret") }, MK_AUTH_HEADER),
        MK_AUTH_WRONG);
}

/* Without a token programs may call, and web pages of other origins may not. */
static void test_no_token(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        const char *origin;
        enum mk_auth expected;
    } cases[] = {
        { "127.0.0.1:3000", NULL, MK_AUTH_OK },
        { "localhost:3000", NULL, MK_AUTH_OK },
        { "127.0.0.1:3000", "http://127.0.0.1:3000", MK_AUTH_OK },
        { "localhost:3000", "http://LOCALHOST:3000", MK_AUTH_OK },
        { "[::1]:3000", "http://[::1]:3000", MK_AUTH_OK },
        { "127.0.0.1:3000", "http://127.0.0.1:3001", MK_AUTH_FOREIGN },
        { "127.0.0.1:3000", "http://localhost:3000", MK_AUTH_FOREIGN },
        { "127.0.0.1:3000", "https://evil.example", MK_AUTH_FOREIGN },
        { "127.0.0.1:3000", "null", MK_AUTH_FOREIGN },
        { "127.0.0.1:3000", "", MK_AUTH_FOREIGN },
        /* A name that resolves to this machine (DNS rebinding). */
        { "evil.example:3000", "http://evil.example:3000", MK_AUTH_FOREIGN },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_http1_header header = { MK_SLICE("Origin"), mk_slice_str(cases[i].origin) };
        struct mk_http1_request request = {
            .host = mk_slice_str(cases[i].host),
            .headers = &header,
            .header_count = cases[i].origin ? 1 : 0,
        };
        assert_int_equal(
            mk_auth_check(&request, &(struct mk_access){ .token = MK_SLICE("") }, MK_AUTH_HEADER),
            cases[i].expected);
        /* With a token, it is the token that decides. */
        assert_int_equal(mk_auth_check(&request, &(struct mk_access){ .token = MK_SLICE("s3cret") },
                                       MK_AUTH_HEADER),
                         MK_AUTH_MISSING);
    }
}

#define CHROME                                                                                     \
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "            \
    "Chrome/141.0.0.0 Safari/537.36"
#define FIREFOX "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
#define SAFARI                                                                                     \
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "    \
    "Version/18.5 Safari/605.1.15"
#define LAN "192.168.1.5:3000"
#define HERE "127.0.0.1:3000"
#define IMAGE "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
#define DOCUMENT "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

/* A request as a browser or a program sends it; what is NULL is not sent. */
struct sent {
    const char *what;
    const char *method, *host, *agent, *accept, *origin, *site, *referer;
    bool upgrade;
    bool is_page; /* of another origin, perhaps */
};

/* clang-format off */
static const struct sent sent[] = {
    /* To this machine, browsers send Sec-Fetch-Site. */
    { "img, Chrome", "GET", HERE, CHROME, IMAGE, NULL, "cross-site", "https://evil.example/", false, true },
    { "img, no-referrer", "GET", HERE, CHROME, IMAGE, NULL, "cross-site", NULL, false, true },
    { "img of another port", "GET", HERE, CHROME, IMAGE, NULL, "same-site", "http://127.0.0.1:8000/", false, true },
    { "script, Firefox", "GET", HERE, FIREFOX, "*/*", NULL, "cross-site", NULL, false, true },
    { "iframe, Safari", "GET", HERE, SAFARI, DOCUMENT, NULL, "cross-site", "http://evil.example/", false, true },
    { "a link that is followed", "GET", HERE, CHROME, DOCUMENT, NULL, "cross-site", NULL, false, true },
    { "prefetch", "GET", HERE, CHROME, DOCUMENT, NULL, "cross-site", NULL, false, true },
    { "EventSource", "GET", HERE, CHROME, "text/event-stream", "https://evil.example", "cross-site", NULL, false, true },
    { "fetch, cors", "POST", HERE, CHROME, "*/*", "https://evil.example", "cross-site", NULL, false, true },
    { "form", "POST", HERE, CHROME, DOCUMENT, "https://evil.example", "cross-site", NULL, false, true },
    { "form in a sandboxed frame", "POST", HERE, CHROME, DOCUMENT, "null", "cross-site", NULL, false, true },
    { "a POST without Origin", "POST", HERE, "Old/1.0", "*/*", NULL, NULL, "http://evil.example/x", false, true },
    { "preflight", "OPTIONS", HERE, CHROME, "*/*", "https://evil.example", "cross-site", NULL, false, true },
    { "WebSocket", "GET", HERE, CHROME, NULL, "https://evil.example", NULL, NULL, true, true },
    { "WebSocket of a file", "GET", HERE, CHROME, NULL, "file://", NULL, NULL, true, true },
    { "an unknown site", "GET", HERE, CHROME, "*/*", NULL, "elsewhere", NULL, false, true },
    { "the address bar", "GET", HERE, CHROME, DOCUMENT, NULL, "none", NULL, false, false },
    { "a page of ours", "GET", HERE, CHROME, "*/*", NULL, "same-origin", "http://127.0.0.1:3000/", false, false },
    { "a POST of ours", "POST", HERE, CHROME, "*/*", "http://127.0.0.1:3000", "same-origin", NULL, false, false },
    { "a HEAD after DNS rebinding", "HEAD", "evil.example:3000", CHROME, "*/*", NULL, "same-origin", NULL, false, true },
    { "a GET after DNS rebinding", "GET", "evil.example:3000", CHROME, "*/*", NULL, NULL, "http://evil.example:3000/", false, true },
    /* To another machine without TLS they do not. */
    { "img, Chrome, LAN", "GET", LAN, CHROME, IMAGE, NULL, NULL, "http://192.168.1.9/", false, true },
    { "img of the same machine", "GET", LAN, CHROME, IMAGE, NULL, NULL, "http://192.168.1.5/", false, true },
    { "img, Chrome, LAN, no-referrer", "GET", LAN, CHROME, IMAGE, NULL, NULL, NULL, false, true },
    { "img, disguised", "GET", LAN, "Something/1.0", IMAGE, NULL, NULL, NULL, false, true },
    { "img, Firefox, LAN", "GET", LAN, FIREFOX, "image/avif,image/webp,*/*", NULL, NULL, NULL, false, true },
    { "link, Safari, LAN", "GET", LAN, SAFARI, "text/css,*/*;q=0.1", NULL, NULL, NULL, false, true },
    { "video, Firefox, LAN", "GET", LAN, FIREFOX, "video/webm,video/ogg,video/*;q=0.9", NULL, NULL, NULL, false, true },
    { "script, LAN", "GET", LAN, CHROME, "*/*", NULL, NULL, NULL, false, true },
    { "HEAD by fetch, no-cors", "HEAD", LAN, FIREFOX, "*/*", NULL, NULL, NULL, false, true },
    { "iframe, LAN", "GET", LAN, SAFARI, DOCUMENT, NULL, NULL, NULL, false, true },
    { "EventSource, LAN", "GET", LAN, CHROME, "text/event-stream", "http://192.168.1.9", NULL, NULL, false, true },
    { "an old browser", "GET", LAN, "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)", "*/*", NULL, NULL, NULL, false, true },
    { "a Referer that looks like ours", "GET", LAN, CHROME, "*/*", NULL, NULL, "http://192.168.1.5:3000.evil.example/", false, true },
    { "a Referer with our name in its path", "GET", LAN, CHROME, "*/*", NULL, NULL, "http://evil.example/http://192.168.1.5:3000/", false, true },
    { "a Referer of no page", "GET", LAN, CHROME, "*/*", NULL, NULL, "about:blank", false, true },
    { "a page of ours, LAN", "GET", LAN, CHROME, "*/*", NULL, NULL, "http://192.168.1.5:3000/x?y", false, false },
    { "a POST of ours, LAN", "POST", LAN, CHROME, "*/*", "http://192.168.1.5:3000", NULL, NULL, false, false },
    /* Programs. */
    { "curl", "GET", LAN, "curl/7.88.1", "*/*", NULL, NULL, NULL, false, false },
    { "no name", "GET", LAN, NULL, NULL, NULL, NULL, NULL, false, false },
    { "aiohttp", "POST", "bots", "Python/3.11 aiohttp/3.9.1", "*/*", NULL, NULL, NULL, false, false },
    { "undici", "GET", LAN, "node", "*/*", NULL, NULL, NULL, false, false },
    { "eventsource of npm", "GET", LAN, "node", "text/event-stream", NULL, NULL, NULL, false, false },
    { "Prometheus", "GET", LAN, "Prometheus/2.53.0", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5", NULL, NULL, NULL, false, false },
    { "Java", "GET", LAN, "Java/17.0.2", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", NULL, NULL, NULL, false, false },
    { "PowerShell", "GET", LAN, "Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.19041.1", NULL, NULL, NULL, NULL, false, false },
    { "a monitor", "GET", LAN, "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "*/*", NULL, NULL, NULL, false, false },
    { "a call with a browser's name", "POST", LAN, CHROME, "*/*", NULL, NULL, NULL, false, false },
    { "a WebSocket with a browser's name", "GET", "bots", CHROME, NULL, NULL, NULL, NULL, true, false },
    { "a proxy's health check", "GET", "bots", "kube-probe/1.29", "*/*", NULL, NULL, NULL, false, true },
};
/* clang-format on */

static void test_page(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
        const struct sent *one = &sent[i];
        const struct mk_http1_header headers[] = {
            { MK_SLICE("user-agent"), mk_slice_str(one->agent) },
            { MK_SLICE("Accept"), mk_slice_str(one->accept) },
            { MK_SLICE("Origin"), mk_slice_str(one->origin) },
            { MK_SLICE("sec-fetch-site"), mk_slice_str(one->site) },
            { MK_SLICE("Referer"), mk_slice_str(one->referer) },
        };
        struct mk_http1_request request = {
            .method = mk_slice_str(one->method),
            .host = mk_slice_str(one->host),
            .upgrade_websocket = one->upgrade,
            .headers = headers,
            .header_count = sizeof(headers) / sizeof(headers[0]),
        };
        enum mk_auth expected = one->is_page ? MK_AUTH_FOREIGN : MK_AUTH_OK;
        if (mk_auth_check(&request, &(struct mk_access){ .token = MK_SLICE("") }, MK_AUTH_HEADER) !=
                expected ||
            mk_auth_may_be_page(&request) != one->is_page)
            fail_msg("%s: expected %s", one->what, one->is_page ? "a refusal" : "an answer");
        /* Where no credentials are needed, only a proof counts, and any name of the host. */
        bool is_proved = one->is_page && (one->origin || one->referer || one->site) &&
                         !mk_slice_starts_with(request.host, MK_SLICE("evil"));
        if (mk_auth_is_elsewhere(&request) != is_proved)
            fail_msg("%s: expected %s", one->what, is_proved ? "a proof" : "none");
    }
}

/* Pages of listed origins, which say so themselves. */
static void test_listed_origins(void **state)
{
    (void)state;
    static const struct {
        const char *origin;
        const char *site;
        enum mk_auth expected;
    } cases[] = {
        { "https://a.example", "cross-site", MK_AUTH_OK },
        { "http://b.example:8080", NULL, MK_AUTH_OK },
        { "http://192.168.1.5:3000", NULL, MK_AUTH_OK }, /* our own */
        { "http://a.example", "cross-site", MK_AUTH_FOREIGN },
        { "https://a.example:443", NULL, MK_AUTH_FOREIGN },
        { "https://a.example.evil.example", NULL, MK_AUTH_FOREIGN },
        { "https://a.example\nhttp://b.example:8080", NULL, MK_AUTH_FOREIGN },
        { "null", NULL, MK_AUTH_FOREIGN },
        { "", NULL, MK_AUTH_FOREIGN },
        { NULL, "cross-site", MK_AUTH_FOREIGN }, /* an image of such a page */
        { NULL, NULL, MK_AUTH_OK },
    };
    const struct mk_access access = {
        .origins = MK_SLICE("https://a.example\nhttp://b.example:8080\n"),
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct mk_http1_header headers[] = {
            { MK_SLICE("Origin"), mk_slice_str(cases[i].origin) },
            { MK_SLICE("Sec-Fetch-Site"), mk_slice_str(cases[i].site) },
        };
        struct mk_http1_request request = {
            .method = MK_SLICE("GET"),
            .host = MK_SLICE(LAN),
            .headers = headers,
            .header_count = 2,
        };
        assert_int_equal(mk_auth_check(&request, &access, MK_AUTH_HEADER), cases[i].expected);
    }
}

/* --- timing --- */

/*
 * The number of instructions of a check, counted one by one in a child: more exact than any clock.
 * -1 where tracing is not permitted.
 */
static long steps_of(struct mk_slice token, enum mk_auth_from from,
                     const struct mk_http1_request *request)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(99);
        raise(SIGSTOP);
        volatile enum mk_auth auth =
            mk_auth_check(request, &(struct mk_access){ .token = token }, from);
        (void)auth;
        _exit(0);
    }
    int status;
    long steps = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    while (WIFSTOPPED(status)) {
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) < 0) {
            kill(child, SIGKILL);
            steps = -1;
        }
        steps += steps >= 0;
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? steps : -1;
}

/* The same request, with the token in the header or in the query. */
static long steps_for(struct mk_slice token, bool in_query, char *given)
{
    struct mk_http1_header header = { MK_SLICE("Authorization"), mk_slice_str(given) };
    struct mk_http1_request request = {
        .query = in_query ? mk_slice_str(given) : (struct mk_slice){ 0 },
        .headers = &header,
        .header_count = in_query ? 0 : 1,
    };
    return steps_of(token, in_query ? MK_AUTH_QUERY_OR_HEADER : MK_AUTH_HEADER, &request);
}

static void test_timing(void **state)
{
    (void)state;
    static const char token[] = "0123456789abcdefghijklmnopqrstuv";
    enum { LEN = sizeof(token) - 1 };
    for (int in_query = 0; in_query < 2; in_query++) {
        char given[64];
        size_t at = (size_t)snprintf(given, sizeof(given), "%s%s",
                                     in_query ? "access_token=" : "Bearer ", token) -
                    LEN;
        long first = 0;
        static const size_t positions[] = { 0, 1, LEN / 2, LEN - 1 };
        for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
            size_t wrong = positions[i];
            given[at + wrong] = '!';
            long steps = steps_for(mk_slice_str(token), in_query, given);
            given[at + wrong] = token[wrong];
            if (steps < 0)
                skip();
            if (wrong == 0)
                first = steps;
            assert_int_equal(steps, first);
        }
        /* It does not depend on the token's length either, or on a common prefix. */
        given[at] = '!';
        for (size_t len = 1; len <= LEN; len *= 4)
            assert_int_equal(steps_for(mk_slice_of(token, len), in_query, given), first);
        given[at] = token[0];
        assert_int_equal(steps_for(mk_slice_of(token, LEN - 1), in_query, given), first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_repeated_header),
        cmocka_unit_test(test_no_token),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_listed_origins),
        cmocka_unit_test(test_timing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
