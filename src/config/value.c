/* value: see the header. */
#include "config/value.h"

#include "base/suggestion.h"
#include "config/config.h"
#include "config/origin.h"
#include "net/address.h"
#include "protocol/schema.h"
#include "protocol/tables.h"
#include "wire/url.h"

enum { LONGEST_PREFIX = 200, LONGEST_NAME = 64 };

static const char *expected_choice(struct mk_mistakes *mistakes, const struct mk_config_key *key)
{
    const char *text = "";
    for (size_t i = 0; mk_config_choice(key, i); i++) {
        const char *joint = i == 0                         ? ""
                            : mk_config_choice(key, i + 1) ? mk_tr(", ", "、")
                                                           : mk_tr(" or ", " 或 ");
        text = mk_mistakes_text(mistakes, "%s%s\"%s\"", text, joint, mk_config_choice(key, i));
    }
    return text;
}

static const char *expected_number(struct mk_mistakes *mistakes, const struct mk_config_key *key)
{
    return mk_mistakes_text(
        mistakes,
        key->type == MK_CONFIG_UIN
            ? mk_tr("a QQ number from %llu to %llu", "%llu 到 %llu 之间的 QQ 号")
            : mk_tr("a whole number from %llu to %llu", "%llu 到 %llu 之间的整数"),
        (unsigned long long)key->least, (unsigned long long)key->most);
}

const char *mk_value_expected(struct mk_mistakes *mistakes, const struct mk_config_key *key)
{
    static const struct {
        const char *en, *zh;
    } words[] = {
        [MK_CONFIG_OBJECT] = { "an object", "对象" },
        [MK_CONFIG_BACKEND] = { "an object", "对象" },
        [MK_CONFIG_LIST] = { "a list of objects", "由对象组成的列表" },
        [MK_CONFIG_TEXT] = { "a string", "字符串" },
        [MK_CONFIG_PATHS] = { "a list of paths", "由路径组成的列表" },
        [MK_CONFIG_EVENT_TYPE] = { "the name of an event like \"message_receive\"",
                                   "事件名称，如 \"message_receive\"" },
        [MK_CONFIG_EVENT_TYPES] = { "a list of names of events", "由事件名称组成的列表" },
        [MK_CONFIG_SCENE] = { "\"friend\", \"group\" or \"temp\"",
                              "\"friend\"、\"group\" 或 \"temp\"" },
        [MK_CONFIG_SCENES] = { "a list of \"friend\", \"group\" and \"temp\"",
                               "由 \"friend\"、\"group\"、\"temp\" 组成的列表" },
        [MK_CONFIG_UINS] = { "a list of QQ numbers", "由 QQ 号组成的列表" },
        [MK_CONFIG_ORIGINS] = { "a list of origins", "由来源组成的列表" },
        [MK_CONFIG_ORIGIN] = { "an origin like \"https://console.example\", or \"*\"",
                               "形如 \"https://console.example\" 的来源，或 \"*\"" },
        [MK_CONFIG_OWN_ORIGIN] = { "an origin like \"https://console.example\"",
                                   "形如 \"https://console.example\" 的来源" },
        [MK_CONFIG_PATH] = { "a path", "路径" },
        [MK_CONFIG_LISTEN] = { "HOST:PORT, [IPV6]:PORT or unix:PATH",
                               "HOST:PORT、[IPV6]:PORT 或 unix:PATH" },
        [MK_CONFIG_WEBSOCKET_URL] = { "a ws:// or wss:// URL", "ws:// 或 wss:// 地址" },
        [MK_CONFIG_HTTP_URL] = { "an http:// or https:// URL", "http:// 或 https:// 地址" },
        [MK_CONFIG_PREFIX] = { "a path like \"/milky\"", "形如 \"/milky\" 的路径" },
        [MK_CONFIG_NAME] = { "a name of letters, digits, '-' and '_'",
                             "由字母、数字、“-”与“_”组成的名称" },
        [MK_CONFIG_TOKEN] = { "a string without control characters or spaces around it",
                              "不含控制字符、首尾没有空格的字符串" },
        [MK_CONFIG_BOOLEAN] = { "true or false", "true 或 false" },
    };
    if (key->type == MK_CONFIG_CHOICE)
        return expected_choice(mistakes, key);
    if (key->type == MK_CONFIG_UIN || key->type == MK_CONFIG_NUMBER)
        return expected_number(mistakes, key);
    if (key->type == MK_CONFIG_OBJECT && key->shorthand)
        return mk_mistakes_say(mistakes, "%s, an object with its `%s`, or null",
                               "%s、含 `%s` 的对象或 null",
                               mk_value_expected(mistakes, &key->keys[0]), key->keys[0].name);
    return mk_tr(words[key->type].en, words[key->type].zh);
}

