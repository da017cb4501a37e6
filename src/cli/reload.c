/* reload: see the header. */
#include "cli/reload.h"

#include "base/error_text.h"
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

static bool same_texts(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
    bool is_same = a_count == b_count;
    for (size_t i = 0; is_same && i < a_count; i++)
        is_same = same(a[i], b[i]);
    return is_same;
}

/* Adds the changed keys that a reload does not apply, beside backends, while there is memory. */
static void note_restart(struct mk_buf *restart, const struct mk_config *old,
                         const struct mk_config *fresh)
{
    const struct milky_config *a = &old->endpoint, *b = &fresh->endpoint;
    const struct {
        const char *key;
        bool is_same;
    } keys[] = {
        { "data_dir", same(old->data_dir, fresh->data_dir) },
        { "control", same(a->control, b->control) &&
                         same(a->control_access_token, b->control_access_token) &&
                         same_texts(a->control_origins, a->control_origin_count, b->control_origins,
                                    b->control_origin_count) },
        { "operations", same(a->operations, b->operations) &&
                            same(a->operations_access_token, b->operations_access_token) &&
                            same_texts(a->operations_origins, a->operations_origin_count,
                                       b->operations_origins, b->operations_origin_count) },
        { "journal", a->journal.max_events == b->journal.max_events &&
                         a->journal.max_age == b->journal.max_age &&
                         a->journal.no_flush == b->journal.no_flush },
        { "limits", memcmp(&a->limits, &b->limits, sizeof(a->limits)) == 0 },
        { "log", old->log.level == fresh->log.level && old->log.format == fresh->log.format },
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (!keys[i].is_same)
            mk_buf_printf(restart, "%s\n", keys[i].key);
}

static void log_restart(struct mk_slice restart)
{
    struct mk_slice line;
    while (mk_slice_next(&restart, '\n', &line))
        if (line.len > 0)
            mk_log_warn("reload", "`%.*s` has changed: that needs a restart",
                        "`%.*s` 已改变：需要重启才能生效", (int)line.len, line.ptr);
}

/* Logs each mistake as a line. */
static void log_mistakes(struct mk_slice mistakes)
{
    struct mk_slice line;
    while (mk_slice_next(&mistakes, '\n', &line))
        if (line.len > 0)
            mk_log_error("reload", "%.*s", "%.*s", (int)line.len, line.ptr);
}

/* Logs that it is refused. Returns the reason: `reload->why` without its last line break. */
static const char *refuse(struct mk_reload *reload, int rc)
{
    mk_log_error("reload", "the configuration is refused: nothing has changed",
                 "配置被拒绝：一切保持不变");
    return reload->why.len > 0 ? mk_reload_reason(reload) : mk_error_text(-rc);
}

void mk_reload_warn(const struct mk_config *config)
{
    struct mk_slice rest = mk_slice_str(config->warnings), line;
    while (mk_slice_next(&rest, '\n', &line))
        if (line.len > 0)
            mk_log_warn("config", "%.*s", "%.*s", (int)line.len, line.ptr);
}

/* Refuses a file that cannot be read or has mistakes. */
static const char *refuse_file(struct mk_reload *reload, const char *file, int rc)
{
    if (reload->why.len == 0)
        mk_buf_printf(&reload->why, "%s: %s\n", file, mk_error_text(-rc));
    log_mistakes(mk_buf_slice(&reload->why));
    return refuse(reload, rc);
}

static struct mk_backends_home home_of(const struct mk_config *config)
{
    return (struct mk_backends_home){ config->data_dir, config->endpoint.journal.path, config };
}

int mk_reload_begin(struct mk_reload *reload, struct mk_config *config)
{
    const struct mk_backends none = { 0 };
    const struct mk_backends_home home = home_of(config);
    mk_buf_init(&reload->why, LONGEST_REASON);
    return mk_backends_make(&reload->backends, &none, &home, config, NULL, &reload->why);
}

const char *mk_reload_reason(struct mk_reload *reload)
{
    if (reload->why.len == 0)
        return "?";
    reload->why.data[reload->why.len - 1] = '\0';
    return reload->why.data;
}

/* Gives the configuration to the endpoint, with the running and the new backends. */
static int hand_over(struct mk_reload *reload, struct milky_endpoint *endpoint,
                     struct mk_config *fresh)
{
    const struct mk_backends_home home = home_of(reload->config);
    struct milky_error error = { .size = sizeof(error) };
    struct mk_backends next;
    int rc = mk_backends_close_files(&reload->backends, fresh); /* before a bot can ask for one */
    if (rc < 0)
        return rc;
    rc = mk_backends_make(&next, &reload->backends, &home, fresh, &reload->restart, &reload->why);
    if (rc < 0)
        return rc;
    rc = milky_endpoint_reload(endpoint, &fresh->endpoint, &error);
    if (rc == 0) {
        mk_backends_forget(&reload->backends);
        reload->backends = next;
        note_restart(&reload->restart, reload->config, fresh);
        return 0;
    }
    mk_buf_printf(&reload->why,
                  *error.path ? "%s\n"
                              : mk_tr("%s (see the log of the daemon)\n", "%s（详见程序的日志）\n"),
                  error.text);
    mk_backends_forget(&next);
    return rc;
}

const char *mk_reload(struct mk_reload *reload, struct milky_endpoint *endpoint,
                      const char **restart)
{
    const char *file = reload->config->file;
    struct mk_config *fresh;
    mk_buf_fini(&reload->why);
    mk_buf_fini(&reload->restart);
    mk_buf_init(&reload->why, LONGEST_REASON);
    mk_buf_init(&reload->restart, LONGEST_REASON);
    *restart = NULL;
    if (!file) {
        mk_log_warn("reload",
                    "there is nothing to read again: it runs without a configuration file (`serve "
                    "-c FILE`)",
                    "没有可重新读取的内容：程序未使用配置文件（`serve -c FILE`）");
        return mk_tr("it runs without a configuration file", "程序未使用配置文件");
    }
    mk_log_info("reload", "reading %s again", "重新读取 %s", file);
    int rc = mk_command_load(file, &fresh, &reload->why);
    if (rc < 0)
        return refuse_file(reload, file, rc);
    mk_reload_warn(fresh);
    rc = hand_over(reload, endpoint, fresh);
    mk_config_free(fresh);
    if (rc < 0)
        return refuse(reload, rc);
    log_restart(mk_buf_slice(&reload->restart));
    if (mk_buf_append_char(&reload->restart, '\0') == 0)
        *restart = reload->restart.data;
    return NULL;
}

void mk_reload_fini(struct mk_reload *reload)
{
    mk_backends_forget(&reload->backends);
    mk_buf_fini(&reload->why);
    mk_buf_fini(&reload->restart);
}

/* --- the command --- */

enum { CONFIG, CONTROL };

static const struct mk_option options[] = { MK_OPTION_CONFIG, MK_OPTION_CONTROL, { NULL } };

/* Prints the changed keys that need a restart. */
static void print_restart(const struct mk_client_reply *reply)
{
    size_t i, max;
    yyjson_val *name;
    yyjson_val *data = yyjson_obj_get(yyjson_doc_get_root(reply->doc), "data");
    yyjson_arr_foreach (yyjson_obj_get(data, "needs_restart"), i, max, name) {
        const char *text = yyjson_get_str(name);
        if (text)
            printf(mk_tr("`%s` has changed: that needs a restart\n",
                         "`%s` 已改变：需要重启才能生效\n"),
                   text);
    }
}

static int run(const struct mk_arguments *arguments)
{
    struct mk_client_reply reply;
    int code = mk_ask_at(arguments->option[CONFIG], arguments->option[CONTROL], "/endpoint/reload",
                         MK_SLICE("{}"), &reply);
    if (code)
        return code;
    printf("%s\n", mk_tr("reloaded", "已重新加载"));
    print_restart(&reply);
    mk_client_reply_fini(&reply);
    return fflush(stdout) ? MK_EXIT_FAILED : MK_EXIT_OK;
}

const struct mk_command mk_reload_command = {
    .name = "reload",
    .usage = "[-c FILE | --control ADDRESS]",
    .en = "make the daemon read its configuration again",
    .zh = "让正在运行的程序重新读取配置",
    .options = options,
    .more_en =
        "A transport whose configuration has not changed keeps its connections. Certificates\n"
        "are always read again. A configuration with a mistake is refused. data_dir, backend,\n"
        "control, operations, journal, limits and log need a restart. SIGHUP does the same.\n"
        "Until the restart the daemon uses its old `control` and `data_dir`: --control reaches\n"
        "it there.\n",
    .more_zh =
        "只改动有变化的部分：未变的通信方式保持其连接；证书总会重新读取。有误的配置会被拒绝。\n"
        "data_dir、backend、control、operations、journal、limits 与 log 需要重启才能生效。\n"
        "发送 SIGHUP 效果相同。\n"
        "重启之前，程序仍在原来的 `control` 与 `data_dir`：可用 --control 连接。\n",
    .run = run,
};
