/*
 * ws_handshake: the header fields of RFC 6455, section 4. The key does not identify the peer; it
 * only proves that the peer speaks WebSocket and is not a cache that repeats an old answer.
 */
#include "wire/ws_handshake.h"

#include "base/base64.h"
#include "base/random.h"

#include <openssl/evp.h>

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

enum { NONCE_LEN = 16, SHA1_LEN = 20, GUID_LEN = sizeof(guid) - 1 };

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/*
 * 16 bytes in base64 are 22 characters and "==". The last four bits of the 22nd are unused: the key
 * decodes to 16 bytes whatever they are.
 */
static bool is_key(struct mk_slice key)
{
    if (key.len != MK_WS_KEY_LEN)
        return false;
    for (size_t at = 0; at < MK_WS_KEY_LEN - 2; at++) {
        if (!is_base64(key.ptr[at]))
            return false;
    }
    return key.ptr[MK_WS_KEY_LEN - 2] == '=' && key.ptr[MK_WS_KEY_LEN - 1] == '=';
}

static bool compute_accept(const char *key, char accept[MK_WS_ACCEPT_LEN])
{
    char text[MK_WS_KEY_LEN + GUID_LEN];
    unsigned char digest[SHA1_LEN];
    memcpy(text, key, MK_WS_KEY_LEN);
    memcpy(text + MK_WS_KEY_LEN, guid, GUID_LEN);
    if (!EVP_Digest(text, sizeof(text), digest, NULL, EVP_sha1(), NULL))
        return false;
    mk_base64_encode(digest, sizeof(digest), accept);
    return true;
}

/* Finds the value of a header that must be there exactly once. */
static bool find_single(const struct mk_http1_request *request, struct mk_slice name,
                        struct mk_slice *value)
{
    if (mk_http1_count(request, name) != 1)
        return false;
    *value = mk_http1_find(request, name);
    return true;
}

unsigned mk_ws_handshake_check(const struct mk_http1_request *request,
                               char accept[MK_WS_ACCEPT_LEN], const char **reason)
{
    struct mk_slice version;
    struct mk_slice key;
    if (!request->upgrade_websocket) {
        *reason = "not a WebSocket handshake: GET, HTTP/1.1, Connection: Upgrade and "
                  "Upgrade: websocket are needed";
        return 400;
    }
    if (!find_single(request, MK_SLICE("Sec-WebSocket-Version"), &version) ||
        !mk_slice_eq(version, MK_SLICE("13"))) {
        *reason = "Sec-WebSocket-Version is not 13";
        return 426;
    }
    if (!find_single(request, MK_SLICE("Sec-WebSocket-Key"), &key) || !is_key(key)) {
        *reason = "Sec-WebSocket-Key is not 16 bytes in base64";
        return 400;
    }
    if (!compute_accept(key.ptr, accept)) {
        *reason = "SHA-1 is not available";
        return 500;
    }
    return 101;
}

/* Appends all parts, or none. */
static int append_all(struct mk_buf *out, const struct mk_slice *parts, size_t count)
{
    size_t len = 0;
    for (size_t at = 0; at < count; at++)
        len += parts[at].len;
    int rc = mk_buf_reserve(out, len);
    for (size_t at = 0; rc == 0 && at < count; at++)
        rc = mk_buf_append_slice(out, parts[at]);
    return rc;
}

int mk_ws_handshake_accept(struct mk_buf *out, const char accept[MK_WS_ACCEPT_LEN],
                           struct mk_slice extra)
{
    const struct mk_slice parts[] = {
        MK_SLICE("HTTP/1.1 101 Switching Protocols\r\n"
                 "Upgrade: websocket\r\n"
                 "Connection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: "),
        { accept, MK_WS_ACCEPT_LEN },
        MK_SLICE("\r\n"),
        extra,
        MK_SLICE("\r\n"),
    };
    return append_all(out, parts, sizeof(parts) / sizeof(parts[0]));
}

void mk_ws_handshake_key(char key[MK_WS_KEY_LEN])
{
    unsigned char nonce[NONCE_LEN];
    mk_random_bytes(nonce, sizeof(nonce));
    mk_base64_encode(nonce, sizeof(nonce), key);
}

int mk_ws_handshake_request(struct mk_buf *out, struct mk_slice target, struct mk_slice host,
                            const char key[MK_WS_KEY_LEN], struct mk_slice extra)
{
    const struct mk_slice parts[] = {
        MK_SLICE("GET "),
        target,
        MK_SLICE(" HTTP/1.1\r\nHost: "),
        host,
        MK_SLICE("\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: "),
        { key, MK_WS_KEY_LEN },
        MK_SLICE("\r\n"),
        extra,
        MK_SLICE("\r\n"),
    };
    return append_all(out, parts, sizeof(parts) / sizeof(parts[0]));
}

