/* say: `milky say` and `milky world`: requests to the sandbox through the control socket. */
#include "base/base64.h"
#include "base/error_text.h"
#include "base/json.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "config/schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_TEXT = 1024 * 1024, MAX_IMAGE = 128 * 1024 * 1024 };

/* --- say --- */

enum { CONFIG, CONTROL, BACKEND, AS, GROUP, TO, THROUGH, IMAGE, PRETTY };

static const struct mk_option say_options[] = {
    MK_OPTION_CONFIG,
    MK_OPTION_CONTROL,
    MK_OPTION_BACKEND,
    { "as", 'a', "USER", "the person of the sandbox who speaks", "说话的人：沙盒中的用户" },
    { "group", 'g', "GROUP", "in this group", "在此群中" },
    { "to", 't', "BOT", "to this bot, in private", "私聊此 Bot" },
    { "through", 0, "GROUP", "with --to: in a temporary session through this group",
      "与 --to 同用：通过此群的临时会话" },
    { "image", 'i', "FILE", "send this picture, below the text if there is any",
      "发送此图片，有文本时在文本之后" },
    { "pretty", 'p', NULL, "print over many lines, as on a terminal",
      "分行输出（终端上默认如此）" },
    { NULL },
};

/* Asks for both commands, whose first options are the same. */
static int ask(const struct mk_arguments *arguments, const char *action, struct mk_slice body,
               struct mk_client_reply *reply)
{
    const struct mk_ask_sandbox sandbox = {
        .file = arguments->option[CONFIG],
        .control = arguments->option[CONTROL],
        .backend = arguments->option[BACKEND],
        .action = action,
    };
    return mk_ask_sandbox_at(&sandbox, body, reply);
}

