/* http1_line: parses one line in one pass from left to right, without state. */
#include "wire/http1_private.h"

#include "base/percent.h"
#include "wire/url.h"

/* Sums of the classes that a byte is in. Bytes from 0x80 on may be in header values only. */
const uint8_t mk_http1_class[256] = {
    /* clang-format off */
     0,  0,  0,  0,  0,  0,  0,  0,  0,  8,  0,  0,  0,  0,  0,  0, /* 0x00 */
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, /* 0x10 */
     8, 31,  8,  9, 31,  9, 31, 31, 30, 30, 31, 31, 30, 31, 31, 14, /* 0x20 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 30, 30,  8, 30,  8, 12, /* 0x30 */
    30, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* 0x40 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 24,  8, 24,  9, 31, /* 0x50 */
     9, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, /* 0x60 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31,  8,  9,  8, 31,  0, /* 0x70 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0x80 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0x90 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xa0 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xb0 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xc0 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xd0 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xe0 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xf0 */
    /* clang-format on */
};

/*
 * Returns the end of the longest run of bytes of these classes. Checks four at a time, for speed.
 */
static inline const char *skip(const char *at, const char *end, unsigned classes)
{
    for (; end - at >= 4; at += 4) {
        if (!mk_http1_is(at[0], classes))
            return at;
        if (!mk_http1_is(at[1], classes))
            return at + 1;
        if (!mk_http1_is(at[2], classes))
            return at + 2;
        if (!mk_http1_is(at[3], classes))
            return at + 3;
    }
    while (at < end && mk_http1_is(*at, classes))
        at++;
    return at;
}

/*
 * Nonzero when one of eight bytes is below 0x20 or is 0x7f; a tab too, so the caller checks again.
 */
static uint64_t has_control(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    uint64_t below = (word - ones * 0x20) & ~word;
    uint64_t no_del = word ^ (ones * 0x7f);
    uint64_t del = (no_del - ones) & ~no_del;
    return (below | del) & (ones * 0x80);
}

const char *mk_http1_text_end(const char *at, const char *end)
{
    for (;;) {
        while (end - at >= 8 && !has_control(at))
            at += 8;
        const char *stop = end - at >= 8 ? at + 8 : end;
        at = skip(at, stop, MK_HTTP1_TEXT);
        if (at < stop || at == end)
            return at;
    }
}

const char *mk_http1_token_end(const char *at, const char *end)
{
    return skip(at, end, MK_HTTP1_TOKEN);
}

/* `at` is behind the target's space. Returns the position behind the CRLF. */
static const char *read_version(const char *at, const char *end, struct mk_http1_request *request,
                                struct mk_http1_error *error)
{
    if (end - at < 10 || memcmp(at, "HTTP/", 5) != 0 || at[8] != '\r' || at[9] != '\n' ||
        at[5] < '0' || at[5] > '9' || at[6] != '.' || at[7] < '0' || at[7] > '9') {
        mk_http1_refuse(error, 400, "malformed HTTP version");
        return NULL;
    }
    if (at[5] != '1' || at[7] > '1') {
        mk_http1_refuse(error, 505, "HTTP version is neither 1.0 nor 1.1");
        return NULL;
    }
    request->minor = (uint8_t)(at[7] - '0');
    return at + 10;
}

static bool valid_authority(struct mk_slice text, bool with_port)
{
    struct mk_slice host;
    struct mk_slice port;
    return mk_url_split_host(text, &host, &port) && (!with_port || port.len > 0);
}

/* "http://host/path" (RFC 9112, 3.2.2). */
static bool absolute_form(struct mk_http1_request *request)
{
    struct mk_slice rest = request->path;
    size_t scheme = rest.len > 5 && (rest.ptr[4] == 's' || rest.ptr[4] == 'S') ? 5 : 4;
    if (rest.len < scheme + 3 ||
        !mk_slice_eq_nocase(mk_slice_of(rest.ptr, scheme), mk_slice_of("https", scheme)) ||
        memcmp(rest.ptr + scheme, "://", 3) != 0)
        return false;
    rest = mk_slice_from(rest, scheme + 3);
    const char *slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
    request->host = slash ? mk_slice_of(rest.ptr, (size_t)(slash - rest.ptr)) : rest;
    request->path = slash ? mk_slice_from(rest, request->host.len) : MK_SLICE("/");
    if (!slash && !request->query.ptr && mk_slice_eq(request->method, MK_SLICE("OPTIONS")))
        request->path = MK_SLICE("*"); /* as the last proxy would send it (3.2.4) */
    return valid_authority(request->host, false);
}

