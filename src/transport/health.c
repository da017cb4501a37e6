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

/* Returns whether an open connection has ended, which the next one does not disprove. */
static bool is_of_open(enum mk_failure_kind kind)
{
    return kind == MK_FAILURE_CLOSE || kind == MK_FAILURE_LOST || kind == MK_FAILURE_PING ||
           kind == MK_FAILURE_FRAMES || kind == MK_FAILURE_BEHIND;
}

const struct mk_advice *mk_health_advice(const struct mk_health *health)
{
    static const struct mk_failure none = { .kind = MK_FAILURE_NONE };
    bool counts = health->failing || is_of_open(health->failure.kind);
    return mk_advice_on(counts ? &health->failure : &none, health->traits);
}

unsigned mk_remote_traits(enum mk_remote_trait kind, bool tls, bool token, bool origin)
{
    return (unsigned)kind | (tls ? MK_REMOTE_TLS : MK_REMOTE_PLAIN) |
           (token ? MK_REMOTE_TOKEN : MK_REMOTE_NO_TOKEN) | (origin ? MK_REMOTE_ORIGIN : 0u);
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
