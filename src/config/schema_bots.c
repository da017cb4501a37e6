/* schema_bots: the keys of a bot and its transports. */
#include "config/config.h"
#include "config/defaults.h"
#include "config/schema_tables.h"

static const char *const dialects[] = { "draft", "1.2", "1.3", NULL };

static const char *const on_give_up[] = { "dead_letter", "wait", NULL };

#define DIALECT(holder)                                                                            \
    {                                                                                              \
        .name = "dialect", .type = MK_CONFIG_CHOICE, .at = offsetof(struct holder, dialect),       \
        .choices = dialects, .fallback = "draft",                                                  \
        .en = "Names and shapes of calls and events: those of the draft, or of Milky 1.2 or 1.3.", \
        .zh = "API 与事件的名称和结构：draft（草案），或 1.2、1.3（Milky 1.x）。",                 \
    }

#define COMPRESSION(holder, text_en, text_zh)                                                      \
    {                                                                                              \
        .name = "compression", .type = MK_CONFIG_BOOLEAN,                                          \
        .at = offsetof(struct holder, no_compression), .negated = true, .fallback = "true",        \
        .sample_off = true, .en = text_en, .zh = text_zh,                                          \
    }

/* --- events --- */

static const struct mk_config_key events_keys[] = {
    { .name = "types",
      .type = MK_CONFIG_EVENT_TYPES,
      .at = offsetof(struct milky_events, types),
      .count = offsetof(struct milky_events, type_count),
      .sample = "[\"message_receive\", \"group_nudge\"]",
      .en = "These types, by their names in 1.x or in the draft; else all.",
      .zh = "只要这些类型，写 1.x 或草案中的名称；不写则为全部。" },
    { .name = "scenes",
      .type = MK_CONFIG_SCENES,
      .at = offsetof(struct milky_events, scenes),
      .count = offsetof(struct milky_events, scene_count),
      .sample = "[\"group\"]",
      .en = "Of those that belong to a conversation, these: friend, group, temp.",
      .zh = "属于会话的事件只要这些场景：friend、group、temp。" },
    { .name = "groups",
      .type = MK_CONFIG_UINS,
      .at = offsetof(struct milky_events, groups),
      .count = offsetof(struct milky_events, group_count),
      .least = 1,
      .most = MK_CONFIG_MOST_UIN,
      .sample = "[700000001]",
      .en = "Of those in groups, only in these.",
      .zh = "群内的事件只要这些群的。" },
    { .name = "users",
      .type = MK_CONFIG_UINS,
      .at = offsetof(struct milky_events, users),
      .count = offsetof(struct milky_events, user_count),
      .least = MK_CONFIG_LEAST_UIN,
      .most = MK_CONFIG_MOST_UIN,
      .sample = "[10003001]",
      .en = "Of those with people in them, only by or about these.",
      .zh = "涉及用户的事件只要这些用户的。" },
    { .name = "mentioned",
      .type = MK_CONFIG_BOOLEAN,
      .at = offsetof(struct milky_events, mentioned),
      .fallback = "false",
      .en = "Of messages in groups, only those that mention the bot.",
      .zh = "群消息只要提及（@）Bot 的。" },
    { .name = NULL },
};

#define EVENTS(holder)                                                                             \
    { .name = "events",                                                                            \
      .type = MK_CONFIG_OBJECT,                                                                    \
      .at = offsetof(struct holder, events),                                                       \
      .keys = events_keys,                                                                         \
      .sample_off = true,                                                                          \
      .en = "Send only some events. The others keep their numbers, and are no gap.",               \
      .zh = "只发送部分事件。其余事件保留编号，不算缺口。" },                                      \
    {                                                                                              \
        .name = "own_messages", .type = MK_CONFIG_BOOLEAN,                                         \
        .at = offsetof(struct holder, own_messages), .fallback = "false", .sample_off = true,      \
        .en = "Send the bot's own messages as events too, with the bot as sender.",                \
        .zh = "Bot 自己发送的消息也作为事件发送，发送者为 Bot 自身。",                             \
    }

/* --- TLS --- */

