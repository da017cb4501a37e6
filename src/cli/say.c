/* say: `milky say` and `milky world`: requests to the sandbox through the control socket. */
#include "base/json.h"
#include "cli/ask.h"
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_BODY = 1024 * 1024 };

/* --- say --- */

enum { CONFIG, AS, GROUP, TO, PRETTY };

static const struct mk_option say_options[] = {
    MK_OPTION_CONFIG,
    { "as", 'a', "USER", "who speaks: somebody of the sandbox", "说话的人：沙盒中的用户" },
    { "group", 'g', "GROUP", "in this group", "在此群中" },
    { "to", 't', "BOT", "to this bot, in private", "私聊此 Bot" },
    { "pretty", 'p', NULL, "print over many lines, as on a terminal",
      "分行输出（终端上默认如此）" },
    { NULL },
};

static int bad_number(const struct mk_arguments *arguments, const char *option, const char *text)
{
    return mk_command_misused(arguments->command,
                              mk_tr("--%s is a number, not %s", "--%s 应为号码，不是 %s"), option,
                              text);
}

/* The words joined by spaces, as echo does. 0 or the error of the buf. */
static int join_words(const struct mk_arguments *arguments, struct mk_buf *text)
{
    int rc = 0;
    for (int i = 0; i < arguments->count && rc == 0; i++)
        rc = mk_buf_printf(text, "%s%s", i ? " " : "", arguments->words[i]);
    return rc;
}

/* {"as": ..., "group" or "to": ..., "text": ...}; NULL when memory is out or the text is no UTF-8
 */
static char *write_request(uint64_t as, const char *where, uint64_t place,
                           const struct mk_buf *text, size_t *len)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_uint(doc, root, "as", as);
    yyjson_mut_obj_add_uint(doc, root, where, place);
    yyjson_mut_obj_add_strn(doc, root, "text", text->data, text->len);
    char *json = yyjson_mut_obj_size(root) == 3 ? yyjson_mut_write(doc, 0, len) : NULL;
    yyjson_mut_doc_free(doc);
    return json;
}

static int say(const struct mk_arguments *arguments, uint64_t as, const char *where, uint64_t place)
{
    struct mk_buf text;
    mk_buf_init(&text, MOST_BODY);
    size_t len = 0;
    char *body = NULL;
    if (join_words(arguments, &text) == 0)
        body = write_request(as, where, place, &text, &len);
    mk_buf_fini(&text);
    if (!body)
        return mk_command_failed(
            "%s", mk_tr("the text is too long, or is not UTF-8", "文本过长，或不是 UTF-8"));
    struct mk_client_reply reply = { 0 };
    int code = mk_ask(arguments->option[CONFIG], "/sandbox/say", mk_slice_of(body, len), &reply);
    free(body);
    if (code)
        return code;
    yyjson_val *data = yyjson_obj_get(yyjson_doc_get_root(reply.doc), "data");
    code = mk_client_print(data ? data : yyjson_doc_get_root(reply.doc),
                           arguments->option[PRETTY]) == 0
               ? MK_EXIT_OK
               : MK_EXIT_FAILED;
    mk_client_reply_fini(&reply);
    return code;
}

static int run_say(const struct mk_arguments *arguments)
{
    const char *as = arguments->option[AS];
    const char *group = arguments->option[GROUP];
    const char *to = arguments->option[TO];
    uint64_t as_number;
    uint64_t place;
    if (!as || !group == !to)
        return mk_command_misused(
            arguments->command, "%s",
            mk_tr("it needs --as USER, and --group GROUP or --to BOT (`milky world` lists them)",
                  "需要 --as USER，以及 --group GROUP 或 --to BOT（`milky world` 可列出）"));
    if (!mk_command_uin(as, &as_number))
        return bad_number(arguments, "as", as);
    if (!mk_command_uin(group ? group : to, &place))
        return bad_number(arguments, group ? "group" : "to", group ? group : to);
    return say(arguments, as_number, group ? "group" : "to", place);
}

const struct mk_command mk_say_command = {
    .name = "say",
    .usage = "--as USER --group GROUP|--to BOT TEXT...",
    .en = "let somebody of the sandbox say something",
    .zh = "让沙盒中的某人说话",
    .options = say_options,
    .more_en =
        "The message reaches the bots as an event. The daemon is found by the control socket of\n"
        "the configuration.\n"
        "  milky say --as 10003001 --group 700000001 hello\n"
        "  milky say --as 10003001 --to 10001000 hello\n",
    .more_zh = "Bot 会收到这条消息的事件。通过配置中的控制套接字联系运行中的 `milky serve`。\n"
               "  milky say --as 10003001 --group 700000001 你好\n"
               "  milky say --as 10003001 --to 10001000 你好\n",
    .least = 1,
    .most = -1,
    .run = run_say,
};

/* --- world --- */

static const struct mk_option world_options[] = { MK_OPTION_CONFIG, { NULL } };

/* "NUMBER  NAME", the name without what could play with the terminal. */
static void print_one(yyjson_val *number, yyjson_val *name)
{
    printf("  %-11s ", yyjson_is_raw(number) ? yyjson_get_raw(number) : "?");
    const char *text = yyjson_get_str(name);
    for (size_t i = 0; i < yyjson_get_len(name); i++)
        putchar((unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
}

static int run_world(const struct mk_arguments *arguments)
{
    struct mk_client_reply reply = { 0 };
    int code = mk_ask(arguments->option[CONFIG], "/sandbox/world", MK_SLICE("{}"), &reply);
    if (code)
        return code;
    yyjson_val *data = yyjson_obj_get(yyjson_doc_get_root(reply.doc), "data");
    size_t i, max;
    yyjson_val *one;
    printf("%s\n", mk_tr("people", "用户"));
    yyjson_arr_foreach (yyjson_obj_get(data, "people"), i, max, one) {
        print_one(yyjson_obj_get(one, "user_id"), yyjson_obj_get(one, "nickname"));
        printf("%s\n",
               yyjson_get_bool(yyjson_obj_get(one, "is_bot")) ? mk_tr(" (bot)", "（Bot）") : "");
    }
    printf("%s\n", mk_tr("groups", "群"));
    yyjson_arr_foreach (yyjson_obj_get(data, "groups"), i, max, one) {
        yyjson_val *members = yyjson_obj_get(one, "member_count");
        print_one(yyjson_obj_get(one, "group_id"), yyjson_obj_get(one, "group_name"));
        printf(mk_tr(" (%s members)\n", "（%s 人）\n"),
               yyjson_is_raw(members) ? yyjson_get_raw(members) : "?");
    }
    mk_client_reply_fini(&reply);
    return fflush(stdout) == 0 ? MK_EXIT_OK : MK_EXIT_FAILED;
}

const struct mk_command mk_world_command = {
    .name = "world",
    .usage = "[-c FILE]",
    .en = "list the people and groups of the sandbox",
    .zh = "列出沙盒中的用户与群",
    .options = world_options,
    .run = run_world,
};
