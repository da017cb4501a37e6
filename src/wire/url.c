/* url: one pass from left to right; every part borrows from the text. */
#include "wire/url.h"

#include "base/hex.h"
#include "base/language.h"
#include "base/percent.h"

#include <errno.h>

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

static bool valid_name(struct mk_slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        if (is_alphanumeric(c) || c == '.' || c == '-')
            continue; /* the usual case */
        if (!is_one_of(c, "_~!$&'()*+,;=") && mk_percent_at(host, i) < 0)
            return false;
    }
    return host.len > 0;
}

/* The characters of an address, and at least the two colons that each has. */
static bool valid_ipv6(struct mk_slice host)
{
    size_t colons = 0;
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == ':')
            colons++;
        else if (host.ptr[i] != '.' && mk_hex_digit(host.ptr[i]) < 0)
            return false;
    }
    return colons >= 2 && colons <= 7 && host.len <= 45;
}

static bool parse_port(struct mk_slice text, uint16_t *port)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(text.ptr[i] - '0');
        if (value > UINT16_MAX)
            return false;
    }
    *port = (uint16_t)value;
    return true;
}

/*
 * Splits behind the host; the rest keeps the colon of a port, so that "host:" differs from "host".
 */
static bool split_host(struct mk_slice text, struct mk_slice *host, struct mk_slice *rest)
{
    const char *end;
    bool valid;
    if (text.len == 0)
        return false;
    if (text.ptr[0] == '[') {
        end = memchr(text.ptr, ']', text.len);
        if (!end)
            return false;
        end++;
        valid = valid_ipv6(mk_slice_of(text.ptr + 1, (size_t)(end - text.ptr) - 2));
    } else {
        end = memchr(text.ptr, ':', text.len);
        if (!end)
            end = text.ptr + text.len;
        valid = valid_name(mk_slice_of(text.ptr, (size_t)(end - text.ptr)));
    }
    if (!valid)
        return false;
    *host = mk_slice_of(text.ptr, (size_t)(end - text.ptr));
    *rest = mk_slice_from(text, host->len);
    return rest->len == 0 || rest->ptr[0] == ':';
}

bool mk_url_split_host(struct mk_slice text, struct mk_slice *host, struct mk_slice *port)
{
    struct mk_slice name;
    struct mk_slice rest;
    uint16_t number;
    if (!split_host(text, &name, &rest) || !parse_port(mk_slice_from(rest, 1), &number))
        return false;
    *host = name;
    *port = mk_slice_from(rest, 1);
    return true;
}

static const struct {
    struct mk_slice name;
    uint16_t port;
    bool tls;
} schemes[] = {
    { { "ws", 2 }, 80, false },
    { { "wss", 3 }, 443, true },
    { { "http", 4 }, 80, false },
    { { "https", 5 }, 443, true },
};

/*
 * Sets scheme, tls and the scheme's port. Returns the text behind "://", empty where that is
 * absent.
 */
static struct mk_slice take_scheme(struct mk_slice text, struct mk_url *url)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t len = schemes[i].name.len;
        url->scheme = mk_slice_of(text.ptr, len);
        struct mk_slice rest = mk_slice_from(text, len);
        if (text.len < len || !mk_slice_eq_nocase(url->scheme, schemes[i].name) ||
            !mk_slice_starts_with(rest, MK_SLICE("://")))
            continue;
        url->port = schemes[i].port;
        url->tls = schemes[i].tls;
        return mk_slice_of(rest.ptr + 3, rest.len - 3);
    }
    return (struct mk_slice){ 0 };
}

/* Returns the length of the prefix without any of the characters of `set`. */
static size_t span(struct mk_slice text, const char *set)
{
    size_t len = 0;
    while (len < text.len && !is_one_of(text.ptr[len], set))
        len++;
    return len;
}

static const char *parse_authority(struct mk_slice authority, struct mk_url *url)
{
    size_t at = span(authority, "@");
    if (at < authority.len) {
        url->userinfo = mk_slice_of(authority.ptr, at);
        authority = mk_slice_of(authority.ptr + at + 1, authority.len - at - 1);
        if (span(authority, "@") < authority.len)
            return mk_tr("more than one '@' before the path", "路径之前有多个 '@'");
    }
    if (authority.len == 0 || authority.ptr[0] == ':')
        return mk_tr("no host", "缺少主机");
    struct mk_slice rest;
    if (!split_host(authority, &url->authority_host, &rest))
        return mk_tr("malformed host", "主机不合法");
    uint16_t scheme_port = url->port;
    if (rest.len > 1 && (!parse_port(mk_slice_from(rest, 1), &url->port) || url->port == 0))
        return mk_tr("port out of range", "端口超出范围");
    url->default_port = url->port == scheme_port;
    url->host = url->authority_host;
    if (url->host.ptr[0] == '[')
        url->host = mk_slice_of(url->host.ptr + 1, url->host.len - 2);
    return NULL;
}

