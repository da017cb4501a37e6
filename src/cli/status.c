/* status: `milky status`: prints the state of the daemon in words. */
#include "cli/ask.h"
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONFIG, CONTROL, JSON };

static const struct mk_option options[] = {
    MK_OPTION_CONFIG,
    MK_OPTION_CONTROL,
    { "json", 'j', NULL, "print what the daemon says, as JSON", "以 JSON 输出" },
    { NULL },
};

static const char *text_of(yyjson_val *object, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));
    return text ? text : "";
}

/* --- words --- */

static const struct mk_word states[] = {
    { "listening", "listening", "正在监听" },
    { "closed", "closed", "已关闭" },
    { "idle", "nothing to deliver", "没有待投递的事件" },
    { "delivering", "delivering", "正在投递" },
    { "connecting", "connecting", "正在连接" },
    { "connected", "connected", "已连接" },
    { "waiting", "waiting", "等待重试" },
    { "paused", "PAUSED: nothing is posted until `milky deliveries resume` or a reload",
      "已暂停：在 `milky deliveries resume` 或重新加载配置之前不投递" },
    { "stopped", "stopped", "已停止" },
};

/* "512 B", "24.0 KiB" */
static const char *size_text(unsigned long long bytes, char text[32])
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit < 4; unit++)
        value /= 1024;
    snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return text;
}

static const char *uptime_text(unsigned long long seconds, char text[64])
{
    unsigned long long days = seconds / 86400, hours = seconds / 3600 % 24;
    unsigned long long minutes = seconds / 60 % 60;
    if (days > 0)
        snprintf(text, 64, mk_tr("%llu d %llu h", "%llu 天 %llu 小时"), days, hours);
    else if (hours > 0)
        snprintf(text, 64, mk_tr("%llu h %llu min", "%llu 小时 %llu 分"), hours, minutes);
    else if (minutes > 0)
        snprintf(text, 64, mk_tr("%llu min", "%llu 分"), minutes);
    else
        snprintf(text, 64, mk_tr("%llu s", "%llu 秒"), seconds);
    return text;
}

/* --- transports --- */

static void print_lag(yyjson_val *transport)
{
    char text[32];
    unsigned long long events = mk_client_uint(transport, "behind_events");
    unsigned long long bytes = mk_client_uint(transport, "behind_bytes");
    if (events > 0)
        printf(mk_tr(", events behind: %llu", "，落后事件：%llu"), events);
    if (events > 0 && bytes > 0)
        printf(mk_tr(" (%s)", "（%s）"), size_text(bytes, text));
}

/* The counters of transports to print, where they are not 0. */
static const struct mk_word counts[] = {
    { "deliveries", "delivered", "已投递" },
    { "reconnects", "reconnects", "重连" },
    { "retries", "retries", "重试" },
    { "set_aside", "set aside", "搁置" },
    { "dropped", "dropped", "丢弃" },
    { "tries", "failed tries of the current event", "当前事件的失败次数" },
};

static void print_counts(yyjson_val *transport)
{
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        unsigned long long count = mk_client_uint(transport, counts[i].name);
        bool is_main = i == 0 && yyjson_obj_get(transport, counts[i].name); /* also when it is 0 */
        if (count > 0 || is_main)
            printf(mk_tr(", %s: %llu", "，%s：%llu"), mk_tr(counts[i].en, counts[i].zh), count);
    }
}

/* A text that the daemon says in both languages. */
static const char *phrase_of(yyjson_val *object, const char *name)
{
    return text_of(yyjson_obj_get(object, name), mk_language_get() == MK_CHINESE ? "zh" : "en");
}

static void print_error(yyjson_val *transport)
{
    const char *error = phrase_of(transport, "last_error_text");
    if (!*error)
        return;
    char when[MK_TEXT_TIME];
    printf(mk_tr("      last error, %s: ", "      最近的错误（%s）："),
           mk_text_time(mk_client_uint(transport, "last_error_time"), when));
    mk_text_show(stdout, mk_slice_str(error), false);
    putchar('\n');
    const char *advice = phrase_of(transport, "advice");
    if (*advice)
        printf("      -> %s\n", advice);
}

