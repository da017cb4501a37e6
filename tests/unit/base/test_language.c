/* language, error_text, json_error, and failures of net: the same thing in either language. */
#include "base/error_text.h"
#include "base/json_error.h"
#include "net/failure.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool is_chinese(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0xe4 && (unsigned char)*text <= 0xe9)
            return true;
    return false;
}

static void one_language_of_the_process(void **state)
{
    (void)state;
    const struct mk_phrase phrase = { "yes", "是" };
    assert_int_equal(mk_language_get(), MK_ENGLISH); /* until it is set */
    assert_string_equal(mk_tr("no", "否"), "no");
    assert_string_equal(mk_phrase_text(&phrase), "yes");
    mk_language_set(MK_CHINESE);
    assert_int_equal(mk_language_get(), MK_CHINESE);
    assert_string_equal(mk_tr("no", "否"), "否");
    assert_string_equal(mk_phrase_text(&phrase), "是");
    assert_string_equal(mk_tr_in(MK_ENGLISH, "no", "否"), "no");
    mk_language_set(MK_ENGLISH);
    assert_string_equal(mk_tr_in(MK_CHINESE, "no", "否"), "否");
    assert_null(mk_phrase_text(NULL));
}

static void errors_of_the_system(void **state)
{
    (void)state;
    static const int common[] = { ENOENT, EACCES,     ENOMEM,    EADDRINUSE, ECONNREFUSED, ENOSPC,
                                  EMFILE, ECONNRESET, ETIMEDOUT, EPERM,      EROFS,        EIO };
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        assert_true(is_chinese(mk_error_text_in(MK_CHINESE, common[i])));
        assert_false(is_chinese(mk_error_text_in(MK_ENGLISH, common[i])));
    }
    assert_string_equal(mk_error_text(ENOENT), "No such file or directory");
    mk_language_set(MK_CHINESE);
    assert_string_equal(mk_error_text(ENOENT), "没有那个文件或目录");
    mk_language_set(MK_ENGLISH);
    /* One without a Chinese text is described all the same. */
    assert_string_equal(mk_error_text_in(MK_CHINESE, ENOTUNIQ),
                        mk_error_text_in(MK_ENGLISH, ENOTUNIQ));
}

/* Messages depend on the version of yyjson; whatever they are, they have Chinese words. */
static void errors_of_json(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{",     "{\"a\" 1}", "[1 2]",   "{\"a\":1 \"b\"}", "{1:2}",    "[1,]", "[01]", "[1.]",
        "[tru]", "[@]",       "\"\\x\"", "\"\x01\"",        "\"\xff\"", "\"a",  "{} x", "  ",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char text[32];
        yyjson_read_err error = { 0 };
        strcpy(text, texts[i]);
        assert_null(yyjson_read_opts(text, strlen(text), 0, NULL, &error));
        assert_string_equal(mk_json_error_text(MK_ENGLISH, &error), error.msg);
        if (!is_chinese(mk_json_error_text(MK_CHINESE, &error)))
            fail_msg("%s: %s: %s", texts[i], error.msg, mk_json_error_text(MK_CHINESE, &error));
    }
}

static void known_and_unknown_errors_of_json(void **state)
{
    (void)state;
    yyjson_read_err error = { .code = YYJSON_READ_ERROR_INVALID_NUMBER,
                              .msg = "of a version to come" };
    assert_string_equal(mk_json_error_text(MK_CHINESE, &error), "数字不合法");
    assert_string_equal(mk_json_error_text(MK_ENGLISH, &error), "of a version to come");
    error = (yyjson_read_err){ .code = 9999 };
    assert_string_equal(mk_json_error_text(MK_CHINESE, &error), "不是合法的 JSON");
    assert_string_equal(mk_json_error_text(MK_ENGLISH, &error), "it is not valid JSON");
}

static void failures(void **state)
{
    (void)state;
    struct mk_failure failure;
    mk_failure_errno(&failure, -ECONNREFUSED);
    assert_string_equal(failure.en, "connection refused");
    assert_string_equal(failure.zh, "连接被拒绝");
    mk_failure_timeout(&failure, 1500);
    assert_string_equal(failure.en, "timed out after 1500 ms");
    assert_string_equal(failure.zh, "1500 毫秒后超时");
    assert_string_equal(mk_failure_text(mk_failure_status(&failure, 503)), "it answered 503");
    mk_language_set(MK_CHINESE);
    assert_string_equal(mk_failure_text(&failure), "对方应答 503");
    mk_language_set(MK_ENGLISH);
    /* A long text is cut between two characters, in both languages. */
    char text[601];
    for (size_t i = 0; i < 600; i += 3)
        memcpy(text + i, "\xe4\xbd\xa0", 3);
    text[600] = '\0';
    mk_failure_set(&failure, MK_FAILURE_PROTOCOL, "x%s", "%s", text);
    assert_int_equal(strlen(failure.en), 1 + 84 * 3);
    assert_int_equal(strlen(failure.zh), 85 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_language_of_the_process),
        cmocka_unit_test(errors_of_the_system),
        cmocka_unit_test(errors_of_json),
        cmocka_unit_test(known_and_unknown_errors_of_json),
        cmocka_unit_test(failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
