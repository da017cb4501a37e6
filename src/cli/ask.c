/* ask: see the header. */
#include "cli/ask.h"

#include "cli/command.h"
#include "cli/summary.h"
#include "net/address.h"

#include <errno.h>
#include <stdio.h>

static const char name_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

/* Advice on a refusal that does not depend on the request, or NULL. */
static const char *advice_for(const struct mk_config *config, const char *token,
                              const struct mk_client_reply *reply)
{
    bool refused = reply->status == 401 || reply->status == 403;
    if (refused && config && token && token == config->endpoint.control_access_token)
        return mk_tr("the daemon was started with another access token than the configuration "
                     "has: restart it, or name that one: --control ADDRESS and "
                     "MILKY_ACCESS_TOKEN=...",
                     "程序启动时的访问令牌与配置中的不同：请重启，或用 --control ADDRESS 与 "
                     "MILKY_ACCESS_TOKEN=... 给出原来的");
    return mk_client_advice(reply->status, token, false);
}

/* A request: to a path, or for an action of a sandbox. */
struct asked {
    const char *path;    /* or NULL */
    const char *backend; /* NULL: the first sandbox */
    const char *action;
    struct mk_slice body;
};

static void write_url(char *url, size_t size, const char *base, const struct asked *asked,
                      const struct mk_config *config)
{
    const struct mk_config_backend *first = config ? mk_config_find_sandbox(config) : NULL;
    const char *backend = asked->backend ? asked->backend : first ? first->name : "sandbox";
    if (asked->path)
        snprintf(url, size, "%s%s", base, asked->path);
    else
        snprintf(url, size, "%s/%s/%s", base, backend, asked->action);
}

/* Prints why when the daemon does not answer or refuses the credentials. Returns an exit code. */
static int post(const struct mk_config *config, const char *control, const char *token,
                const struct asked *asked, struct mk_client_reply *reply)
{
    const char *file = config ? config->file : NULL;
    struct mk_target target;
    char url[2048];
    mk_target_of("http", control, &target);
    write_url(url, sizeof(url), target.base, asked, config);
    struct mk_client_request request = {
        .url = url,
        .unix_path = target.unix_path,
        .token = token,
        .body = asked->body,
        .own = true,
    };
    int rc = mk_client_post(&request, reply);
    if (rc == -ECONNREFUSED && file)
        mk_command_failed("there is no answer at %s: is `%s serve -c %s` running?",
                          "%s 无应答：`%s serve -c %s` 是否正在运行？", control, mk_program, file);
    else if (rc == -ECONNREFUSED)
        mk_command_failed("there is no answer at %s: is `%s serve` running?",
                          "%s 无应答：`%s serve` 是否正在运行？", control, mk_program);
    const char *advice = rc == 0 && !reply->ok ? advice_for(config, token, reply) : NULL;
    if (advice) {
        mk_command_failed("%s", "%s", *reply->message ? reply->message : "?");
        mk_command_failed("%s", "%s", advice);
        mk_client_reply_fini(reply);
        rc = -EPROTO;
    }
    return rc == 0 ? MK_EXIT_OK : MK_EXIT_FAILED;
}

static int post_configured(const char *file, const struct asked *asked,
                           struct mk_client_reply *reply)
{
    struct mk_config *config;
    int code = mk_command_config(file, &config);
    if (code)
        return code;
    const struct milky_config *endpoint = &config->endpoint;
    if (endpoint->control)
        code = post(config, endpoint->control,
                    endpoint->control_access_token ? endpoint->control_access_token
                                                   : mk_command_token(),
                    asked, reply);
    else
        code = mk_command_failed(
            "`control` is null in the configuration: there is no way to the daemon",
            "配置中 `control` 为 null：无法连接正在运行的程序");
    mk_config_free(config);
    return code;
}

/*
 * Reads --control, which may be as `milky sandbox` prints it ("http://127.0.0.1:3010"), into
 * `address`. Returns NULL, or the mistake.
 */
static const char *read_control(const char *control, char address[MK_ADDRESS_TEXT])
{
    struct mk_slice text = mk_slice_str(control);
    struct mk_address parsed;
    if (mk_slice_starts_with(text, MK_SLICE("http://"))) {
        text = mk_slice_from(text, 7);
        if (text.len > 0 && text.ptr[text.len - 1] == '/')
            text.len--;
    } else if (strstr(control, "://")) {
        return mk_tr("HOST:PORT, http://HOST:PORT or unix:PATH is needed",
                     "应为 HOST:PORT、http://HOST:PORT 或 unix:PATH");
    }
    const char *why = mk_address_parse(text, &parsed);
    if (!why)
        snprintf(address, MK_ADDRESS_TEXT, "%.*s", (int)text.len, text.ptr);
    return why;
}

static int ask(const char *file, const char *control, const struct asked *asked,
               struct mk_client_reply *reply)
{
    char address[MK_ADDRESS_TEXT];
    if (!control)
        return post_configured(file, asked, reply);
    const char *why = read_control(control, address);
    if (why)
        return mk_command_failed("--control %s: %s", "--control %s：%s", control, why);
    return post(NULL, address, mk_command_token(), asked, reply);
}

int mk_ask_reply(const char *file, const char *control, const char *path, struct mk_slice body,
                 struct mk_client_reply *reply)
{
    return ask(file, control, &(struct asked){ .path = path, .body = body }, reply);
}

/* Prints the message of a reply that is a failure. */
static int settle(int code, struct mk_client_reply *reply)
{
    if (code || reply->ok)
        return code;
    mk_command_failed("%s", "%s", *reply->message ? reply->message : "?");
    mk_client_reply_fini(reply);
    return MK_EXIT_FAILED;
}

int mk_ask_at(const char *file, const char *control, const char *path, struct mk_slice body,
              struct mk_client_reply *reply)
{
    return settle(mk_ask_reply(file, control, path, body, reply), reply);
}

int mk_ask_sandbox_reply(const struct mk_ask_sandbox *ask_sandbox, struct mk_slice body,
                         struct mk_client_reply *reply)
{
    const struct asked asked = {
        .backend = ask_sandbox->backend,
        .action = ask_sandbox->action,
        .body = body,
    };
    size_t len = ask_sandbox->backend ? strlen(ask_sandbox->backend) : 1;
    size_t plain = ask_sandbox->backend ? strspn(ask_sandbox->backend, name_letters) : len;
    if (len == 0 || plain < len)
        return mk_command_failed("--backend is a name of letters, digits, '-' and '_', not %s",
                                 "--backend 应为由字母、数字、“-”与“_”组成的名称，不是 %s",
                                 ask_sandbox->backend);
    return ask(ask_sandbox->file, ask_sandbox->control, &asked, reply);
}

int mk_ask_sandbox_at(const struct mk_ask_sandbox *ask_sandbox, struct mk_slice body,
                      struct mk_client_reply *reply)
{
    return settle(mk_ask_sandbox_reply(ask_sandbox, body, reply), reply);
}
