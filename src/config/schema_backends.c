/* schema_backends: the keys of backends. A new type is a row of the table at the end. */
#include "config/config.h"
#include "config/defaults.h"
#include "config/schema_tables.h"

/* --- sandbox --- */

#define MEDIA(field) offsetof(struct mk_config_backend, sandbox.media.field) - MEDIA_START
#define MEDIA_START offsetof(struct mk_config_backend, sandbox.media)
static const struct mk_config_key media_keys[] = {
    { .name = "max_bytes",
      .type = MK_CONFIG_NUMBER,
      .at = MEDIA(max_bytes),
      .least = 1,
      .most = UINT64_C(1) << 40,
      .usual = MK_DEFAULT_MEDIA_BYTES,
      .en = "Bytes of one picture, voice, video or file. For base64:// the limits of bodies and "
            "messages count too, which are a third larger for the same content.",
      .zh = "单个图片、语音、视频或文件的字节数。base64:// 还受请求正文与消息大小的限制，同样的内容"
            "要多占三分之一。" },
    { .name = "roots",
      .type = MK_CONFIG_PATHS,
      .at = MEDIA(roots),
      .count = MEDIA(root_count),
      .sample = "[\"pictures\"]",
      .en = "file:// URIs reach files below these folders alone, and none of the files that this "
            "configuration names. Default: data_dir.",
      .zh = "file:// 只能读取这些目录中的文件，且不能读取本配置中指定的文件。默认为 "
            "data_dir。" },
    { .name = "allow_private_addresses",
      .type = MK_CONFIG_BOOLEAN,
      .at = MEDIA(allow_private_addresses),
      .fallback = "false",
      .en = "http(s):// URIs may reach this machine and private networks, and go through a proxy.",
      .zh = "http(s):// 可以访问本机与内网地址，并可经过代理。" },
    { .name = "download_seconds",
      .type = MK_CONFIG_NUMBER,
      .at = MEDIA(download_seconds),
      .least = 1,
      .most = 3600,
      .usual = MK_DEFAULT_DOWNLOAD_SECONDS,
      .en = "Seconds that the download of an http(s):// URI may take.",
      .zh = "下载 http(s):// 地址的秒数上限。" },
    { .name = NULL },
};

/* enum mk_strictness */
static const char *const strictnesses[] = { "strict", "lenient", NULL };

static const struct mk_config_key sandbox_keys[] = {
    { .name = "strictness",
      .type = MK_CONFIG_CHOICE,
      .at = offsetof(struct mk_config_backend, sandbox.strictness),
      .choices = strictnesses,
      .fallback = "strict",
      .sample_off = true,
      .en = "strict: refuses and drops what QQ refuses and drops (docs/SANDBOX.md has the limits). "
            "lenient: only warns of it in the log.",
      .zh = "strict：QQ 会拒绝或静默丢弃的，沙盒同样拒绝或丢弃（限制见 "
            "docs/SANDBOX.zh-CN.md）。lenient：只在日志中警告。" },
    { .name = "media",
      .type = MK_CONFIG_OBJECT,
      .at = offsetof(struct mk_config_backend, sandbox.media),
      .keys = media_keys,
      .sample_off = true,
      .en = "The media that bots may send by URI.",
      .zh = "Bot 通过 URI 发送的内容。" },
    { .name = NULL },
};

/* --- all of them --- */

const struct mk_config_variant mk_config_backend_types[] = {
    [MK_BACKEND_SANDBOX] = { "sandbox", sandbox_keys },
    { NULL, NULL },
};

#define COMMON(sample_name, name_en, name_zh)                                                      \
    { .name = "type",                                                                              \
      .type = MK_CONFIG_CHOICE,                                                                    \
      .at = offsetof(struct mk_config_backend, type),                                              \
      .variants = mk_config_backend_types,                                                         \
      .fallback = "sandbox",                                                                       \
      .en = "sandbox: people, groups and messages that it makes up itself, without QQ.",           \
      .zh = "sandbox：自带用户、群与消息的沙盒，不需要 QQ。" },                                    \
        { .name = "name",                                                                          \
          .type = MK_CONFIG_NAME,                                                                  \
          .at = offsetof(struct mk_config_backend, name),                                          \
          .sample = sample_name,                                                                   \
          .sample_off = true,                                                                      \
          .en = name_en,                                                                           \
          .zh = name_zh },                                                                         \
    {                                                                                              \
        .name = NULL                                                                               \
    }

const struct mk_config_key mk_config_backend_keys[] = {
    COMMON("\"sandbox\"",
           "Its name, in `milky status` and for `milky do --backend`, and that of its folder in "
           "data_dir. Default: its type.",
           "名称：用于 `milky status` 与 `milky do --backend`，也是其在 data_dir "
           "中的目录名。默认为类型名。"),
};

const struct mk_config_key mk_config_bot_backend_keys[] = {
    COMMON("\"sandbox-2\"",
           "Its name, as above. Bots whose backends have one name share it. Default: its type and "
           "the self_id (sandbox-10001000).",
           "名称，同上。名称相同的 Bot 共用一个后端。默认为类型与 "
           "self_id（sandbox-10001000）。"),
};
