/* jsonc: see the header. */
#include "base/jsonc.h"

yyjson_doc *mk_jsonc_read(struct mk_slice text, const yyjson_alc *alc, yyjson_read_err *error)
{
    /* Without YYJSON_READ_INSITU the text is only read, so the cast is harmless. */
    return yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len,
                            YYJSON_READ_NUMBER_AS_RAW | YYJSON_READ_ALLOW_COMMENTS |
                                YYJSON_READ_ALLOW_TRAILING_COMMAS,
                            alc, error);
}

/* The byte after the comment at `at`, or `at` when there is none. */
static size_t skip_comment(struct mk_slice text, size_t at)
{
    struct mk_slice rest = mk_slice_from(text, at);
    const char *end = NULL;
    if (mk_slice_starts_with(rest, MK_SLICE("//"))) {
        end = memchr(rest.ptr, '\n', rest.len);
    } else if (mk_slice_starts_with(rest, MK_SLICE("/*"))) {
        end = memmem(rest.ptr + 2, rest.len - 2, "*/", 2);
        if (end)
            end++;
    } else {
        return at;
    }
    return end ? at + (size_t)(end - rest.ptr) + 1 : text.len;
}

static size_t skip_string(struct mk_slice text, size_t at)
{
    for (at++; at < text.len && text.ptr[at] != '"'; at++)
        if (text.ptr[at] == '\\')
            at++;
    return at + 1;
}

/* The byte after the number or literal at `at`. */
static size_t skip_word(struct mk_slice text, size_t at)
{
    for (at++; at < text.len && !strchr(" \t\r\n,:{}[]\"/", text.ptr[at]);)
        at++;
    return at;
}

/*
 * yyjson stores the values of a document in one array, in the order in which they begin in the text
 * (unsafe_yyjson_get_first and unsafe_yyjson_get_next rely on it), so the n-th value of the array
 * is the n-th in the text.
 */
size_t mk_jsonc_locate(struct mk_slice text, const yyjson_doc *doc, const yyjson_val *value)
{
    size_t left = (size_t)(value - yyjson_doc_get_root((yyjson_doc *)(uintptr_t)doc));
    size_t at = 0;
    while (at < text.len) {
        char c = text.ptr[at];
        size_t behind = skip_comment(text, at);
        if (behind > at) {
            at = behind;
            continue;
        }
        if (memchr(" \t\r\n,:}]", c, 8)) {
            at++;
            continue;
        }
        if (left == 0)
            break;
        left--;
        if (c == '{' || c == '[')
            at++;
        else if (c == '"')
            at = skip_string(text, at);
        else
            at = skip_word(text, at);
    }
    return at < text.len ? at : text.len;
}

void mk_jsonc_position(struct mk_slice text, size_t at, size_t *line, size_t *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < at && i < text.len; i++) {
        bool continues = ((unsigned char)text.ptr[i] & 0xc0) == 0x80;
        *line += text.ptr[i] == '\n';
        *column = text.ptr[i] == '\n' ? 1 : *column + !continues;
    }
}
