/*
 * watch: `milky watch`: a WebSocket client of a bot's websocket_server that prints each event as a
 * line of JSON, and connects again when the server goes away. It is in one of these states: waiting
 * (the timer runs), connecting, with the handshake (`dial`), open (`websocket`), stopping.
 */
#include "base/backoff.h"
#include "base/error_text.h"
#include "base/json.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/summary.h"
#include "transport/health.h"
#include "web/websocket_connection.h"
#include "web/websocket_dial.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    CONNECT_MS = 10 * 1000,
    FIRST_WAIT_MS = 500,
    MAX_WAIT_MS = 15 * 1000,
    IDLE_MS = 30 * 1000,
    PATIENCE_MS = 5 * 1000,
    LONGEST_MESSAGE = 64 * 1024 * 1024,
};

struct watch {
    struct mk_loop loop;
    struct mk_websocket_context sockets;
    struct mk_url url;          /* of text that outlives this */
    char name[256];             /* the URL without secrets */
    const char *token;          /* or NULL */
    struct mk_tls_context *tls; /* of --ca, or NULL */
    bool pretty;
    uint64_t wanted; /* end after so many events; 0: never */
    uint64_t seen;
    struct mk_timer *timer; /* of the next attempt */
    struct mk_backoff backoff;
    struct mk_websocket_dial *dial;
    struct mk_websocket *websocket;
    bool refused;   /* for good: another attempt would not help */
    bool connected; /* once at least */
    uv_signal_t signals[2];
    bool stopping;
    int code;
};

static void end(struct watch *watch, int code)
{
    if (watch->stopping)
        return;
    watch->stopping = true;
    watch->code = code;
    mk_timer_stop(watch->timer);
    watch->dial = mk_websocket_dial_cancel(watch->dial);
    if (watch->websocket)
        mk_websocket_close(watch->websocket, MK_WS_NORMAL, MK_SLICE(""));
    else
        mk_loop_stop(&watch->loop);
}

/* Says what to do about the failure of the first attempt. */
static void advise(const struct watch *watch, const struct mk_failure *failure)
{
    unsigned traits =
        mk_remote_traits(MK_REMOTE_WEBSOCKET, watch->url.tls, watch->token != NULL, false);
    const struct mk_advice *advice = mk_advice_on(failure, traits);
    if (mk_failure_is_certificate(failure))
        mk_command_failed("%s", "%s", mk_client_untrusted());
    else if (failure->kind == MK_FAILURE_REFUSED)
        mk_command_failed("is `%s serve` running?", "`%s serve` 是否正在运行？", mk_program);
    else if (advice->words.en)
        mk_command_failed("%s", "%s", mk_phrase_text(&advice->words));
}

/* The connection, or the attempt, has ended. */
static void try_later(struct watch *watch, const struct mk_failure *failure, const char *why)
{
    if (watch->stopping) {
        mk_loop_stop(&watch->loop);
        return;
    }
    if (watch->refused) {
        mk_command_failed("%s: %s", "%s：%s", watch->name, why);
        end(watch, MK_EXIT_FAILED);
        return;
    }
    uint32_t wait = mk_backoff_next(&watch->backoff);
    mk_command_failed("%s: %s; next try in %u.%u s", "%s：%s；%u.%u 秒后重试", watch->name, why,
                      wait / 1000, wait % 1000 / 100);
    bool first = watch->backoff.tries == 1 && !watch->connected;
    if (first)
        advise(watch, failure);
    mk_timer_start(watch->timer, wait);
}

static void out_of_memory(struct watch *watch)
{
    struct mk_failure failure;
    try_later(watch, mk_failure_errno(&failure, -ENOMEM), mk_error_text(ENOMEM));
}

/* --- open --- */

static bool print_event(const struct watch *watch, struct mk_slice payload)
{
    if (!watch->pretty) {
        mk_text_show(stdout, payload, true);
        putchar('\n');
        return fflush(stdout) == 0;
    }
    yyjson_doc *doc = mk_json_read(payload, NULL, NULL);
    bool printed = doc && mk_client_print(yyjson_doc_get_root(doc), true) == 0;
    yyjson_doc_free(doc);
    return printed;
}

static void on_message(void *owner, enum mk_ws_opcode opcode, struct mk_slice payload)
{
    struct watch *watch = owner;
    (void)opcode;
    if (watch->stopping)
        return;
    if (!print_event(watch, payload))
        end(watch, MK_EXIT_FAILED); /* the reader is gone */
    else if (++watch->seen == watch->wanted)
        end(watch, MK_EXIT_OK);
}

static void on_closed(void *owner, uint16_t code, const char *why)
{
    struct watch *watch = owner;
    char text[MK_FAILURE_TEXT + 64];
    struct mk_failure failure;
    mk_websocket_explain(watch->websocket, &failure);
    watch->websocket = NULL;
    snprintf(text, sizeof(text), mk_tr("disconnected (%u %s)", "连接已断开（%u %s）"), code,
             failure.kind == MK_FAILURE_NONE ? why : mk_failure_text(&failure));
    try_later(watch, &failure, text);
}

