/* http_proxy: see the header. The rules are libcurl's, so that users' environments keep working. */
#include "web/http_proxy.h"

#include "base/base64.h"
#include "base/percent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

enum {
    DEFAULT_PORT = 1080, /* libcurl's */
    LONGEST_URL = 8 * 1024,
    LONGEST_HOST = 256,
};

/* --- the proxy --- */

/* The bytes behind "SCHEME://"; the whole text where there is no scheme, which means http. */
static struct mk_slice split_scheme(struct mk_slice text, struct mk_slice *scheme)
{
    const char *mark = text.len > 0 ? memmem(text.ptr, text.len, "://", 3) : NULL;
    *scheme = MK_SLICE("http");
    if (!mark)
        return text;
    *scheme = mk_slice_of(text.ptr, (size_t)(mark - text.ptr));
    return mk_slice_from(text, scheme->len + 3);
}

/* Whether the authority ("USER:PASSWORD@HOST:PORT") names a port. */
static bool names_port(struct mk_slice rest)
{
    bool named = false;
    for (size_t i = 0; i < rest.len && !strchr("/?#", rest.ptr[i]); i++) {
        if (rest.ptr[i] == '@' || rest.ptr[i] == '[' || rest.ptr[i] == ']')
            named = false;
        else if (rest.ptr[i] == ':')
            named = true;
    }
    return named;
}

char *mk_http_basic(struct mk_slice userinfo)
{
    struct mk_buf plain, text;
    char *copy = NULL;
    mk_buf_init(&plain, LONGEST_URL);
    mk_buf_init(&text, 2 * LONGEST_URL);
    int rc = mk_buf_reserve(&plain, userinfo.len + 1);
    if (rc == 0) {
        plain.len = mk_percent_decode_lenient(userinfo, plain.data);
        if (!memchr(userinfo.ptr, ':', userinfo.len))
            mk_buf_put(&plain, MK_SLICE(":"));
        rc = mk_buf_append_slice(&text, MK_SLICE("Basic "));
    }
    if (rc == 0)
        rc = mk_base64_append(&text, (const uint8_t *)plain.data, plain.len);
    if (rc == 0)
        copy = mk_slice_dup(mk_buf_slice(&text));
    mk_buf_fini(&plain);
    mk_buf_fini(&text);
    return copy;
}

static int take_url(struct mk_proxy *proxy, struct mk_slice rest, const struct mk_url *url)
{
    proxy->port = names_port(rest) ? url->port : DEFAULT_PORT;
    if (url->userinfo.len > 0) {
        proxy->authorization = mk_http_basic(url->userinfo);
        if (!proxy->authorization)
            return -ENOMEM;
    }
    proxy->host = mk_slice_dup(url->host);
    return proxy->host ? 0 : -ENOMEM;
}

static int read_proxy(struct mk_proxy *proxy, struct mk_slice text)
{
    static const struct mk_phrase other_scheme = {
        "only http:// proxies are supported, not https:// or SOCKS",
        "只支持 http:// 代理，不支持 https:// 或 SOCKS 代理",
    };
    static const struct mk_phrase malformed = { "its URL is malformed", "其 URL 格式错误" };
    struct mk_slice scheme, rest = split_scheme(mk_slice_trim(text), &scheme);
    struct mk_buf buf;
    struct mk_url url;
    if (text.len == 0)
        return 0;
    if (!mk_slice_eq_nocase(scheme, MK_SLICE("http"))) {
        proxy->wrong = &other_scheme;
        return 0;
    }
    mk_buf_init(&buf, LONGEST_URL);
    int rc = mk_buf_append_slice(&buf, MK_SLICE("http://"));
    if (rc == 0)
        rc = mk_buf_append_slice(&buf, rest);
    if (rc == -ENOBUFS || (rc == 0 && mk_url_parse(mk_buf_slice(&buf), &url))) {
        proxy->wrong = &malformed;
        rc = 0;
    } else if (rc == 0) {
        rc = take_url(proxy, rest, &url);
    }
    mk_buf_fini(&buf);
    return rc;
}

int mk_proxies_init(struct mk_proxies *proxies, const struct mk_proxy_texts *texts)
{
    *proxies = (struct mk_proxies){ .direct = NULL };
    if (!texts)
        return 0;
    int rc = read_proxy(&proxies->http, mk_slice_str(texts->http));
    if (rc == 0)
        rc = read_proxy(&proxies->https, mk_slice_str(texts->https));
    if (rc == 0 && texts->direct) {
        proxies->direct = mk_slice_dup(mk_slice_str(texts->direct));
        rc = proxies->direct ? 0 : -ENOMEM;
    }
    return rc;
}

