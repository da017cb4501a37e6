/* serve: `milky serve`: the endpoint, from its configuration to the last connection's end. */
#include "cli/serve.h"
#include "backend/sandbox/store/private_file.h"
#include "base/error_text.h"

#include "cli/command.h"
#include "cli/hangup.h"
#include "cli/output.h"
#include "cli/proxies.h"
#include "cli/reload.h"
#include "cli/summary.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

enum { CONFIG, LEVEL, FORMAT };

static const struct mk_option options[] = {
    MK_OPTION_CONFIG,
    { "log-level", 0, "LEVEL", "error, warn, info or debug",
      "日志级别：error、warn、info 或 debug" },
    { "log-format", 0, "FORMAT", "text or json", "日志格式：text 或 json" },
    { NULL },
};

enum {
    SIGNALS = 3,
    BANNER_MS = 1000, /* what a reader of the banner that has stalled may cost at the end */
};
/* Of these, `milky serve` has the last one for reloads: cli/hangup.h. */
static const int numbers[SIGNALS] = { SIGINT, SIGTERM, SIGHUP };

struct server {
    const struct mk_serving *serving;
    struct milky_endpoint *endpoint;
    uv_signal_t signals[SIGNALS];
    struct mk_hangup hangup;
    struct mk_output *banner;
    bool stopping;
};

static const char *reload(void *arg, const char **restart)
{
    struct server *server = arg;
    return server->serving->reload(server->serving->arg, server->endpoint, restart);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    if (server->stopping && number == SIGHUP)
        return; /* a terminal that closes does not mean it */
    if (server->stopping) {
        mk_command_log_flush();
        _exit(128 + number); /* a second signal means that the user does not want to wait */
    }
    server->stopping = true;
    mk_log_info("serve", "stopping (signal %d; a second one ends it at once)",
                "正在停止（信号 %d；再来一次则立即结束）", number);
    milky_endpoint_stop(server->endpoint);
}

static void on_hangup(void *arg)
{
    struct server *server = arg;
    const char *restart;
    if (!server->stopping)
        reload(server, &restart); /* it logs the result */
}

/* The handles do not keep the loop running. They are closed here, and the loop lets go of them when
 * the endpoint is freed. */
static int watch_signals(struct server *server)
{
    uv_loop_t *loop = milky_endpoint_loop(server->endpoint);
    size_t count = SIGNALS;
    if (server->serving->reload) {
        server->hangup.run = on_hangup;
        server->hangup.arg = server;
        int rc = mk_hangup_watch(&server->hangup, loop);
        if (rc < 0)
            return rc;
        count--;
    }
    for (size_t i = 0; i < count; i++) {
        int rc = uv_signal_init(loop, &server->signals[i]);
        if (rc < 0)
            return rc;
        server->signals[i].data = server;
        uv_unref((uv_handle_t *)&server->signals[i]);
        rc = uv_signal_start(&server->signals[i], on_signal, numbers[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void forget_signals(struct server *server)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (server->signals[i].data)
            uv_close((uv_handle_t *)&server->signals[i], NULL);
    mk_hangup_forget(&server->hangup);
}

/* mkdir -p. Only the owner may read it, because there are messages in it. */
static int make_folder(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(copy, 0700); /* the last one reports the error */
        *slash = '/';
    }
    bool is_new = mkdir(copy, 0700) == 0;
    int rc = !is_new && errno != EEXIST ? -errno : 0;
    if (is_new && chmod(copy, 0700) < 0) /* the umask may have taken too much */
        rc = -errno;
    free(copy);
    return rc;
}

/* In a thread, since a reader that has stalled must not stop the bots. */
static void print_ready(struct server *server)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out) {
        server->serving->ready(server->serving->arg, server->endpoint, out);
        if (fclose(out) == 0 && len > 0)
            server->banner = mk_output_start(&(struct mk_output_options){ STDOUT_FILENO, len });
    }
    if (server->banner)
        mk_output_write(server->banner, text, len);
    else
        mk_log_error("serve", "no memory or no thread to print that it is ready",
                     "没有内存或线程，无法输出就绪信息");
    free(text);
}

int mk_serve(const struct mk_serving *serving)
{
    /* SQLite is for endpoints alone here: statistics that are not read would cost them a lock at
     * each piece of memory. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
    signal(SIGUSR1, SIG_IGN); /* they mean nothing here, and would end it by default */
    signal(SIGUSR2, SIG_IGN);
    struct server server = { .serving = serving };
    int code = MK_EXIT_OK;
    struct milky_error error = { .size = sizeof(error) };
    struct milky_config config = *serving->config;
    mk_proxies_of_environment(&config);
    int rc = milky_endpoint_new(&config, &server.endpoint, &error);
    if (rc == 0) {
        rc = watch_signals(&server);
        if (serving->reload)
            milky_endpoint_on_reload(server.endpoint, reload, &server);
        if (rc == 0)
            rc = milky_endpoint_start(server.endpoint, &error);
        if (rc == 0) {
            print_ready(&server);
            milky_endpoint_run(server.endpoint);
            mk_output_stop(server.banner, BANNER_MS);
            if (serving->stopped)
                code = serving->stopped(serving->arg);
        }
        forget_signals(&server);
        milky_endpoint_free(server.endpoint);
    }
    if (rc < 0)
        return mk_command_failed("cannot start: %s", "无法启动：%s",
                                 *error.text ? error.text : mk_error_text(-rc));
    return code;
}

