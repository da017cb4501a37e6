/*
 * retired: bots and backends that a reload has taken out. A bot ends its connections, and a backend
 * its calls, before they are freed; the endpoint goes on meanwhile.
 */
#ifndef MK_ENDPOINT_RETIRED_H
#define MK_ENDPOINT_RETIRED_H

#include "endpoint/parts.h"

/* Makes room for all bots and backends that there are. Returns 0 or -ENOMEM. */
int mk_retired_reserve(struct milky_endpoint *endpoint);

/* They are the endpoint's no more, and end: the bot has been stopped, the host has no bots. There
 * must be room. */
void mk_retired_add_bot(struct milky_endpoint *endpoint, struct mk_bot *bot);
void mk_retired_add_host(struct milky_endpoint *endpoint, struct milky_host *host);

/* Frees those that have ended; at the end of a turn alone, for callbacks of theirs may be below. */
void mk_retired_reap(struct milky_endpoint *endpoint);

/* In two steps: ends the backends; frees everything, ended or not. */
void mk_retired_end(struct milky_endpoint *endpoint);
void mk_retired_fini(struct milky_endpoint *endpoint);

#endif
