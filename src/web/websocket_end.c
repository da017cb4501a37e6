/* websocket_end: see the header. The names of the codes are those of the IANA registry. */
#include "web/websocket_end.h"

#include "net/connect.h"
#include "wire/websocket.h"

#include <errno.h>

enum { SHOWN_REASON = 100 }; /* bytes of a peer's reason */

static const struct {
    uint16_t code;
    struct mk_phrase name;
} names[] = {
    { 1000, { " (normal)", "（正常关闭）" } },
    { 1001, { " (going away)", "（对方离开）" } },
    { 1002, { " (protocol error)", "（协议错误）" } },
    { 1003, { " (unsupported data)", "（不支持的数据）" } },
    { 1007, { " (invalid data)", "（无效数据）" } },
    { 1008, { " (policy violation)", "（违反规则）" } },
    { 1009, { " (message too big)", "（消息过长）" } },
    { 1010, { " (missing extension)", "（缺少扩展）" } },
    { 1011, { " (internal error)", "（内部错误）" } },
    { 1012, { " (service restart)", "（服务重启）" } },
    { 1013, { " (try again later)", "（稍后重试）" } },
    { 1014, { " (bad gateway)", "（网关错误）" } },
    { 1015, { " (TLS failed)", "（TLS 失败）" } },
    { 3000, { " (unauthorized)", "（未授权）" } },
    { 3003, { " (forbidden)", "（禁止访问）" } },
    { 3008, { " (timeout)", "（超时）" } },
};

static void explain_close(const struct mk_websocket_end *end, struct mk_failure *failure)
{
    if (end->peer_code == MK_WS_NO_STATUS)
        mk_failure_say(failure, MK_FAILURE_CLOSE,
                       MK_PHRASE("it closed the connection without a code (1005)",
                                 "对方关闭了连接，没有给出代码（1005）"));
    else
        mk_failure_set(failure, MK_FAILURE_CLOSE, "it closed the connection with %u",
                       "对方关闭了连接，代码 %u", end->peer_code);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].code == end->peer_code)
            mk_failure_add(failure, &names[i].name);
    if (end->peer_reason.len > 0) {
        mk_failure_add(failure, MK_PHRASE(": ", "："));
        mk_failure_quote(failure, end->peer_reason, SHOWN_REASON);
    }
    failure->status = end->peer_code;
}

static void explain_loss(const struct mk_websocket_end *end, struct mk_failure *failure)
{
    struct mk_failure cause;
    if (end->error == 0) {
        mk_failure_say(failure, MK_FAILURE_LOST,
                       MK_PHRASE("it disconnected without a close frame (1006)",
                                 "对方未发送关闭帧即断开（1006）"));
        return;
    }
    mk_connect_explain(end->stream, end->error, &cause);
    mk_failure_say(failure, MK_FAILURE_LOST,
                   MK_PHRASE("the connection was lost (1006): ", "连接丢失（1006）："));
    mk_failure_add(failure, MK_PHRASE(cause.en, cause.zh));
    failure->error = end->error;
}

/* What was wrong with the peer, so that we have closed the connection. */
static void explain_own(const struct mk_websocket_end *end, struct mk_failure *failure)
{
    static const struct mk_phrase binary = { "it sent a binary message, and calls are text (1003)",
                                             "对方发送了二进制消息，而调用为文本（1003）" };
    static const struct mk_phrase behind = {
        "it does not receive its events, so it was closed (1013)",
        "对方不接收事件，因此被关闭（1013）",
    };
    if (end->own_code == MK_WS_UNSUPPORTED_DATA)
        mk_failure_say(failure, MK_FAILURE_FRAMES, &binary);
    else if (end->own_code == MK_WS_TRY_AGAIN_LATER)
        mk_failure_say(failure, MK_FAILURE_BEHIND, &behind);
    else
        mk_failure_say(failure, MK_FAILURE_NONE, MK_PHRASE("closed from this side", "由本方关闭"));
    failure->status = end->own_code;
}

void mk_websocket_end_explain(const struct mk_websocket_end *end, struct mk_failure *failure)
{
    if (end->unanswered_ms > 0) {
        mk_failure_set(failure, MK_FAILURE_PING, "it did not answer a ping within %llu s",
                       "对方在 %llu 秒内没有应答 ping",
                       (unsigned long long)(end->unanswered_ms + 999) / 1000);
    } else if (end->wrong) {
        mk_failure_set(failure, MK_FAILURE_FRAMES, "it violated the WebSocket protocol (%u): ",
                       "对方违反了 WebSocket 协议（%u）：", end->own_code);
        mk_failure_add(failure, end->wrong);
        failure->status = end->own_code;
    } else if (end->sent_too_much) {
        mk_failure_say(failure, MK_FAILURE_NONE,
                       MK_PHRASE("too many bytes of messages are arriving (limits.receiving_bytes)",
                                 "正在接收的消息字节数过多（limits.receiving_bytes）"));
        failure->status = end->own_code;
    } else if (end->own_code > 0) {
        explain_own(end, failure);
    } else if (end->peer_closed) {
        explain_close(end, failure);
    } else if (end->error == -ENOBUFS) {
        mk_failure_say(failure, MK_FAILURE_BEHIND,
                       MK_PHRASE("it does not receive its messages", "对方未接收消息"));
    } else if (end->error == -ENOMEM) {
        mk_failure_errno(failure, -ENOMEM);
    } else {
        explain_loss(end, failure);
    }
}