static int bad_number(const struct mk_arguments *arguments, const char *option, const char *text)
{
    bool group = strcmp(option, "group") == 0 || strcmp(option, "through") == 0;
    unsigned long long least = MK_CONFIG_LEAST_UIN, most = MK_CONFIG_MOST_UIN;
    if (group)
        return mk_command_misused(
            arguments->command, "--%s is the number of a group, from %llu to %llu, not %s",
            "--%s 应为 %llu 到 %llu 之间的群号，不是 %s", option, least, most, text);
    return mk_command_misused(arguments->command, "--%s is a QQ number from %llu to %llu, not %s",
                              "--%s 应为 %llu 到 %llu 之间的 QQ 号，不是 %s", option, least, most,
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

/* The file as a base64:// URI: the daemon need not be able to read it. Returns 0 or -errno. */
static int read_image(const char *name, struct mk_buf *uri)
{
    FILE *file = fopen(name, "rbe");
    if (!file)
        return -errno;
    int rc = mk_buf_append_slice(uri, MK_SLICE("base64://"));
    uint8_t piece[3 * 1024];
    size_t len = sizeof(piece);
    while (rc == 0 && len == sizeof(piece)) {
        len = fread(piece, 1, sizeof(piece), file);
        rc = ferror(file) ? -EIO : mk_base64_append(uri, piece, len);
    }
    fclose(file);
    return rc;
}

/* The message, from the command line and a file. */
struct draft {
    struct mk_buf text;
    struct mk_buf image; /* a URI; empty: none */
};

static bool put_segment(yyjson_mut_doc *doc, yyjson_mut_val *message, const char *type,
                        const char *field, const struct mk_buf *value)
{
    yyjson_mut_val *segment = yyjson_mut_arr_add_obj(doc, message);
    return yyjson_mut_obj_add_str(doc, segment, "type", type) &&
           yyjson_mut_obj_add_strn(doc, yyjson_mut_obj_add_obj(doc, segment, "data"), field,
                                   value->data, value->len);
}

/* {"as", "group" or "to", "through", "message"}; NULL when out of memory, or the text is not UTF-8
 */
static char *write_request(uint64_t as, const char *where, const uint64_t conversation[2],
                           const struct draft *draft, size_t *len)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    bool ok = yyjson_mut_obj_add_uint(doc, root, "as", as) &&
              yyjson_mut_obj_add_uint(doc, root, where, conversation[0]);
    if (conversation[1] > 0)
        ok = ok && yyjson_mut_obj_add_uint(doc, root, "through", conversation[1]);
    yyjson_mut_val *message = yyjson_mut_obj_add_arr(doc, root, "message");
    if (draft->text.len > 0)
        ok = ok && put_segment(doc, message, "text", "text", &draft->text);
    if (draft->image.len > 0)
        ok = ok && put_segment(doc, message, "image", "uri", &draft->image);
    char *json = ok ? yyjson_mut_write(doc, 0, len) : NULL;
    yyjson_mut_doc_free(doc);
    return json;
}

/* conversation[0]: the group or the bot; conversation[1]: the group of a temporary session, or 0 */
static int say(const struct mk_arguments *arguments, uint64_t as, const char *where,
               const uint64_t conversation[2], const struct draft *draft)
{
    size_t len = 0;
    char *body = write_request(as, where, conversation, draft, &len);
    if (!body)
        return mk_command_failed("the text is not UTF-8", "文本不是 UTF-8");
    struct mk_client_reply reply = { 0 };
    int code = ask(arguments, "say", mk_slice_of(body, len), &reply);
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

static int read_draft(const struct mk_arguments *arguments, struct draft *draft)
{
    const char *image = arguments->option[IMAGE];
    if (join_words(arguments, &draft->text) < 0)
        return mk_command_failed("the text is too long", "文本过长");
    int rc = image ? read_image(image, &draft->image) : 0;
    if (rc == -ENOBUFS)
        return mk_command_failed("%s is too large", "%s 过大", image);
    return rc < 0 ? mk_command_failed("%s: %s", "%s：%s", image, mk_error_text(-rc)) : MK_EXIT_OK;
}

static int run_say(const struct mk_arguments *arguments)
{
    const char *as = arguments->option[AS];
    const char *group = arguments->option[GROUP];
    const char *to = arguments->option[TO];
    const char *through = arguments->option[THROUGH];
    uint64_t as_number;
    uint64_t conversation[2] = { 0, 0 };
    if (!as || !group == !to || (through && !to))
        return mk_command_misused(
            arguments->command,
            "it needs --as USER, and --group GROUP or --to BOT (`milky world` lists them)",
            "需要 --as USER，以及 --group GROUP 或 --to BOT（`milky world` 可列出）");
    if (arguments->count == 0 && !arguments->option[IMAGE])
        return mk_command_misused(arguments->command, "something is missing: %s %s",
                                  "缺少参数：%s %s", arguments->command->name,
                                  arguments->command->usage);
    if (!mk_command_uin(as, &as_number))
        return bad_number(arguments, "as", as);
    if (!mk_command_uin(group ? group : to, &conversation[0]))
        return bad_number(arguments, group ? "group" : "to", group ? group : to);
    if (through && !mk_command_uin(through, &conversation[1]))
        return bad_number(arguments, "through", through);
    struct draft draft;
    mk_buf_init(&draft.text, MAX_TEXT);
    mk_buf_init(&draft.image, MAX_IMAGE);
    int code = read_draft(arguments, &draft);
    if (code == 0)
        code = say(arguments, as_number, group ? "group" : "to", conversation, &draft);
    mk_buf_fini(&draft.text);
    mk_buf_fini(&draft.image);
    return code;
}

const struct mk_command mk_say_command = {
    .name = "say",
    .usage = "--as USER --group GROUP|--to BOT [--image FILE] TEXT...",
    .en = "send a message as a person of the sandbox",
    .zh = "以沙盒中某个用户的身份发送消息",
    .options = say_options,
    .more_en =
        "The message reaches the bots as an event. The command finds the daemon by the control\n"
        "socket of the configuration.\n"
        "  milky say --as 10003001 --group 700000001 hello\n"
        "  milky say --as 10003001 --to 10001000 hello\n"
        "  milky say --as 10003001 --to 10001000 --image cat.png\n"
        "`milky do` is for everything else that people do.\n",
    .more_zh = "Bot 会收到这条消息的事件。通过配置中的控制套接字联系运行中的 `milky serve`。\n"
               "  milky say --as 10003001 --group 700000001 你好\n"
               "  milky say --as 10003001 --to 10001000 你好\n"
               "  milky say --as 10003001 --to 10001000 --image cat.png\n"
               "用户能做的其他事，请用 `milky do`。\n",
    .most = -1,
    .run = run_say,
};

/* --- world --- */

static const struct mk_option world_options[] = {
    MK_OPTION_CONFIG,
    MK_OPTION_CONTROL,
    MK_OPTION_BACKEND,
    { NULL },
};

/* Prints "NUMBER  NAME", the name escaped for the terminal. */
static void print_one(yyjson_val *number, yyjson_val *name)
{
    printf("  %-11s ", yyjson_is_raw(number) ? yyjson_get_raw(number) : "?");
    mk_text_show(stdout, mk_slice_of(yyjson_get_str(name), yyjson_get_len(name)), false);
}

/* The person of a number in the list `people`, or NULL. */
static yyjson_val *find_person(yyjson_val *data, yyjson_val *number)
{
    size_t i, max;
    yyjson_val *one;
    yyjson_arr_foreach (yyjson_obj_get(data, "people"), i, max, one)
        if (yyjson_equals(yyjson_obj_get(one, "user_id"), number))
            return one;
    return NULL;
}

/* The owner and the admins of a group, and the bots in it. */
static void print_roles(yyjson_val *data, yyjson_val *roles)
{
    static const struct mk_word words[] = {
        { "owner", "owner", "群主" },
        { "admin", "admin", "管理员" },
        { "member", "member", "成员" },
    };
    size_t i, max;
    yyjson_val *one;
    yyjson_arr_foreach (roles, i, max, one) {
        yyjson_val *number = yyjson_obj_get(one, "user_id");
        const char *role = yyjson_get_str(yyjson_obj_get(one, "role"));
        const char *word = mk_word_for(words, sizeof(words) / sizeof(words[0]), role);
        printf("  ");
        print_one(number, yyjson_obj_get(find_person(data, number), "nickname"));
        printf(mk_tr(" (%s)\n", "（%s）\n"), word ? word : "?");
    }
}

static int run_world(const struct mk_arguments *arguments)
{
    struct mk_client_reply reply = { 0 };
    int code = ask(arguments, "world", MK_SLICE("{}"), &reply);
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
        print_roles(data, yyjson_obj_get(one, "roles"));
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