static void print_transport(yyjson_val *transport)
{
    const char *state = text_of(transport, "state");
    const char *word = mk_word_for(states, sizeof(states) / sizeof(states[0]), state);
    const char *url = text_of(transport, "url");
    bool is_remote = *url != '\0';
    printf("  %-17s %s  %s", text_of(transport, "transport"),
           is_remote ? url : text_of(transport, "address"), word ? word : state);
    if (strcmp(state, "waiting") == 0)
        printf(mk_tr(", next try in %.1f s", "，%.1f 秒后重试"),
               (double)mk_client_uint(transport, "next_try_ms") / 1000);
    if (!is_remote)
        printf(mk_tr(", connections: %llu", "，连接数：%llu"),
               mk_client_uint(transport, "connections"));
    print_lag(transport);
    if (is_remote)
        print_counts(transport);
    putchar('\n');
    print_error(transport);
}

/* --- the whole --- */

/* Prints nothing for a bot that is online. */
static void print_offline(yyjson_val *bot)
{
    char when[MK_TEXT_TIME];
    const char *reason = text_of(bot, "reason");
    if (strcmp(text_of(bot, "state"), "offline") != 0)
        return;
    printf(mk_tr("  OFFLINE since %s", "  已离线，自 %s 起"),
           mk_text_time(mk_client_uint(bot, "since"), when));
    if (*reason) {
        fputs(mk_tr(": ", "："), stdout);
        mk_text_show(stdout, mk_slice_str(reason), false);
    }
    putchar('\n');
}

/* `backend` is the name of its backend when there are several, else "". */
static void print_bot(yyjson_val *bot, const char *backend)
{
    printf(mk_tr("bot %llu%s%s%s: calls: %llu (failed: %llu), last event: %llu",
                 "Bot %llu%s%s%s：调用：%llu（失败：%llu），最新事件编号：%llu"),
           mk_client_uint(bot, "self_id"), *backend ? " (" : "", backend, *backend ? ")" : "",
           mk_client_uint(bot, "calls"), mk_client_uint(bot, "failed_calls"),
           mk_client_uint(bot, "last_event"));
    if (mk_client_uint(bot, "first_kept_event") > 0)
        printf(mk_tr(", kept from %llu on", "，自 %llu 起保留"),
               mk_client_uint(bot, "first_kept_event"));
    if (mk_client_uint(bot, "dropped_connections") > 0)
        printf(mk_tr(", slow connections closed: %llu", "，因过慢断开的连接：%llu"),
               mk_client_uint(bot, "dropped_connections"));
    if (mk_client_uint(bot, "unanswered_pings") > 0)
        printf(mk_tr(", silent connections closed: %llu", "，因无应答断开的连接：%llu"),
               mk_client_uint(bot, "unanswered_pings"));
    putchar('\n');
    print_offline(bot);
    size_t i, max;
    yyjson_val *transport;
    yyjson_arr_foreach (yyjson_obj_get(bot, "transports"), i, max, transport)
        print_transport(transport);
    if (mk_client_uint(bot, "dead_letters") > 0)
        printf(mk_tr("  refused deliveries that are set aside: %llu (see `%s deliveries`)\n",
                     "  被拒绝并搁置的投递：%llu（见 `%s deliveries`）\n"),
               mk_client_uint(bot, "dead_letters"), mk_program);
}

