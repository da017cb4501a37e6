/* config_mistake: the words for what is wrong with a configuration (see config_reader.h). */
#include "base/json.h"
#include "base/shown.h"
#include "base/utf8.h"
#include "cli/config_reader.h"
#include "cli/config_schema.h"
#include "cli/jsonc.h"
#include "cli/text.h"

#include <stdlib.h>

enum { SHOWN = 60 };

static const char *text_on(struct mk_config_reader *reader, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static const char *text_on(struct mk_config_reader *reader, const char *format, va_list args)
{
    char text[1024];
    int len = vsnprintf(text, sizeof(text), format, args);
    if (len >= (int)sizeof(text))
        len = (int)mk_utf8_valid_prefix(mk_slice_of(text, sizeof(text) - 1));
    char *copy = len < 0 ? NULL : mk_arena_dup(reader->arena, mk_slice_of(text, (size_t)len));
    reader->out_of_memory |= !copy;
    return copy ? copy : "";
}

const char *mk_config_text(struct mk_config_reader *reader, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = text_on(reader, format, args);
    va_end(args);
    return text;
}

void mk_config_mistake(struct mk_config_reader *reader, const yyjson_val *at, const char *path,
                       const char *format, ...)
{
    if (reader->count == MK_CONFIG_MAX_MISTAKES)
        return;
    va_list args;
    va_start(args, format);
    reader->mistakes[reader->count++] = (struct mk_config_mistake){
        .at = at ? mk_jsonc_locate(reader->text, reader->doc, at) : 0,
        .path = path,
        .message = text_on(reader, format, args),
    };
    va_end(args);
}

const char *mk_config_quoted(struct mk_config_reader *reader, struct mk_slice text)
{
    bool cut = text.len > SHOWN;
    if (cut)
        text.len = mk_utf8_valid_prefix(mk_slice_of(text.ptr, SHOWN));
    struct mk_buf json, buf;
    mk_buf_init(&json, SHOWN * 8);
    mk_buf_init(&buf, SHOWN * 8);
    int rc = mk_json_write_string(&json, text);
    if (rc == 0) /* JSON escapes no control character from DEL on */
        rc = mk_shown_append(&buf, mk_slice_of(json.data, json.len));
    reader->out_of_memory |= rc < 0;
    const char *shown =
        mk_config_text(reader, "%.*s%s", (int)buf.len, buf.len ? buf.data : "", cut ? "..." : "");
    mk_buf_fini(&json);
    mk_buf_fini(&buf);
    return shown;
}

const char *mk_config_expected(struct mk_config_reader *reader, const struct mk_config_key *key)
{
    switch (key->type) {
    case MK_CONFIG_OBJECT:
        return !key->shorthand
                   ? mk_tr("an object", "对象")
                   : mk_config_text(
                         reader,
                         mk_tr("%s, an object with its `%s`, or null", "%s、含 `%s` 的对象或 null"),
                         mk_config_expected(reader, &key->keys[0]), key->keys[0].name);
    case MK_CONFIG_LIST:
        return mk_tr("a list of objects", "由对象组成的列表");
    case MK_CONFIG_TEXT:
        return mk_tr("a string", "字符串");
    case MK_CONFIG_PATHS:
        return mk_tr("a list of paths", "由路径组成的列表");
    case MK_CONFIG_PATH:
        return mk_tr("a path", "路径");
    case MK_CONFIG_LISTEN:
        return mk_tr("HOST:PORT, [IPV6]:PORT or unix:PATH", "HOST:PORT、[IPV6]:PORT 或 unix:PATH");
    case MK_CONFIG_WEBSOCKET_URL:
        return mk_tr("a ws:// or wss:// URL", "ws:// 或 wss:// 地址");
    case MK_CONFIG_HTTP_URL:
        return mk_tr("an http:// or https:// URL", "http:// 或 https:// 地址");
    case MK_CONFIG_PREFIX:
        return mk_tr("a path like \"/milky\"", "形如 \"/milky\" 的路径");
    case MK_CONFIG_TOKEN:
        return mk_tr("a string without control characters or spaces around it",
                     "不含控制字符、首尾没有空格的字符串");
    case MK_CONFIG_UIN:
        return mk_config_text(reader,
                              mk_tr("a QQ number from %llu to %llu", "%llu 到 %llu 之间的 QQ 号"),
                              (unsigned long long)key->least, (unsigned long long)key->most);
    case MK_CONFIG_NUMBER:
        return mk_config_text(reader,
                              mk_tr("a whole number from %llu to %llu", "%llu 到 %llu 之间的整数"),
                              (unsigned long long)key->least, (unsigned long long)key->most);
    case MK_CONFIG_BOOLEAN:
        return mk_tr("true or false", "true 或 false");
    case MK_CONFIG_CHOICE:
        break;
    }
    const char *text = "";
    for (size_t i = 0; key->choices[i]; i++) {
        const char *joint = i == 0                ? ""
                            : key->choices[i + 1] ? mk_tr(", ", "、")
                                                  : mk_tr(" or ", " 或 ");
        text = mk_config_text(reader, "%s%s\"%s\"", text, joint, key->choices[i]);
    }
    return text;
}

static const char *got(struct mk_config_reader *reader, const struct mk_config_key *key,
                       const yyjson_val *value)
{
    yyjson_val *v = (yyjson_val *)(uintptr_t)value;
    struct mk_slice text =
        mk_slice_of(yyjson_is_raw(v) ? yyjson_get_raw(v) : yyjson_get_str(v), yyjson_get_len(v));
    if (yyjson_is_obj(v))
        return mk_tr("an object", "对象");
    if (yyjson_is_arr(v))
        return mk_tr("a list", "列表");
    if (yyjson_is_str(v) && text.len == 0)
        return mk_tr("an empty string", "空字符串");
    if (key->type == MK_CONFIG_TOKEN && yyjson_is_raw(v))
        return mk_tr("a number (put it in quotes)", "数字（请加引号）");
    if (yyjson_is_raw(v))
        return mk_config_text(reader, "%.*s", text.len < SHOWN ? (int)text.len : SHOWN, text.ptr);
    if (yyjson_is_str(v))
        return mk_config_quoted(reader, text);
    return yyjson_is_null(v) ? "null" : yyjson_is_true(v) ? "true" : "false";
}

void mk_config_refuse(struct mk_config_reader *reader, const struct mk_config_key *key,
                      const yyjson_val *value, const char *path, const char *what, const char *why)
{
    mk_config_mistake(reader, value, path,
                      mk_tr("expected %s, got %s%s%s%s", "应为%s，实际为%s%s%s%s"),
                      mk_config_expected(reader, key), what ? what : got(reader, key, value),
                      why ? " (" : "", why ? why : "", why ? ")" : "");
}
