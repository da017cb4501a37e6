/* file_name: see the header. */
#include "protocol/file_name.h"

#include "base/percent.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdint.h>

static bool has_scheme(struct mk_slice uri, struct mk_slice scheme)
{
    struct mk_slice start = mk_slice_of(uri.ptr, uri.len < scheme.len ? uri.len : scheme.len);
    return mk_slice_eq_nocase(start, scheme);
}

/* Returns the path of the URI (RFC 3986, 3), without scheme, authority, query and fragment. */
static struct mk_slice path_of(struct mk_slice uri)
{
    if (has_scheme(uri, MK_SLICE("base64:")) || has_scheme(uri, MK_SLICE("data:")))
        return (struct mk_slice){ 0 };
    const char *end = uri.len ? memchr(uri.ptr, '#', uri.len) : NULL;
    if (end)
        uri.len = (size_t)(end - uri.ptr);
    end = uri.len ? memchr(uri.ptr, '?', uri.len) : NULL;
    if (end)
        uri.len = (size_t)(end - uri.ptr);
    for (size_t at = 0; at + 3 <= uri.len; at++) {
        if (memcmp(uri.ptr + at, "://", 3) != 0)
            continue;
        struct mk_slice rest = mk_slice_from(uri, at + 3);
        const char *slash = rest.len ? memchr(rest.ptr, '/', rest.len) : NULL;
        return slash ? mk_slice_from(rest, (size_t)(slash - rest.ptr)) : (struct mk_slice){ 0 };
    }
    return uri;
}

static struct mk_slice last_part(struct mk_slice path)
{
    size_t at = path.len;
    while (at > 0 && path.ptr[at - 1] != '/')
        at--;
    return mk_slice_from(path, at);
}

static bool is_file_name(struct mk_slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
            return false;
    return name.len > 0 && !mk_slice_eq(name, MK_SLICE(".")) &&
           !mk_slice_eq(name, MK_SLICE("..")) && mk_utf8_valid(name);
}

int mk_file_name_of_uri(struct mk_slice uri, struct mk_arena *arena, struct mk_slice *name)
{
    struct mk_slice part = last_part(path_of(uri));
    char *decoded = mk_arena_dup(arena, part);
    if (!decoded)
        return -ENOMEM;
    size_t len = mk_percent_decode_lenient(part, decoded);
    decoded[len] = '\0';
    /* The decoded text may contain a slash ("a%2Fb"); the name is the part behind it. */
    struct mk_slice made = last_part(mk_slice_of(decoded, len));
    *name = is_file_name(made) ? made : MK_SLICE("file");
    return 0;
}
