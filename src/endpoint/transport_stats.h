/*
 * transport_stats: the reports of all transports of all bots at one moment, from which metrics and
 * status are written.
 */
#ifndef MK_ENDPOINT_TRANSPORT_STATS_H
#define MK_ENDPOINT_TRANSPORT_STATS_H

#include "endpoint/bot.h"

struct milky_endpoint;

/* A transport, or one of the kinds that it serves. All texts are borrowed for the turn. */
struct mk_stats_row {
    const struct mk_bot *bot;
    const char *bot_id; /* its self_id as text */
    const struct mk_transport_class *class;
    char index[24]; /* among those of its class; distinguishes two of one name */
    struct mk_transport_stats stats;
};

struct mk_stats_table {
    struct mk_stats_row *rows;
    size_t count;
    char (*bot_ids)[24];
};

/* Asks every transport. Returns 0 or -ENOMEM; fini in any case. */
int mk_stats_table_init(struct mk_stats_table *table, const struct milky_endpoint *endpoint);
void mk_stats_table_fini(struct mk_stats_table *table);

#endif
