/*
 * retired: bots and backends that a reload has removed. They are freed when the bot has closed its
 * connections and the backend has answered its calls; the endpoint runs on meanwhile.
 */
#ifndef MK_ENDPOINT_RETIRED_H
#define MK_ENDPOINT_RETIRED_H

#include "endpoint/parts.h"

/* Reserves room for all current bots and backends. Returns 0 or -ENOMEM. */
int mk_retired_reserve(struct milky_endpoint *endpoint);

/* Retire a bot that was stopped, and a host without bots. The room must have been reserved. */
void mk_retired_add_bot(struct milky_endpoint *endpoint, struct mk_bot *bot);
void mk_retired_add_host(struct milky_endpoint *endpoint, struct milky_host *host);

/* Frees those that have ended. Only at the end of a turn, outside of their callbacks. */
void mk_retired_reap(struct milky_endpoint *endpoint);

/* The first ends the backends; the second frees everything, ended or not. */
void mk_retired_end(struct milky_endpoint *endpoint);
void mk_retired_fini(struct milky_endpoint *endpoint);

#endif