static const struct mk_config_key server_tls_keys[] = {
    { .name = "certificate",
      .type = MK_CONFIG_PATH,
      .required = true,
      .at = offsetof(struct milky_server_tls, certificate),
      .sample = "\"cert.pem\"",
      .en = "A PEM file: the certificate, then those that lead to its root.",
      .zh = "PEM 文件：证书，其后是中间证书。" },
    { .name = "key",
      .type = MK_CONFIG_PATH,
      .required = true,
      .at = offsetof(struct milky_server_tls, key),
      .sample = "\"key.pem\"",
      .en = "A PEM file: its private key, without a password.",
      .zh = "PEM 文件：证书的私钥，不带密码。" },
    { .name = NULL },
};

static const struct mk_config_key remote_tls_keys[] = {
    { .name = "ca",
      .type = MK_CONFIG_PATH,
      .at = offsetof(struct milky_remote_tls, ca),
      .sample = "\"ca.pem\"",
      .en = "A PEM file of certificates to trust, instead of the system's.",
      .zh = "PEM 文件：所信任的根证书，取代系统的根证书。" },
    { .name = "certificate",
      .type = MK_CONFIG_PATH,
      .at = offsetof(struct milky_remote_tls, certificate),
      .sample = "\"client.pem\"",
      .en = "A PEM file: the certificate to present, with `key`.",
      .zh = "PEM 文件：向对方出示的客户端证书，与 `key` 同时使用。" },
    { .name = "key",
      .type = MK_CONFIG_PATH,
      .at = offsetof(struct milky_remote_tls, key),
      .sample = "\"client.key\"",
      .en = "A PEM file: its private key, without a password.",
      .zh = "PEM 文件：客户端证书的私钥，不带密码。" },
    { .name = "insecure_skip_verify",
      .type = MK_CONFIG_BOOLEAN,
      .at = offsetof(struct milky_remote_tls, insecure_skip_verify),
      .fallback = "false",
      .en = "Accept any certificate: anyone on the way can then read and change everything.",
      .zh = "接受任何证书：途中的任何人都能读取和篡改全部内容。" },
    { .name = NULL },
};

#define REMOTE_TLS                                                                                 \
    {                                                                                              \
        .name = "tls", .type = MK_CONFIG_OBJECT, .at = offsetof(struct milky_remote, tls),         \
        .keys = remote_tls_keys, .sample_off = true,                                               \
        .en = "The certificates to trust and to present, where the URL says TLS.",                 \
        .zh = "地址使用 TLS 时：信任谁，以及出示什么证书。",                                       \
    }

/* --- transports --- */

static const struct mk_config_key server_keys[] = {
    { .name = "listen",
      .type = MK_CONFIG_LISTEN,
      .required = true,
      .at = offsetof(struct milky_server, listen),
      .sample = "\"127.0.0.1:3000\"",
      .en = "The address to listen on: HOST:PORT, [IPV6]:PORT or unix:PATH. An http_server and a "
            "websocket_server of one bot may share a port; servers of two bots may not.",
      .zh = "监听地址：HOST:PORT、[IPV6]:PORT 或 unix:PATH。同一 Bot 的 http_server 与 "
            "websocket_server 可以共用一个端口；不同 Bot 不能。" },
    { .name = "access_token",
      .type = MK_CONFIG_TOKEN,
      .at = offsetof(struct milky_server, access_token),
      .en = "The token that clients must present. Without it only pages and programs of this "
            "machine are served.",
      .zh = "客户端必须出示的凭据；不设置时只允许本机访问。" },
    { .name = "allow_anonymous",
      .type = MK_CONFIG_BOOLEAN,
      .at = offsetof(struct milky_server, allow_anonymous),
      .fallback = "false",
      .sample_off = true,
      .en = "Let other machines reach a server that has no access_token: anyone who reaches the "
            "port can then use the bot.",
      .zh = "没有 access_token 也对外监听：任何能连接此端口的人都能操作 Bot。" },
    { .name = "origins",
      .type = MK_CONFIG_ORIGINS,
      .at = offsetof(struct milky_server, origins),
      .count = offsetof(struct milky_server, origin_count),
      .sample = "[\"https://console.example\"]",
      .sample_off = true,
      .en = MK_CONFIG_ORIGINS_EN,
      .zh = MK_CONFIG_ORIGINS_ZH },
    DIALECT(milky_server),
    EVENTS(milky_server),
    COMPRESSION(milky_server,
                "Agree to compress WebSocket messages (permessage-deflate) with "
                "clients that offer it; of an http_server those at /event.",
                "与提出压缩的客户端协商压缩 WebSocket 消息（permessage-deflate）；http_server "
                "的为 /event。"),
    { .name = "prefix",
      .type = MK_CONFIG_PREFIX,
      .at = offsetof(struct milky_server, prefix),
      .sample = "\"/milky\"",
      .sample_off = true,
      .en = "The beginning of every path. Entries that share a port have the same prefix.",
      .zh = "所有路径的前缀；共用端口的条目前缀必须相同。" },
    { .name = "tls",
      .type = MK_CONFIG_OBJECT,
      .at = offsetof(struct milky_server, tls),
      .keys = server_tls_keys,
      .sample_off = true,
      .en = "Use TLS (https, wss). Entries that share a port have the same certificate.",
      .zh = "使用 TLS（https、wss）；共用端口的条目必须相同。" },
    { .name = NULL },
};

