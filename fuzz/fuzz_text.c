/*
 * fuzz_text: any bytes as an untrusted text: the check of UTF-8 does not depend on the splits and
 * agrees with another checker; a repaired or cut text is valid; a JSON string, a Prometheus label,
 * a uid and an element of a list are read back as they were written; an integer has its
 * mathematical value.
 */
#include "backend/sandbox/model/uid.h"
#include "base/exposition.h"
#include "base/json.h"
#include "base/suggestion.h"
#include "base/utf8.h"
#include "cli/summary.h"
#include "cli/text.h"
#include "fuzz.h"
#include "protocol/text.h"
#include "wire/url.h"

/* --- UTF-8 --- */

/* The length of the character at the start, by the letter of Unicode's table 3-7; 0: it is none. */
static size_t character(struct mk_slice text)
{
    const uint8_t *b = (const uint8_t *)text.ptr;
    if (b[0] < 0x80)
        return 1;
    size_t len = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
    uint32_t code = b[0] & (0x7fu >> len);
    if (b[0] < 0xc2 || b[0] > 0xf4 || len > text.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (b[i] & 0x3fu);
    }
    bool shortest = len == 2 ? code >= 0x80 : len == 3 ? code >= 0x800 : code >= 0x10000;
    return shortest && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? len : 0;
}

