/* do: `milky do`: any operation of the sandbox (docs/SANDBOX.md), as a person or as its operator.
 */
#include "base/error_text.h"
#include "base/json.h"
#include "base/json_error.h"
#include "base/jsonc.h"
#include "base/percent.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/operations.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONFIG, CONTROL, BACKEND, PRETTY };
enum { MAX_PARAMS = 256 * 1024 * 1024, LONGEST_ACTION = 1024 };

static const struct mk_option options[] = {
    MK_OPTION_CONFIG,
    MK_OPTION_CONTROL,
    MK_OPTION_BACKEND,
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
    return rc < 0 ? mk_command_failed("%s", "%s", mk_error_text(-rc)) : MK_EXIT_OK;
}

/* Each value of these is a text. */
static bool is_text(const struct mk_type *type)
{
    return type && (type->kind == MK_KIND_STRING || type->kind == MK_KIND_TEXT ||
                    type->kind == MK_KIND_TEXT_MESSAGE || type->kind == MK_KIND_ENUM);
}

/* The value of KEY=VALUE: JSON if it is valid JSON (for a text: a JSON string), else a text. */
static int add_value(struct mk_buf *params, const struct mk_type *type, struct mk_slice value)
{
    yyjson_doc *doc = value.len ? mk_json_read(value, NULL, NULL) : NULL;
    bool is_json = doc && (!is_text(type) || yyjson_is_str(yyjson_doc_get_root(doc)));
    int rc = is_json ? mk_buf_append_slice(params, value) : mk_json_write_string(params, value);
    yyjson_doc_free(doc);
    return rc;
}

/* Appends "key":value. Returns 0 or the error of the buf. */
static int add_field(struct mk_buf *params, const struct mk_operation_found *found,
                     struct mk_slice key, struct mk_slice value)
{
    bool is_known = found->operation || found->api;
    const struct mk_type *type = is_known ? mk_operation_field_type(found, key) : NULL;
    int rc = mk_json_write_string(params, key);
    if (rc == 0)
        rc = mk_buf_append_char(params, ':');
    return rc == 0 ? add_value(params, type, value) : rc;
}

/* {"key": value, ...} of the words after the action. Returns 0, or an exit code after it has
 * printed why. */
static int join_fields(const struct mk_arguments *arguments, const struct mk_operation_found *found,
                       struct mk_buf *params)
{
    int rc = mk_buf_append_char(params, '{'), code = MK_EXIT_OK;
    for (int i = 1; i < arguments->count && rc == 0; i++) {
        const char *word = arguments->words[i];
        const char *equals = strchr(word, '=');
        if (!equals || equals == word)
            return mk_command_misused(arguments->command, "it needs JSON, or KEY=VALUE: %s",
                                      "应为 JSON 或 KEY=VALUE：%s", word);
        struct mk_slice key = mk_slice_of(word, (size_t)(equals - word));
        if (found->operation || found->api)
            code = mk_operations_check_field(found, key);
        if (code)
            return code;
        if (i > 1)
            rc = mk_buf_append_char(params, ',');
        if (rc == 0)
            rc = add_field(params, found, key, mk_slice_str(equals + 1));
    }
    if (rc == 0)
        rc = mk_buf_append_char(params, '}');
    return rc < 0 ? mk_command_failed("%s", "%s", mk_error_text(-rc)) : MK_EXIT_OK;
}

/* Wraps a world as `load` expects it. */
static int write_params(const struct mk_arguments *arguments, yyjson_val *root,
                        struct mk_buf *params)
{
    bool bare = strcmp(arguments->words[0], "load") == 0 && yyjson_obj_get(root, "milky_world");
    size_t len;
    char *json = yyjson_val_write(root, 0, &len);
    int rc = json ? 0 : -ENOMEM;
    if (rc == 0 && bare)
        rc = mk_buf_append_slice(params, MK_SLICE("{\"world\":"));
    if (rc == 0)
        rc = mk_buf_append(params, json, len);
    if (rc == 0 && bare)
        rc = mk_buf_append_char(params, '}');
    free(json);
    return rc < 0 ? mk_command_failed("%s", "%s", mk_error_text(-rc)) : MK_EXIT_OK;
}

/* Makes the params strict JSON for the daemon: without comments and trailing commas. */
static int convert(const struct mk_arguments *arguments, struct mk_slice text,
                   struct mk_buf *params)
{
    yyjson_read_err error;
    if (text.len == 0)
        return MK_EXIT_OK; /* an empty body means no params */
    yyjson_doc *doc = mk_jsonc_read(text, NULL, &error);
    if (!doc) {
        size_t line, column;
        mk_jsonc_position(text, error.pos, &line, &column);
        return mk_command_failed("the params are not JSON: %zu:%zu: %s",
                                 "参数不是 JSON：%zu:%zu：%s", line, column,
                                 mk_json_error_text(mk_language_get(), &error));
    }
    int code = write_params(arguments, yyjson_doc_get_root(doc), params);
    yyjson_doc_free(doc);
    return code;
}

