/*
 * http_proxy: the proxies for outgoing HTTP, and the hosts that are reached without one, as other
 * programs take them from the environment (http_proxy, https_proxy, no_proxy). It reads no
 * environment: the texts come from the configuration of the endpoint.
 */
#ifndef MK_WEB_HTTP_PROXY_H
#define MK_WEB_HTTP_PROXY_H

#include "base/language.h"
#include "wire/url.h"

/* Texts as in the environment; NULL or "": none. */
struct mk_proxy_texts {
    const char *http;   /* for http:// URLs: "http://USER:PASSWORD@HOST:PORT", or without scheme */
    const char *https;  /* for https:// URLs */
    const char *direct; /* hosts that are reached without a proxy: see mk_proxy_is_direct */
};

struct mk_proxy {
    char *host; /* without brackets; NULL: no proxy, or it is unusable */
    uint16_t port;
    char *authorization;           /* "Basic BASE64", or NULL */
    const struct mk_phrase *wrong; /* why it cannot be used, or NULL */
};

struct mk_proxies {
    struct mk_proxy http;
    struct mk_proxy https;
    char *direct;
};

/*
 * "Basic BASE64" of the "user:password" of a URL, percent-decoded, on the heap (RFC 7617). Returns
 * NULL when out of memory.
 */
char *mk_http_basic(struct mk_slice userinfo);

/* Copies the texts, which may be NULL. Returns 0 or -ENOMEM; fini must follow in any case. */
int mk_proxies_init(struct mk_proxies *proxies, const struct mk_proxy_texts *texts);
void mk_proxies_fini(struct mk_proxies *proxies);

/* The proxy for a URL, which may be an unusable one; NULL: none. */
const struct mk_proxy *mk_proxies_find(const struct mk_proxies *proxies, const struct mk_url *url);

/*
 * Whether a list has this host (a name, or an address without brackets) and port. The elements are
 * separated by commas or spaces: "example.com" and ".example.com" are this host and those below it,
 * "192.168.0.0/16" and "fd00::/8" networks, "*" everything; ":PORT" behind a name or an IPv4
 * address limits it to that port.
 */
bool mk_proxy_is_direct(struct mk_slice list, struct mk_slice host, uint16_t port);

#endif
