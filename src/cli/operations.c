/* operations: see the header. */
#include "cli/operations.h"

#include "backend/sandbox/turn/operations.h"
#include "cli/command.h"

#include <inttypes.h>

enum { NAME_WIDTH = 18, TYPE_SIZE = 256, MAX_TEXT = 65535 };

/* --- finding --- */

int mk_operations_find(const char *name, struct mk_operation_found *found)
{
    struct mk_slice word = mk_slice_str(name);
    *found = mk_operation_find(&sb_operations, word);
    if (found->operation || found->api)
        return MK_EXIT_OK;
    const char *near = mk_operation_near(&sb_operations, word);
    if (near)
        return mk_command_failed("no such operation: %s; did you mean %s?",
                                 "没有这个操作：%s；是否想用 %s？", name, near);
    return mk_command_failed("no such operation: %s (`%s do` lists them)",
                             "没有这个操作：%s（`%s do` 可列出全部操作）", name, mk_program);
}

static const char *name_of(const struct mk_operation_found *found)
{
    return found->operation ? found->operation->name.ptr : found->api->name.ptr;
}

int mk_operations_check_field(const struct mk_operation_found *found, struct mk_slice name)
{
    if (mk_operation_field_type(found, name))
        return MK_EXIT_OK;
    const char *near = mk_operation_near_field(found, name);
    if (near)
        return mk_command_failed("%s has no field %.*s; did you mean %s?",
                                 "%s 没有字段 %.*s；是否想用 %s？", name_of(found), (int)name.len,
                                 name.ptr, near);
    return mk_command_failed("%s has no field %.*s (see: %s do %s --help)",
                             "%s 没有字段 %.*s（参见：%s do %s --help）", name_of(found),
                             (int)name.len, name.ptr, mk_program, name_of(found));
}

/* --- types and defaults in words --- */

static void write_choices(char *text, size_t size, const struct mk_type *type)
{
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < type->value_count && len < size; i++) {
        const char *before = i == 0 ? "" : i + 1 < type->value_count ? ", " : mk_tr(" or ", " 或 ");
        len += (size_t)snprintf(text + len, size - len, "%s%s", before, type->values[i].ptr);
    }
}

static void write_range(char *text, size_t size, const struct mk_type *type)
{
    if (type->most >= UINT32_MAX && type->least >= 0)
        snprintf(text, size, mk_tr("number from %" PRId64, "不小于 %" PRId64 " 的整数"),
                 type->least);
    else
        snprintf(text, size,
                 mk_tr("number from %" PRId64 " to %" PRId64, "%" PRId64 " 到 %" PRId64 " 的整数"),
                 type->least, type->most);
}

static void write_type(char *text, size_t size, const struct mk_type *type)
{
    static const char *const words[][2] = {
        [MK_KIND_BOOL] = { "true or false", "true 或 false" },
        [MK_KIND_INT] = { "number", "整数" },
        [MK_KIND_UINT] = { "number", "整数" },
        [MK_KIND_UIN] = { "QQ number", "QQ 号" },
        [MK_KIND_STRING] = { "text", "文本" },
        [MK_KIND_ARRAY] = { "JSON list", "JSON 列表" },
        [MK_KIND_OBJECT] = { "JSON object", "JSON 对象" },
        [MK_KIND_UNION] = { "JSON object", "JSON 对象" },
        [MK_KIND_TEXT] = { "text", "文本" },
        [MK_KIND_FRACTION] = { "number from 0 to 1", "0 到 1 的数" },
        [MK_KIND_TEXT_MESSAGE] = { "text", "文本" },
        [MK_KIND_JSON] = { "JSON", "JSON" },
    };
    if (type->kind == MK_KIND_ENUM)
        write_choices(text, size, type);
    else if (type->kind == MK_KIND_RANGE)
        write_range(text, size, type);
    else if (type->kind == MK_KIND_TEXT && type->most < MAX_TEXT)
        snprintf(text, size,
                 mk_tr("text of at most %" PRId64 " bytes", "最多 %" PRId64 " 字节的文本"),
                 type->most);
    else
        snprintf(text, size, "%s", mk_tr(words[type->kind][0], words[type->kind][1]));
}

/* "; needed", "; 1 unless given", or "". */
static void write_need(char *text, size_t size, const struct mk_field *field)
{
    char number[24];
    const char *otherwise = NULL;
    snprintf(number, sizeof(number), "%" PRIu64, field->number);
    if (field->absent == MK_ABSENT_BOOL)
        otherwise = field->number ? "true" : "false";
    else if (field->absent == MK_ABSENT_UINT)
        otherwise = number;
    else if (field->absent == MK_ABSENT_STRING && field->text.len > 0)
        otherwise = field->text.ptr;
    text[0] = '\0';
    if (otherwise)
        snprintf(text, size, mk_tr("; %s unless given", "；默认为 %s"), otherwise);
    else if (field->absent == MK_ABSENT_ERROR)
        snprintf(text, size, "%s", mk_tr("; needed", "；必需"));
}