static int read_params(const struct mk_arguments *arguments, const struct mk_operation_found *found,
                       struct mk_buf *params)
{
    const char *word = arguments->count > 1 ? arguments->words[1] : "{}";
    if (arguments->count == 2 && strcmp(word, "-") == 0) {
        struct mk_buf text;
        mk_buf_init(&text, MAX_PARAMS);
        int code = read_stdin(&text);
        if (code == 0)
            code = convert(arguments, mk_buf_slice(&text), params);
        mk_buf_fini(&text);
        return code;
    }
    if (*word != '{')
        return join_fields(arguments, found, params);
    if (arguments->count > 2)
        return mk_command_misused(arguments->command, "one word too many: %s", "多余的参数：%s",
                                  arguments->words[2]);
    return convert(arguments, mk_slice_str(word), params);
}

static int print(const struct mk_arguments *arguments, const struct mk_client_reply *reply)
{
    if (!reply->ok)
        return mk_command_failed("%s", "%s", *reply->message ? reply->message : "?");
    yyjson_val *root = yyjson_doc_get_root(reply->doc);
    yyjson_val *data = yyjson_obj_get(root, "data");
    int rc = mk_client_print(data ? data : root, arguments->option[PRETTY]);
    return rc == 0 ? MK_EXIT_OK : MK_EXIT_FAILED;
}

/* The backend that is named may have other operations than the sandbox of this program. */
static int find_operation(const struct mk_arguments *arguments, struct mk_operation_found *found)
{
    *found = (struct mk_operation_found){ 0 };
    return arguments->option[BACKEND] ? MK_EXIT_OK : mk_operations_find(arguments->words[0], found);
}

static int run(const struct mk_arguments *arguments)
{
    struct mk_operation_found found;
    struct mk_buf params, action;
    if (arguments->count == 0)
        return mk_operations_explain(NULL);
    mk_buf_init(&params, MAX_PARAMS);
    mk_buf_init(&action, LONGEST_ACTION);
    int code = find_operation(arguments, &found);
    if (code == 0)
        code = read_params(arguments, &found, &params);
    int rc = mk_percent_encode(&action, mk_slice_str(arguments->words[0]));
    if (rc == 0)
        rc = mk_buf_append_char(&action, '\0');
    if (code == 0 && rc < 0)
        code = mk_command_failed("%s", "%s", mk_error_text(-rc));
    struct mk_client_reply reply = { 0 };
    const struct mk_ask_sandbox ask = {
        .file = arguments->option[CONFIG],
        .control = arguments->option[CONTROL],
        .backend = arguments->option[BACKEND],
        .action = action.data,
    };
    if (code == 0)
        code = mk_ask_sandbox_reply(&ask, mk_buf_slice(&params), &reply);
    if (code == 0)
        code = print(arguments, &reply);
    mk_client_reply_fini(&reply);
    mk_buf_fini(&params);
    mk_buf_fini(&action);
    return code;
}

const struct mk_command mk_do_command = {
    .name = "do",
    .usage = "[OPERATION [JSON | KEY=VALUE...]]",
    .en = "do anything in the sandbox, as one of its people or from outside",
    .zh = "在沙盒中做任何事：以某个用户的身份，或从外部操作",
    .options = options,
    .more_en =
        "JSON is the params, `-` for the standard input; it may have comments and trailing\n"
        "commas. A VALUE is JSON too where the field is no text.\n"
        "  milky do react as=10003001 group=700000001 seq=5 reaction=14\n"
        "  milky do set_group_member_card as=10003001 group_id=700000001 user_id=10003001 card=x\n"
        "  milky do fault bot=10001000 action=send_group_message every=3 retcode=-500\n"
        "  milky do load - < world.json\n",
    .more_zh =
        "JSON 为参数，可含注释与多余的逗号，`-` 表示从标准输入读取；字段不是文本时，VALUE 也是 "
        "JSON。\n"
        "  milky do react as=10003001 group=700000001 seq=5 reaction=14\n"
        "  milky do set_group_member_card as=10003001 group_id=700000001 user_id=10003001 card=x\n"
        "  milky do fault bot=10001000 action=send_group_message every=3 retcode=-500\n"
        "  milky do load - < world.json\n",
    .most = -1,
    .run = run,
    .explain = mk_operations_explain,
};
