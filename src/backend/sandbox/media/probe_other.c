/* probe_other: formats that people send by mistake: a page that says "not found", an archive. */
#include "backend/sandbox/media/probe_private.h"

#include "base/utf8.h"

enum { LOOKED_AT = 512 }; /* bytes of a text */

static const struct mk_phrase web_page = { "a web page", "网页" };
static const struct mk_phrase text = { "text", "文本" };

/* Returns the number of bytes that were copied. */
static size_t copy_start(struct sb_media_bytes content, char start[LOOKED_AT])
{
    size_t len = content.len < LOOKED_AT ? (size_t)content.len : LOOKED_AT;
    for (size_t i = 0; i < len; i++)
        start[i] = (char)sb_media_byte(content, i);
    return len;
}

static bool is_text(struct mk_slice start)
{
    for (size_t i = 0; i < start.len; i++)
        if ((unsigned char)start.ptr[i] < ' ' && !memchr("\t\n\v\f\r", start.ptr[i], 5))
            return false;
    return start.len > 0 && start.len - mk_utf8_valid_prefix(start) < 4; /* one may be cut */
}

static bool is_page(struct mk_slice start)
{
    static const struct mk_slice marks[] = { { "<!doctype html", 14 }, { "<html", 5 } };
    if (mk_slice_starts_with(start, MK_SLICE("\xef\xbb\xbf")))
        start = mk_slice_from(start, 3);
    while (start.len > 0 && memchr(" \t\r\n", start.ptr[0], 4))
        start = mk_slice_from(start, 1);
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (start.len >= marks[i].len &&
            mk_slice_eq_nocase(mk_slice_of(start.ptr, marks[i].len), marks[i]))
            return true;
    return false;
}

const struct mk_phrase *sb_media_known_other(struct sb_media_bytes content)
{
    static const struct {
        struct mk_slice mark;
        struct mk_phrase words;
    } others[] = {
        { { "\x1f\x8b\x08", 3 }, { "a gzip archive", "gzip 压缩包" } },
        { { "PK\3\4", 4 }, { "a ZIP archive", "ZIP 压缩包" } },
        { { "Rar!\x1a\x07", 6 }, { "a RAR archive", "RAR 压缩包" } },
        { { "7z\xbc\xaf\x27\x1c", 6 }, { "a 7-Zip archive", "7-Zip 压缩包" } },
        { { "%PDF-", 5 }, { "a PDF document", "PDF 文档" } },
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (sb_media_has(content, 0, others[i].mark))
            return &others[i].words;
    char copy[LOOKED_AT];
    struct mk_slice start = mk_slice_of(copy, copy_start(content, copy));
    return !is_text(start) ? NULL : is_page(start) ? &web_page : &text;
}
