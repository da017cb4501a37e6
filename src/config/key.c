/* key: see the header. */
#include "config/key.h"

#include "config/config.h"

const char mk_config_null[] = "";

bool mk_config_key_is_text(const struct mk_config_key *key)
{
    switch (key->type) {
    case MK_CONFIG_TEXT:
    case MK_CONFIG_PATH:
    case MK_CONFIG_ORIGIN:
    case MK_CONFIG_LISTEN:
    case MK_CONFIG_WEBSOCKET_URL:
    case MK_CONFIG_HTTP_URL:
    case MK_CONFIG_NAME:
    case MK_CONFIG_TOKEN:
    case MK_CONFIG_PREFIX:
        return !key->ignored;
    default:
        return false;
    }
}

bool mk_config_key_is_endpoints(const struct mk_config_key *key)
{
    size_t begin = offsetof(struct mk_config, endpoint);
    return !key->ignored && key->at >= begin && key->at < begin + sizeof(struct milky_config);
}
