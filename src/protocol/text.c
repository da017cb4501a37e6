/* text: see the header. */
#include "protocol/text.h"

#include "base/utf8.h"

enum { CUT = 64 };

int mk_text_write_repaired(struct mk_buf *out, struct mk_slice text)
{
    for (;;) {
        size_t valid = mk_utf8_valid_prefix(text);
        int rc = mk_buf_append(out, text.ptr, valid);
        if (rc < 0 || valid == text.len)
            return rc;
        rc = mk_buf_append(out, "\xef\xbf\xbd", 3);
        if (rc < 0)
            return rc;
        text = mk_slice_from(text, valid + 1);
    }
}

int mk_text_write_truncated(struct mk_buf *out, struct mk_slice text)
{
    if (text.len <= CUT)
        return mk_text_write_repaired(out, text);
    size_t len = CUT;
    while (len > CUT - 4 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--; /* back to the start of the character that the cut splits */
    int rc = mk_text_write_repaired(out, mk_slice_of(text.ptr, len));
    return rc < 0 ? rc : mk_buf_append(out, "...", 3);
}
