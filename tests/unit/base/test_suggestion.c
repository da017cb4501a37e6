/* suggestion: which words are close enough to a mistyped one, and which of them is the closest. */
#include "base/suggestion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *best_for(const char *word)
{
    static const char *const words[] = { "say",          "recall", "react", "set_nickname",
                                         "access_token", "kick",   "mute" };
    struct mk_suggestion near = { 0 };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        mk_suggestion_offer(&near, mk_slice_str(word), words[i]);
    return near.best;
}

static void each_kind_of_slip(void **state)
{
    static const struct {
        const char *word, *best;
    } cases[] = {
        { "sya", "say" },
        { "ssay", "say" },
        { "sa", "say" },
        { "sax", "say" },
        { "ercall", "recall" },
        { "racet", "react" },
        { "set_nicknmae", "set_nickname" },
        { "set_nick", "set_nickname" },
        { "token", "access_token" },
        { "kcik", "kick" },
        { "mute", "mute" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(best_for(cases[i].word), cases[i].best);
}

static void words_that_are_too_far(void **state)
{
    static const char *const cases[] = {
        "", "y", "ysa", "launch", "ikkc", "a_word_that_is_longer_than_any_word_that_is_compared"
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_null(best_for(cases[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_slip),
        cmocka_unit_test(words_that_are_too_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