/* Returns the number of headers of this name, and the last one's value in `value`. */
static size_t collect(const struct mk_http1_response *response, struct mk_slice name,
                      struct mk_slice *value)
{
    size_t count = 0;
    *value = (struct mk_slice){ 0 };
    for (size_t at = 0; at < response->header_count; at++) {
        if (mk_slice_eq_nocase(response->headers[at].name, name)) {
            *value = response->headers[at].value;
            count++;
        }
    }
    return count;
}

/*
 * Connection is a list, and may be split over several headers. `value` is for the reader of a
 * failure.
 */
static bool connection_has_upgrade(const struct mk_http1_response *response, struct mk_slice *value)
{
    *value = (struct mk_slice){ 0 };
    for (size_t at = 0; at < response->header_count; at++) {
        struct mk_slice rest = response->headers[at].value;
        struct mk_slice option;
        if (!mk_slice_eq_nocase(response->headers[at].name, MK_SLICE("Connection")))
            continue;
        *value = rest;
        while (mk_slice_next(&rest, ',', &option)) {
            if (mk_slice_eq_nocase(option, MK_SLICE("upgrade")))
                return true;
        }
    }
    return false;
}

static const struct mk_phrase no_status = { "the status is not 101", "状态码不是 101" };
static const struct mk_phrase no_upgrade = { "Upgrade is not websocket: there is none",
                                             "Upgrade 不是 websocket：没有该头部字段" };
static const struct mk_phrase two_upgrades = { "Upgrade is not websocket alone: there are several",
                                               "Upgrade 不只是 websocket：有多个该头部字段" };
static const struct mk_phrase bad_upgrade = { "Upgrade is not websocket",
                                              "Upgrade 不是 websocket" };
static const struct mk_phrase bad_connection = { "Connection has no upgrade",
                                                 "Connection 中没有 upgrade" };
static const struct mk_phrase no_hash = { "SHA-1 is not available", "SHA-1 不可用" };
static const struct mk_phrase no_accept = {
    "Sec-WebSocket-Accept does not answer the key: there is none",
    "Sec-WebSocket-Accept 与密钥不符：没有该头部字段"
};
static const struct mk_phrase two_accepts = {
    "Sec-WebSocket-Accept does not answer the key alone: there are several",
    "有多个 Sec-WebSocket-Accept"
};
static const struct mk_phrase bad_accept = { "Sec-WebSocket-Accept does not answer the key",
                                             "Sec-WebSocket-Accept 与密钥不符" };
static const struct mk_phrase bad_protocol = { "a subprotocol was chosen that was not offered",
                                               "选择了未提出的子协议" };

/* Returns what is wrong with the headers of RFC 6455, and the value in `seen`; or NULL. */
static const struct mk_phrase *check_answer(const struct mk_http1_response *response,
                                            const char key[MK_WS_KEY_LEN], struct mk_slice *seen)
{
    char accept[MK_WS_ACCEPT_LEN];
    *seen = (struct mk_slice){ 0 };
    if (response->status != 101)
        return &no_status;
    size_t count = collect(response, MK_SLICE("Upgrade"), seen);
    if (count != 1)
        return count == 0 ? &no_upgrade : &two_upgrades;
    if (!mk_slice_eq_nocase(*seen, MK_SLICE("websocket")))
        return &bad_upgrade;
    if (!connection_has_upgrade(response, seen))
        return &bad_connection;
    if (!compute_accept(key, accept))
        return &no_hash;
    count = collect(response, MK_SLICE("Sec-WebSocket-Accept"), seen);
    if (count != 1)
        return count == 0 ? &no_accept : &two_accepts;
    return mk_slice_eq(*seen, mk_slice_of(accept, sizeof(accept))) ? NULL : &bad_accept;
}

bool mk_ws_handshake_verify(const struct mk_http1_response *response, const char key[MK_WS_KEY_LEN],
                            bool deflate, struct mk_ws_answer *answer)
{
    *answer = (struct mk_ws_answer){ .wrong = MK_WS_WRONG_ANSWER };
    answer->why = check_answer(response, key, &answer->seen);
    if (answer->why)
        return false;
    if (collect(response, MK_SLICE("Sec-WebSocket-Protocol"), &answer->seen) > 0) {
        answer->wrong = MK_WS_WRONG_PROTOCOL;
        answer->why = &bad_protocol;
        return false;
    }
    bool valid = mk_ws_deflate_verify(response, deflate, &answer->deflate);
    answer->wrong = valid ? MK_WS_FINE : MK_WS_WRONG_EXTENSION;
    answer->why = answer->deflate.why;
    answer->seen = answer->deflate.seen;
    return valid;
}
