/* http_failure: see the header. */
#include "web/http_failure.h"

#include <stdio.h>
#include <string.h>

/* Room for each byte as "\xff", and the quotes. */
enum { QUOTED = 4 * MK_RESPONSE_SEEN + 3 };

/* Writes any bytes as printable ASCII. */
static const char *quote(const struct mk_response_reader *reader, char text[QUOTED])
{
    size_t at = 0;
    text[at++] = '"';
    for (size_t i = 0; i < reader->seen_len; i++) {
        unsigned char c = (unsigned char)reader->seen[i];
        if (c == '\r' || c == '\n')
            at += (size_t)snprintf(text + at, QUOTED - at, c == '\r' ? "\\r" : "\\n");
        else if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
            text[at++] = (char)c;
        else
            at += (size_t)snprintf(text + at, QUOTED - at, "\\x%02x", c);
    }
    text[at++] = '"';
    text[at] = '\0';
    return text;
}

/* The words before the wrong text. */
static const struct mk_phrase wrong_parts[] = {
    [MK_RESPONSE_NOT_HTTP] = { "it does not speak HTTP: its answer begins with ",
                               "对方不是 HTTP 服务：其应答的开头是 " },
    [MK_RESPONSE_VERSION] = { "its answer is not of HTTP/1.1: the status line is ",
                              "对方的应答不是 HTTP/1.1：状态行是 " },
    [MK_RESPONSE_STATUS_LINE] = { "its answer is no valid HTTP: the status line is ",
                                  "对方的应答不是有效的 HTTP：状态行是 " },
    [MK_RESPONSE_LENGTH] = { "its answer is no valid HTTP: the Content-Length is ",
                             "对方的应答不是有效的 HTTP：Content-Length 是 " },
    [MK_RESPONSE_CODING] = { "its answer has a Transfer-Encoding that was not asked for: ",
                             "对方的应答使用了未请求的 Transfer-Encoding：" },
    [MK_RESPONSE_CHUNK_SIZE] = { "its answer is no valid HTTP: the size of a chunk has ",
                                 "对方的应答不是有效的 HTTP：分块大小中有 " },
    [MK_RESPONSE_CHUNK_END] = { "its answer is no valid HTTP: behind a chunk, instead of CRLF, is ",
                                "对方的应答不是有效的 HTTP：分块之后不是 CRLF，而是 " },
    [MK_RESPONSE_TRAILER] = { "its answer is no valid HTTP: the end of a trailer has ",
                              "对方的应答不是有效的 HTTP：尾部字段的结尾有 " },
};

static void append(char words[MK_FAILURE_TEXT], const char *more)
{
    size_t len = strlen(words);
    snprintf(words + len, MK_FAILURE_TEXT - len, "%s", more);
}

static struct mk_failure *too_long(struct mk_failure *failure,
                                   const struct mk_response_reader *reader)
{
    enum mk_failure_kind kind = MK_FAILURE_TOO_LONG;
    switch (reader->wrong) {
    case MK_RESPONSE_LONG_HEAD:
        return mk_failure_set(failure, kind, "the head of its answer is longer than %u bytes",
                              "对方应答的头部超过 %u 字节", reader->limits.head_bytes);
    case MK_RESPONSE_MANY_HEADERS:
        return mk_failure_set(failure, kind, "its answer has more than %u headers",
                              "对方的应答有超过 %u 个头部字段", reader->limits.header_count);
    case MK_RESPONSE_MANY_INTERIM:
        return mk_failure_set(
            failure, kind, "it sent more than %u informational answers (1xx) and no final one",
            "对方发送了超过 %u 个临时应答（1xx）而没有最终应答", reader->limits.interim);
    case MK_RESPONSE_LONG_EXTRA:
        return mk_failure_say(
            failure, kind,
            MK_PHRASE("the chunk extensions and trailers of its answer are longer than 16 KiB",
                      "对方应答的分块扩展和尾部字段超过 16 KiB"));
    default:
        return mk_failure_set(failure, kind, "the response is longer than %llu bytes",
                              "响应超过 %llu 字节", (unsigned long long)reader->limits.body);
    }
}

struct mk_failure *mk_http_failure_wrong(struct mk_failure *failure,
                                         const struct mk_response_reader *reader)
{
    char seen[QUOTED];
    quote(reader, seen);
    switch (reader->wrong) {
    case MK_RESPONSE_IS_TLS:
        return mk_failure_say(
            failure, MK_FAILURE_IS_TLS,
            MK_PHRASE("this port speaks TLS: the URL must begin with https:// instead of http://",
                      "该端口使用 TLS：URL 应以 https:// 而不是 http:// 开头"));
    case MK_RESPONSE_SWITCHED:
        return mk_failure_say(failure, MK_FAILURE_PROTOCOL,
                              MK_PHRASE("it answered 101 and switched to another protocol, which "
                                        "was not asked for",
                                        "对方应答 101 并切换到未请求的其他协议"));
    case MK_RESPONSE_LINE_END:
        return mk_failure_set(
            failure, MK_FAILURE_PROTOCOL,
            "its answer is no valid HTTP: line %u, %s, ends with LF instead of CRLF",
            "对方的应答不是有效的 HTTP：第 %u 行 %s 以 LF 而不是 CRLF 结尾", reader->wrong_line + 1,
            seen);
    case MK_RESPONSE_HEADER:
        return mk_failure_set(failure, MK_FAILURE_PROTOCOL,
                              "its answer is no valid HTTP: header line %u is malformed: %s",
                              "对方的应答不是有效的 HTTP：第 %u 行头部字段格式错误：%s",
                              reader->wrong_line, seen);
    case MK_RESPONSE_LONG_HEAD:
    case MK_RESPONSE_MANY_HEADERS:
    case MK_RESPONSE_MANY_INTERIM:
    case MK_RESPONSE_LONG_EXTRA:
    case MK_RESPONSE_LONG_BODY:
        return too_long(failure, reader);
    default:
        mk_failure_say(failure,
                       reader->wrong == MK_RESPONSE_NOT_HTTP ? MK_FAILURE_NOT_HTTP
                                                             : MK_FAILURE_PROTOCOL,
                       &wrong_parts[reader->wrong]);
        append(failure->en, seen);
        append(failure->zh, seen);
        return failure;
    }
}