/* Prints what was refused, by limit or mistake; nothing when nothing was. */
static void print_turned_away(yyjson_val *data)
{
    static const struct mk_word kinds[] = {
        { "connections", "connections over limits.connections", "超出 limits.connections 的连接" },
        { "connections_per_address", "connections over limits.connections_per_address",
          "超出 limits.connections_per_address 的连接" },
        { "receiving", "bodies and messages over limits.receiving_bytes",
          "超出 limits.receiving_bytes 的正文与消息" },
        { "tls_handshakes", "TLS handshakes over limits.tls_handshakes",
          "超出 limits.tls_handshakes 的 TLS 握手" },
        { "silent", "connections without a request that ended for new ones",
          "没有请求、为新连接让位的连接" },
        { "idle", "idle connections that ended for new ones", "空闲、为新连接让位的连接" },
        { "missing_credentials", "requests without credentials", "缺少凭据的请求" },
        { "wrong_credentials", "wrong credentials", "错误的凭据" },
        { "foreign_pages", "requests of foreign web pages", "来自其他网页的请求" },
        { "blocked", "requests after too many wrong credentials (429)",
          "错误凭据过多后的请求（429）" },
        { "tls_failed", "failed TLS handshakes", "失败的 TLS 握手" },
        { "slow_tls", "slow TLS handshakes", "过慢的 TLS 握手" },
        { "slow_heads", "slow requests", "过慢的请求" },
        { "slow_bodies", "slow bodies", "过慢的请求体" },
    };
    yyjson_val *turned_away = yyjson_obj_get(data, "turned_away");
    bool any = false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        unsigned long long count = mk_client_uint(turned_away, kinds[i].name);
        if (count == 0)
            continue;
        fputs(any ? mk_tr(", ", "，") : mk_tr("turned away: ", "已拒绝："), stdout);
        printf(mk_tr("%s: %llu", "%s：%llu"), mk_tr(kinds[i].en, kinds[i].zh), count);
        any = true;
    }
    if (any)
        putchar('\n');
}

static void print_status(yyjson_val *data)
{
    char text[64], memory[32], several[64];
    yyjson_val *process = yyjson_obj_get(data, "process");
    yyjson_val *journal = yyjson_obj_get(data, "journal");
    bool running = strcmp(text_of(data, "state"), "running") == 0;
    size_t backends = yyjson_arr_size(yyjson_obj_get(data, "backends"));
    if (backends > 1)
        snprintf(several, sizeof(several), mk_tr("%zu backends", "%zu 个后端"), backends);
    printf("milky %s: %s, %s, %s\n", text_of(data, "version"),
           backends > 1 ? several : text_of(data, "backend"),
           running ? mk_tr("running", "正在运行") : mk_tr("stopping", "正在停止"),
           uptime_text(mk_client_uint(data, "uptime"), text));
    printf(mk_tr("memory %s, descriptors %llu of %llu\n", "内存 %s，描述符 %llu / %llu\n"),
           size_text(mk_client_uint(process, "resident_bytes"), memory),
           mk_client_uint(process, "open_fds"), mk_client_uint(process, "most_fds"));
    if (journal)
        printf("%s %s%s\n", mk_tr("journal", "事件日志"),
               size_text(mk_client_uint(journal, "bytes"), memory),
               yyjson_get_bool(yyjson_obj_get(journal, "well"))
                   ? ""
                   : mk_tr(": IT CANNOT BE WRITTEN: is the disk full or read-only? See the log",
                           "：无法写入：磁盘是否已满或只读？请查看日志"));
    print_turned_away(data);
    size_t i, max;
    yyjson_val *bot;
    yyjson_arr_foreach (yyjson_obj_get(data, "bots"), i, max, bot)
        print_bot(bot, backends > 1 ? text_of(bot, "backend") : "");
}

static int run(const struct mk_arguments *arguments)
{
    struct mk_client_reply reply = { 0 };
    int code = mk_ask_at(arguments->option[CONFIG], arguments->option[CONTROL], "/endpoint/status",
                         MK_SLICE("{}"), &reply);
    if (code)
        return code;
    yyjson_val *data = yyjson_obj_get(yyjson_doc_get_root(reply.doc), "data");
    if (arguments->option[JSON])
        code = mk_client_print(data, false) == 0 ? MK_EXIT_OK : MK_EXIT_FAILED;
    else
        print_status(data);
    mk_client_reply_fini(&reply);
    return code ? code : fflush(stdout) == 0 ? MK_EXIT_OK : MK_EXIT_FAILED;
}

const struct mk_command mk_status_command = {
    .name = "status",
    .usage = "[-c FILE] [--json]",
    .en = "print the state of the daemon: transports, errors and advice",
    .zh = "运行状况：各通信方式的状态、错误与处理建议",
    .options = options,
    .more_en =
        "The command finds the daemon by the control address of the configuration. The exit\n"
        "code is 1 when it does not answer.\n",
    .more_zh = "通过配置中的控制地址联系运行中的 `milky serve`；无应答时退出码为 1。\n",
    .run = run,
};