/* --- the command --- */

struct announcement {
    const struct mk_config *config;
    const char *file;
    struct mk_reload reload;
};

static const char *reload_file(void *arg, struct milky_endpoint *endpoint, const char **restart)
{
    struct announcement *announcement = arg;
    return mk_reload(&announcement->reload, endpoint, restart);
}

static void announce(void *arg, const struct milky_endpoint *endpoint, FILE *out)
{
    const struct announcement *announcement = arg;
    mk_summary_print(out, announcement->config, endpoint);
    mk_summary_try(out, announcement->config, announcement->file, endpoint);
    fprintf(out, "ready\n");
}

static int serve(struct mk_config *config, const char *file)
{
    int rc = make_folder(config->data_dir);
    if (rc < 0)
        return mk_command_failed("cannot make data_dir %s: %s", "无法创建 data_dir %s：%s",
                                 config->data_dir, mk_error_text(-rc));
    sb_private_database(config->endpoint.journal.path);
    mk_reload_warn(config);
    struct announcement announcement = { config, file, { .config = config } };
    rc = mk_reload_begin(&announcement.reload, config);
    if (rc < 0) {
        rc = mk_command_failed("the backends cannot be made: %s", "无法创建后端：%s",
                               mk_reload_reason(&announcement.reload));
        mk_reload_fini(&announcement.reload);
        return rc;
    }
    const struct mk_serving serving = {
        .config = &config->endpoint,
        .ready = announce,
        .reload = reload_file,
        .arg = &announcement,
    };
    int code = mk_serve(&serving);
    mk_reload_fini(&announcement.reload);
    return code;
}

const char *const mk_serve_levels[] = { "error", "warn", "info", "debug", NULL };

int mk_serve_choose(const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return -1;
}

static int run(const struct mk_arguments *arguments)
{
    static const char *const formats[] = { "text", "json", NULL };
    const char *level_word = arguments->option[LEVEL];
    const char *format_word = arguments->option[FORMAT];
    int level = level_word ? mk_serve_choose(level_word, mk_serve_levels) : 0;
    int format = format_word ? mk_serve_choose(format_word, formats) : 0;
    if (level < 0)
        return mk_command_misused(arguments->command, "--log-level error|warn|info|debug",
                                  "--log-level error|warn|info|debug");
    if (format < 0)
        return mk_command_misused(arguments->command, "--log-format text|json",
                                  "--log-format text|json");
    struct mk_config *config;
    int rc = mk_hangup_hold();
    if (rc < 0)
        return mk_command_failed("cannot watch SIGHUP: %s", "无法处理 SIGHUP：%s",
                                 mk_error_text(-rc));
    rc = mk_command_config_whole(arguments->option[CONFIG], &config);
    if (rc)
        return rc;
    mk_command_log(level_word ? (unsigned)level : config->log.level,
                   format_word ? (unsigned)format : config->log.format);
    rc = serve(config, arguments->option[CONFIG]);
    mk_config_free(config);
    return rc;
}

const struct mk_command mk_serve_command = {
    .name = "serve",
    .usage = "[-c FILE]",
    .en = "serve bots: their calls and events",
    .zh = "运行协议端：为 Bot 提供 API 与事件",
    .options = options,
    .more_en = "Without a configuration it is a sandbox with the bots 10001000 (http_server and\n"
               "websocket_server both on 127.0.0.1:3000) and 10002000, its data in ./data.\n"
               "It prints what it serves, then `ready`, and logs to the standard error output.\n"
               "SIGHUP makes it read the configuration again (milky reload).\n"
               "SIGINT and SIGTERM stop it: open calls are answered; it ends within 5 seconds.\n"
               "A second signal ends it at once.\n",
    .more_zh =
        "没有配置文件时，运行含 Bot 10001000（http_server 与 websocket_server 均在\n"
        "127.0.0.1:3000）和 10002000 的沙盒，数据在 ./data。\n"
        "启动后先输出服务内容，再输出一行 `ready`；日志写到标准错误输出。\n"
        "SIGHUP 使其重新读取配置（milky reload）。\n"
        "SIGINT 与 SIGTERM 使其停止：处理完已收到的调用后，5 秒内退出；第二次信号立即退出。\n",
    .run = run,
};
