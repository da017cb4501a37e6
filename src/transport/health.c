/* health: see the header. */
#include "transport/health.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

void mk_health_try(struct mk_health *health)
{
    health->attempts++;
    health->retries += health->next_try != 0;
    health->next_try = 0;
}

void mk_health_succeed(struct mk_health *health)
{
    health->successes++;
    health->failing = false;
}

void mk_health_fail(struct mk_health *health, unsigned status, const char *error, uint64_t wait)
{
    uint64_t now = mk_clock_real_ms();
    health->failing = true;
    health->status = status;
    health->failed_at = now / 1000;
    health->next_try = wait ? now + wait : 0;
    snprintf(health->error, sizeof(health->error), "%s", error);
}

static enum mk_trouble trouble_of_status(unsigned status)
{
    switch (status) {
    case 401:
    case 403:
        return MK_TROUBLE_TOKEN;
    case 404:
    case 405:
        return MK_TROUBLE_ADDRESS;
    case 429:
    case 503:
        return MK_TROUBLE_BUSY;
    default:
        return status / 100 == 3 ? MK_TROUBLE_ADDRESS : MK_TROUBLE_FAILING;
    }
}

/* Libraries tell what went wrong in words alone; these are libuv's, OpenSSL's and libcurl's. */
enum mk_trouble mk_health_trouble(const struct mk_health *health)
{
    static const struct {
        const char *word;
        enum mk_trouble trouble;
    } words[] = {
        { "certificate", MK_TROUBLE_TLS },
        { "SSL", MK_TROUBLE_TLS },
        { "TLS", MK_TROUBLE_TLS },
        { "resolve", MK_TROUBLE_NAME },
        { "unknown node", MK_TROUBLE_NAME },
        { "no such host", MK_TROUBLE_NAME },
        { "handshake", MK_TROUBLE_ADDRESS },
        { "HTTP/1.1", MK_TROUBLE_ADDRESS },
        { "timed out after", MK_TROUBLE_SLOW },
        { "in time", MK_TROUBLE_SLOW },
    };
    if (!health->failing)
        return MK_TROUBLE_NONE;
    if (health->status)
        return trouble_of_status(health->status);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(health->error, words[i].word))
            return words[i].trouble;
    return MK_TROUBLE_UNREACHABLE;
}

const char *mk_trouble_name(enum mk_trouble trouble)
{
    static const char *const names[] = {
        [MK_TROUBLE_NONE] = "none",   [MK_TROUBLE_UNREACHABLE] = "unreachable",
        [MK_TROUBLE_NAME] = "name",   [MK_TROUBLE_TLS] = "tls",
        [MK_TROUBLE_TOKEN] = "token", [MK_TROUBLE_ADDRESS] = "address",
        [MK_TROUBLE_BUSY] = "busy",   [MK_TROUBLE_FAILING] = "failing",
        [MK_TROUBLE_SLOW] = "slow",
    };
    return names[trouble];
}

const char *mk_remote_state_name(enum mk_remote_state state)
{
    static const char *const names[] = {
        [MK_REMOTE_IDLE] = "idle",
        [MK_REMOTE_DELIVERING] = "delivering",
        [MK_REMOTE_CONNECTING] = "connecting",
        [MK_REMOTE_CONNECTED] = "connected",
        [MK_REMOTE_WAITING] = "waiting",
        [MK_REMOTE_STOPPED] = "stopped",
    };
    return names[state];
}

const char *mk_remote_name(struct mk_slice text, char name[MK_REMOTE_NAME])
{
    struct mk_url url;
    if (mk_url_parse(text, &url)) {
        name[0] = '\0';
        return name;
    }
    snprintf(name, MK_REMOTE_NAME, "%.*s://%.*s:%u%.*s", (int)url.scheme.len, url.scheme.ptr,
             (int)url.authority_host.len, url.authority_host.ptr, url.port, (int)url.path.len,
             url.path.ptr);
    return name;
}
