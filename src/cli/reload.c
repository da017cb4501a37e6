/* reload: see the header. */
#include "cli/reload.h"

#include "cli/ask.h"
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>

enum { LONGEST_REASON = 64 * 1024 };

/* --- in the daemon --- */

static bool same(const char *a, const char *b)
{
    return mk_slice_eq(mk_slice_str(a), mk_slice_str(b));
}

static bool same_backend(const struct mk_config *a, const struct mk_config *b)
{
    if (a->backend.type != b->backend.type ||
        a->backend.media.max_bytes != b->backend.media.max_bytes ||
        a->backend.media.allow_private_addresses != b->backend.media.allow_private_addresses ||
        a->backend.media.download_seconds != b->backend.media.download_seconds ||
        a->backend.media.root_count != b->backend.media.root_count)
        return false;
    for (size_t i = 0; i < a->backend.media.root_count; i++)
        if (!same(a->backend.media.roots[i], b->backend.media.roots[i]))
            return false;
    return true;
}

/* Tells what a reload does not reach. */
static void warn_of_restart(const struct mk_config *old, const struct mk_config *fresh)
{
    const struct milky_config *a = &old->endpoint, *b = &fresh->endpoint;
    const struct {
        const char *key;
        bool is_same;
    } keys[] = {
        { "data_dir", same(old->data_dir, fresh->data_dir) },
        { "backend", same_backend(old, fresh) },
        { "control",
          same(a->control, b->control) && same(a->control_access_token, b->control_access_token) },
        { "operations", same(a->operations, b->operations) &&
                            same(a->operations_access_token, b->operations_access_token) },
        { "journal", a->journal.max_events == b->journal.max_events &&
                         a->journal.max_age == b->journal.max_age &&
                         a->journal.no_flush == b->journal.no_flush },
        { "limits", memcmp(&a->limits, &b->limits, sizeof(a->limits)) == 0 },
        { "log", old->log.level == fresh->log.level && old->log.format == fresh->log.format },
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (!keys[i].is_same)
            mk_log_warn("reload", "`%s` has changed: that needs a restart", keys[i].key);
}

/* Each mistake is a line of the log. */
static void log_mistakes(struct mk_slice mistakes)
{
    struct mk_slice line;
    while (mk_slice_next(&mistakes, '\n', &line))
        if (line.len > 0)
            mk_log_error("reload", "%.*s", (int)line.len, line.ptr);
}

/* Logs that it is refused and returns why: the lines of `reload->why` without their last break. */
static const char *refuse(struct mk_reload *reload, int rc)
{
    mk_log_error("reload", "the configuration is refused: everything is as it was");
    if (reload->why.len == 0)
        return strerror(-rc);
    reload->why.data[reload->why.len - 1] = '\0';
    return reload->why.data;
}

/* It cannot be read, or has mistakes. */
static const char *refuse_file(struct mk_reload *reload, const char *file, int rc)
{
    if (reload->why.len == 0)
        mk_buf_printf(&reload->why, "%s: %s\n", file, strerror(-rc));
    log_mistakes(mk_buf_slice(&reload->why));
    return refuse(reload, rc);
}

const char *mk_reload(struct mk_reload *reload, struct milky_endpoint *endpoint)
{
    const char *file = reload->config->file;
    struct mk_config *fresh;
    mk_buf_fini(&reload->why);
    mk_buf_init(&reload->why, LONGEST_REASON);
    if (!file) {
        mk_log_warn("reload", "there is nothing to read again: it runs without a configuration "
                              "file (`serve -c FILE`)");
        return "it runs without a configuration file";
    }
    mk_log_info("reload", "reading %s again", file);
    int rc = mk_command_load(file, &fresh, &reload->why);
    if (rc < 0)
        return refuse_file(reload, file, rc);
    fresh->endpoint.backends = reload->config->endpoint.backends;
    fresh->endpoint.backend_count = reload->config->endpoint.backend_count;
    rc = milky_endpoint_reload(endpoint, &fresh->endpoint, NULL);
    if (rc == 0)
        warn_of_restart(reload->config, fresh);
    mk_config_free(fresh);
    if (rc == 0)
        return NULL;
    /* The file is right; the endpoint has logged what could not be had. */
    mk_buf_printf(&reload->why, "not reloaded: %s; the log of the daemon says where\n",
                  strerror(-rc));
    return refuse(reload, rc);
}

void mk_reload_fini(struct mk_reload *reload)
{
    mk_buf_fini(&reload->why);
}

/* --- the command --- */

enum { CONFIG, CONTROL };

static const struct mk_option options[] = { MK_OPTION_CONFIG, MK_OPTION_CONTROL, { NULL } };

static int run(const struct mk_arguments *arguments)
{
    struct mk_client_reply reply;
    int code = mk_ask_at(arguments->option[CONFIG], arguments->option[CONTROL], "/endpoint/reload",
                         MK_SLICE("{}"), &reply);
    if (code)
        return code;
    mk_client_reply_fini(&reply);
    printf("%s\n", mk_tr("reloaded", "已重新加载"));
    return fflush(stdout) ? MK_EXIT_FAILED : MK_EXIT_OK;
}

const struct mk_command mk_reload_command = {
    .name = "reload",
    .usage = "[-c FILE | --control ADDRESS]",
    .en = "make the daemon read its configuration again",
    .zh = "让正在运行的程序重新读取配置",
    .options = options,
    .more_en =
        "Only what has changed is touched: a transport that is as it was keeps its\n"
        "connections. Certificates are read again in any case. A configuration with a\n"
        "mistake is refused. data_dir, backend, control, operations, journal, limits and\n"
        "log need a restart. SIGHUP does the same.\n"
        "Until then the daemon is at its old `control` and `data_dir`: --control reaches it\n"
        "there.\n",
    .more_zh =
        "只改动有变化的部分：未变的通信方式保持其连接；证书总会重新读取。有误的配置会被拒绝。\n"
        "data_dir、backend、control、operations、journal、limits 与 log 需要重启才能生效。\n"
        "发送 SIGHUP 效果相同。\n"
        "重启之前，程序仍在原来的 `control` 与 `data_dir`：可用 --control 连接。\n",
    .run = run,
};
