/*
 * fuzz_config: any text is read, or refused with mistakes, the same in both languages: each mistake
 * has a line of its own, which begins with a position within the text, has no control characters,
 * and no token. A valid text makes structs that are valid for an embedder, too.
 */
#include "base/language.h"
#include "base/utf8.h"
#include "config/check.h"
#include "config/config.h"
#include "fuzz.h"

#include <errno.h>

/* The beginning of tokens in the inputs: it must not be printed. */
static const struct mk_slice secret = { "s3cret", 6 };

static uint64_t take_number(struct mk_slice *rest, char end)
{
    uint64_t number = 0;
    struct mk_slice digits = take_until(rest, end);
    check(digits.len > 0 && digits.len < 10, "no number");
    for (size_t i = 0; i < digits.len; i++) {
        check(digits.ptr[i] >= '0' && digits.ptr[i] <= '9', "no number");
        number = number * 10 + (uint64_t)(digits.ptr[i] - '0');
    }
    return number;
}

/* Columns count characters: never more than there are bytes. */
static void check_line(struct mk_slice line, struct mk_slice text)
{
    static const struct mk_slice name = { "dir/milky.jsonc:", 16 };
    check(mk_slice_starts_with(line, name), "no file");
    struct mk_slice rest = mk_slice_from(line, name.len);
    uint64_t row = take_number(&rest, ':'), column = take_number(&rest, ':');
    for (uint64_t i = 1; i < row; i++) {
        check(text.len > 0, "a line behind the end");
        take_until(&text, '\n');
    }
    check(column >= 1 && column <= take_until(&text, '\n').len + 1, "a column behind the end");
    check(rest.len > 1 && rest.ptr[0] == ' ', "nothing said");
    for (size_t i = 0; i < rest.len; i++)
        check((uint8_t)rest.ptr[i] >= 0x20 && rest.ptr[i] != 0x7f, "a control character");
}

/* Returns the number of mistakes. */
static size_t check_mistakes(struct mk_slice mistakes, struct mk_slice text)
{
    size_t count = 0;
    check(mk_utf8_valid(mistakes), "no UTF-8");
    check(mistakes.ptr[mistakes.len - 1] == '\n', "an unfinished line");
    if (mk_slice_starts_with(text, MK_SLICE("\xef\xbb\xbf")))
        text = mk_slice_from(text, 3);
    while (mistakes.len > 0) {
        check_line(take_until(&mistakes, '\n'), text);
        count++;
    }
    return count;
}

static void check_for_embedder(struct mk_config *config)
{
    static const struct milky_backend table = { .size = sizeof(table) };
    struct mk_config_taken taken;
    size_t count = config->backend_count;
    struct milky_config_backend *backends = calloc(count + 1, sizeof(*backends));
    check(backends && count > 0, "no backend");
    for (size_t i = 0; i < count; i++)
        backends[i] = (struct milky_config_backend){ .size = sizeof(backends[i]),
                                                     .name = config->backends[i].name,
                                                     .table = &table };
    config->endpoint.backends = backends;
    config->endpoint.backend_count = count;
    check(mk_config_take(&config->endpoint, &taken, NULL) == 0, "an embedder's mistake");
    mk_config_give_back(&taken);
    free(backends);
}

static size_t parse(struct mk_slice text, enum mk_language language)
{
    struct mk_config *config = NULL;
    struct mk_buf mistakes;
    size_t count = 0;
    mk_buf_init(&mistakes, SIZE_MAX);
    const struct mk_config_origin origin = { "dir/milky.jsonc", MILKY_CHINESE };
    mk_language_set(language);
    int rc = mk_config_parse(text, &origin, &config, &mistakes);
    check(rc == 0 || rc == -EINVAL, "status");
    if (rc == 0) {
        check(mistakes.len == 0 && config->endpoint.bot_count > 0 && config->data_dir, "parts");
        /* No file is opened here. */
        if (!memmem(text.ptr, text.len, "\\", 1) && !memmem(text.ptr, text.len, "tls", 3))
            check_for_embedder(config);
    } else {
        check(!config && mistakes.len > 0, "no mistakes");
        count = check_mistakes(mk_buf_slice(&mistakes), text);
        check(!memmem(mistakes.data, mistakes.len, secret.ptr, secret.len), "a token is printed");
    }
    mk_config_free(config);
    mk_buf_fini(&mistakes);
    return count;
}

/* A text is a token only as the value of a key for tokens. */
static bool shows_secret_elsewhere(struct mk_slice text)
{
    static const struct mk_slice keys[] = { { "access_token\":\"", 15 }, { "secret\":\"", 9 } };
    for (size_t at = 0; at + secret.len <= text.len; at++) {
        bool is_token = false;
        if (!mk_slice_starts_with(mk_slice_from(text, at), secret))
            continue;
        for (size_t i = 0; i < 2; i++)
            is_token = is_token || (at >= keys[i].len && memcmp(text.ptr + at - keys[i].len,
                                                                keys[i].ptr, keys[i].len) == 0);
        if (!is_token)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = copy_of(data, size);
    struct mk_slice text = mk_slice_of(copy, size);
    if (!shows_secret_elsewhere(text))
        check(parse(text, MK_ENGLISH) == parse(text, MK_CHINESE), "the languages differ");
    free(copy);
    return 0;
}