static const struct mk_websocket_events events = { .message = on_message, .closed = on_closed };

static void open_websocket(struct watch *watch, struct mk_stream *stream)
{
    watch->websocket = mk_websocket_new(&watch->sockets, stream, &events, watch);
    if (!watch->websocket) {
        mk_stream_adopt(stream, NULL, NULL);
        mk_stream_abort(stream, -ENOMEM);
        out_of_memory(watch);
        return;
    }
    watch->connected = true;
    mk_backoff_reset(&watch->backoff);
    fprintf(stderr, mk_tr("milky: connected to %s\n", "milky：已连接 %s\n"), watch->name);
}

/* --- connecting --- */

/* The reason why another attempt is useless, or NULL. */
static const char *refusal_of(const struct watch *watch, unsigned status)
{
    switch (status) {
    case 401:
        return mk_client_advice(status, watch->token, true);
    case 403:
        return mk_client_advice(status, true, true);
    case 404:
        return mk_tr("there is no WebSocket at this path", "此路径没有 WebSocket");
    default:
        return NULL;
    }
}

static void on_dialled(void *arg, struct mk_stream *stream, const struct mk_dial_outcome *outcome)
{
    struct watch *watch = arg;
    watch->dial = NULL;
    if (stream) {
        open_websocket(watch, stream);
        return;
    }
    const char *refusal = refusal_of(watch, outcome->failure.status);
    watch->refused = refusal;
    try_later(watch, &outcome->failure, refusal ? refusal : mk_failure_text(&outcome->failure));
}

static void connect_now(struct watch *watch)
{
    const struct mk_websocket_dial_options options = {
        .url = &watch->url,
        .token = watch->token,
        .tls = watch->tls,
        .connect_ms = CONNECT_MS,
        .handshake_ms = CONNECT_MS,
    };
    watch->dial = mk_websocket_dial_start(&watch->loop, &options, on_dialled, watch);
    if (!watch->dial)
        out_of_memory(watch);
}

static void on_timer(void *arg)
{
    connect_now(arg);
}

/* --- life --- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct watch *watch = handle->data;
    if (watch->stopping)
        _exit(128 + number);
    end(watch, MK_EXIT_OK);
}

/* Returns 0 or a negative errno. */
static int run_loop(struct watch *watch)
{
    static const int numbers[] = { SIGINT, SIGTERM };
    int rc = mk_loop_init(&watch->loop, NULL);
    if (rc < 0)
        return rc;
    rc = mk_websocket_context_init(&watch->sockets, &watch->loop, MK_WS_CLIENT, LONGEST_MESSAGE,
                                   IDLE_MS, PATIENCE_MS);
    bool context = rc == 0;
    watch->timer = mk_timer_new(&watch->loop, on_timer, watch);
    if (rc == 0 && !watch->timer)
        rc = -ENOMEM;
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        rc = uv_signal_init(watch->loop.uv, &watch->signals[i]);
        if (rc < 0)
            break;
        watch->signals[i].data = watch;
        rc = uv_signal_start(&watch->signals[i], on_signal, numbers[i]);
    }
    if (rc == 0) {
        connect_now(watch);
        mk_loop_run(&watch->loop);
    }
    for (size_t i = 0; i < 2; i++)
        if (watch->signals[i].data)
            uv_close((uv_handle_t *)&watch->signals[i], NULL);
    mk_timer_free(watch->timer);
    if (context)
        mk_websocket_context_fini(&watch->sockets);
    mk_loop_fini(&watch->loop);
    return rc;
}

/* Watches `text`, which is a valid URL. Returns the exit code. */
static int watch_url(struct watch *watch, const char *text)
{
    mk_summary_url(text, watch->name, sizeof(watch->name));
    mk_url_parse(mk_slice_str(text), &watch->url);
    watch->backoff = (struct mk_backoff){ .first_ms = FIRST_WAIT_MS, .most_ms = MAX_WAIT_MS };
    int rc = run_loop(watch);
    return rc < 0 ? mk_command_failed("%s", "%s", mk_error_text(-rc)) : watch->code;
}

/* --- the command --- */

enum { CONFIG, BOT, URL, TOKEN, CA, PRETTY, COUNT, ONCE };

