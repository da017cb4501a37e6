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
    return mk_auth_check(&request, mk_slice_str(token), from);
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
    assert_int_equal(mk_auth_check(&request, MK_SLICE("s3cret"), MK_AUTH_HEADER), MK_AUTH_WRONG);
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
        assert_int_equal(mk_auth_check(&request, MK_SLICE(""), MK_AUTH_HEADER), cases[i].expected);
        /* With a token, it is the token that decides. */
        assert_int_equal(mk_auth_check(&request, MK_SLICE("s3cret"), MK_AUTH_HEADER),
                         MK_AUTH_MISSING);
    }
}

/* Headers of browsers, with a token or without. */
static void test_page(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        const char *name; /* of the header, or NULL */
        const char *value;
        bool expected;
    } cases[] = {
        { "127.0.0.1:3000", NULL, NULL, false },
        { "127.0.0.1:3000", "Origin", "http://127.0.0.1:3000", false },
        { "127.0.0.1:3000", "Origin", "https://evil.example", true },
        { "127.0.0.1:3000", "Origin", "null", true },
        { "evil.example:3000", "Origin", "http://evil.example:3000", true },
        { "evil.example:3000", NULL, NULL, true },
        { "127.0.0.1:3000", "Sec-Fetch-Site", "cross-site", true },
        { "127.0.0.1:3000", "Sec-Fetch-Site", "same-site", true },
        { "127.0.0.1:3000", "Sec-Fetch-Site", "same-origin", false },
        { "127.0.0.1:3000", "Sec-Fetch-Site", "none", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_http1_header header = { mk_slice_str(cases[i].name),
                                          mk_slice_str(cases[i].value) };
        struct mk_http1_request request = {
            .method = MK_SLICE("GET"),
            .host = mk_slice_str(cases[i].host),
            .headers = &header,
            .header_count = cases[i].name ? 1 : 0,
        };
        assert_int_equal(mk_auth_may_be_page(&request), cases[i].expected);
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
        volatile enum mk_auth auth = mk_auth_check(request, token, from);
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
        cmocka_unit_test(test_timing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
