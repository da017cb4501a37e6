/* schema: the table. Its parts on bots and backends are in files of their own. */
#include "config/schema.h"

#include "config/config.h"
#include "config/defaults.h"
#include "config/schema_tables.h"

static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
static const char *const formats[] = { "text", "json", NULL };

#define LOG(field) offsetof(struct mk_config, log.field) - offsetof(struct mk_config, log)
static const struct mk_config_key log_keys[] = {
    { .name = "level",
      .type = MK_CONFIG_CHOICE,
      .at = LOG(level),
      .choices = levels,
      .fallback = "info",
      .en = "The least severe level that is logged.",
      .zh = "记录的最低级别。" },
    { .name = "format",
      .type = MK_CONFIG_CHOICE,
      .at = LOG(format),
      .choices = formats,
      .fallback = "text",
      .en = "One line of text or one JSON object per entry, on the standard error output.",
      .zh = "每条日志为一行文本或一个 JSON 对象，写到标准错误输出。" },
    { .name = NULL },
};

#define ADDRESS_KEYS(field, who_en, who_zh)                                                        \
    { .name = "listen",                                                                            \
      .type = MK_CONFIG_LISTEN,                                                                    \
      .required = true,                                                                            \
      .at = offsetof(struct milky_config, field),                                                  \
      .en = "The address to listen on: HOST:PORT, [IPV6]:PORT or unix:PATH.",                      \
      .zh = "监听地址：HOST:PORT、[IPV6]:PORT 或 unix:PATH。" },                                   \
        { .name = "access_token",                                                                  \
          .type = MK_CONFIG_TOKEN,                                                                 \
          .at = offsetof(struct milky_config, field##_access_token),                               \
          .en = "The token that " who_en                                                           \
                " must present. Without it only programs of this machine are served.",             \
          .zh = who_zh "必须出示的凭据；不设置时只允许本机访问。" },                               \
        { .name = "origins",                                                                       \
          .type = MK_CONFIG_ORIGINS,                                                               \
          .at = offsetof(struct milky_config, field##_origins),                                    \
          .count = offsetof(struct milky_config, field##_origin_count),                            \
          .en = MK_CONFIG_ORIGINS_EN,                                                              \
          .zh = MK_CONFIG_ORIGINS_ZH },                                                            \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const struct mk_config_key control_keys[] = { ADDRESS_KEYS(control, "operators", "操作者") };
static const struct mk_config_key operations_keys[] = {
    ADDRESS_KEYS(operations, "clients that read the metrics", "读取指标者"),
};

/* --- the whole --- */

static const struct mk_config_key journal_keys[] = {
    { .name = "max_events",
      .type = MK_CONFIG_NUMBER,
      .at = offsetof(struct milky_journal, max_events),
      .least = 1,
      .most = 1000000000,
      .usual = MK_DEFAULT_MAX_EVENTS,
      .en = "The number of events that are kept for each bot.",
      .zh = "每个 Bot 保留的事件数。" },
    { .name = "max_age",
      .type = MK_CONFIG_NUMBER,
      .at = offsetof(struct milky_journal, max_age),
      .least = 1,
      .most = 315360000,
      .usual = MK_DEFAULT_MAX_AGE,
      .en = "The number of seconds that an event is kept.",
      .zh = "事件保留的秒数。" },
    { .name = "flush",
      .type = MK_CONFIG_BOOLEAN,
      .at = offsetof(struct milky_journal, no_flush),
      .negated = true,
      .fallback = "true",
      .en = "Whether stored events survive a loss of power, and not only the end of the process.",
      .zh = "已保存的事件是否能经受断电，而不仅是进程退出。" },
    { .name = NULL },
};

#define LIMIT(field, low, high, normal, text_en, text_zh)                                          \
    {                                                                                              \
        .name = #field, .type = MK_CONFIG_NUMBER, .at = offsetof(struct milky_limits, field),      \
        .least = low, .most = high, .usual = normal, .en = text_en, .zh = text_zh,                 \
    }

static const struct mk_config_key limit_keys[] = {
    LIMIT(connections, 1, 1000000, MK_DEFAULT_CONNECTIONS,
          "Connections to all servers together; above it, the oldest that never asked, or "
          "else the one idle for longest, is closed.",
          "所有服务端连接数之和；超过后关闭最早的从未请求的连接，否则关闭空闲最久的。"),
    { .name = "connections_per_address",
      .type = MK_CONFIG_NUMBER,
      .at = offsetof(struct milky_limits, connections_per_address),
      .least = 1,
      .most = 1000000,
      .usual = MK_DEFAULT_CONNECTIONS_PER_ADDRESS,
      .implied = true,
      .en = "Connections from one address. Default: " MK_DEFAULT_TEXT(
          MK_DEFAULT_CONNECTIONS_PER_ADDRESS) ", and any number from this machine.",
      .zh = "来自同一地址的连接数。默认 " MK_DEFAULT_TEXT(
          MK_DEFAULT_CONNECTIONS_PER_ADDRESS) "，不限制本机。" },
    LIMIT(tls_handshakes, 1, 1000000, MK_DEFAULT_TLS_HANDSHAKES,
          "TLS handshakes at the same time, about 45 KiB each; above it, the oldest is closed.",
          "进行中的 TLS 握手数，每个约占 45 KiB；超过后关闭最早的一个。"),
    LIMIT(
        failed_credentials, 1, 1000000, MK_DEFAULT_FAILED_CREDENTIALS,
        "Wrong credentials from one address within a minute; above it, each further wrong one is "
        "answered 429 and its connection closed, for the rest of the minute.",
        "同一地址一分钟内出示错误凭据的次数；超过后，在该分钟内错误的凭据都得到 429 并断开连接。"),
    LIMIT(header_bytes, 1024, 1048576, MK_DEFAULT_HEADER_BYTES, "Bytes of a request's headers.",
          "请求头的字节数。"),
    LIMIT(body_bytes, 1024, 1073741824, MK_DEFAULT_BODY_BYTES, "Bytes of a request's body.",
          "请求正文的字节数。"),
    LIMIT(message_bytes, 1024, 1073741824, MK_DEFAULT_MESSAGE_BYTES,
          "Bytes of a WebSocket message.", "WebSocket 消息的字节数。"),
    LIMIT(header_seconds, 1, 3600, MK_DEFAULT_HEADER_SECONDS,
          "Seconds for a TLS handshake, and for the head of a request.",
          "完成 TLS 握手、发送请求头的秒数。"),
    LIMIT(body_seconds, 1, 3600, MK_DEFAULT_BODY_SECONDS,
          "Seconds for each 64 KiB of a request's body.", "发送请求正文每 64 KiB 的秒数。"),
    LIMIT(idle_seconds, 1, 86400, MK_DEFAULT_IDLE_SECONDS,
          "Seconds that an HTTP connection may be idle.", "HTTP 连接空闲的秒数。"),
    LIMIT(calls_in_flight, 1, 65536, MK_DEFAULT_CALLS_IN_FLIGHT,
          "Calls of a WebSocket without an answer yet; above it, reading pauses.",
          "单个 WebSocket 未应答的调用数；超过后暂停读取。"),
    LIMIT(lag_bytes, 65536, 1073741824, MK_DEFAULT_LAG_BYTES,
          "Bytes of events that a client may be behind; above it, the connection is closed.",
          "客户端可以落后的事件字节数；超过后断开。"),
    LIMIT(window_bytes, 1, UINT64_C(1) << 32, MK_DEFAULT_WINDOW_BYTES,
          "Bytes of the compression windows of all WebSocket clients that keep one (up to 32 KiB "
          "each); above it, further ones are not compressed.",
          "所有保留压缩窗口的 WebSocket 客户端的窗口字节数（每个至多 32 "
          "KiB）；超过后新连接不再压缩。"),
    LIMIT(call_seconds, 1, 3600, MK_DEFAULT_CALL_SECONDS,
          "Seconds that a backend may take to answer a call; after them the call fails with -500.",
          "后端应答一次调用的秒数上限；超过后该调用以 -500 失败。"),
    LIMIT(media_bytes, 1, UINT64_C(1) << 50, MK_DEFAULT_MEDIA_TOTAL_BYTES,
          "Bytes of all pictures and files in a sandbox, its operator's included; above it, a call "
          "that brings in more fails with -125.",
          "一个沙盒中所有图片与文件的字节数（含操作者的）；超过后带入更多内容的调用以 -125 失败。"),
    LIMIT(
        media_bytes_per_bot, 1, UINT64_C(1) << 50, MK_DEFAULT_MEDIA_BYTES_PER_BOT,
        "Bytes of the pictures and files that one bot was the first to send or upload; above it, "
        "its calls that bring in more fail with -125.",
        "由同一 Bot 首先发送或上传的图片与文件的字节数；超过后其带入更多内容的调用以 -125 失败。"),
    LIMIT(
        receiving_bytes, 65536, UINT64_C(1) << 40, MK_DEFAULT_RECEIVING_BYTES,
        "Bytes of the bodies and messages that arrive on all connections together; above it, one "
        "that has more than 64 KiB is answered 503, or closed with 1013.",
        "所有连接上正在接收的请求正文与消息的字节数之和；超过后，其中超过 64 KiB 的得到 503，或以 "
        "1013 关闭。"),
    LIMIT(pending_bytes_per_connection, 65536, 33554432, MK_DEFAULT_PENDING_BYTES_PER_CONNECTION,
          "Bytes of memory of a WebSocket's calls without an answer yet; above it, reading pauses.",
          "单个 WebSocket 未应答的调用占用的内存字节数；超过后暂停读取。"),
    LIMIT(
        pending_bytes_per_bot, 65536, 17179869184, MK_DEFAULT_PENDING_BYTES_PER_BOT,
        "Bytes of memory of all calls of a bot without an answer yet; a call that would exceed it "
        "beside others fails with -503.",
        "单个 Bot 所有未应答调用占用的内存字节数；会超出它的调用（若还有其他未应答的调用）以 -503 "
        "失败。"),
    LIMIT(cache_bytes, 1, UINT64_C(1) << 50, MK_DEFAULT_CACHE_TOTAL_BYTES,
          "Bytes of all uploads at /cache, as announced; above it, one more is answered 507.",
          "/cache 中所有上传内容（按声明的大小）的字节数；超过后新的声明得到 507。"),
    LIMIT(cache_bytes_per_bot, 1, UINT64_C(1) << 50, MK_DEFAULT_CACHE_BYTES_PER_BOT,
          "Bytes of the uploads of one bot; a larger one is answered 413, one more 507.",
          "单个 Bot 的上传内容的字节数；更大的单个内容得到 413，再多则得到 507。"),
    LIMIT(cache_seconds, 1, 86400, MK_DEFAULT_CACHE_SECONDS,
          "Seconds without a byte after which an upload that is not complete is dropped.",
          "未完成的上传在多少秒内没有收到任何内容后被丢弃。"),
    { .name = NULL },
};

/* In the order of enum milky_language. */
static const char *const languages[] = { "en", "zh", NULL };

static const struct mk_config_key keys[] = {
    { .name = "$schema",
      .type = MK_CONFIG_TEXT,
      .ignored = true,
      .sample = "\"milky.schema.json\"",
      .sample_off = true,
      .en = "The schema, for editors; `milky check --schema` prints it.",
      .zh = "供编辑器使用；该文件由 `milky check --schema` 输出。" },
    { .name = "data_dir",
      .type = MK_CONFIG_PATH,
      .at = offsetof(struct mk_config, data_dir),
      .fallback = "data",
      .en = "The folder of the databases, relative to this file.",
      .zh = "数据库目录，相对于本文件。" },
    { .name = "control",
      .type = MK_CONFIG_OBJECT,
      .nullable = true,
      .shorthand = true,
      .at = offsetof(struct mk_config, endpoint),
      .keys = control_keys,
      .sample = "\"unix:data/control.sock\"",
      .sample_off = true,
      .en =
          "The address at which `milky say`, `milky status` and other commands reach the program: "
          "an address, an object with an address and an access_token, or null for none. "
          "Default: unix:control.sock in data_dir.",
      .zh = "`milky say`、`milky status` 等命令连接的地址：监听地址，或含监听地址与 access_token "
            "的对象，null "
            "为关闭。默认为 data_dir 中的 unix:control.sock。" },
    { .name = "operations",
      .type = MK_CONFIG_OBJECT,
      .nullable = true,
      .shorthand = true,
      .at = offsetof(struct mk_config, endpoint),
      .keys = operations_keys,
      .sample = "\"127.0.0.1:3009\"",
      .sample_off = true,
      .en = "The address for monitoring: GET /healthz, /readyz, /metrics (Prometheus). An address, "
            "or an object with an address and an access_token. Default: none.",
      .zh =
          "供监控查询运行状况的地址：GET /healthz、/readyz、/metrics（Prometheus）。监听地址，或含"
          "监听地址与 access_token 的对象。默认关闭。" },
    { .name = "resource_url",
      .type = MK_CONFIG_HTTP_URL,
      .at = offsetof(struct mk_config, endpoint.resource_url),
      .sample = "\"http://milky.example:3000\"",
      .sample_off = true,
      .en = "The beginning of the URLs of pictures and files, for bots that reach this machine at "
            "another address than it listens on. Default: the address of the bot's first server on "
            "TCP (127.0.0.1 for 0.0.0.0 or [::]).",
      .zh =
          "图片与文件 URL 的开头，用于 Bot 访问本机的地址与监听地址不同的情况。默认为该 Bot 第一个 "
          "TCP 服务端的地址（监听 0.0.0.0 或 [::] 时为 127.0.0.1）。" },
    { .name = "language",
      .type = MK_CONFIG_CHOICE,
      .at = offsetof(struct mk_config, endpoint.language),
      .choices = languages,
      .sample = "\"zh\"",
      .sample_off = true,
      .en = "The language of the messages that bots get with a failed call: en or zh. Default: "
            "that of the "
            "environment (LC_ALL, LC_MESSAGES, LANG), else zh.",
      .zh = "向 Bot 说明调用失败原因所用的语言：en 或 zh。默认取自环境变量（LC_ALL、"
            "LC_MESSAGES、LANG），未指定时为 zh。" },
    { .name = "backend",
      .type = MK_CONFIG_BACKEND,
      .keys = mk_config_backend_keys,
      .variants = mk_config_backend_types,
      .fallback = "sandbox",
      .en = "The backend, which answers calls, of the bots that name none of their own.",
      .zh = "后端：应答未自行指定后端的 Bot。" },
    { .name = "journal",
      .type = MK_CONFIG_OBJECT,
      .at = offsetof(struct mk_config, endpoint.journal),
      .keys = journal_keys,
      .sample_off = true,
      .en =
          "The events on disk, from which webhooks and clients that reconnect get the events that "
          "they missed.",
      .zh = "保存在磁盘上的事件：webhook 与重新连接的客户端由此获得错过的事件。" },
    { .name = "limits",
      .type = MK_CONFIG_OBJECT,
      .at = offsetof(struct mk_config, endpoint.limits),
      .keys = limit_keys,
      .sample_off = true,
      .en = "Limits of the resources that clients use.",
      .zh = "客户端可以占用的资源。" },
    { .name = "compression_threshold",
      .type = MK_CONFIG_NUMBER,
      .at = offsetof(struct mk_config, endpoint.compression_threshold),
      .least = 1,
      .most = 1073741824,
      .usual = MK_DEFAULT_COMPRESSION_THRESHOLD,
      .sample_off = true,
      .en = "The least number of bytes of a WebSocket message that is compressed, on connections "
            "that have agreed on compression (`compression`).",
      .zh = "WebSocket 消息从多少字节起压缩，仅在双方协商压缩（`compression`）之后。" },
    { .name = "busy_poll_us",
      .type = MK_CONFIG_NUMBER,
      .at = offsetof(struct mk_config, endpoint.busy_poll_us),
      .most = 100000,
      .sample_off = true,
      .en = "Microseconds to poll for more input before the program sleeps. With 50, a few busy "
            "connections get several times as many answers; a processor is busy meanwhile.",
      .zh = "休眠之前继续轮询输入的微秒数。设为 50 "
            "时，少数繁忙连接每秒得到应答的调用可增至数倍，但其间会占用处理器。" },
    { .name = "io_uring",
      .type = MK_CONFIG_BOOLEAN,
      .at = offsetof(struct mk_config, endpoint.no_io_uring),
      .negated = true,
      .fallback = "true",
      .sample_off = true,
      .en = "Whether data is sent to many connections with one system call (io_uring), where the "
            "kernel allows it.",
      .zh = "内核允许时，是否用一次系统调用（io_uring）向多个连接发送。" },
    { .name = "log",
      .type = MK_CONFIG_OBJECT,
      .at = offsetof(struct mk_config, log),
      .keys = log_keys,
      .en = "The log. --log-level and --log-format override it.",
      .zh = "日志。命令行的 --log-level 与 --log-format 优先。" },
    { .name = "bots",
      .type = MK_CONFIG_LIST,
      .required = true,
      .at = offsetof(struct mk_config, endpoint.bots),
      .count = offsetof(struct mk_config, endpoint.bot_count),
      .size = sizeof(struct milky_bot),
      .keys = mk_config_bot_keys,
      .en = "The accounts and the transports of each. Bots of one sandbox live in one world.",
      .zh = "账号及其通信方式；同一沙盒的账号处于同一个世界。" },
    { .name = NULL },
};

const struct mk_config_key mk_config_schema = {
    .name = "milky",
    .type = MK_CONFIG_OBJECT,
    .keys = keys,
    .en = "The configuration of milky.",
    .zh = "milky 的配置。",
};
