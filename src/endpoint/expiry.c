/* expiry: see the header. */
#include "endpoint/expiry.h"

#include "endpoint/parts.h"

#include <errno.h>

enum { EVERY_MS = 3600 * 1000 };

/* A transport of the configuration has this cursor. */
static bool is_used(void *arg, uint64_t self_id, struct mk_slice sink)
{
    const struct mk_bot *bot = mk_endpoint_find_bot(arg, self_id);
    if (!bot)
        return false;
    MK_LIST_FOR_EACH (node, &bot->transports) {
        const char *own = mk_transport_of(node)->sink;
        if (own && mk_slice_eq(mk_slice_str(own), sink))
            return true;
    }
    return false;
}

/* A failure is logged, and tried again in an hour. */
void mk_expiry_run(struct milky_endpoint *endpoint)
{
    if (!endpoint->journal || endpoint->stopping)
        return;
    mk_journal_expire_sinks(endpoint->journal, is_used, endpoint);
    mk_timer_start(endpoint->expiry, EVERY_MS);
}

static void on_timer(void *arg)
{
    mk_expiry_run(arg);
}

int mk_expiry_init(struct milky_endpoint *endpoint)
{
    endpoint->expiry = mk_timer_new(endpoint->loop, on_timer, endpoint);
    return endpoint->expiry ? 0 : -ENOMEM;
}

void mk_expiry_stop(struct milky_endpoint *endpoint)
{
    mk_timer_stop(endpoint->expiry);
}

void mk_expiry_fini(struct milky_endpoint *endpoint)
{
    mk_timer_free(endpoint->expiry);
}
