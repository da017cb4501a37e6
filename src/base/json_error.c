/*
 * json_error: see the header. The messages of yyjson are more exact than its codes, but differ from
 * version to version: a message that is not listed is translated by its code.
 */
#include "base/json_error.h"

#include <string.h>

static const struct mk_phrase messages[] = {
    { "unexpected end of data", "内容不完整" },
    { "unexpected content after document", "JSON 之后有多余的内容" },
    { "unexpected character, expected a valid root value", "意外的字符，此处应为一个值" },
    { "unexpected character, expected a valid JSON value", "意外的字符，此处应为一个值" },
    { "unexpected character, expected a JSON value", "意外的字符，此处应为一个值" },
    { "unexpected character, expected a string for object key",
      "意外的字符，此处应为带双引号的键" },
    { "unexpected character, expected a string key", "意外的字符，此处应为带双引号的键" },
    { "unexpected character, expected a colon after object key", "意外的字符，键之后应为冒号" },
    { "unexpected character, expected a colon after key", "意外的字符，键之后应为冒号" },
    { "unexpected character, expected a comma or a closing bracket",
      "意外的字符，此处应为逗号或右方括号" },
    { "unexpected character, expected a comma or a closing brace",
      "意外的字符，此处应为逗号或右花括号" },
    { "trailing comma is not allowed", "末尾不能有多余的逗号" },
    { "unclosed multiline comment", "多行注释没有结束" },
    { "no digit after minus sign", "负号之后缺少数字" },
    { "no digit after decimal point", "小数点之后缺少数字" },
    { "no digit after exponent sign", "指数符号之后缺少数字" },
    { "number with leading zero is not allowed", "数字不能以 0 开头" },
    { "number is infinity when parsed as double", "数字过大" },
    { "unexpected control character in string", "字符串中有控制字符" },
    { "unclosed string", "字符串没有结束" },
    { "invalid UTF-8 encoding in string", "字符串不是合法的 UTF-8" },
    { "invalid escaped sequence in string", "字符串中的转义不合法" },
    { "invalid escaped character in string", "字符串中的转义不合法" },
    { "invalid high surrogate in string", "字符串中的代理对不合法" },
    { "invalid low surrogate in string", "字符串中的代理对不合法" },
    { "no low surrogate in string", "字符串中的代理对不完整" },
    { "byte order mark (BOM) is not supported", "不能以字节顺序标记（BOM）开头" },
    { "UTF-16 encoding is not supported", "不支持 UTF-16 编码" },
    { "UTF-32 encoding is not supported", "不支持 UTF-32 编码" },
};

/* yyjson's codes are constants, but not for a compiler of C. */
static const char *chinese_of_code(yyjson_read_code code)
{
    const struct {
        yyjson_read_code code;
        const char *zh;
    } texts[] = {
        { YYJSON_READ_ERROR_INVALID_PARAMETER, "没有内容" },
        { YYJSON_READ_ERROR_MEMORY_ALLOCATION, "内存不足" },
        { YYJSON_READ_ERROR_EMPTY_CONTENT, "没有内容" },
        { YYJSON_READ_ERROR_UNEXPECTED_CONTENT, "JSON 之后有多余的内容" },
        { YYJSON_READ_ERROR_UNEXPECTED_END, "内容不完整" },
        { YYJSON_READ_ERROR_UNEXPECTED_CHARACTER, "意外的字符" },
        { YYJSON_READ_ERROR_JSON_STRUCTURE, "结构不合法" },
        { YYJSON_READ_ERROR_INVALID_COMMENT, "注释不合法" },
        { YYJSON_READ_ERROR_INVALID_NUMBER, "数字不合法" },
        { YYJSON_READ_ERROR_INVALID_STRING, "字符串不合法" },
        { YYJSON_READ_ERROR_LITERAL, "此处应为 true、false 或 null" },
        { YYJSON_READ_ERROR_FILE_OPEN, "无法打开文件" },
        { YYJSON_READ_ERROR_FILE_READ, "无法读取文件" },
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].code == code)
            return texts[i].zh;
    return "不是合法的 JSON";
}

const char *mk_json_error_text(enum mk_language language, const yyjson_read_err *error)
{
    if (language == MK_ENGLISH)
        return error->msg ? error->msg : "it is not valid JSON";
    for (size_t i = 0; error->msg && i < sizeof(messages) / sizeof(messages[0]); i++)
        if (strcmp(error->msg, messages[i].en) == 0)
            return messages[i].zh;
    return chinese_of_code(error->code);
}
