/* deliveries: `milky deliveries`: the dead letters: events that webhooks have refused for good. */
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
    printf(mk_tr("%llu  %s  bot %llu  event %llu  %s  answered %llu: ",
                 "%llu  %s  Bot %llu  事件 %llu  %s  应答 %llu："),
           mk_client_uint(one, "id"), mk_text_time(mk_client_uint(one, "time"), when),
           mk_client_uint(one, "self_id"), mk_client_uint(one, "number"), webhook ? webhook : "",
           mk_client_uint(one, "status"));
    const char *response = yyjson_get_str(yyjson_obj_get(one, "response"));
    print_foreign(response ? response : "");
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
    bool is_retry = strcmp(verb, "retry") == 0;
    if (!is_retry && strcmp(verb, "drop") != 0)
        return mk_command_misused(arguments->command, "it is retry or drop, not %s",
                                  "应为 retry 或 drop，不是 %s", verb);
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
    .usage = "[retry|drop ID|all]",
    .en = "list the events that webhooks refused; post them again, or drop them",
    .zh = "列出被 webhook 拒绝的事件；重新投递或删除",
    .options = options,
    .more_en =
        "An event that a webhook answers with a 4xx three times is set aside, so that the next\n"
        "events can be delivered. After 408, 425 and 429 it is tried again, without end.\n"
        "Without an argument it lists them: number, time, bot, event, webhook, answer.\n"
        "  milky deliveries retry 3    post it once more; it is removed when it is accepted\n"
        "  milky deliveries retry all\n"
        "  milky deliveries drop all   remove them\n"
        "The exit code is 1 when an event was not accepted.\n",
    .more_zh = "webhook 三次以 4xx 应答的事件会被搁置，后面的事件继续投递；408、425\n"
               "与 429 会一直重试，不会搁置。不带参数时列出它们：\n"
               "编号、时间、Bot、事件、webhook、应答。\n"
               "  milky deliveries retry 3    重新投递一次；被接收后即删除\n"
               "  milky deliveries retry all\n"
               "  milky deliveries drop all   全部删除\n"
               "有事件未被接收时退出码为 1。\n",
    .most = 2,
    .run = run,
};
