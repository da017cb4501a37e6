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
    case MK_CONFIG_EVENT_TYPE:
    case MK_CONFIG_SCENE:
    case MK_CONFIG_OWN_ORIGIN:
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

const struct mk_config_key *mk_config_key_element(const struct mk_config_key *key)
{
    static const struct mk_config_key origin = { .type = MK_CONFIG_ORIGIN };
    static const struct mk_config_key event_type = { .type = MK_CONFIG_EVENT_TYPE };
    static const struct mk_config_key scene = { .type = MK_CONFIG_SCENE };
    switch (key->type) {
    case MK_CONFIG_ORIGINS:
        return &origin;
    case MK_CONFIG_EVENT_TYPES:
        return &event_type;
    case MK_CONFIG_SCENES:
        return &scene;
    default:
        return NULL;
    }
}

bool mk_config_key_is_endpoints(const struct mk_config_key *key)
{
    size_t begin = offsetof(struct mk_config, endpoint);
    return !key->ignored && key->at >= begin && key->at < begin + sizeof(struct milky_config);
}
