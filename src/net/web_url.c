/* web_url: see the header. */
#include "net/web_url.h"

#include "base/percent.h"

#include <assert.h>
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { LONGEST_HOST = 1024 }; /* bytes of a name before it is converted */

static bool has_prefix(struct mk_slice text, struct mk_slice prefix)
{
    return text.len >= prefix.len && mk_slice_eq_nocase(mk_slice_of(text.ptr, prefix.len), prefix);
}

/* Whether one of `bytes` is in it. */
static bool has_any(struct mk_slice text, const char *bytes)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] && strchr(bytes, text.ptr[i]))
            return true;
    return false;
}

/* The number of bytes before the first of `bytes`. */
static size_t length_before(struct mk_slice text, const char *bytes)
{
    size_t len = 0;
    while (len < text.len && !(text.ptr[len] && strchr(bytes, text.ptr[len])))
        len++;
    return len;
}

static bool is_beyond_ascii(struct mk_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] > 0x7e)
            return true;
    return false;
}

/* --- hosts --- */

/*
 * The functions of libidn2 that are used here: unchanged since 2011, and not worth a package for a
 * build. libcurl has loaded the library already where anything is downloaded.
 */
typedef int lookup_function(const uint8_t *name, uint8_t **ascii, int flags);
typedef void free_function(void *memory);
enum { NFC_INPUT = 1, NONTRANSITIONAL = 8, OUT_OF_MEMORY = -100 };

/* ISO C has no other way to convert the result of dlsym. */
static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof(found));
    return found != NULL;
}

/* Converted, a name may hold characters that mean something in a URL: those of full width do. */
static bool is_name(struct mk_slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
            return false;
    }
    return name.len > 0;
}

static int put_converted(struct mk_buf *out, const char *name)
{
    void *library = dlopen("libidn2.so.0", RTLD_NOW | RTLD_LOCAL);
    lookup_function *lookup;
    free_function *release;
    uint8_t *ascii = NULL;
    int rc = -ENOSYS;
    if (library && find(library, "idn2_lookup_u8", &lookup) &&
        find(library, "idn2_free", &release)) {
        rc = lookup((const uint8_t *)name, &ascii, NFC_INPUT | NONTRANSITIONAL);
        rc = rc == OUT_OF_MEMORY ? -ENOMEM : rc != 0 ? -EINVAL : 0;
        if (rc == 0 && !is_name(mk_slice_str((const char *)ascii)))
            rc = -EINVAL;
        if (rc == 0)
            rc = mk_buf_append_slice(out, mk_slice_str((const char *)ascii));
        release(ascii);
    }
    if (library)
        dlclose(library);
    return rc;
}

/* By its characters: libcurl reads it. */
static bool is_ipv6(struct mk_slice host)
{
    for (size_t i = 1; i + 1 < host.len; i++)
        if (!isalnum((unsigned char)host.ptr[i]) && !memchr(":.%-_~", host.ptr[i], 6))
            return false;
    return host.len > 2 && host.ptr[host.len - 1] == ']';
}

static int put_host(struct mk_buf *out, struct mk_slice host)
{
    char name[LONGEST_HOST + 1];
    if (host.len == 0 || host.len > LONGEST_HOST)
        return -EINVAL;
    if (host.ptr[0] == '[')
        return is_ipv6(host) ? mk_buf_append_slice(out, host) : -EINVAL;
    size_t len = mk_percent_decode_lenient(host, name);
    struct mk_slice decoded = mk_slice_of(name, len);
    name[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f)
            return -EINVAL;
    if (has_any(decoded, "#/:<>?@[\\]^|%\"`{}"))
        return -EINVAL;
    return is_beyond_ascii(decoded) ? put_converted(out, name) : mk_buf_append_slice(out, decoded);
}

/* --- the rest --- */

/* `others`: characters of ASCII that are escaped as well. */
static int put_escaped(struct mk_buf *out, struct mk_slice text, const char *others)
{
    int rc = 0;
    assert(text.len == 0 || text.ptr);
    for (size_t i = 0; rc == 0 && i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c >= 0x7f || strchr(others, c))
            rc = mk_buf_printf(out, "%%%02X", c);
        else
            rc = mk_buf_append_char(out, (char)c);
    }
    return rc;
}