static size_t valid_prefix(struct mk_slice text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t len = character(mk_slice_from(text, at));
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

static void check_utf8(struct mk_slice text, uint32_t seed)
{
    struct mk_utf8 state = { 0 };
    size_t prefix = valid_prefix(text);
    check(mk_utf8_valid_prefix(text) == prefix, "another prefix is valid");
    check(mk_utf8_valid(text) == (prefix == text.len), "valid or not");
    bool valid = true;
    for (size_t at = 0; valid && at < text.len;) {
        size_t len = 1 + next_random(&seed) % 9;
        len = len < text.len - at ? len : text.len - at;
        valid = mk_utf8_feed(&state, text.ptr + at, len);
        at += len;
    }
    check((valid && state.need == 0) == (prefix == text.len), "pieces have another result");
}

/* --- what is written of it --- */

static void check_repaired(struct mk_slice text)
{
    struct mk_buf out;
    mk_buf_init(&out, SIZE_MAX / 2);
    check(mk_text_write_repaired(&out, text) == 0, "memory");
    check(mk_utf8_valid(mk_buf_slice(&out)) && out.len >= text.len, "not repaired");
    check(!mk_utf8_valid(text) || mk_slice_eq(mk_buf_slice(&out), text), "nothing was broken");
    mk_buf_reset(&out, 0);
    check(mk_text_write_truncated(&out, text) == 0, "memory");
    check(mk_utf8_valid(mk_buf_slice(&out)) && out.len <= 3 * 64 + 3, "not cut");
    mk_buf_fini(&out);
}

static void check_string(struct mk_slice text)
{
    struct mk_buf out;
    mk_buf_init(&out, SIZE_MAX / 2);
    int rc = mk_json_write_string(&out, text);
    check((rc == 0) == mk_utf8_valid(text), "a string of what is no text");
    if (rc == 0) {
        yyjson_doc *doc = mk_json_read(mk_buf_slice(&out), NULL, NULL);
        yyjson_val *root = yyjson_doc_get_root(doc);
        check(yyjson_is_str(root) &&
                  mk_slice_eq(mk_slice_of(yyjson_get_str(root), yyjson_get_len(root)), text),
              "another string");
        yyjson_doc_free(doc);
    }
    mk_buf_fini(&out);
}

/* A label's value, read as Prometheus does. */
static void check_label(const char *text)
{
    struct mk_buf out;
    mk_buf_init(&out, SIZE_MAX / 2);
    struct mk_exposition x = { .out = &out };
    mk_exposition_family(&x, "n", "counter", "h");
    size_t from = out.len;
    mk_exposition_count(&x, "_s", 5, "label", text, NULL);
    check(x.rc == 0, "memory");
    struct mk_slice line = mk_slice_from(mk_buf_slice(&out), from);
    check(mk_slice_starts_with(line, MK_SLICE("n_s{label=\"")), "begin of a sample");
    size_t at = strlen("n_s{label=\"");
    for (; line.ptr[at] != '"'; text++, at++) {
        char c = line.ptr[at];
        check(c != '\n', "a sample over two lines");
        if (c == '\\') {
            c = line.ptr[++at];
            check(c == '\\' || c == '"' || c == 'n', "an unknown escape");
            c = c == 'n' ? '\n' : c;
        }
        check(c == *text, "another label");
    }
    check(*text == '\0', "the label is cut");
    check(mk_slice_eq(mk_slice_from(line, at), MK_SLICE("\"} 5\n")), "end of a sample");
    mk_buf_fini(&out);
}

static void check_list(struct mk_slice text)
{
    struct mk_slice rest = text, element;
    while (mk_slice_next(&rest, ',', &element)) {
        check(element.len > 0 && element.ptr >= text.ptr &&
                  element.ptr + element.len <= text.ptr + text.len &&
                  !memchr(element.ptr, ',', element.len) &&
                  mk_slice_eq(element, mk_slice_trim(element)),
              "element");
        check(rest.len < text.len, "it does not end");
    }
}

/* --- numbers --- */

/* The digits of a number without its exponent, the zeros at both ends taken off it. */
struct decimal {
    char digits[64];
    size_t count;
    bool too_long;
    long scale;
};

static void read_decimal(const char *text, struct decimal *decimal)
{
    const char *end = text + strcspn(text, "eE");
    bool fraction = false;
    *decimal = (struct decimal){ 0 };
    size_t zeros = 0;
    for (; text < end; text++) {
        fraction = fraction || *text == '.';
        if (*text < '0' || *text > '9')
            continue;
        decimal->scale -= fraction;
        if (*text == '0') {
            zeros += decimal->count > 0;
            continue;
        }
        for (; zeros > 0 && !decimal->too_long; zeros--) {
            decimal->too_long = decimal->count == sizeof(decimal->digits);
            if (!decimal->too_long)
                decimal->digits[decimal->count++] = '0';
        }
        decimal->too_long = decimal->too_long || decimal->count == sizeof(decimal->digits);
        if (!decimal->too_long)
            decimal->digits[decimal->count++] = *text;
        zeros = 0;
    }
    decimal->scale += (long)zeros;
    if (*end) {
        long exponent = strtol(end + 1, NULL, 10);
        decimal->scale += exponent > 100000 ? 100000 : exponent < -100000 ? -100000 : exponent;
    }
}

static bool expect_integer(const char *text, uint64_t *magnitude)
{
    struct decimal decimal;
    uint64_t value = 0;
    bool fits = true;
    read_decimal(text, &decimal);
    *magnitude = 0;
    if (decimal.count == 0)
        return true;
    if (decimal.too_long || decimal.scale < 0 || (long)decimal.count + decimal.scale > 20)
        return false;
    for (size_t i = 0; i < decimal.count; i++)
        fits = fits && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_add_overflow(value, (unsigned)(decimal.digits[i] - '0'), &value);
    for (long i = 0; i < decimal.scale; i++)
        fits = fits && !__builtin_mul_overflow(value, 10, &value);
    *magnitude = value;
    return fits;
}

static void check_number(const char *text, size_t len)
{
    yyjson_doc *doc = mk_json_read(mk_slice_of(text, len), NULL, NULL);
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (yyjson_is_raw(root) && len < 4096) {
        bool negative = false;
        uint64_t magnitude = 0, expected;
        bool is_integer = mk_json_integer(root, &negative, &magnitude);
        check(is_integer == expect_integer(yyjson_get_raw(root), &expected), "integer or not");
        check(!is_integer || magnitude == expected, "another integer");
        check(!is_integer || negative == (yyjson_get_raw(root)[0] == '-' && magnitude > 0), "sign");
    }
    yyjson_doc_free(doc);
}

static void check_uid(struct mk_slice text)
{
    char uid[SB_UID_LEN + 1];
    uint64_t uin = 0, again = 0;
    memcpy(&uin, text.ptr, text.len < sizeof(uin) ? text.len : sizeof(uin));
    sb_uid_write(uin, uid);
    check(sb_uid_read(mk_slice_str(uid), &again) && again == uin, "another person");
    if (sb_uid_read(text, &uin)) {
        sb_uid_write(uin, uid);
        check(mk_slice_eq(mk_slice_str(uid), text), "two uids of one person");
    }
}

/* A URL is printed without the parts that may be secret. */
static void check_shown(const char *text)
{
    char printed[8192];
    struct mk_url url;
    mk_summary_url(text, printed, sizeof(printed));
    if (mk_url_parse(mk_slice_str(text), &url) || strlen(text) > 4096)
        return;
    struct mk_url again;
    check(mk_url_parse(mk_slice_str(printed), &again) == NULL, "no URL any more");
    check(again.userinfo.len == 0 || mk_slice_eq(again.userinfo, MK_SLICE("***")), "userinfo");
    check(again.query.len == 0 || mk_slice_eq(again.query, MK_SLICE("***")), "query");
    check(mk_slice_eq(again.host, url.host) && again.port == url.port, "another server");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = copy_of(data, size);
    struct mk_slice text = mk_slice_of(copy, size);
    check_utf8(text, (uint32_t)size);
    check_repaired(text);
    check_string(text);
    check_list(text);
    check_uid(text);
    char *string = mk_slice_dup(text);
    check(string != NULL, "memory");
    check_label(string);
    check_number(string, size);
    check_shown(string);
    struct mk_suggestion near = { 0 };
    mk_suggestion_offer(&near, text, "access_token");
    free(string);
    free(copy);
    return 0;
}
