/* do: `milky do`: any operation of the sandbox (docs/SANDBOX.md), as a person or as its operator.
 */
#include "base/json.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "wire/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONFIG, CONTROL, PRETTY };
enum { MOST_PARAMS = 256 * 1024 * 1024, LONGEST_PATH = 1024 };

static const struct mk_option options[] = {
    MK_OPTION_CONFIG,
    MK_OPTION_CONTROL,
    { "pretty", 'p', NULL, "print over many lines, as on a terminal",
      "分行输出（终端上默认如此）" },
    { NULL },
};

static int read_stdin(struct mk_buf *text)
{
    int rc = 0;
    while (rc == 0 && !feof(stdin)) {
        char piece[4096];
        size_t len = fread(piece, 1, sizeof(piece), stdin);
        rc = ferror(stdin) ? -EIO : mk_buf_append(text, piece, len);
    }
    return rc < 0 ? mk_command_failed("%s", strerror(-rc)) : MK_EXIT_OK;
}

/* The value of KEY=VALUE: JSON where it is some, else a text. */
static int add_value(struct mk_buf *params, struct mk_slice value)
{
    yyjson_doc *doc = value.len ? mk_json_read(value, NULL, NULL) : NULL;
    int rc = doc ? mk_buf_append_slice(params, value) : mk_json_write_string(params, value);
    yyjson_doc_free(doc);
    return rc;
}

/* {"key": value, ...} of the words behind the action. Returns 0 or an exit code, said. */
static int join_fields(const struct mk_arguments *arguments, struct mk_buf *params)
{
    int rc = mk_buf_append_char(params, '{');
    for (int i = 1; i < arguments->count && rc == 0; i++) {
        const char *word = arguments->words[i];
        const char *equals = strchr(word, '=');
        if (!equals || equals == word)
            return mk_command_misused(
                arguments->command,
                mk_tr("it needs JSON, or KEY=VALUE: %s", "应为 JSON 或 KEY=VALUE：%s"), word);
        if (i > 1)
            rc = mk_buf_append_char(params, ',');
        if (rc == 0)
            rc = mk_json_write_string(params, mk_slice_of(word, (size_t)(equals - word)));
        if (rc == 0)
            rc = mk_buf_append_char(params, ':');
        if (rc == 0)
            rc = add_value(params, mk_slice_str(equals + 1));
    }
    if (rc == 0)
        rc = mk_buf_append_char(params, '}');
    return rc < 0 ? mk_command_failed("%s", strerror(-rc)) : MK_EXIT_OK;
}

static int read_params(const struct mk_arguments *arguments, struct mk_buf *params)
{
    const char *word = arguments->count > 1 ? arguments->words[1] : "{}";
    if (arguments->count == 2 && strcmp(word, "-") == 0)
        return read_stdin(params);
    if (*word != '{')
        return join_fields(arguments, params);
    if (arguments->count > 2)
        return mk_command_misused(arguments->command,
                                  mk_tr("one word too many: %s", "多余的参数：%s"),
                                  arguments->words[2]);
    return mk_buf_append_slice(params, mk_slice_str(word)) < 0
               ? mk_command_failed("%s", strerror(ENOMEM))
               : MK_EXIT_OK;
}

static int run(const struct mk_arguments *arguments)
{
    struct mk_buf params, path;
    mk_buf_init(&params, MOST_PARAMS);
    mk_buf_init(&path, LONGEST_PATH);
    int code = read_params(arguments, &params);
    int rc = mk_buf_append_slice(&path, MK_SLICE("/sandbox/"));
    if (rc == 0)
        rc = mk_url_encode(&path, mk_slice_str(arguments->words[0]));
    if (rc == 0)
        rc = mk_buf_append_char(&path, '\0');
    if (code == 0 && rc < 0)
        code = mk_command_failed("%s", strerror(-rc));
    struct mk_client_reply reply = { 0 };
    if (code == 0)
        code = mk_ask_at(arguments->option[CONFIG], arguments->option[CONTROL], path.data,
                         mk_buf_slice(&params), &reply);
    if (code == 0) {
        yyjson_val *root = yyjson_doc_get_root(reply.doc);
        yyjson_val *data = yyjson_obj_get(root, "data");
        rc = mk_client_print(data ? data : root, arguments->option[PRETTY]);
        code = rc == 0 ? MK_EXIT_OK : MK_EXIT_FAILED;
        mk_client_reply_fini(&reply);
    }
    mk_buf_fini(&params);
    mk_buf_fini(&path);
    return code;
}

const struct mk_command mk_do_command = {
    .name = "do",
    .usage = "OPERATION [JSON | KEY=VALUE...]",
    .en = "do anything in the sandbox, as one of its people or from outside",
    .zh = "在沙盒中做任何事：以某个用户的身份，或从外部操作",
    .options = options,
    .more_en =
        "JSON is the params, `-` for the standard input; a VALUE is JSON too, or else a text.\n"
        "As a person: say, recall, nudge, react, join, leave, invite, friend_request, accept,\n"
        "reject, ignore, upload, kick, mute, and every API of Milky 1.2 by its name:\n"
        "  milky do recall as=10003001 group=700000001 seq=5\n"
        "  milky do join as=10003002 group=700000002 comment='let me in'\n"
        "  milky do set_group_member_card as=10003001 group_id=700000001 user_id=10003001 card=x\n"
        "From outside: create_person, create_group, create_friendship, delete_person,\n"
        "delete_group, delete_friendship, clock, offline, online, fault, clear_faults,\n"
        "drop_connections, bots, world, dump, load, reset:\n"
        "  milky do clock advance=3600\n"
        "  milky do offline bot=10001000\n"
        "  milky do fault bot=10001000 action=send_group_message every=3 retcode=-500\n"
        "docs/SANDBOX.md tells of each.\n",
    .more_zh =
        "JSON 为参数，`-` 表示从标准输入读取；VALUE 也是 JSON，不是 JSON 时为文本。\n"
        "以某个用户的身份：say、recall、nudge、react、join、leave、invite、friend_"
        "request、accept、\n"
        "reject、ignore、upload、kick、mute，以及 Milky 1.2 的每个 API（使用其名称）：\n"
        "  milky do recall as=10003001 group=700000001 seq=5\n"
        "  milky do join as=10003002 group=700000002 comment='让我进群'\n"
        "  milky do set_group_member_card as=10003001 group_id=700000001 user_id=10003001 card=x\n"
        "从外部操作：create_person、create_group、create_friendship、delete_person、\n"
        "delete_group、delete_friendship、clock、offline、online、fault、clear_faults、\n"
        "drop_connections、bots、world、dump、load、reset：\n"
        "  milky do clock advance=3600\n"
        "  milky do offline bot=10001000\n"
        "  milky do fault bot=10001000 action=send_group_message every=3 retcode=-500\n"
        "详见 docs/SANDBOX.zh-CN.md。\n",
    .least = 1,
    .most = -1,
    .run = run,
};
