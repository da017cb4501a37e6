/*
 * escape: see the header. All unsafe characters are below U+10000, so they have at most three
 * bytes.
 */
#include "base/escape.h"

#include "base/json.h"
#include "base/utf8.h"

static bool is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c ||
           (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

size_t mk_escape_unsafe(struct mk_slice text, uint32_t *code)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    size_t len = 1;
    if (text.len == 0)
        return 0;
    if (at[0] < 0x80) {
        *code = at[0];
    } else if ((at[0] & 0xe0) == 0xc0 && text.len >= 2) {
        *code = (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
        len = 2;
    } else if ((at[0] & 0xf0) == 0xe0 && text.len >= 3) {
        *code = (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
        len = 3;
    } else {
        return 0;
    }
    return is_unsafe(*code) ? len : 0;
}

int mk_escape_append(struct mk_buf *out, struct mk_slice text)
{
    int rc = 0;
    for (size_t i = 0; i < text.len && rc == 0;) {
        uint32_t code;
        size_t len = mk_escape_unsafe(mk_slice_from(text, i), &code);
        rc = len > 0 ? mk_buf_printf(out, "\\u%04x", code) : mk_buf_append_char(out, text.ptr[i]);
        i += len > 0 ? len : 1;
    }
    return rc;
}

int mk_escape_quote(struct mk_buf *out, struct mk_slice text, size_t most)
{
    struct mk_slice part = mk_slice_of(text.ptr, text.len < most ? text.len : most);
    part.len = mk_utf8_valid_prefix(part);
    struct mk_buf json;           /* which escapes no control character from DEL on */
    mk_buf_init(&json, SIZE_MAX); /* part has at most `most` bytes, and yyjson wants room for more
                                     than it writes */
    int rc = mk_json_write_string(&json, part);
    if (rc == 0)
        rc = mk_escape_append(out, mk_buf_slice(&json));
    mk_buf_fini(&json);
    return rc == 0 && part.len < text.len ? mk_buf_append_slice(out, MK_SLICE("...")) : rc;
}