/* Reads a target whose form is not a path (RFC 9112, 3.2). `path` is the target up to the '?'. */
static bool other_form(struct mk_http1_request *request)
{
    if (mk_slice_eq(request->method, MK_SLICE("CONNECT"))) {
        request->host = request->target;
        return valid_authority(request->target, true);
    }
    if (mk_slice_eq(request->target, MK_SLICE("*")))
        return mk_slice_eq(request->method, MK_SLICE("OPTIONS"));
    return absolute_form(request);
}

/* The same as skip, but an escape (RFC 3986, 2.1) is part of the run, too. */
static inline const char *skip_escaped(const char *at, const char *end, unsigned classes)
{
    for (;;) {
        at = skip(at, end, classes);
        if (at == end || *at != '%' || mk_percent_at(mk_slice_of(at, (size_t)(end - at)), 0) < 0)
            return at;
        at += 3;
    }
}

/* "http://[::1]:80" or "host:443": an address may have brackets. */
static const char *skip_authority(const char *at, const char *end)
{
    at = skip_escaped(at, end, MK_HTTP1_AUTHORITY);
    if (end - at >= 2 && memcmp(at, "//", 2) == 0)
        at = skip_escaped(at + 2, end, MK_HTTP1_AUTHORITY);
    return at;
}

/* The target ended at `at`, which is not a space. */
static void refuse_byte(const char *begin, const char *at, const char *end,
                        struct mk_http1_error *error)
{
    const char *reason = "the request target has a character that must be percent-encoded";
    if (at == end || *at == '\n' || (end - at >= 2 && memcmp(at, "\r\n", 2) == 0)) {
        mk_http1_refuse(error, 400, "malformed request line");
        return;
    }
    if (*at == '%')
        reason = "the request target has a percent sign without two hexadecimal digits";
    else if (*at == '#')
        reason = "the request target has a fragment";
    mk_http1_refuse(error, 400, reason);
    error->byte = (uint8_t)*at;
    error->position = (uint32_t)(at - begin) + 1;
}

/* `at` is behind the method's space. Returns the position behind the target. */
static const char *read_target(const char *at, const char *end, struct mk_http1_request *request,
                               struct mk_http1_error *error)
{
    const char *begin = at;
    if (at < end && *at != '/')
        at = skip_authority(at, end);
    at = skip_escaped(at, end, MK_HTTP1_PATH);
    request->path = mk_slice_of(begin, (size_t)(at - begin));
    if (at < end && *at == '?') {
        const char *query = at + 1;
        at = skip_escaped(query, end, MK_HTTP1_QUERY);
        request->query = mk_slice_of(query, (size_t)(at - query));
    }
    request->target = mk_slice_of(begin, (size_t)(at - begin));
    if (at == end || *at != ' ') {
        refuse_byte(begin, at, end, error);
        return NULL;
    }
    bool is_path = at > begin && *begin == '/' &&
                   (request->method.len != 7 || memcmp(request->method.ptr, "CONNECT", 7) != 0);
    if (is_path || (at > begin && other_form(request)))
        return at;
    mk_http1_refuse(error, 400, "malformed request target");
    return NULL;
}

const char *mk_http1_request_line(const char *at, const char *end, struct mk_http1_request *request,
                                  struct mk_http1_error *error)
{
    const char *begin = at;
    at = skip(at, end, MK_HTTP1_TOKEN);
    request->method = mk_slice_of(begin, (size_t)(at - begin));
    if (at == begin || at == end || *at != ' ') {
        mk_http1_refuse(error, 400, "malformed request line");
        return NULL;
    }
    at = read_target(at + 1, end, request, error);
    return at ? read_version(at + 1, end, request, error) : NULL;
}

const char *mk_http1_header_line(const char *at, const char *end, struct mk_http1_header *header,
                                 struct mk_http1_error *error)
{
    const char *name = at;
    at = skip(at, end, MK_HTTP1_TOKEN);
    if (at == name || at == end || *at != ':') {
        /* A line that begins with a space is a folded one, which HTTP does not allow any more. */
        mk_http1_refuse(error, 400, "malformed header name");
        return NULL;
    }
    header->name = mk_slice_of(name, (size_t)(at - name));
    at++;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    const char *value = at;
    at = mk_http1_text_end(at, end);
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n') {
        mk_http1_refuse(error, 400, "control character in a header value, or no CRLF behind it");
        return NULL;
    }
    const char *last = at;
    while (last > value && (last[-1] == ' ' || last[-1] == '\t'))
        last--;
    header->value = mk_slice_of(value, (size_t)(last - value));
    return at + 2;
}
