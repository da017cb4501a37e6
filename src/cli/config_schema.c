/* config_schema: the table, and the JSON Schema that is written from it. */
#include "cli/config_schema.h"

#include "cli/config.h"

const char mk_config_null[] = "";

static const char *const dialects[] = { "draft", "1.2", NULL };
static const char *const backends[] = { "sandbox", NULL };
static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
static const char *const formats[] = { "text", "json", NULL };

#define DIALECT(holder)                                                                            \
    {                                                                                              \
        .name = "dialect", .type = MK_CONFIG_CHOICE, .at = offsetof(struct holder, dialect),       \
        .choices = dialects, .fallback = "draft",                                                  \
        .en = "Names and shapes of calls and events: those of the draft, or of Milky 1.2.",        \
        .zh = "API 与事件的名称和结构：draft（草案）或 1.2（Milky 1.2）。",                        \
    }

static const struct mk_config_key server_keys[] = {
    { .name = "listen",
      .type = MK_CONFIG_LISTEN,
      .required = true,
      .at = offsetof(struct milky_server, listen),
      .sample = "\"127.0.0.1:3000\"",
      .en = "Where to listen: HOST:PORT, [IPV6]:PORT or unix:PATH. An http_server and a "
            "websocket_server of one bot may share it.",
      .zh = "监听地址：HOST:PORT、[IPV6]:PORT 或 unix:PATH。同一 Bot 的 http_server 与 "
            "websocket_server 可以共用。" },
    { .name = "access_token",
      .type = MK_CONFIG_TOKEN,
      .at = offsetof(struct milky_server, access_token),
      .en = "What clients must present. Without it only pages and programs of this machine are "
            "served.",
      .zh = "客户端必须出示的凭据；不设置时只允许本机访问。" },
    { .name = "allow_anonymous",
      .type = MK_CONFIG_BOOLEAN,
      .at = offsetof(struct milky_server, allow_anonymous),
      .fallback = "false",
      .sample_off = true,
      .en = "Listen beyond this machine without an access_token all the same: everybody who "
            "reaches the port can then use the bot.",
      .zh = "没有 access_token 也对外监听：任何能连接此端口的人都能操作 Bot。" },
    DIALECT(milky_server),
    { .name = NULL },
};

#define REMOTE_TOKEN                                                                               \
    {                                                                                              \
        .name = "access_token", .type = MK_CONFIG_TOKEN,                                           \
        .at = offsetof(struct milky_remote, access_token), .sample = "\"s3cret\"",                 \
        .en = "What is presented to that address.", .zh = "连接该地址时出示的凭据。",              \
    }

static const struct mk_config_key websocket_client_keys[] = {
    { .name = "url",
      .type = MK_CONFIG_WEBSOCKET_URL,
      .required = true,
      .at = offsetof(struct milky_remote, url),
      .sample = "\"ws://127.0.0.1:8080/\"",
      .en = "Where to connect to (ws:// or wss://).",
      .zh = "要连接的地址（ws:// 或 wss://）。" },
    REMOTE_TOKEN,
    DIALECT(milky_remote),
    { .name = NULL },
};

static const struct mk_config_key webhook_keys[] = {
    { .name = "url",
      .type = MK_CONFIG_HTTP_URL,
      .required = true,
      .at = offsetof(struct milky_remote, url),
      .sample = "\"http://127.0.0.1:8081/hook\"",
      .en = "Where events are posted to (http:// or https://).",
      .zh = "事件上报的地址（http:// 或 https://）。" },
    REMOTE_TOKEN,
    DIALECT(milky_remote),
    { .name = NULL },
};

