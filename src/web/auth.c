/* auth: see the header. Tokens are compared in constant time. */
#include "web/auth.h"

#include "base/percent.h"
#include "base/secret.h"
#include "web/cors.h"
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

/* The headers that show where a request comes from; without a pointer where one is absent. */
struct marks {
    struct mk_slice origin, site, referer, agent, accept;
};

static void take(struct mk_slice *mark, const struct mk_http1_header *header, struct mk_slice name)
{
    if (!mark->ptr && mk_slice_eq_nocase(header->name, name))
        *mark = header->value;
}

/* In one pass, because each call of a program comes through here. */
static struct marks marks_of(const struct mk_http1_request *request)
{
    struct marks marks = { 0 };
    for (size_t i = 0; i < request->header_count; i++) {
        const struct mk_http1_header *header = &request->headers[i];
        switch (header->name.len) {
        case sizeof("Origin") - 1:
            take(&marks.origin, header, MK_SLICE("Origin"));
            take(&marks.accept, header, MK_SLICE("Accept"));
            break;
        case sizeof("Referer") - 1:
            take(&marks.referer, header, MK_SLICE("Referer"));
            break;
        case sizeof("User-Agent") - 1:
            take(&marks.agent, header, MK_SLICE("User-Agent"));
            break;
        case sizeof("Sec-Fetch-Site") - 1:
            take(&marks.site, header, MK_SLICE("Sec-Fetch-Site"));
            break;
        default:
            break;
        }
    }
    return marks;
}

/* Splits a URL behind its authority. Returns false if it is none of HTTP. */
static bool split_url(struct mk_slice text, struct mk_slice *authority, struct mk_slice *rest)
{
    struct mk_url url;
    if (mk_url_parse(text, &url))
        return false;
    const char *begin = url.authority_host.ptr, *end = begin;
    while (end < text.ptr + text.len && !strchr("/?#", *end))
        end++;
    *authority = mk_slice_of(begin, (size_t)(end - begin));
    *rest = mk_slice_of(end, (size_t)(text.ptr + text.len - end));
    return true;
}

static bool is_own_origin(struct mk_slice origin, struct mk_slice host)
{
    struct mk_slice authority, rest;
    return split_url(origin, &authority, &rest) && rest.len == 0 &&
           mk_slice_eq_nocase(authority, host);
}

static bool is_own_page(struct mk_slice referer, struct mk_slice host)
{
    struct mk_slice authority, rest;
    return split_url(referer, &authority, &rest) && mk_slice_eq_nocase(authority, host);
}

static bool contains(struct mk_slice text, struct mk_slice word)
{
    for (size_t i = 0; i + word.len <= text.len; i++)
        if (mk_slice_starts_with(mk_slice_from(text, i), word))
            return true;
    return false;
}

/*
 * Returns whether a browser seems to have sent a GET that has no other mark. A page cannot change
 * the User-Agent of a request that needs no preflight. Programs that begin theirs with "Mozilla/"
 * (PowerShell, monitors) name no engine, and none asks for a picture here.
 */
static bool is_like_browser(const struct marks *marks)
{
    static const struct mk_slice types[] = {
        { "image/", sizeof("image/") - 1 },
        { "audio/", sizeof("audio/") - 1 },
        { "video/", sizeof("video/") - 1 },
        { "text/css", sizeof("text/css") - 1 },
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (mk_slice_starts_with(marks->accept, types[i]))
            return true;
    return mk_slice_starts_with(marks->agent, MK_SLICE("Mozilla/")) &&
           (contains(marks->agent, MK_SLICE("Gecko")) || contains(marks->agent, MK_SLICE("MSIE ")));
}

/* What the marks show of the sender. */
enum sender {
    OF_THIS_HOST, /* a page of ours */
    ELSEWHERE,    /* a page of another origin */
    NO_PROOF,
};

/*
 * A browser sends an Origin with everything but a GET or HEAD of the page's own origin, and one
 * without CORS (an image, a frame). With those it sends Sec-Fetch-Site where the address of this
 * server is trustworthy (HTTPS, this machine), and a Referer if the page lets it. A page can forge
 * none of them.
 */
static enum sender sender_of(const struct marks *marks, struct mk_slice host)
{
    if (marks->origin.ptr)
        return is_own_origin(marks->origin, host) ? OF_THIS_HOST : ELSEWHERE;
    if (marks->site.len > 0 && !mk_slice_eq(marks->site, MK_SLICE("same-origin")) &&
        !mk_slice_eq(marks->site, MK_SLICE("none")))
        return ELSEWHERE;
    if (marks->referer.len > 0)
        return is_own_page(marks->referer, host) ? OF_THIS_HOST : ELSEWHERE;
    return marks->site.len > 0 ? OF_THIS_HOST : NO_PROOF;
}

/* A GET or HEAD that a page can cause without an Origin. */
static bool is_plain_get(const struct mk_http1_request *request)
{
    return (mk_slice_eq(request->method, MK_SLICE("GET")) ||
            mk_slice_eq(request->method, MK_SLICE("HEAD"))) &&
           !request->upgrade_websocket;
}

/*
 * A page of ours is one only if the host cannot be the result of DNS rebinding. A program may use
 * any name, but not for a GET, which such a page could have sent.
 */
static enum mk_auth check_origin(const struct mk_http1_request *request, struct mk_slice origins)
{
    const struct marks marks = marks_of(request);
    if (origins.len > 0 && mk_cors_lists(origins, marks.origin))
        return MK_AUTH_OK;
    enum sender sender = sender_of(&marks, request->host);
    bool is_plain = is_plain_get(request);
    if (sender == ELSEWHERE || (sender == NO_PROOF && is_plain && is_like_browser(&marks)))
        return MK_AUTH_FOREIGN;
    bool may_be_page = marks.origin.ptr || (is_plain && request->host.len > 0);
    return may_be_page && !is_plain_host(request->host) ? MK_AUTH_FOREIGN : MK_AUTH_OK;
}

bool mk_auth_may_be_page(const struct mk_http1_request *request)
{
    return check_origin(request, (struct mk_slice){ 0 }) == MK_AUTH_FOREIGN;
}

bool mk_auth_is_elsewhere(const struct mk_http1_request *request)
{
    const struct marks marks = marks_of(request);
    return sender_of(&marks, request->host) == ELSEWHERE;
}

enum mk_auth mk_auth_check(const struct mk_http1_request *request, const struct mk_access *access,
                           enum mk_auth_from from)
{
    struct mk_slice given;
    if (access->token.len == 0)
        return check_origin(request, access->origins);
    if (from == MK_AUTH_QUERY_OR_HEADER &&
        mk_url_query_find(request->query, MK_SLICE("access_token"), &given))
        return check_query(given, access->token);
    return check_header(request, access->token);
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
        return "this server has no access_token, so it does not answer web pages of other origins, "
               "nor a browser that does not say which page is asking";
    }
    return "";
}
