/*
 * http_refusal: what a server says by refusing a request, as a failure: the part of http_exchange
 * that makes words.
 */
#include "web/http_exchange.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "wire/http_date.h"

#include <string.h>

enum { LONGEST_WAIT = 60 * 60 }; /* the longest Retry-After, in seconds */

/* What servers write when a request without TLS comes to their TLS port, in lower case. */
static const char *const tls_words[] = {
    "plain http request",       /* nginx */
    "http request to an https", /* Go */
    "plain http to an ssl",     /* Apache */
    "requires tls",             /* Tomcat */
    "https port",
};

static bool contains(struct mk_slice text, const char *words)
{
    size_t len = strlen(words);
    for (size_t i = 0; i + len <= text.len; i++)
        if (mk_slice_eq_nocase(mk_slice_of(text.ptr + i, len), mk_slice_of(words, len)))
            return true;
    return false;
}

static bool speaks_tls(const struct mk_http_exchange_result *result)
{
    for (size_t i = 0; i < sizeof(tls_words) / sizeof(tls_words[0]); i++)
        if (contains(result->body, tls_words[i]))
            return true;
    return false;
}

/* The target without query, in which the access_token may be, and without user and password. */
static void add_target(struct mk_failure *failure, struct mk_slice location)
{
    size_t len = 0;
    while (len < location.len && location.ptr[len] != '?' && location.ptr[len] != '#')
        len++;
    location.len = len;
    const char *user = location.len > 0 ? memrchr(location.ptr, '@', location.len) : NULL;
    if (user) {
        mk_failure_quote(failure, mk_slice_from(location, (size_t)(user - location.ptr) + 1),
                         MK_HTTP_SHOWN);
        return;
    }
    mk_failure_quote(failure, location, MK_HTTP_SHOWN);
}

static void explain_redirect(struct mk_failure *failure, const struct mk_http1_response *response)
{
    struct mk_slice location = mk_http1_response_find(response, MK_SLICE("Location"));
    mk_failure_set(failure, MK_FAILURE_STATUS, "it answered %u, a redirect",
                   "对方应答 %u：这是重定向", response->status);
    if (location.len > 0) {
        mk_failure_add(failure, MK_PHRASE(" to ", "，目标为 "));
        add_target(failure, location);
    }
    mk_failure_add(failure, MK_PHRASE(", which is not followed", "，不会跟随"));
}

static void explain_forbidden(struct mk_failure *failure, unsigned status, bool token)
{
    if (token)
        mk_failure_set(failure, MK_FAILURE_STATUS,
                       "it answered %u: it does not accept the access_token, or this client",
                       "对方应答 %u：不接受 access_token，或不接受此客户端", status);
    else
        mk_failure_set(failure, MK_FAILURE_STATUS,
                       "it answered %u, and no access_token is configured",
                       "对方应答 %u，而此处没有配置 access_token", status);
}

/* Appends the value of a header that says more about the status. */
static void add_header(struct mk_failure *failure, const struct mk_http1_response *response,
                       struct mk_slice name)
{
    struct mk_slice value = mk_http1_response_find(response, name);
    char words[64];
    if (!value.ptr)
        return;
    mk_utf8_copy(words, sizeof(words), name);
    mk_failure_add(failure, MK_PHRASE("; ", "；"));
    mk_failure_add(failure, MK_PHRASE(words, words));
    mk_failure_add(failure, MK_PHRASE(": ", ": "));
    mk_failure_quote(failure, value, MK_HTTP_SHOWN);
}

static void explain_status(struct mk_failure *failure, const struct mk_http1_response *response,
                           const struct mk_http_asked *asked)
{
    unsigned status = response->status;
    if (status == 200)
        mk_failure_set(failure, MK_FAILURE_STATUS, "it answered %u: there is no %s at this path",
                       "对方应答 %u：此路径上没有 %s", status, asked->protocol);
    else if (status / 100 == 3)
        explain_redirect(failure, response);
    else if (status == 401)
        mk_failure_set(failure, MK_FAILURE_STATUS, "it answered %u: it wants an access_token",
                       "对方应答 %u：需要 access_token", status);
    else if (status == 403)
        explain_forbidden(failure, status, asked->token);
    else if (status == 404)
        mk_failure_set(failure, MK_FAILURE_STATUS, "it answered %u: there is no %s at this path",
                       "对方应答 %u：此路径上没有 %s", status, asked->protocol);
    else
        mk_failure_status(failure, status);
    if (status == 401 && asked->token)
        mk_failure_add(failure, MK_PHRASE(", and does not accept this one", "，不接受现有的"));
    if (status == 426) {
        add_header(failure, response, MK_SLICE("Upgrade"));
        add_header(failure, response, MK_SLICE("Sec-WebSocket-Version"));
    } else if (status == 429 || status == 503) {
        add_header(failure, response, MK_SLICE("Retry-After"));
    }
    failure->status = status;
}

void mk_http_exchange_refused(struct mk_failure *failure,
                              const struct mk_http_exchange_result *result,
                              const struct mk_http_asked *asked)
{
    if (!asked->tls && speaks_tls(result))
        mk_failure_set(failure, MK_FAILURE_IS_TLS,
                       "it answered %u: it got HTTP without TLS at a TLS port",
                       "对方应答 %u：在 TLS 端口收到了未加密的 HTTP", result->response->status);
    else
        explain_status(failure, result->response, asked);
    failure->is_sent = true;
}

/* Returns false for anything else than seconds. */
static bool read_seconds(struct mk_slice text, int64_t *seconds)
{
    *seconds = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        if (*seconds < LONGEST_WAIT)
            *seconds = *seconds * 10 + (text.ptr[i] - '0');
    }
    return text.len > 0;
}

uint32_t mk_http_exchange_retry_after(const struct mk_http1_response *response)
{
    struct mk_slice value = mk_http1_response_find(response, MK_SLICE("Retry-After"));
    int64_t seconds, now;
    if (!read_seconds(value, &seconds)) {
        if (!mk_http_date_parse(value, &seconds))
            return 0;
        /* A date counts from the server's own, since the clocks may differ. */
        if (!mk_http_date_parse(mk_http1_response_find(response, MK_SLICE("Date")), &now))
            now = (int64_t)(mk_clock_real_ms() / 1000);
        seconds -= now;
    }
    if (seconds < 0)
        seconds = 0;
    return (uint32_t)(seconds < LONGEST_WAIT ? seconds : LONGEST_WAIT) * 1000;
}
