/* advice: every failure of every remote has words that lead on, and none says what is not true. */
#include "transport/advice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const unsigned tokens[] = { MK_REMOTE_TOKEN, MK_REMOTE_NO_TOKEN };
static const unsigned schemes[] = { MK_REMOTE_TLS, MK_REMOTE_PLAIN };
static const unsigned classes[] = { MK_REMOTE_WEBSOCKET, MK_REMOTE_WEBSOCKET | MK_REMOTE_ORIGIN,
                                    MK_REMOTE_WEBHOOK };

static void check_words(enum mk_failure_kind kind, unsigned status, unsigned traits)
{
    const struct mk_failure failure = { .kind = kind, .status = status };
    const struct mk_advice *advice = mk_advice_on(&failure, traits);
    bool none = kind == MK_FAILURE_NONE;
    if (none != !advice->words.en || none != !advice->words.zh ||
        none != (advice->trouble == MK_TROUBLE_NONE))
        fail_msg("kind %d, status %u, traits %u", (int)kind, status, traits);
    assert_true(strlen(mk_trouble_name(advice->trouble)) > 0);
    /* Only where nothing answers. */
    bool denies = !none && strstr(advice->words.en, "no answer");
    if (denies && kind != MK_FAILURE_REFUSED)
        fail_msg("kind %d, status %u: %s", (int)kind, status, advice->words.en);
}

static void check_kind(enum mk_failure_kind kind, unsigned traits)
{
    check_words(kind, 0, traits);
    for (unsigned status = 100; status < 600 && kind == MK_FAILURE_STATUS; status++)
        check_words(kind, status, traits);
    for (unsigned code = 1000; code < 5000 && kind == MK_FAILURE_CLOSE; code++)
        check_words(kind, code, traits);
}

static void test_every_failure_has_advice(void **state)
{
    (void)state;
    for (int kind = 0; kind < MK_FAILURE_KINDS; kind++)
        for (int i = 0; i < 12; i++)
            check_kind((enum mk_failure_kind)kind,
                       tokens[i % 2] | schemes[i / 2 % 2] | classes[i / 4]);
}

static const char *on(enum mk_failure_kind kind, unsigned status, unsigned traits)
{
    const struct mk_failure failure = { .kind = kind, .status = status };
    return mk_advice_on(&failure, traits)->words.en;
}

/* Causes with a remedy of their own have words of their own. */
static void test_causes_are_told_apart(void **state)
{
    static const unsigned statuses[] = { 200, 301, 400, 401, 403, 404, 405, 410,
                                         413, 415, 426, 429, 500, 502, 503, 504 };
    static const unsigned codes[] = { 1000, 1001, 1002, 1003, 1005, 1007, 1008, 1009,
                                      1010, 1011, 1012, 1013, 1014, 1015, 3001, 4001 };
    const char *seen[128];
    size_t count = 0;
    (void)state;
    for (int kind = 1; kind < MK_FAILURE_KINDS; kind++)
        if (kind != MK_FAILURE_STATUS && kind != MK_FAILURE_CLOSE)
            seen[count++] = on((enum mk_failure_kind)kind, 0, MK_REMOTE_WEBSOCKET);
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        seen[count++] = on(MK_FAILURE_STATUS, statuses[i], MK_REMOTE_WEBSOCKET);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        seen[count++] = on(MK_FAILURE_CLOSE, codes[i], MK_REMOTE_WEBSOCKET);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(seen[i], seen[k]) == 0)
                fail_msg("twice: %s", seen[i]);
}

static void test_it_depends_on_the_remote(void **state)
{
    const unsigned with = MK_REMOTE_WEBSOCKET | MK_REMOTE_PLAIN | MK_REMOTE_TOKEN;
    const unsigned without = MK_REMOTE_WEBSOCKET | MK_REMOTE_PLAIN | MK_REMOTE_NO_TOKEN;
    (void)state;
    assert_string_not_equal(on(MK_FAILURE_STATUS, 403, with), on(MK_FAILURE_STATUS, 403, without));
    assert_string_not_equal(on(MK_FAILURE_STATUS, 403, without | MK_REMOTE_ORIGIN),
                            on(MK_FAILURE_STATUS, 403, without));
    assert_non_null(strstr(on(MK_FAILURE_NO_ANSWER, 0, with), "wss://"));
    assert_non_null(
        strstr(on(MK_FAILURE_NO_ANSWER, 0, MK_REMOTE_WEBHOOK | MK_REMOTE_PLAIN), "https://"));
    assert_null(strstr(on(MK_FAILURE_NO_ANSWER, 0, MK_REMOTE_WEBHOOK | MK_REMOTE_TLS), "https://"));
    assert_non_null(strstr(on(MK_FAILURE_IS_TLS, 0, MK_REMOTE_WEBHOOK), "https://"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_failure_has_advice),
        cmocka_unit_test(test_causes_are_told_apart),
        cmocka_unit_test(test_it_depends_on_the_remote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
