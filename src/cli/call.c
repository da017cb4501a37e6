/* call: `milky call`: one API call to a bot's http_server. */
#include "base/error_text.h"
#include "base/json.h"
#include "base/json_error.h"
#include "base/jsonc.h"
#include "base/percent.h"
#include "base/suggestion.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/summary.h"
#include "wire/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONFIG, BOT, URL, TOKEN, CA, PRETTY };

static const struct mk_option options[] = {
    MK_OPTION_CONFIG,
    { "bot", 'b', "UIN", "a bot of the configuration; default: the first with an http_server",
      "配置中的哪个 Bot；默认为第一个有 http_server 的" },
    { "url", 'u', "URL", "call this server instead: http://HOST:PORT/",
      "改为调用此服务器：http://HOST:PORT/" },
    { "access-token", 't', "TOKEN",
      "its access_token; better in the environment, as MILKY_ACCESS_TOKEN",
      "其 access_token；更宜用环境变量 MILKY_ACCESS_TOKEN 给出" },
    MK_OPTION_CA,
    { "pretty", 'p', NULL, "print over many lines, as on a terminal",
      "分行输出（终端上默认如此）" },
    { NULL },
};

enum { MAX_PARAMS = 16 * 1024 * 1024 };

/* The server to call. */
struct asked {
    struct mk_target target;
    const char *base;
    const char *token;
    const char *prefix; /* of the path: "" or "api/" */
};

static const struct milky_server *find_server(const struct mk_config *config, uint64_t uin,
                                              bool *known)
{
    *known = uin == 0;
    for (size_t i = 0; i < config->endpoint.bot_count; i++) {
        const struct milky_bot *bot = &config->endpoint.bots[i];
        *known |= bot->self_id == uin;
        if (bot->http_server_count > 0 && (uin == 0 || bot->self_id == uin))
            return &bot->http_server[0];
    }
    return NULL;
}

/* Fills `asked` from the configuration. Returns 0, or an exit code after it has printed why. */
static int ask_config(const struct mk_arguments *arguments, const struct mk_config *config,
                      struct asked *asked)
{
    uint64_t uin = 0;
    bool known;
    const char *bot = arguments->option[BOT];
    if (bot && !mk_command_uin(bot, &uin))
        return mk_command_misused(arguments->command, "--bot is a QQ number, not %s",
                                  "--bot 应为 QQ 号，不是 %s", bot);
    const struct milky_server *server = find_server(config, uin, &known);
    if (!known)
        return mk_command_failed("there is no bot %s in the configuration", "配置中没有 Bot %s",
                                 bot);
    if (!server)
        return mk_command_failed(
            "the configuration has no http_server for it: add one, or use --url",
            "配置中没有可用的 http_server：请添加，或使用 --url");
    mk_target_of_server("http", server, server->listen, &asked->target);
    if (asked->target.any_port)
        return mk_command_failed(
            "%s has no fixed port: use --url with the one that `serve` has printed",
            "%s 的端口不固定：请用 --url 给出 `serve` 输出的地址", server->listen);
    asked->base = asked->target.base;
    asked->prefix = server->dialect == MILKY_DIALECT_DRAFT ? "" : "api/";
    if (!asked->token)
        asked->token = server->access_token ? server->access_token : mk_command_token();
    return MK_EXIT_OK;
}

/* Checks --url. Its userinfo and query are not used. */
static int ask_url(const struct mk_arguments *arguments, struct asked *asked)
{
    struct mk_url url;
    asked->base = arguments->option[URL];
    asked->prefix = "";
    if (!asked->token)
        asked->token = mk_command_token();
    const char *why = mk_url_parse(mk_slice_str(asked->base), &url);
    if (!why && (url.scheme.ptr[0] | 0x20) == 'w')
        why = mk_tr("http:// or https:// is needed", "应以 http:// 或 https:// 开头");
    if (!why && url.has_query)
        why = mk_tr("a query is not allowed", "不能带有查询参数");
    if (why)
        return mk_command_misused(arguments->command, "--url: %s", "--url：%s", why);
    return MK_EXIT_OK;
}

static int read_stdin(struct mk_buf *params)
{
    char piece[4096];
    size_t len;
    while ((len = fread(piece, 1, sizeof(piece), stdin)) > 0)
        if (mk_buf_append(params, piece, len) < 0)
            return mk_command_failed("the params are too large", "参数过大");
    return MK_EXIT_OK;
}