void mk_value_refuse(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                     const struct mk_json_path *at, const yyjson_val *value, const char *got,
                     const char *why)
{
    const char *expected = mk_value_expected(mistakes, key);
    struct mk_mistake_found found = {
        .path = mk_mistakes_path(mistakes, at),
        .value = value,
        .expected = expected,
        .got = got,
    };
    if (why)
        found.text = mk_mistakes_say(mistakes, "expected %s, got %s (%s)", "应为%s，实际为%s（%s）",
                                     expected, got, why);
    mk_mistakes_add(mistakes, &found);
}

void mk_value_missing(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                      const struct mk_json_path *at, const yyjson_val *value)
{
    const char *expected = mk_value_expected(mistakes, key);
    mk_mistakes_add(mistakes, &(struct mk_mistake_found){
                                  .path = mk_mistakes_path(mistakes, at),
                                  .value = value,
                                  .expected = expected,
                                  .text = mk_mistakes_say(mistakes, "missing: expected %s",
                                                          "缺少此键：应为%s", expected),
                              });
}

bool mk_value_number_fits(const struct mk_config_key *key, uint64_t number)
{
    return number >= key->least && number <= key->most;
}

/* --- texts --- */

/* A text and its position, for the functions below. */
struct given {
    struct mk_mistakes *mistakes;
    const struct mk_config_key *key;
    const struct mk_json_path *at;
    const yyjson_val *value;
};

static bool refuse(const struct given *given, const char *got, const char *why)
{
    mk_value_refuse(given->mistakes, given->key, given->at, given->value, got, why);
    return false;
}

static bool has_control(struct mk_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    return false;
}

static bool listen_fits(const struct given *given, struct mk_slice text, struct mk_slice written)
{
    struct mk_address address;
    const char *why = mk_address_parse(text, &address);
    return !why || refuse(given, mk_mistakes_quote(given->mistakes, written), why);
}

/* A URL is never quoted: there may be a password or a token in it. */
static bool url_fits(const struct given *given, struct mk_slice text)
{
    struct mk_mistakes *mistakes = given->mistakes;
    struct mk_url url;
    const char *why = mk_url_parse(text, &url);
    if (why)
        return refuse(given, mk_tr("another string", "其他字符串"), why);
    bool websocket = (url.scheme.ptr[0] | 0x20) == 'w';
    if (websocket == (given->key->type == MK_CONFIG_WEBSOCKET_URL))
        return true;
    int len = (int)url.scheme.len;
    const char *got =
        websocket
            ? mk_mistakes_say(mistakes, "a %.*s:// URL", "%.*s:// 地址", len, url.scheme.ptr)
            : mk_mistakes_say(mistakes, "an %.*s:// URL", "%.*s:// 地址", len, url.scheme.ptr);
    return refuse(given, got, NULL);
}

bool mk_config_token_fits(struct mk_slice token, size_t *at)
{
    for (size_t i = 0; i < token.len; i++) {
        unsigned char byte = (unsigned char)token.ptr[i];
        bool at_end = i == 0 || i == token.len - 1;
        if ((byte > ' ' && byte != 0x7f) || (byte == ' ' && !at_end))
            continue;
        *at = i;
        return false;
    }
    return true;
}

static bool token_fits(const struct given *given, struct mk_slice text)
{
    struct mk_mistakes *mistakes = given->mistakes;
    size_t at;
    if (mk_config_token_fits(text, &at))
        return true;
    const char *got = mk_mistakes_text(
        mistakes,
        text.ptr[at] == ' '
            ? mk_tr("one with a space at byte %zu", "第 %zu 个字节为空格的字符串")
            : mk_tr("one with a control character at byte %zu", "第 %zu 个字节为控制字符的字符串"),
        at + 1);
    return refuse(given, got, NULL);
}