struct mk_failure *mk_http_failure_ended(struct mk_failure *failure,
                                         const struct mk_response_reader *reader, bool tls,
                                         int error)
{
    static const struct mk_phrase without_answer = {
        "it closed the connection before it answered",
        "对方在应答之前关闭了连接",
    };
    static const struct mk_phrase perhaps_tls = {
        "it closed the connection before it answered (if this port speaks TLS, the URL must begin "
        "with https://)",
        "对方在应答之前关闭了连接（如果该端口使用 TLS，URL 应以 https:// 开头）",
    };
    static const struct mk_phrase within_head = {
        "it closed the connection within the head of its answer",
        "对方在发送应答头部时关闭了连接",
    };
    static const struct mk_phrase within_body = {
        "it closed the connection before its answer was complete",
        "对方在应答完成之前关闭了连接",
    };
    if (error != 0)
        return mk_failure_errno(failure, error);
    if (reader->received == 0)
        return mk_failure_say(failure, MK_FAILURE_NO_ANSWER, tls ? &without_answer : &perhaps_tls);
    return mk_failure_say(failure, MK_FAILURE_CLOSED,
                          reader->head_done ? &within_body : &within_head);
}

struct mk_failure *mk_http_failure_late(struct mk_failure *failure, enum mk_http_step step,
                                        const struct mk_response_reader *reader, uint32_t ms)
{
    static const struct mk_phrase late[] = {
        [MK_HTTP_CONNECTING] = { "no connection: ", "无法建立连接：" },
        [MK_HTTP_TUNNELLING] = { "it opens no tunnel: ", "未能建立隧道：" },
        [MK_HTTP_SECURING] = { "no TLS connection: ", "无法建立 TLS 连接：" },
        [MK_HTTP_ANSWERING] = { "no answer: ", "没有应答：" },
    };
    static const struct mk_phrase late_head = { "the head of its answer is not complete: ",
                                                "应答头部不完整：" };
    static const struct mk_phrase late_body = { "its answer is not complete: ", "应答不完整：" };
    static const enum mk_failure_kind kinds[] = {
        [MK_HTTP_CONNECTING] = MK_FAILURE_CONNECT_TIMEOUT,
        [MK_HTTP_TUNNELLING] = MK_FAILURE_TIMEOUT,
        [MK_HTTP_SECURING] = MK_FAILURE_TLS_TIMEOUT,
        [MK_HTTP_ANSWERING] = MK_FAILURE_TIMEOUT,
    };
    const struct mk_phrase *words = &late[step];
    struct mk_failure time;
    if (step == MK_HTTP_ANSWERING && reader->received > 0)
        words = reader->head_done ? &late_body : &late_head;
    mk_failure_timeout(&time, ms);
    mk_failure_say(failure, kinds[step], words);
    append(failure->en, time.en);
    append(failure->zh, time.zh);
    failure->error = time.error;
    return failure;
}

struct mk_failure *mk_http_failure_proxy_status(struct mk_failure *failure, unsigned status)
{
    if (status == 407)
        mk_failure_set(failure, MK_FAILURE_STATUS,
                       "it answered %u: it wants a user and a password, as in "
                       "http://USER:PASSWORD@HOST:PORT",
                       "它应答 %u：需要用户名和密码，例如 http://USER:PASSWORD@HOST:PORT", status);
    else
        mk_failure_set(failure, MK_FAILURE_STATUS, "it answered %u and opens no tunnel",
                       "它应答 %u，未建立隧道", status);
    failure->status = status;
    return failure;
}

struct mk_failure *mk_http_failure_no_proxy(struct mk_failure *failure, const struct mk_phrase *why)
{
    mk_failure_say(failure, MK_FAILURE_FORBIDDEN,
                   MK_PHRASE("the proxy cannot be used: ", "代理无法使用："));
    append(failure->en, why->en);
    append(failure->zh, why->zh);
    return failure;
}

struct mk_failure *mk_http_failure_of_proxy(struct mk_failure *failure, const char *host,
                                            uint16_t port)
{
    struct mk_failure whole = *failure;
    mk_failure_set(&whole, failure->kind, "the proxy %s:%u: ", "代理 %s:%u：", host, port);
    append(whole.en, failure->en);
    append(whole.zh, failure->zh);
    whole.error = failure->error;
    whole.status = failure->status;
    whole.is_sent = failure->is_sent;
    *failure = whole;
    return failure;
}
