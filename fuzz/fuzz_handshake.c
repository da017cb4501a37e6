/*
 * fuzz_handshake: the heads of messages. Any bytes are a request (credentials, origin, the event to
 * continue after, media type, name of an API, the server's side of the opening handshake), and any
 * bytes are a server's answer to a client's handshake. We accept our own output.
 *
 * Up to the first LF: a token; then the head.
 */
#include "base/percent.h"
#include "fuzz.h"
#include "transport/http_answer.h"
#include "transport/websocket_upgrade.h"
#include "web/auth.h"
#include "wire/url.h"
#include "wire/ws_deflate.h"
#include "wire/ws_handshake.h"

#include <openssl/evp.h>

/* --- requests --- */

/* The right token in the header is accepted everywhere; another one, or more than one, never. */
static void check_token(const struct mk_http1_request *request, struct mk_slice token)
{
    const struct mk_access access = { .token = token };
    enum mk_auth auth = mk_auth_check(request, &access, MK_AUTH_HEADER);
    struct mk_slice given = mk_http1_find(request, MK_SLICE("Authorization"));
    check(auth != MK_AUTH_FOREIGN, "a token is asked for, not an origin");
    check(auth != MK_AUTH_OK ||
              (given.len >= 7 + token.len &&
               memcmp(given.ptr + given.len - token.len, token.ptr, token.len) == 0),
          "let in without the token");
    check(mk_auth_explain(auth, MK_AUTH_HEADER)[0] || auth == MK_AUTH_OK, "no explanation");
    auth = mk_auth_check(request, &access, MK_AUTH_QUERY_OR_HEADER);
    if (!mk_url_query_find(request->query, MK_SLICE("access_token"), &given))
        check(auth == mk_auth_check(request, &access, MK_AUTH_HEADER), "the header alone");
    struct mk_buf query;
    mk_buf_init(&query, SIZE_MAX / 2);
    check(mk_buf_append_slice(&query, MK_SLICE("a=1&access_token=")) == 0, "memory");
    check(mk_percent_encode(&query, token) == 0, "memory");
    struct mk_http1_request asked = *request;
    asked.query = mk_buf_slice(&query);
    auth = mk_auth_check(&asked, &access, MK_AUTH_QUERY_OR_HEADER);
    check(token.len > 4096 || auth == MK_AUTH_OK, "the token in the query is refused");
    mk_buf_fini(&query);
}

static void check_origin(const struct mk_http1_request *request)
{
    enum mk_auth auth = mk_auth_check(request, &(struct mk_access){ 0 }, MK_AUTH_HEADER);
    struct mk_slice origin = mk_http1_find(request, MK_SLICE("Origin"));
    check(auth == MK_AUTH_OK || auth == MK_AUTH_FOREIGN, "nothing is asked for");
    if (auth != MK_AUTH_OK || !origin.ptr)
        return;
    struct mk_url url;
    check(mk_url_parse(origin, &url) == NULL, "a page of nowhere is let in");
    check(mk_slice_starts_with(url.authority_host, mk_slice_of(request->host.ptr, 1)) ||
              request->host.len >= url.authority_host.len,
          "a page of another host is let in");
}

static void check_since(const struct mk_http1_request *request)
{
    struct mk_slice text;
    uint64_t since = mk_event_since(request, MK_SLICE("Last-Event-ID"));
    if (!mk_url_query_find(request->query, MK_SLICE("since"), &text))
        text = mk_http1_find(request, MK_SLICE("Last-Event-ID"));
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            check(since == MK_READER_LIVE, "a number out of what is none");
    check(text.len > 0 || since == MK_READER_LIVE, "a number out of nothing");
}

static void check_names(const struct mk_http1_request *request)
{
    struct mk_buf name;
    mk_buf_init(&name, 63);
    if (mk_http_path_name(request->path, &name))
        check(name.len <= 63 && name.len < request->path.len, "name");
    mk_buf_fini(&name);
    if (!mk_http_media_type_error(request))
        check(mk_http1_count(request, MK_SLICE("Content-Type")) == 1, "no media type");
}