static void fini_proxy(struct mk_proxy *proxy)
{
    free(proxy->host);
    free(proxy->authorization);
}

void mk_proxies_fini(struct mk_proxies *proxies)
{
    fini_proxy(&proxies->http);
    fini_proxy(&proxies->https);
    free(proxies->direct);
    *proxies = (struct mk_proxies){ .direct = NULL };
}

const struct mk_proxy *mk_proxies_find(const struct mk_proxies *proxies, const struct mk_url *url)
{
    const struct mk_proxy *proxy = url->tls ? &proxies->https : &proxies->http;
    if ((!proxy->host && !proxy->wrong) ||
        mk_proxy_is_direct(mk_slice_str(proxies->direct), url->host, url->port))
        return NULL;
    return proxy;
}

/* --- hosts without a proxy --- */

/* An IPv4 or IPv6 address in network order. */
struct ip {
    int family; /* 0: not an address */
    unsigned char bytes[16];
};

static struct ip ip_of(struct mk_slice text)
{
    struct ip ip = { 0 };
    char copy[LONGEST_HOST];
    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = mk_slice_of(text.ptr + 1, text.len - 2);
    if (text.len == 0 || text.len >= sizeof(copy))
        return ip;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, ip.bytes) == 1)
        ip.family = AF_INET;
    else if (inet_pton(AF_INET6, copy, ip.bytes) == 1)
        ip.family = AF_INET6;
    return ip;
}

/* Reads a decimal number of at most five digits; false for anything else. */
static bool small_number(struct mk_slice text, unsigned *number)
{
    *number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || i == 5)
            return false;
        *number = *number * 10 + (unsigned)(text.ptr[i] - '0');
    }
    return text.len > 0;
}

/* Splits at the last `mark`; false where there is none. */
static bool split_at(struct mk_slice text, char mark, struct mk_slice *before,
                     struct mk_slice *behind)
{
    const char *at = text.len > 0 ? memrchr(text.ptr, mark, text.len) : NULL;
    if (!at)
        return false;
    *before = mk_slice_of(text.ptr, (size_t)(at - text.ptr));
    *behind = mk_slice_from(text, before->len + 1);
    return true;
}

static bool network_has(struct mk_slice element, const struct ip *ip)
{
    struct mk_slice address = element, bits_text;
    unsigned most = ip->family == AF_INET ? 32 : 128, bits = most;
    if (split_at(element, '/', &address, &bits_text) &&
        (!small_number(bits_text, &bits) || bits > most))
        return false;
    struct ip network = ip_of(address);
    if (network.family != ip->family || memcmp(network.bytes, ip->bytes, bits / 8) != 0)
        return false;
    unsigned rest = bits % 8;
    return rest == 0 || (network.bytes[bits / 8] ^ ip->bytes[bits / 8]) >> (8 - rest) == 0;
}

static struct mk_slice without_dot_behind(struct mk_slice name)
{
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    return name;
}

static bool domain_has(struct mk_slice element, struct mk_slice host)
{
    element = without_dot_behind(element);
    host = without_dot_behind(host);
    if (element.len > 0 && element.ptr[0] == '.')
        element = mk_slice_from(element, 1);
    if (element.len == 0 || element.len > host.len)
        return false;
    size_t before = host.len - element.len;
    return mk_slice_eq_nocase(mk_slice_from(host, before), element) &&
           (before == 0 || host.ptr[before - 1] == '.');
}

static bool element_has(struct mk_slice element, struct mk_slice host, const struct ip *ip,
                        uint16_t port)
{
    struct mk_slice name, port_text;
    unsigned number;
    if (mk_slice_eq(element, MK_SLICE("*")))
        return true;
    if (ip_of(element).family == 0 && split_at(element, ':', &name, &port_text) &&
        small_number(port_text, &number)) {
        if (number != port)
            return false;
        element = name;
    }
    return ip->family ? network_has(element, ip) : domain_has(element, host);
}

bool mk_proxy_is_direct(struct mk_slice list, struct mk_slice host, uint16_t port)
{
    const struct ip ip = ip_of(host);
    size_t at = 0;
    while (at < list.len) {
        size_t end = at;
        while (end < list.len && !strchr(", \t", list.ptr[end]))
            end++;
        if (end > at && element_has(mk_slice_of(list.ptr + at, end - at), host, &ip, port))
            return true;
        at = end + 1;
    }
    return false;
}