static const struct mk_option options[] = {
    MK_OPTION_CONFIG,
    { "bot", 'b', "UIN", "a bot of the configuration; default: the first with a websocket_server",
      "配置中的哪个 Bot；默认为第一个有 websocket_server 的" },
    { "url", 'u', "URL", "watch this server instead: ws://HOST:PORT/",
      "改为连接此服务器：ws://HOST:PORT/" },
    { "access-token", 't', "TOKEN",
      "its access_token; better in the environment, as MILKY_ACCESS_TOKEN",
      "其 access_token；更宜用环境变量 MILKY_ACCESS_TOKEN 给出" },
    MK_OPTION_CA,
    { "pretty", 'p', NULL, "print each event over many lines", "每个事件分行输出" },
    { "count", 'n', "COUNT", "end after so many events", "收到指定数量的事件后退出" },
    { "once", '1', NULL, "end after one event", "收到一个事件后退出" },
    { NULL },
};

/* Finds the server of the configuration. Returns NULL after it has printed why there is none. */
static const struct milky_server *find_server(const struct mk_config *config, uint64_t uin,
                                              struct mk_target *target)
{
    const char *unfit = NULL;
    bool known = uin == 0;
    for (size_t i = 0; i < config->endpoint.bot_count; i++) {
        const struct milky_bot *bot = &config->endpoint.bots[i];
        known |= bot->self_id == uin;
        for (size_t j = 0; (!uin || bot->self_id == uin) && j < bot->websocket_server_count; j++) {
            mk_target_of_server("ws", &bot->websocket_server[j], bot->websocket_server[j].listen,
                                target);
            if (!target->unix_path && !target->any_port)
                return &bot->websocket_server[j];
            unfit = bot->websocket_server[j].listen;
        }
    }
    if (!known)
        mk_command_failed("there is no bot %llu in the configuration", "配置中没有 Bot %llu",
                          (unsigned long long)uin);
    else if (unfit)
        mk_command_failed("%s cannot be watched: it needs a TCP port that is fixed, or --url",
                          "无法连接 %s：需要固定的 TCP 端口，或使用 --url", unfit);
    else
        mk_command_failed("the configuration has no websocket_server for it: add one, "
                          "or use --url",
                          "配置中没有可用的 websocket_server：请添加，或使用 --url");
    return NULL;
}

static int watch_config(const struct mk_arguments *arguments, struct watch *watch)
{
    const char *bot = arguments->option[BOT];
    uint64_t uin = 0;
    if (bot && !mk_command_uin(bot, &uin))
        return mk_command_misused(arguments->command, "--bot is a QQ number, not %s",
                                  "--bot 应为 QQ 号，不是 %s", bot);
    struct mk_config *config;
    int code = mk_command_config(arguments->option[CONFIG], &config);
    if (code)
        return code;
    struct mk_target target;
    const struct milky_server *server = find_server(config, uin, &target);
    code = MK_EXIT_FAILED;
    if (server) {
        char url[sizeof(target.base) + 1];
        snprintf(url, sizeof(url), "%s/", target.base);
        if (!watch->token)
            watch->token = server->access_token ? server->access_token : mk_command_token();
        code = watch_url(watch, url);
    }
    mk_config_free(config);
    return code;
}

static int watch_given(const struct mk_arguments *arguments, struct watch *watch)
{
    const char *url = arguments->option[URL];
    if (!watch->token)
        watch->token = mk_command_token();
    const char *why = mk_url_parse(mk_slice_str(url), &watch->url);
    if (!why && (watch->url.scheme.ptr[0] | 0x20) != 'w')
        why = mk_tr("ws:// or wss:// is needed", "应以 ws:// 或 wss:// 开头");
    return why ? mk_command_misused(arguments->command, "--url: %s", "--url：%s", why)
               : watch_url(watch, url);
}

static int run(const struct mk_arguments *arguments)
{
    struct watch watch = { .token = arguments->option[TOKEN],
                           .pretty = arguments->option[PRETTY],
                           .wanted = arguments->option[ONCE] ? 1 : 0 };
    const char *count = arguments->option[COUNT];
    const char *ca = arguments->option[CA];
    if (count && (!mk_command_uint(count, UINT64_MAX, &watch.wanted) || watch.wanted == 0))
        return mk_command_misused(arguments->command, "--count is a number from 1 on, not %s",
                                  "--count 应为不小于 1 的数，不是 %s", count);
    if (ca && !(watch.tls = mk_client_trust(ca)))
        return MK_EXIT_FAILED;
    int code =
        arguments->option[URL] ? watch_given(arguments, &watch) : watch_config(arguments, &watch);
    mk_tls_context_free(watch.tls);
    return code;
}

const struct mk_command mk_watch_command = {
    .name = "watch",
    .usage = "[-n COUNT]",
    .en = "print the events of a running bot as they arrive",
    .zh = "实时输出运行中 Bot 的事件",
    .options = options,
    .more_en =
        "An event is a line of JSON on the standard output. The connection is made again when it\n"
        "is lost. SIGINT ends it with exit code 0.\n"
        "  milky watch | jq .data\n",
    .more_zh =
        "每个事件为标准输出上的一行 JSON。连接断开后会自动重连。SIGINT 使其以退出码 0 结束。\n"
        "  milky watch | jq .data\n",
    .run = run,
};
