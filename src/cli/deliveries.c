/*
 * deliveries: `milky deliveries`: the dead letters: events that webhooks have refused, or that were
 * given up; and the events that webhooks are trying to deliver.
 */
#include "cli/ask.h"
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONFIG, CONTROL, BOT, JSON };

static const struct mk_option options[] = {
    MK_OPTION_CONFIG,
    MK_OPTION_CONTROL,
    { "bot", 'b', "UIN", "skip or resume only a webhook of this bot",
      "只跳过或恢复此 Bot 的 webhook" },
    { "json", 'j', NULL, "print what the daemon says, as JSON", "以 JSON 输出" },
    { NULL },
};

static const char path[] = "/endpoint/deliveries";

static yyjson_val *data_of(const struct mk_client_reply *reply)
{
    return yyjson_obj_get(yyjson_doc_get_root(reply->doc), "data");
}

/* Posts {"KEY": VALUE}. Returns 0 with a reply, or an exit code after it has printed why. */
static int ask(const struct mk_arguments *arguments, const char *key, uint64_t value,
               struct mk_client_reply *reply)
{
    char body[64];
    int len = snprintf(body, sizeof(body), "{\"%s\":%llu}", key, (unsigned long long)value);
    return mk_ask_at(arguments->option[CONFIG], arguments->option[CONTROL], path,
                     mk_slice_of(body, (size_t)len), reply);
}

/* Prints text of a webhook on one line, escaped for the terminal. */
static void print_foreign(const char *text)
{
    mk_text_show(stdout, mk_slice_str(text), false);
}

/* --- all of them --- */

/*
 * Calls `each` for every delivery, a page at a time. `each` returns 0 or an exit code, which does
 * not end the loop. Returns the last exit code, or that of a failure.
 */
static int for_each(const struct mk_arguments *arguments, size_t *count,
                    int (*each)(const struct mk_arguments *arguments, yyjson_val *one))
{
    uint64_t after = 0;
    int result = MK_EXIT_OK;
    bool more = true;
    while (more) {
        struct mk_client_reply reply = { 0 };
        int code = ask(arguments, "after", after, &reply);
        if (code)
            return code;
        size_t i, max;
        yyjson_val *one;
        yyjson_arr_foreach (yyjson_obj_get(data_of(&reply), "deliveries"), i, max, one) {
            after = mk_client_uint(one, "id");
            code = each(arguments, one);
            result = code ? code : result;
            ++*count;
        }
        more = yyjson_get_bool(yyjson_obj_get(data_of(&reply), "more"));
        mk_client_reply_fini(&reply);
    }
    return result;
}

static int print_one(const struct mk_arguments *arguments, yyjson_val *one)
{
    if (arguments->option[JSON])
        return mk_client_print(one, false) == 0 ? MK_EXIT_OK : MK_EXIT_FAILED;
    char when[MK_TEXT_TIME];
    const char *webhook = yyjson_get_str(yyjson_obj_get(one, "webhook"));
    printf(mk_tr("%llu  %s  bot %llu  event %llu  %s  ", "%llu  %s  Bot %llu  事件 %llu  %s  "),
           mk_client_uint(one, "id"), mk_text_time(mk_client_uint(one, "time"), when),
           mk_client_uint(one, "self_id"), mk_client_uint(one, "number"), webhook ? webhook : "");
    uint64_t status = mk_client_uint(one, "status");
    if (status)
        printf(mk_tr("answered %llu: ", "应答 %llu："), (unsigned long long)status);
    else
        fputs(mk_tr("not delivered: ", "未送达："), stdout);
    const char *text = yyjson_get_str(yyjson_obj_get(one, status ? "response" : "error"));
    print_foreign(text ? text : "");
    putchar('\n');
    return MK_EXIT_OK;
}

/* --- retry and drop --- */

static const struct mk_word outcomes[] = {
    { "taken", "taken", "已被接收" },
    { "refused", "refused again, and kept", "再次被拒绝，予以保留" },
    { "failed", "not delivered, and kept", "未能送达，予以保留" },
    { "gone",
      "its event is not in the journal any more (see `journal` in the configuration); "
      "`drop` forgets it",
      "事件已不在日志中（参见配置中的 `journal`）；可用 `drop` 删除" },
    { "unconfigured", "no webhook of this URL is configured any more; `drop` forgets it",
      "配置中已没有此 URL 的 webhook；可用 `drop` 删除" },
};

