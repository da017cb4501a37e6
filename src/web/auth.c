/* auth: see the header. Tokens are compared in constant time. */
#include "web/auth.h"

#include "base/percent.h"
#include "base/secret.h"
#include "wire/url.h"

#include <arpa/inet.h>

enum { LONGEST_TOKEN = 4096 };

static enum mk_auth compare(struct mk_slice token, struct mk_slice given)
{
    return mk_secret_eq(token, given) ? MK_AUTH_OK : MK_AUTH_WRONG;
}

static enum mk_auth check_header(const struct mk_http1_request *request, struct mk_slice token)
{
    struct mk_slice value = mk_http1_find(request, MK_SLICE("Authorization"));
    struct mk_slice scheme = MK_SLICE("Bearer ");
    if (value.len < scheme.len || !mk_slice_eq_nocase(mk_slice_of(value.ptr, scheme.len), scheme))
        return MK_AUTH_MISSING;
    if (mk_http1_count(request, MK_SLICE("Authorization")) > 1)
        return MK_AUTH_WRONG;
    return compare(token, mk_slice_trim(mk_slice_from(value, scheme.len)));
}

/*
 * Clients escape a query in two ways: encodeURIComponent leaves '+' for itself, forms write a space
 * as '+'. Both forms are accepted.
 */
static enum mk_auth check_query(struct mk_slice given, struct mk_slice token)
{
    struct mk_buf decoded;
    mk_buf_init(&decoded, LONGEST_TOKEN);
    enum mk_auth auth = MK_AUTH_WRONG;
    if (mk_percent_decode(&decoded, given) == 0) {
        auth = compare(token, mk_buf_slice(&decoded));
        mk_buf_reset(&decoded, LONGEST_TOKEN);
        for (size_t i = 0; i < given.len && auth == MK_AUTH_WRONG; i++) {
            const char c = given.ptr[i] == '+' ? ' ' : given.ptr[i];
            if (mk_buf_append_char(&decoded, c) < 0)
                break;
        }
        struct mk_buf spaced;
        mk_buf_init(&spaced, LONGEST_TOKEN);
        if (auth == MK_AUTH_WRONG && mk_percent_decode(&spaced, mk_buf_slice(&decoded)) == 0)
            auth = compare(token, mk_buf_slice(&spaced));
        mk_buf_fini(&spaced);
    }
    mk_buf_fini(&decoded);
    return auth;
}

/* Returns whether it is "localhost" or an address, for which DNS rebinding is impossible. */
static bool is_plain_host(struct mk_slice authority)
{
    struct mk_slice host = authority;
    char text[64];
    struct in6_addr address;
    if (host.len == 0)
        return false;
    if (host.ptr[0] == '[') {
        const char *end = memchr(host.ptr, ']', host.len);
        host = end ? mk_slice_of(host.ptr + 1, (size_t)(end - host.ptr) - 1) : host;
    } else {
        const char *colon = memchr(host.ptr, ':', host.len);
        if (colon)
            host.len = (size_t)(colon - host.ptr);
    }
    if (mk_slice_eq_nocase(host, MK_SLICE("localhost")))
        return true;
    if (host.len == 0 || host.len >= sizeof(text))
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

/*
 * Programs send no Origin; a browser sends one, which a page cannot forge. A browser omits it only
 * from a plain GET to the page's own origin: that is ours if the host cannot be the result of DNS
 * rebinding.
 */
static enum mk_auth check_origin(const struct mk_http1_request *request)
{
    struct mk_slice origin = mk_http1_find(request, MK_SLICE("Origin"));
    if (!origin.ptr) {
        bool may_be_page = mk_slice_eq(request->method, MK_SLICE("GET")) &&
                           !request->upgrade_websocket && request->host.len > 0;
        return may_be_page && !is_plain_host(request->host) ? MK_AUTH_FOREIGN : MK_AUTH_OK;
    }
    struct mk_url url;
    if (mk_url_parse(origin, &url) || !is_plain_host(request->host))
        return MK_AUTH_FOREIGN;
    const char *authority = url.authority_host.ptr;
    struct mk_slice same = mk_slice_of(authority, (size_t)(origin.ptr + origin.len - authority));
    return mk_slice_eq_nocase(same, request->host) ? MK_AUTH_OK : MK_AUTH_FOREIGN;
}

bool mk_auth_may_be_page(const struct mk_http1_request *request)
{
    struct mk_slice site = mk_http1_find(request, MK_SLICE("Sec-Fetch-Site"));
    bool is_elsewhere = site.len > 0 && !mk_slice_eq(site, MK_SLICE("same-origin")) &&
                        !mk_slice_eq(site, MK_SLICE("none"));
    return is_elsewhere || check_origin(request) == MK_AUTH_FOREIGN;
}

enum mk_auth mk_auth_check(const struct mk_http1_request *request, struct mk_slice token,
                           enum mk_auth_from from)
{
    struct mk_slice given;
    if (token.len == 0)
        return check_origin(request);
    if (from == MK_AUTH_QUERY_OR_HEADER &&
        mk_url_query_find(request->query, MK_SLICE("access_token"), &given))
        return check_query(given, token);
    return check_header(request, token);
}

const char *mk_auth_explain(enum mk_auth auth, enum mk_auth_from from)
{
    switch (auth) {
    case MK_AUTH_OK:
        break;
    case MK_AUTH_MISSING:
        return from == MK_AUTH_HEADER
                   ? "credentials are missing: send the header \"Authorization: Bearer TOKEN\""
                   : "credentials are missing: connect with the query parameter "
                     "access_token=TOKEN, "
                     "or send the header \"Authorization: Bearer TOKEN\"";
    case MK_AUTH_WRONG:
        return "the access token is wrong";
    case MK_AUTH_FOREIGN:
        return "this server has no access_token, so it does not answer web pages of other origins";
    }
    return "";
}