/* A prefix has no escapes, because it is compared byte by byte. */
static bool prefix_fits(const struct given *given, struct mk_slice text)
{
    struct mk_mistakes *mistakes = given->mistakes;
    const char *why = NULL;
    if (text.ptr[0] != '/')
        why = mk_tr("it must begin with /", "必须以 / 开头");
    else if (text.ptr[text.len - 1] == '/')
        why = mk_tr("it must not end with /", "不能以 / 结尾");
    else if (text.len > LONGEST_PREFIX)
        why = mk_tr("it is too long", "过长");
    for (size_t i = 0; i < text.len && !why; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte <= ' ' || byte >= 0x7f || strchr("?#%\"<>\\^`{|}", byte))
            why = mk_tr("only what a URL's path can have unescaped",
                        "只能包含 URL 路径中无需转义的字符");
    }
    return !why || refuse(given, mk_mistakes_quote(mistakes, text), why);
}

static bool origin_fits(const struct given *given, struct mk_slice text)
{
    const char *why = mk_config_origin_error(given->mistakes, text);
    if (given->key->type == MK_CONFIG_OWN_ORIGIN && mk_slice_eq(text, MK_SLICE("*")))
        why = mk_tr("that is no origin that can be sent", "这不是可以发送的来源");
    return !why || refuse(given, mk_mistakes_quote(given->mistakes, text), why);
}

static bool event_type_fits(const struct given *given, struct mk_slice text)
{
    struct mk_mistakes *mistakes = given->mistakes;
    struct mk_suggestion near = { 0 };
    for (size_t i = 0; i < mk_event_type_count; i++) {
        struct mk_slice name = mk_event_types[i].name;
        struct mk_slice draft_name = mk_event_type_draft_name(&mk_event_types[i]);
        if (mk_slice_eq(name, text) || mk_slice_eq(draft_name, text))
            return true;
        mk_suggestion_offer(&near, text, name.ptr);
        mk_suggestion_offer(&near, text, draft_name.ptr);
    }
    const char *why =
        near.best ? mk_mistakes_say(mistakes, "did you mean %s?", "是否想写 %s？", near.best)
                  : NULL;
    return refuse(given, mk_mistakes_quote(mistakes, text), why);
}

static bool scene_fits(const struct given *given, struct mk_slice text)
{
    for (int scene = MK_SCENE_NONE + 1; scene < MK_SCENE_COUNT; scene++)
        if (mk_slice_eq(mk_scenes[scene].scene, text))
            return true;
    return refuse(given, mk_mistakes_quote(given->mistakes, text), NULL);
}

/* A request of operators begins with the name of a backend, or with "endpoint". */
static bool name_fits(const struct given *given, struct mk_slice text)
{
    struct mk_mistakes *mistakes = given->mistakes;
    const char *why = NULL;
    for (size_t i = 0; i < text.len && !why; i++)
        if (!text.ptr[i] || !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789-_",
                                    text.ptr[i]))
            why = mk_tr("no other characters", "不能有其他字符");
    if (!why && text.len > LONGEST_NAME)
        why = mk_tr("it is too long", "过长");
    if (!why && mk_slice_eq(text, MK_SLICE("endpoint")))
        why = mk_tr("that is the endpoint itself", "这是程序自身的名称");
    return !why || refuse(given, mk_mistakes_quote(mistakes, text), why);
}

bool mk_value_text_fits(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                        const struct mk_json_path *at, const yyjson_val *value,
                        struct mk_slice text, struct mk_slice written)
{
    const struct given given = { mistakes, key, at, value };
    bool secret = key->type == MK_CONFIG_TOKEN || key->type == MK_CONFIG_WEBSOCKET_URL ||
                  key->type == MK_CONFIG_HTTP_URL;
    if (written.len == 0)
        return refuse(&given, mk_tr("an empty string", "空字符串"), NULL);
    if (!secret && has_control(written))
        return refuse(&given, mk_mistakes_quote(mistakes, written),
                      mk_tr("a control character", "含有控制字符"));
    switch (key->type) {
    case MK_CONFIG_LISTEN:
        return listen_fits(&given, text, written);
    case MK_CONFIG_WEBSOCKET_URL:
    case MK_CONFIG_HTTP_URL:
        return url_fits(&given, text);
    case MK_CONFIG_PREFIX:
        return prefix_fits(&given, text);
    case MK_CONFIG_ORIGIN:
    case MK_CONFIG_OWN_ORIGIN:
        return origin_fits(&given, text);
    case MK_CONFIG_EVENT_TYPE:
        return event_type_fits(&given, text);
    case MK_CONFIG_SCENE:
        return scene_fits(&given, text);
    case MK_CONFIG_NAME:
        return name_fits(&given, text);
    case MK_CONFIG_TOKEN:
        return token_fits(&given, text);
    default:
        return true;
    }
}