static void check_server(const struct mk_http1_request *request)
{
    char accept[MK_WS_ACCEPT_LEN];
    const char *reason = NULL;
    unsigned status = mk_ws_handshake_check(request, accept, &reason);
    check(status == 101 || status == 400 || status == 426, "status");
    check((status == 101) == (reason == NULL), "reason");
    if (status != 101)
        return;
    struct mk_buf answer;
    struct mk_http1_response response;
    size_t consumed;
    mk_buf_init(&answer, 4096);
    char line[MK_WS_DEFLATE_LINE];
    struct mk_ws_deflate_terms agreed = mk_ws_deflate_accept(request, SIZE_MAX, line);
    check(mk_ws_handshake_accept(&answer, accept, mk_slice_str(line)) == 0, "memory");
    check(mk_http1_read_response(mk_buf_slice(&answer), &response, &consumed) == MK_HTTP1_HEAD &&
              consumed == answer.len,
          "our own answer is no response");
    struct mk_slice key = mk_http1_find(request, MK_SLICE("Sec-WebSocket-Key"));
    struct mk_ws_answer verified;
    check(mk_ws_handshake_verify(&response, key.ptr, true, &verified), "our own answer is wrong");
    check(verified.deflate.accepted == agreed.accepted, "another extension");
    mk_buf_fini(&answer);
}

static void read_requests(struct mk_slice input, struct mk_slice token)
{
    struct mk_http1_parser *parser = mk_http1_parser_new(&mk_http1_default_limits);
    check(parser != NULL, "memory");
    for (size_t at = 0;;) {
        size_t consumed;
        int status = mk_http1_parser_feed(parser, input.ptr + at, input.len - at, &consumed);
        at += consumed;
        if (status == MK_HTTP1_NEED_MORE || status == MK_HTTP1_BAD)
            break;
        if (status != MK_HTTP1_HEAD)
            continue;
        const struct mk_http1_request *request = mk_http1_parser_request(parser);
        if (token.len > 0)
            check_token(request, token);
        check_origin(request);
        check_since(request);
        check_names(request);
        check_server(request);
    }
    mk_http1_parser_free(parser);
}

/* --- the client --- */

/* The accept that answers this key, by the letter of RFC 6455, 4.2.2. */
static void expect_accept(const char *key, char accept[MK_WS_ACCEPT_LEN + 1])
{
    char text[64];
    unsigned char digest[20];
    snprintf(text, sizeof(text), "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    check(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL) == 1, "SHA-1");
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof(digest));
}

static void read_response(struct mk_slice input)
{
    static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
    char accept[MK_WS_ACCEPT_LEN + 1];
    struct mk_http1_response response;
    size_t consumed;
    if (mk_http1_read_response(input, &response, &consumed) != MK_HTTP1_HEAD)
        return;
    struct mk_ws_answer answer;
    bool valid = mk_ws_handshake_verify(&response, key, false, &answer) ||
                 mk_ws_handshake_verify(&response, key, true, &answer);
    expect_accept(key, accept);
    struct mk_slice given = mk_http1_response_find(&response, MK_SLICE("Sec-WebSocket-Accept"));
    check(!valid || (response.status == 101 && mk_slice_eq(given, mk_slice_str(accept))),
          "a wrong answer is taken");
}

/* The server accepts the client's request, whatever the target is. */
static void check_request(struct mk_slice target_text)
{
    char key[MK_WS_KEY_LEN];
    struct mk_url url;
    struct mk_buf target, request;
    mk_buf_init(&target, SIZE_MAX / 2);
    mk_buf_init(&request, SIZE_MAX / 2);
    if (mk_url_parse(target_text, &url) == NULL) {
        mk_ws_handshake_key(key);
        check(mk_url_write_target(&target, &url, "access_token", target_text) == 0, "memory");
        check(mk_ws_handshake_request(&request, mk_buf_slice(&target), url.authority_host, key,
                                      mk_ws_deflate_offer()) == 0,
              "memory");
        size_t consumed;
        struct mk_http1_parser *parser = mk_http1_parser_new(&mk_http1_default_limits);
        check(parser != NULL, "memory");
        int status = mk_http1_parser_feed(parser, request.data, request.len, &consumed);
        if (status == MK_HTTP1_HEAD) {
            char accept[MK_WS_ACCEPT_LEN];
            const char *reason;
            check(mk_ws_handshake_check(mk_http1_parser_request(parser), accept, &reason) == 101,
                  "our own handshake is refused");
        } else {
            check(mk_http1_parser_error(parser)->status == 414 ||
                      mk_http1_parser_error(parser)->status == 431,
                  "our own request is malformed");
        }
        mk_http1_parser_free(parser);
    }
    mk_buf_fini(&target);
    mk_buf_fini(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mk_slice input = mk_slice_of((const char *)data, size);
    struct mk_slice token = take_until(&input, '\n');
    char *copy = copy_of(input.ptr, input.len);
    read_requests(mk_slice_of(copy, input.len), token);
    read_response(mk_slice_of(copy, input.len));
    free(copy);
    check_request(token);
    return 0;
}