static int print_outcome(yyjson_val *data)
{
    const char *name = yyjson_get_str(yyjson_obj_get(data, "outcome"));
    const char *outcome = mk_word_for(outcomes, sizeof(outcomes) / sizeof(outcomes[0]), name);
    const char *message = yyjson_get_str(yyjson_obj_get(data, "message"));
    uint64_t status = mk_client_uint(data, "status");
    printf("%llu  %s", mk_client_uint(data, "id"), outcome ? outcome : "");
    if (status)
        printf(" (%llu)", (unsigned long long)status);
    if (message) {
        fputs(" (", stdout);
        print_foreign(message);
        putchar(')');
    }
    putchar('\n');
    return name && strcmp(name, "taken") == 0 ? MK_EXIT_OK : MK_EXIT_FAILED;
}

static int retry(const struct mk_arguments *arguments, uint64_t id)
{
    struct mk_client_reply reply = { 0 };
    int code = ask(arguments, "retry", id, &reply);
    if (code)
        return code;
    if (!arguments->option[JSON]) {
        code = print_outcome(data_of(&reply));
    } else {
        bool taken = yyjson_equals_str(yyjson_obj_get(data_of(&reply), "outcome"), "taken");
        bool printed = mk_client_print(data_of(&reply), false) == 0;
        code = taken && printed ? MK_EXIT_OK : MK_EXIT_FAILED;
    }
    fflush(stdout);
    mk_client_reply_fini(&reply);
    return code;
}

static int retry_one(const struct mk_arguments *arguments, yyjson_val *one)
{
    return retry(arguments, mk_client_uint(one, "id"));
}

static int drop(const struct mk_arguments *arguments, uint64_t id, bool all)
{
    struct mk_client_reply reply = { 0 };
    int code = all ? mk_ask_at(arguments->option[CONFIG], arguments->option[CONTROL], path,
                               MK_SLICE("{\"drop\":\"all\"}"), &reply)
                   : ask(arguments, "drop", id, &reply);
    if (code)
        return code;
    uint64_t count = mk_client_uint(data_of(&reply), "dropped");
    if (arguments->option[JSON])
        mk_client_print(data_of(&reply), false);
    else if (count > 0 || all)
        printf(mk_tr("%llu dropped\n", "已删除 %llu 条\n"), (unsigned long long)count);
    mk_client_reply_fini(&reply);
    if (count > 0 || all)
        return MK_EXIT_OK;
    return mk_command_failed("there is no delivery %llu", "没有投递 %llu", (unsigned long long)id);
}

/* --- skip and resume --- */

/* {"VERB": URL or true, "self_id": UIN}, on the heap. NULL when out of memory. */
static char *held_request(const char *verb, const char *url, uint64_t self_id)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_val *which = url ? yyjson_mut_str(doc, url) : yyjson_mut_true(doc);
    bool ok = root && yyjson_mut_obj_add_val(doc, root, verb, which) &&
              (!self_id || yyjson_mut_obj_add_uint(doc, root, "self_id", self_id));
    yyjson_mut_doc_set_root(doc, root);
    char *text = ok ? yyjson_mut_write(doc, 0, NULL) : NULL;
    yyjson_mut_doc_free(doc);
    return text;
}

static void print_skipped(yyjson_val *data)
{
    yyjson_val *skipped = yyjson_obj_get(data, "skipped");
    const char *webhook = yyjson_get_str(yyjson_obj_get(skipped, "webhook"));
    printf(mk_tr("bot %llu  %s  event %llu skipped\n", "Bot %llu  %s  已跳过事件 %llu\n"),
           mk_client_uint(skipped, "self_id"), webhook ? webhook : "",
           mk_client_uint(skipped, "number"));
}

static void print_resumed(yyjson_val *data)
{
    size_t i, max;
    yyjson_val *one;
    yyjson_arr_foreach (yyjson_obj_get(data, "resumed"), i, max, one) {
        const char *webhook = yyjson_get_str(yyjson_obj_get(one, "webhook"));
        printf(mk_tr("bot %llu  %s  resumed\n", "Bot %llu  %s  已恢复\n"),
               mk_client_uint(one, "self_id"), webhook ? webhook : "");
    }
}