const char *mk_url_parse(struct mk_slice text, struct mk_url *url)
{
    struct mk_url found = { 0 };
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return mk_tr("a space, control character or byte beyond ASCII (escape it as %XX)",
                         "含有空格、控制字符或非 ASCII 字节（请转义为 %XX）");
    struct mk_slice rest = take_scheme(text, &found);
    if (!rest.ptr)
        return mk_tr("scheme must be ws, wss, http or https", "协议应为 ws、wss、http 或 https");
    size_t len = span(rest, "/?#");
    const char *error = parse_authority(mk_slice_of(rest.ptr, len), &found);
    if (error)
        return error;
    rest = mk_slice_of(rest.ptr + len, rest.len - len);
    rest.len = span(rest, "#");
    len = span(rest, "?");
    found.path = mk_slice_of(rest.ptr, len);
    found.has_query = len < rest.len;
    if (found.has_query)
        found.query = mk_slice_of(rest.ptr + len + 1, rest.len - len - 1);
    *url = found;
    return NULL;
}

/* Equality of an escaped text with a plain one, without decoding it anywhere. */
static bool eq_decoded(struct mk_slice escaped, struct mk_slice plain)
{
    size_t at = 0;
    for (size_t i = 0; i < plain.len; i++) {
        if (at >= escaped.len)
            return false;
        bool is_escape = escaped.ptr[at] == '%';
        int byte = is_escape ? mk_percent_at(escaped, at) : (unsigned char)escaped.ptr[at];
        if (byte != (unsigned char)plain.ptr[i])
            return false;
        at += is_escape ? 3 : 1;
    }
    return at == escaped.len;
}

/* Takes the next parameter off `rest`; skips empty ones ("a&&b"). */
static bool next_parameter(struct mk_slice *rest, struct mk_slice *whole, struct mk_slice *name,
                           struct mk_slice *value)
{
    while (rest->len > 0) {
        *whole = mk_slice_of(rest->ptr, span(*rest, "&"));
        *rest = mk_slice_from(*rest, whole->len + 1);
        if (whole->len == 0)
            continue;
        *name = mk_slice_of(whole->ptr, span(*whole, "="));
        size_t from = name->len < whole->len ? name->len + 1 : name->len;
        *value = mk_slice_of(whole->ptr + from, whole->len - from);
        return true;
    }
    return false;
}

bool mk_url_query_find(struct mk_slice query, struct mk_slice name, struct mk_slice *value)
{
    struct mk_slice whole;
    struct mk_slice given;
    struct mk_slice found;
    while (next_parameter(&query, &whole, &given, &found)) {
        if (eq_decoded(given, name)) {
            *value = found;
            return true;
        }
    }
    return false;
}

/* Appends "name=value" behind '?' or '&'. */
static int write_parameter(struct mk_buf *out, char before, struct mk_slice name,
                           struct mk_slice value)
{
    int rc = mk_buf_append_char(out, before);
    if (rc == 0)
        rc = mk_percent_encode(out, name);
    if (rc == 0)
        rc = mk_buf_append_char(out, '=');
    if (rc == 0)
        rc = mk_percent_encode(out, value);
    return rc;
}

/* Appends the query with the parameter set. */
static int write_query(struct mk_buf *out, struct mk_slice query, struct mk_slice name,
                       struct mk_slice value)
{
    struct mk_slice whole;
    struct mk_slice given;
    struct mk_slice old;
    bool written = false;
    char before = '?';
    int rc = 0;
    while (rc == 0 && next_parameter(&query, &whole, &given, &old)) {
        bool same = eq_decoded(given, name);
        if (same && written)
            continue;
        if (same) {
            rc = write_parameter(out, before, name, value);
            written = true;
        } else {
            rc = mk_buf_append_char(out, before);
            if (rc == 0)
                rc = mk_percent_complete(out, whole);
        }
        before = '&';
    }
    return rc < 0 || written ? rc : write_parameter(out, before, name, value);
}

int mk_url_write_target(struct mk_buf *out, const struct mk_url *url, const char *name,
                        struct mk_slice value)
{
    size_t before = out->len;
    int rc = mk_percent_complete(out, url->path.len > 0 ? url->path : MK_SLICE("/"));
    if (rc == 0 && name) {
        rc = write_query(out, url->query, mk_slice_str(name), value);
    } else if (rc == 0 && url->has_query) {
        rc = mk_buf_append_char(out, '?');
        if (rc == 0)
            rc = mk_percent_complete(out, url->query);
    }
    if (rc < 0)
        out->len = before;
    return rc;
}
