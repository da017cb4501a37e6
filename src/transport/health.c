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

void mk_health_fail(struct mk_health *health, const struct mk_failure *failure, uint64_t wait)
{
    uint64_t now = mk_clock_real_ms();
    health->failing = true;
    health->failed_at = now / 1000;
    health->next_try = wait ? now + wait : 0;
    health->failure = *failure;
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
    case 410:
        return MK_TROUBLE_GONE;
    case 429:
    case 503:
        return MK_TROUBLE_BUSY;
    default:
        return status / 100 == 3 ? MK_TROUBLE_ADDRESS : MK_TROUBLE_FAILING;
    }
}

static enum mk_trouble trouble_of(const struct mk_failure *failure)
{
    switch (failure->kind) {
    case MK_FAILURE_NAME:
        return MK_TROUBLE_NAME;
    case MK_FAILURE_CERTIFICATE:
    case MK_FAILURE_TLS:
        return MK_TROUBLE_TLS;
    case MK_FAILURE_TIMEOUT:
        return MK_TROUBLE_SLOW;
    case MK_FAILURE_NO_ANSWER:
    case MK_FAILURE_PROTOCOL:
    case MK_FAILURE_TOO_LONG:
        return MK_TROUBLE_ADDRESS;
    case MK_FAILURE_STATUS:
        return trouble_of_status(failure->status);
    default:
        return MK_TROUBLE_UNREACHABLE;
    }
}

enum mk_trouble mk_health_trouble(const struct mk_health *health)
{
    return health->failing ? trouble_of(&health->failure) : MK_TROUBLE_NONE;
}

const char *mk_trouble_name(enum mk_trouble trouble)
{
    static const char *const names[] = {
        [MK_TROUBLE_NONE] = "none",   [MK_TROUBLE_UNREACHABLE] = "unreachable",
        [MK_TROUBLE_NAME] = "name",   [MK_TROUBLE_TLS] = "tls",
        [MK_TROUBLE_TOKEN] = "token", [MK_TROUBLE_ADDRESS] = "address",
        [MK_TROUBLE_BUSY] = "busy",   [MK_TROUBLE_FAILING] = "failing",
        [MK_TROUBLE_SLOW] = "slow",   [MK_TROUBLE_GONE] = "gone",
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
        [MK_REMOTE_PAUSED] = "paused",
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