/* Reads the params as they were given, and checks that they are JSON. */
static int read_params(const struct mk_arguments *arguments, struct mk_buf *params)
{
    const char *word = arguments->count > 1 ? arguments->words[1] : "{}";
    int rc = MK_EXIT_OK;
    if (strcmp(word, "-") == 0)
        rc = read_stdin(params);
    else if (mk_buf_append_slice(params, mk_slice_str(word)) < 0)
        rc = mk_command_failed("%s", "%s", mk_error_text(ENOMEM));
    if (rc)
        return rc;
    yyjson_read_err error;
    yyjson_doc *doc = mk_json_read(mk_buf_slice(params), NULL, &error);
    bool object = yyjson_is_obj(yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    if (!doc) {
        size_t line, column;
        mk_jsonc_position(mk_buf_slice(params), error.pos, &line, &column);
        return mk_command_misused(arguments->command, "the params are not JSON: %zu:%zu: %s",
                                  "参数不是 JSON：%zu:%zu：%s", line, column,
                                  mk_json_error_text(mk_language_get(), &error));
    }
    if (!object)
        return mk_command_misused(arguments->command, "the params must be a JSON object: {...}",
                                  "参数应为 JSON 对象：{...}");
    return MK_EXIT_OK;
}

/* libcurl would not explain what is wrong with the file. */
static int check_ca(const char *file)
{
    struct mk_tls_context *context = mk_client_trust(file);
    mk_tls_context_free(context);
    return context ? MK_EXIT_OK : MK_EXIT_FAILED;
}

/* Prints advice on a reply that is a failure. */
static void explain(const struct mk_client_reply *reply, const char *action, bool token)
{
    mk_command_failed("%s failed: %s (retcode %ld)", "%s 失败：%s（retcode %ld）", action,
                      *reply->message ? reply->message : "?", reply->retcode);
    const char *advice = mk_client_advice(reply->status, token, true);
    if (advice)
        mk_command_failed("%s", "%s", advice);
    struct mk_suggestion near = { 0 };
    for (size_t i = 0; reply->status == 404 && i < milky_action_count(); i++)
        mk_suggestion_offer(&near, mk_slice_str(action), milky_action_name(i));
    if (near.best)
        mk_command_failed("did you mean %s?", "是否想用 %s？", near.best);
}

static int post(const struct mk_arguments *arguments, const struct asked *asked,
                const struct mk_buf *params)
{
    const char *action = arguments->words[0];
    size_t len = strlen(asked->base);
    struct mk_buf url;
    mk_buf_init(&url, 64 * 1024);
    int rc = mk_buf_printf(&url, "%s%s%s", asked->base, asked->base[len - 1] == '/' ? "" : "/",
                           asked->prefix);
    if (rc == 0)
        rc = mk_percent_encode(&url, mk_slice_str(action));
    if (rc == 0)
        rc = mk_buf_append_char(&url, '\0');
    struct mk_client_reply reply = { 0 };
    int code = MK_EXIT_FAILED;
    if (rc < 0) {
        mk_command_failed("%s", "%s", mk_error_text(-rc));
    } else {
        struct mk_client_request request = { .url = url.data,
                                             .unix_path = asked->target.unix_path,
                                             .token = asked->token,
                                             .ca = arguments->option[CA],
                                             .body = mk_buf_slice(params),
                                             .own = !arguments->option[URL] };
        rc = mk_client_post(&request, &reply);
    }
    if (rc == -ECONNREFUSED)
        mk_command_failed("there is no answer at %s: is `%s serve` running?",
                          "%s 无应答：`%s serve` 是否正在运行？",
                          asked->target.unix_path ? asked->target.unix_path : asked->base,
                          mk_program);
    if (rc == 0) {
        if (!reply.ok)
            explain(&reply, action, asked->token);
        rc = mk_client_print(yyjson_doc_get_root(reply.doc), arguments->option[PRETTY]);
        code = rc == 0 && reply.ok ? MK_EXIT_OK : MK_EXIT_FAILED;
        mk_client_reply_fini(&reply);
    }
    mk_buf_fini(&url);
    return code;
}

static int run(const struct mk_arguments *arguments)
{
    struct mk_config *config = NULL;
    struct asked asked = { .token = arguments->option[TOKEN] };
    struct mk_buf params;
    mk_buf_init(&params, MAX_PARAMS);
    int rc = read_params(arguments, &params);
    if (rc == 0 && arguments->option[CA])
        rc = check_ca(arguments->option[CA]);
    if (rc == 0 && arguments->option[URL])
        rc = ask_url(arguments, &asked);
    else if (rc == 0 && (rc = mk_command_config(arguments->option[CONFIG], &config)) == 0)
        rc = ask_config(arguments, config, &asked);
    if (rc == 0)
        rc = post(arguments, &asked, &params);
    mk_buf_fini(&params);
    mk_config_free(config);
    return rc;
}

const struct mk_command mk_call_command = {
    .name = "call",
    .usage = "ACTION [JSON]",
    .en = "call an API of a running bot and print the reply",
    .zh = "调用运行中 Bot 的 API，并输出结果",
    .options = options,
    .more_en =
        "JSON is the params, {} where there is none, `-` for the standard input.\n"
        "  milky call get_friend_list\n"
        "  milky call send_group_message '{\"group_id\": 700000001, \"message\":\n"
        "    [{\"type\": \"text\", \"data\": {\"text\": \"hello\"}}]}'\n"
        "Exit code: 0 when the reply's status is ok, 1 when not, 2 for a mistyped command.\n",
    .more_zh = "JSON 为参数，缺省为 {}，`-` 表示从标准输入读取。\n"
               "  milky call get_friend_list\n"
               "  milky call send_group_message '{\"group_id\": 700000001, \"message\":\n"
               "    [{\"type\": \"text\", \"data\": {\"text\": \"hello\"}}]}'\n"
               "退出码：应答的 status 为 ok 时为 0，否则为 1，命令行写错为 2。\n",
    .least = 1,
    .most = 2,
    .run = run,
};