#define REMOTE_TOKEN                                                                               \
    {                                                                                              \
        .name = "access_token", .type = MK_CONFIG_TOKEN,                                           \
        .at = offsetof(struct milky_remote, access_token), .sample = "\"s3cret\"",                 \
        .en = "The token that is sent to that address.", .zh = "连接该地址时出示的凭据。",         \
    }

static const struct mk_config_key websocket_client_keys[] = {
    { .name = "url",
      .type = MK_CONFIG_WEBSOCKET_URL,
      .required = true,
      .at = offsetof(struct milky_remote, url),
      .sample = "\"ws://127.0.0.1:8080/\"",
      .en =
          "The address to connect to (ws:// or wss://). With `replay`, no two URLs of a bot may be "
          "the same.",
      .zh = "要连接的地址（ws:// 或 wss://）；启用 `replay` 时，同一 Bot 的 URL 不能重复。" },
    REMOTE_TOKEN,
    DIALECT(milky_remote),
    EVENTS(milky_remote),
    COMPRESSION(milky_remote, "Offer to compress messages (permessage-deflate).",
                "提出压缩消息（permessage-deflate）。"),
    { .name = "replay",
      .type = MK_CONFIG_BOOLEAN,
      .at = offsetof(struct milky_remote, replay),
      .fallback = "false",
      .en = "After a reconnection, send the events that the other side has missed. Events then "
            "carry their number.",
      .zh = "重新连接后补发对方未收到的事件；事件会带有编号。" },
    { .name = "origin",
      .type = MK_CONFIG_OWN_ORIGIN,
      .at = offsetof(struct milky_remote, origin),
      .sample = "\"https://console.example\"",
      .sample_off = true,
      .en = "The Origin that is sent with the handshake, for servers that check it. Default: none.",
      .zh = "握手时发送的 Origin，供检查来源的服务器使用。默认不发送。" },
    REMOTE_TLS,
    { .name = NULL },
};

static const struct mk_config_key give_up_keys[] = {
    { .name = "tries",
      .type = MK_CONFIG_NUMBER,
      .at = offsetof(struct milky_remote, give_up_tries),
      .least = 1,
      .most = 1000,
      .usual = MK_DEFAULT_GIVE_UP_TRIES,
      .en = "Failed posts of one event.",
      .zh = "一个事件投递失败的次数。" },
    { .name = "seconds",
      .type = MK_CONFIG_NUMBER,
      .at = offsetof(struct milky_remote, give_up_seconds),
      .least = 1,
      .most = 86400,
      .usual = MK_DEFAULT_GIVE_UP_SECONDS,
      .en = "Seconds since the first of them began; the last try begins when they are over.",
      .zh = "自首次投递开始的秒数；到时再试最后一次。" },
    { .name = NULL },
};