/* "user:password@host:port" */
static int put_authority(struct mk_buf *out, struct mk_slice text)
{
    size_t user = text.len, port = text.len;
    assert(text.len == 0 || text.ptr);
    while (user > 0 && text.ptr[user - 1] != '@')
        user--;
    struct mk_slice host = mk_slice_from(text, user);
    int rc = 0;
    if (user > 0 && (rc = put_escaped(out, mk_slice_of(text.ptr, user - 1), "\"<>`{}^|[]@")) == 0)
        rc = mk_buf_append_char(out, '@');
    while (port > user && text.ptr[port - 1] >= '0' && text.ptr[port - 1] <= '9')
        port--;
    bool has_port = port > user && text.ptr[port - 1] == ':';
    if (has_port)
        host.len = port - 1 - user;
    if (rc == 0)
        rc = put_host(out, host);
    return rc == 0 && has_port && port < text.len
               ? mk_buf_append_slice(out, mk_slice_from(text, port - 1))
               : rc;
}

/* Appends what is before the path; `*rest` is what follows. */
static int put_start(struct mk_buf *out, struct mk_slice text, struct mk_slice *rest)
{
    static const struct mk_slice starts[] = { { "http://", 7 }, { "https://", 8 }, { "//", 2 } };
    *rest = text;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (!has_prefix(text, starts[i]))
            continue;
        text = mk_slice_from(text, starts[i].len);
        size_t len = length_before(text, "/?#");
        int rc = mk_buf_append_slice(out, starts[i]);
        *rest = mk_slice_from(text, len);
        return rc == 0 ? put_authority(out, mk_slice_of(text.ptr, len)) : rc;
    }
    return 0;
}

/* What browsers do before all: ends are trimmed, line breaks go, a backslash is a slash. */
static size_t tidy(struct mk_slice text, char *to)
{
    size_t len = 0;
    bool is_path = true;
    while (text.len > 0 && (unsigned char)text.ptr[0] <= ' ')
        text = mk_slice_from(text, 1);
    while (text.len > 0 && (unsigned char)text.ptr[text.len - 1] <= ' ')
        text.len--;
    for (size_t i = 0; i < text.len && text.ptr[i] != '#'; i++) {
        char c = text.ptr[i];
        is_path = is_path && c != '?';
        if (c != '\t' && c != '\r' && c != '\n')
            to[len++] = is_path && c == '\\' ? '/' : c;
    }
    return len;
}

int mk_web_url_clean(struct mk_buf *out, struct mk_slice text)
{
    char *copy = malloc(text.len + 1);
    struct mk_slice rest;
    size_t before = out->len;
    if (!copy)
        return -ENOMEM;
    int rc = put_start(out, mk_slice_of(copy, tidy(text, copy)), &rest);
    size_t path = length_before(rest, "?");
    if (rc == 0)
        rc = put_escaped(out, mk_slice_of(rest.ptr, path), "\"<>`{}^");
    if (rc == 0)
        rc = put_escaped(out, mk_slice_from(rest, path), "\"<>'");
    free(copy);
    if (rc < 0)
        out->len = before;
    return rc;
}

int mk_web_url_origin(struct mk_buf *out, struct mk_slice url)
{
    struct mk_slice scheme =
        has_prefix(url, MK_SLICE("https://")) ? MK_SLICE("https://") : MK_SLICE("http://");
    struct mk_slice rest = mk_slice_from(url, scheme.len);
    struct mk_slice host = mk_slice_of(rest.ptr, length_before(rest, "/?#"));
    size_t user = length_before(host, "@");
    if (user < host.len)
        host = mk_slice_from(host, user + 1);
    int rc = mk_buf_append_slice(out, scheme);
    if (rc == 0)
        rc = mk_buf_append_slice(out, host);
    return rc == 0 ? mk_buf_append_char(out, '/') : rc;
}