#define TRANSPORT(field, element)                                                                  \
    .name = #field, .type = MK_CONFIG_LIST, .at = offsetof(struct milky_bot, field),               \
    .count = offsetof(struct milky_bot, field##_count), .size = sizeof(struct element)

static const struct mk_config_key bot_keys[] = {
    { .name = "self_id",
      .type = MK_CONFIG_UIN,
      .required = true,
      .at = offsetof(struct milky_bot, self_id),
      .sample = "10001000",
      .en = "The bot's QQ number.",
      .zh = "Bot 的 QQ 号。" },
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

static const struct mk_config_key backend_keys[] = {
    { .name = "type",
      .type = MK_CONFIG_CHOICE,
      .choices = backends,
      .fallback = "sandbox",
      .en = "sandbox: people, groups and messages of its own, without QQ.",
      .zh = "sandbox：自带用户、群与消息的沙盒，不需要 QQ。" },
    { .name = NULL },
};

#define LOG(field) offsetof(struct mk_config, log.field) - offsetof(struct mk_config, log)
static const struct mk_config_key log_keys[] = {
    { .name = "level",
      .type = MK_CONFIG_CHOICE,
      .at = LOG(level),
      .choices = levels,
      .fallback = "info",
      .en = "What is logged: this and what is graver.",
      .zh = "记录的最低级别。" },
    { .name = "format",
      .type = MK_CONFIG_CHOICE,
      .at = LOG(format),
      .choices = formats,
      .fallback = "text",
      .en = "A line of text or a JSON object per entry, on the standard error output.",
      .zh = "每条日志为一行文本或一个 JSON 对象，写到标准错误输出。" },
    { .name = NULL },
};

static const struct mk_config_key control_keys[] = {
    { .name = "listen",
      .type = MK_CONFIG_LISTEN,
      .required = true,
      .at = offsetof(struct milky_config, control),
      .en = "Where to listen: HOST:PORT, [IPV6]:PORT or unix:PATH.",
      .zh = "监听地址：HOST:PORT、[IPV6]:PORT 或 unix:PATH。" },
    { .name = "access_token",
      .type = MK_CONFIG_TOKEN,
      .at = offsetof(struct milky_config, control_access_token),
      .en = "What operators must present. Without it only programs of this machine are served.",
      .zh = "操作者必须出示的凭据；不设置时只允许本机访问。" },
    { .name = NULL },
};

static const struct mk_config_key keys[] = {
    { .name = "$schema",
      .type = MK_CONFIG_TEXT,
      .ignored = true,
      .sample = "\"milky.schema.json\"",
      .sample_off = true,
      .en = "For editors; `milky check --schema` prints that file.",
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
      .en = "Where `milky say` and its siblings reach the sandbox: an address, an object with one "
            "and an access_token, or null for nowhere. Default: unix:control.sock in data_dir.",
      .zh = "`milky say` 等命令连接沙盒的地址：监听地址，或含监听地址与 access_token 的对象，null "
            "为关闭。默认为 data_dir 中的 unix:control.sock。" },
    { .name = "backend",
      .type = MK_CONFIG_OBJECT,
      .at = offsetof(struct mk_config, backend),
      .keys = backend_keys,
      .en = "What answers the bots.",
      .zh = "后端：应答 Bot 的实现。" },
    { .name = "log",
      .type = MK_CONFIG_OBJECT,
      .at = offsetof(struct mk_config, log),
      .keys = log_keys,
      .en = "The log. --log-level and --log-format win over it.",
      .zh = "日志。命令行的 --log-level 与 --log-format 优先。" },
    { .name = "bots",
      .type = MK_CONFIG_LIST,
      .required = true,
      .at = offsetof(struct mk_config, endpoint.bots),
      .count = offsetof(struct mk_config, endpoint.bot_count),
      .size = sizeof(struct milky_bot),
      .keys = bot_keys,
      .en = "The accounts and how each is reached; with the sandbox they live in one world.",
      .zh = "账号及其通信方式；使用沙盒时它们处于同一个世界。" },
    { .name = NULL },
};

const struct mk_config_key mk_config_schema = {
    .name = "milky",
    .type = MK_CONFIG_OBJECT,
    .keys = keys,
    .en = "The configuration of milky.",
    .zh = "milky 的配置。",
};

static void indent(FILE *out, unsigned depth)
{
    fprintf(out, "\n%*s", (int)depth * 2, "");
}

static const char *pattern(enum mk_config_type type)
{
    switch (type) {
    case MK_CONFIG_LISTEN:
        return "^(unix:.+|.+:[0-9]{1,5})$";
    case MK_CONFIG_WEBSOCKET_URL:
        return "^[wW][sS][sS]?://.";
    case MK_CONFIG_HTTP_URL:
        return "^[hH][tT][tT][pP][sS]?://.";
    case MK_CONFIG_TOKEN:
        return "^[^\\\\u0000-\\\\u0020\\\\u007f]([^\\\\u0000-\\\\u001f\\\\u007f]*"
               "[^\\\\u0000-\\\\u0020\\\\u007f])?$";
    default:
        return NULL;
    }
}

static void write_choices(FILE *out, const char *const *choices)
{
    fprintf(out, ", \"enum\": [");
    for (size_t i = 0; choices[i]; i++)
        fprintf(out, "%s\"%s\"", i ? ", " : "", choices[i]);
    fputc(']', out);
}

static void write_type(FILE *out, const struct mk_config_key *key)
{
    const char *type = "string";
    if (key->type == MK_CONFIG_BOOLEAN)
        type = "boolean";
    else if (key->type == MK_CONFIG_UIN)
        type = "integer";
    fprintf(out, key->nullable ? "\"type\": [\"%s\", \"null\"]" : "\"type\": \"%s\"", type);
    if (key->type == MK_CONFIG_UIN)
        fprintf(out, ", \"minimum\": %d, \"maximum\": %llu", MK_CONFIG_LEAST_UIN,
                (unsigned long long)MK_CONFIG_MOST_UIN);
    else if (key->type == MK_CONFIG_CHOICE)
        write_choices(out, key->choices);
    else if (pattern(key->type))
        fprintf(out, ", \"pattern\": \"%s\"", pattern(key->type));
    else if (key->type != MK_CONFIG_BOOLEAN)
        fprintf(out, ", \"minLength\": 1");
    const char *quote = key->type == MK_CONFIG_BOOLEAN ? "" : "\"";
    if (key->fallback)
        fprintf(out, ", \"default\": %s%s%s", quote, key->fallback, quote);
}

static void write_key(FILE *out, const struct mk_config_key *key, unsigned depth);
static void write_object(FILE *out, const struct mk_config_key *key, unsigned depth);

/* An object that a string may stand for. */
static void write_either(FILE *out, const struct mk_config_key *key, unsigned depth)
{
    fprintf(out, "\"anyOf\": [");
    indent(out, depth + 1);
    fprintf(out, "{ ");
    write_type(out, &key->keys[0]);
    fprintf(out, " },");
    if (key->nullable) {
        indent(out, depth + 1);
        fprintf(out, "{ \"type\": \"null\" },");
    }
    indent(out, depth + 1);
    fputc('{', out);
    indent(out, depth + 2);
    write_object(out, key, depth + 2);
    indent(out, depth + 1);
    fputc('}', out);
    indent(out, depth);
    fputc(']', out);
}

static void write_object(FILE *out, const struct mk_config_key *key, unsigned depth)
{
    fprintf(out, "\"type\": \"object\", \"additionalProperties\": false,");
    bool any = false;
    for (const struct mk_config_key *k = key->keys; k->name; k++) {
        if (!k->required)
            continue;
        if (!any)
            indent(out, depth);
        fprintf(out, "%s\"%s\"", any ? ", " : "\"required\": [", k->name);
        any = true;
    }
    if (any)
        fprintf(out, "],");
    indent(out, depth);
    fprintf(out, "\"properties\": {");
    for (const struct mk_config_key *k = key->keys; k->name; k++) {
        fputs(k == key->keys ? "" : ",", out);
        indent(out, depth + 1);
        fprintf(out, "\"%s\": {", k->name);
        write_key(out, k, depth + 2);
        fputc('}', out);
    }
    indent(out, depth);
    fputc('}', out);
}

/* The texts of the table hold nothing that JSON would escape. */
static void write_key(FILE *out, const struct mk_config_key *key, unsigned depth)
{
    fprintf(out, "\"description\": \"%s / %s\",", key->en, key->zh);
    indent(out, depth);
    if (key->shorthand) {
        write_either(out, key, depth);
    } else if (key->type == MK_CONFIG_OBJECT) {
        write_object(out, key, depth);
    } else if (key->type == MK_CONFIG_LIST) {
        fprintf(out, "\"type\": \"array\", \"minItems\": %d, \"items\": {", key->required);
        indent(out, depth + 1);
        write_object(out, key, depth + 1);
        indent(out, depth);
        fputc('}', out);
    } else {
        write_type(out, key);
    }
}

void mk_config_write_schema(FILE *out)
{
    fprintf(out, "{\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
                 "  \"title\": \"milky\", \"allowComments\": true, "
                 "\"allowTrailingCommas\": true,\n  ");
    write_key(out, &mk_config_schema, 1);
    fputs("\n}\n", out);
}