/* --- all --- */

static void list(void)
{
    const char *group = "";
    for (const struct mk_operation_help *help = mk_operation_help; help->name; help++) {
        if (strcmp(group, help->group_en) != 0)
            printf(mk_tr("%s%s:\n", "%s%s：\n"), *group ? "\n" : "",
                   mk_tr(help->group_en, help->group_zh));
        group = help->group_en;
        printf("  %-*s %s\n", NAME_WIDTH, help->name, mk_tr(help->en, help->zh));
    }
    printf(mk_tr("\nAnd each API of Milky 1.3 by its name, called by a person (as=USER).\n"
                 "`%s do OPERATION --help` explains one, with its fields and an example.\n",
                 "\n以及 Milky 1.3 的每个 API（使用其名称，由 as=用户 调用）。\n"
                 "`%s do 操作 --help` 显示其字段与示例。\n"),
           mk_program);
}

/* --- one operation --- */

static void print_field(const struct mk_field *field, const char *meaning)
{
    char type[TYPE_SIZE], need[TYPE_SIZE];
    write_type(type, sizeof(type), field->type);
    write_need(need, sizeof(need), field);
    printf(meaning ? mk_tr("  %-*s %s (%s%s)\n", "  %-*s %s（%s%s）\n") : "  %-*s %s%s%s\n",
           NAME_WIDTH, field->name.ptr, meaning ? meaning : "", type, need);
}

static const char *meaning_of(const struct mk_help_field *fields, const char *name)
{
    for (const struct mk_help_field *field = fields; field && field->name; field++)
        if (strcmp(field->name, name) == 0)
            return mk_tr(field->en, field->zh);
    return NULL;
}

static void print_fields(const struct mk_operation_found *found, const struct mk_help_field *help)
{
    const struct mk_field *actor = mk_operation_actor(found);
    const struct mk_object *fields =
        found->operation ? found->operation->fields : found->api->params;
    if (!actor && fields->count == 0)
        return;
    printf("\n%s:\n", mk_tr("Fields, as KEY=VALUE", "字段（KEY=VALUE）"));
    if (actor)
        print_field(actor, help ? meaning_of(help, actor->name.ptr)
                                : mk_tr("who acts: a person, or a bot's account",
                                        "行动者：用户，或 Bot 的账号"));
    for (size_t i = 0; i < fields->count; i++)
        print_field(&fields->fields[i], meaning_of(help, fields->fields[i].name.ptr));
}

static void print_one_of(const struct mk_slice *names, size_t count)
{
    if (count == 0)
        return;
    printf("%s", mk_tr("One of these is needed: ", "以下字段须有一个："));
    for (size_t i = 0; i < count; i++)
        printf("%s%s", i == 0 ? "" : mk_tr(", ", "、"), names[i].ptr);
    putchar('\n');
}

static void explain_operation(const struct mk_operation_found *found,
                              const struct mk_operation_help *help)
{
    const struct mk_operation *operation = found->operation;
    printf("%s do %s: %s\n", mk_program, help->name, mk_tr(help->en, help->zh));
    print_fields(found, help->fields);
    if (operation->choice_count + operation->one_of_count > 0)
        putchar('\n');
    print_one_of(operation->choice, operation->choice_count);
    print_one_of(operation->one_of, operation->one_of_count);
    printf(mk_tr("\nAnswer: %s\n\nExample:\n", "\n应答：%s\n\n示例：\n"), help->result);
    for (const char *const *line = help->examples; *line; line++)
        printf("  %s do %s\n", mk_program, *line);
}

static void explain_api(const struct mk_operation_found *found)
{
    const struct mk_object *params = found->api->params;
    printf(mk_tr("%s do %s: the API of this name, called by a person\n",
                 "%s do %s：由用户调用同名的 API\n"),
           mk_program, found->api->name.ptr);
    print_fields(found, NULL);
    printf(mk_tr("\nUsage:\n  %s do %s as=10003001", "\n用法：\n  %s do %s as=10003001"),
           mk_program, found->api->name.ptr);
    for (size_t i = 0; i < params->count; i++)
        if (params->fields[i].absent == MK_ABSENT_ERROR)
            printf(" %s=...", params->fields[i].name.ptr);
    putchar('\n');
}

int mk_operations_explain(const char *name)
{
    struct mk_operation_found found;
    if (!name) {
        list();
        return MK_EXIT_OK;
    }
    int code = mk_operations_find(name, &found);
    if (code)
        return code;
    if (found.api)
        explain_api(&found);
    for (const struct mk_operation_help *help = mk_operation_help; help->name; help++)
        if (found.operation && strcmp(help->name, name) == 0)
            explain_operation(&found, help);
    return MK_EXIT_OK;
}