static const struct mk_config_key webhook_keys[] = {
    { .name = "url",
      .type = MK_CONFIG_HTTP_URL,
      .required = true,
      .at = offsetof(struct milky_remote, url),
      .sample = "\"http://127.0.0.1:8081/hook\"",
      .en = "The address that events are posted to (http:// or https://). No two URLs of a bot may "
            "be the same.",
      .zh = "事件上报的地址（http:// 或 https://）；同一 Bot 的 URL 不能重复。" },
    REMOTE_TOKEN,
    DIALECT(milky_remote),
    EVENTS(milky_remote),
    { .name = "secret",
      .type = MK_CONFIG_TOKEN,
      .at = offsetof(struct milky_remote, secret),
      .sample = "\"whsec_bWlsa3ktc2lnbnMtd2hhdC1pdC1wb3N0cw==\"",
      .sample_off = true,
      .en = "The secret that signs each request (Standard Webhooks): whsec_ and base64, or any "
            "text.",
      .zh = "按 Standard Webhooks 规范为每个请求签名：whsec_ 加 base64，或任意文本。" },
    { .name = "timeout",
      .type = MK_CONFIG_NUMBER,
      .at = offsetof(struct milky_remote, timeout),
      .least = 1,
      .most = 600,
      .usual = MK_DEFAULT_TIMEOUT,
      .sample_off = true,
      .en = "Seconds for one post, from the connection to the end of the answer.",
      .zh = "一次投递的时限（秒），从连接到应答结束。" },
    { .name = "give_up",
      .type = MK_CONFIG_OBJECT,
      .keys = give_up_keys,
      .sample_off = true,
      .en = "When to give up an event that may itself be the cause of the failures (no answer in "
            "time, 5xx, 3xx, 408, 425, 429, a broken answer): after so many tries or seconds, "
            "whichever is first. While nothing answers there, events wait.",
      .zh = "何时放弃可能自身导致失败的事件（超时无应答、5xx、3xx、408、425、429、应答损坏）："
            "达到次数或秒数之一即放弃。对方无法连接时，事件等待。" },
    { .name = "on_give_up",
      .type = MK_CONFIG_CHOICE,
      .at = offsetof(struct milky_remote, on_give_up),
      .choices = on_give_up,
      .fallback = "dead_letter",
      .sample_off = true,
      .en = "What to do then: set the event aside (`milky deliveries`) and post the next one, or "
            "wait and try it without end, so that no later event comes before it.",
      .zh = "放弃时：dead_letter 搁置事件（见 `milky deliveries`）并投递下一个；wait "
            "不断重试，后面的事件等待。" },
    REMOTE_TLS,
    { .name = NULL },
};

#define TRANSPORT(field, element)                                                                  \
    .name = #field, .type = MK_CONFIG_LIST, .at = offsetof(struct milky_bot, field),               \
    .count = offsetof(struct milky_bot, field##_count), .size = sizeof(struct element)

const struct mk_config_key mk_config_bot_keys[] = {
    { .name = "self_id",
      .type = MK_CONFIG_UIN,
      .required = true,
      .at = offsetof(struct milky_bot, self_id),
      .least = MK_CONFIG_LEAST_UIN,
      .most = MK_CONFIG_MOST_UIN,
      .sample = "10001000",
      .en = "The bot's QQ number.",
      .zh = "Bot 的 QQ 号。" },
    { .name = "backend",
      .type = MK_CONFIG_BACKEND,
      .at = offsetof(struct milky_bot, backend),
      .keys = mk_config_bot_backend_keys,
      .variants = mk_config_backend_types,
      .sample_off = true,
      .en = "The backend of this bot, instead of the `backend` above.",
      .zh = "应答此 Bot 的后端，取代上面的 `backend`。" },
    { TRANSPORT(http_server, milky_server), .keys = server_keys,
      .en = "Takes API calls as HTTP requests: POST /:api; for Milky 1.x POST /api/:api and "
            "GET /event.",
      .zh = "以 HTTP 请求接受 API 调用：POST /:api；Milky 1.x 为 POST /api/:api 与 "
            "GET /event。" },
    { TRANSPORT(websocket_server, milky_server), .keys = server_keys,
      .en = "Takes WebSocket connections at /: calls and events.",
      .zh = "在 / 接受 WebSocket 连接：API 调用与事件。" },
    { TRANSPORT(websocket_client, milky_remote), .keys = websocket_client_keys, .sample_off = true,
      .en = "Connects to a WebSocket server of yours: calls and events.",
      .zh = "主动连接你的 WebSocket 服务器：API 调用与事件。" },
    { TRANSPORT(webhook, milky_remote), .keys = webhook_keys, .sample_off = true,
      .en = "Posts events to an address of yours.", .zh = "把事件 POST 到你的地址。" },
    { .name = NULL },
};
