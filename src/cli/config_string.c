/*
 * config_string: the strings of a configuration, each checked by what its key asks for: paths,
 * addresses, URLs, tokens and prefixes. Private to the reading of configurations (config.c).
 */
#include "cli/config_reader.h"
#include "cli/config_schema.h"
#include "cli/text.h"
#include "net/address.h"
#include "wire/url.h"

enum { LONGEST_PREFIX = 200 };

const char *mk_config_path(struct mk_config_reader *reader, const char *path)
{
    char *joined = *path == '/' || reader->folder.len == 0
                       ? mk_arena_dup(reader->arena, mk_slice_str(path))
                       : mk_arena_printf(reader->arena, "%.*s%s", (int)reader->folder.len,
                                         reader->folder.ptr, path);
    reader->out_of_memory |= !joined;
    return joined ? joined : "";
}

static const char *listen_from_folder(struct mk_config_reader *reader, const char *listen)
{
    static const size_t scheme = sizeof("unix:") - 1;
    if (strncmp(listen, "unix:", scheme) != 0 || listen[scheme] == '\0')
        return listen;
    char *joined =
        mk_arena_printf(reader->arena, "unix:%s", mk_config_path(reader, listen + scheme));
    reader->out_of_memory |= !joined;
    return joined ? joined : "";
}

/* Checks an address and returns it as it is to be stored, or NULL. */
static const char *read_listen(struct mk_config_reader *reader, const struct mk_config_key *key,
                               yyjson_val *value, const char *path)
{
    const char *text = listen_from_folder(reader, yyjson_get_str(value));
    struct mk_address address;
    const char *why = NULL;
    if ((why = mk_address_parse(mk_slice_str(text), &address)))
        mk_config_refuse(reader, key, value, path, NULL, why);
    else
        return text;
    return NULL;
}

/* A URL is never shown: there may be a password or a token in it. */
static bool check_url(struct mk_config_reader *reader, const struct mk_config_key *key,
                      yyjson_val *value, const char *path)
{
    struct mk_slice text = mk_slice_of(yyjson_get_str(value), yyjson_get_len(value));
    struct mk_url url;
    const char *why = mk_url_parse(text, &url);
    if (why) {
        mk_config_refuse(reader, key, value, path, mk_tr("another string", "其他字符串"), why);
        return false;
    }
    bool websocket = (url.scheme.ptr[0] | 0x20) == 'w';
    if (websocket != (key->type == MK_CONFIG_WEBSOCKET_URL)) {
        mk_config_refuse(reader, key, value, path,
                         mk_config_text(reader,
                                        websocket ? mk_tr("a %.*s:// URL", "%.*s:// 地址")
                                                  : mk_tr("an %.*s:// URL", "%.*s:// 地址"),
                                        (int)url.scheme.len, url.scheme.ptr),
                         NULL);
        return false;
    }
    return true;
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

static bool check_token(struct mk_config_reader *reader, const struct mk_config_key *key,
                        yyjson_val *value, const char *path)
{
    struct mk_slice text = mk_slice_of(yyjson_get_str(value), yyjson_get_len(value));
    size_t at;
    if (mk_config_token_fits(text, &at))
        return true;
    mk_config_refuse(
        reader, key, value, path,
        mk_config_text(reader,
                       text.ptr[at] == ' '
                           ? mk_tr("one with a space at byte %zu", "第 %zu 个字节为空格的字符串")
                           : mk_tr("one with a control character at byte %zu",
                                   "第 %zu 个字节为控制字符的字符串"),
                       at + 1),
        NULL);
    return false;
}

/* What every path begins with: unescaped, as it is compared. */
static bool check_prefix(struct mk_config_reader *reader, const struct mk_config_key *key,
                         yyjson_val *value, const char *path)
{
    struct mk_slice text = mk_slice_of(yyjson_get_str(value), yyjson_get_len(value));
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
    if (why)
        mk_config_refuse(reader, key, value, path, NULL, why);
    return !why;
}

static bool has_control(const yyjson_val *value)
{
    const char *text = yyjson_get_str((yyjson_val *)(uintptr_t)value);
    for (size_t i = 0; i < yyjson_get_len((yyjson_val *)(uintptr_t)value); i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return true;
    return false;
}

const char *mk_config_string(struct mk_config_reader *reader, const struct mk_config_key *key,
                             yyjson_val *value, const char *path)
{
    if (!yyjson_is_str(value) || yyjson_get_len(value) == 0) {
        mk_config_refuse(reader, key, value, path, NULL, NULL);
        return NULL;
    }
    bool secret = key->type == MK_CONFIG_TOKEN || key->type == MK_CONFIG_WEBSOCKET_URL ||
                  key->type == MK_CONFIG_HTTP_URL;
    if (!secret && has_control(value)) {
        mk_config_refuse(reader, key, value, path, NULL,
                         mk_tr("a control character", "含有控制字符"));
        return NULL;
    }
    switch (key->type) {
    case MK_CONFIG_PATH:
        return mk_config_path(reader, yyjson_get_str(value));
    case MK_CONFIG_LISTEN:
        return read_listen(reader, key, value, path);
    case MK_CONFIG_WEBSOCKET_URL:
    case MK_CONFIG_HTTP_URL:
        return check_url(reader, key, value, path) ? yyjson_get_str(value) : NULL;
    case MK_CONFIG_PREFIX:
        return check_prefix(reader, key, value, path) ? yyjson_get_str(value) : NULL;
    case MK_CONFIG_TOKEN:
        return check_token(reader, key, value, path) ? yyjson_get_str(value) : NULL;
    default:
        return yyjson_get_str(value);
    }
}