/* `verb` is "skip" or "resume"; `url` may be NULL. */
static int ask_held(const struct mk_arguments *arguments, const char *verb, const char *url)
{
    uint64_t self_id = 0;
    const char *bot = arguments->option[BOT];
    if (bot && !mk_command_uin(bot, &self_id))
        return mk_command_misused(arguments->command, "--bot: expected a QQ number, got %s",
                                  "--bot：应为 QQ 号，实际为 %s", bot);
    char *body = held_request(verb, url, self_id);
    if (!body)
        return mk_command_failed("out of memory", "内存不足");
    struct mk_client_reply reply = { 0 };
    int code = mk_ask_at(arguments->option[CONFIG], arguments->option[CONTROL], path,
                         mk_slice_str(body), &reply);
    free(body);
    if (code)
        return code;
    if (arguments->option[JSON])
        code = mk_client_print(data_of(&reply), false) == 0 ? MK_EXIT_OK : MK_EXIT_FAILED;
    else if (strcmp(verb, "skip") == 0)
        print_skipped(data_of(&reply));
    else
        print_resumed(data_of(&reply));
    mk_client_reply_fini(&reply);
    return code;
}

/* --- the command --- */

static int list(const struct mk_arguments *arguments)
{
    size_t count = 0;
    int code = for_each(arguments, &count, print_one);
    if (code == MK_EXIT_OK && count == 0 && !arguments->option[JSON])
        printf("%s\n", mk_tr("no event is set aside", "没有被搁置的事件"));
    return code;
}

static int run(const struct mk_arguments *arguments)
{
    if (arguments->count == 0)
        return list(arguments);
    const char *verb = arguments->words[0];
    if (strcmp(verb, "skip") == 0 || strcmp(verb, "resume") == 0)
        return ask_held(arguments, verb, arguments->count > 1 ? arguments->words[1] : NULL);
    bool is_retry = strcmp(verb, "retry") == 0;
    if (!is_retry && strcmp(verb, "drop") != 0)
        return mk_command_misused(arguments->command, "it is retry, drop, skip or resume, not %s",
                                  "应为 retry、drop、skip 或 resume，不是 %s", verb);
    if (arguments->count < 2)
        return mk_command_misused(arguments->command, "%s needs the number of a delivery, or all",
                                  "%s 需要投递的编号，或 all", verb);
    const char *which = arguments->words[1];
    bool all = strcmp(which, "all") == 0;
    uint64_t id = 0;
    if (!all && !mk_command_uint(which, INT64_MAX, &id))
        return mk_command_misused(arguments->command,
                                  "expected the number of a delivery, or all, got %s",
                                  "应为投递的编号，或 all，实际为 %s", which);
    if (!is_retry)
        return drop(arguments, id, all);
    size_t count = 0;
    return all ? for_each(arguments, &count, retry_one) : retry(arguments, id);
}

const struct mk_command mk_deliveries_command = {
    .name = "deliveries",
    .usage = "[retry|drop ID|all] [skip|resume [URL]]",
    .en = "list the events that webhooks did not take; post them again, drop or skip them",
    .zh = "列出 webhook 未能接收的事件；重新投递、删除或跳过",
    .options = options,
    .more_en =
        "An event that a webhook answers with a 4xx three times, or fails to take within\n"
        "`give_up`, is set aside, so that the next events can be delivered.\n"
        "Without an argument it lists them: number, time, bot, event, webhook, answer.\n"
        "  milky deliveries retry 3     post it once more; it is removed when it is accepted\n"
        "  milky deliveries retry all\n"
        "  milky deliveries drop all    remove them\n"
        "  milky deliveries skip URL    set the event aside that this webhook is trying now;\n"
        "                               without URL: that of the only one that fails\n"
        "  milky deliveries resume URL  go on with a webhook that is paused, because it has\n"
        "                               answered 410, 401 or 403; without URL: with all\n"
        "                               that are paused\n"
        "The exit code is 1 when an event was not accepted, or there is nothing to skip or "
        "resume.\n",
    .more_zh = "webhook 三次以 4xx 应答的事件，或在 `give_up` 之内未能接收的事件会被搁置，\n"
               "后面的事件继续投递。不带参数时列出它们：\n"
               "编号、时间、Bot、事件、webhook、应答。\n"
               "  milky deliveries retry 3     重新投递一次；被接收后即删除\n"
               "  milky deliveries retry all\n"
               "  milky deliveries drop all    全部删除\n"
               "  milky deliveries skip URL    搁置此 webhook 正在尝试的事件；\n"
               "                               省略 URL 时为唯一一个投递失败的 webhook\n"
               "  milky deliveries resume URL  恢复因应答 410、401 或 403 而暂停的 webhook；\n"
               "                               省略 URL 时恢复所有暂停的\n"
               "有事件未被接收，或没有可跳过、可恢复的时，退出码为 1。\n",
    .most = 2,
    .run = run,
};
