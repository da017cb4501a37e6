/* transport_stats: see the header. */
#include "endpoint/transport_stats.h"

#include "endpoint/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static size_t count_transports(const struct mk_bot *bot)
{
    size_t count = 0;
    MK_LIST_FOR_EACH (node, &bot->transports)
        count++;
    return count;
}

/* Its index among the bot's transports of its class. */
static size_t index_of(const struct mk_bot *bot, const struct mk_transport *transport)
{
    size_t index = 0;
    MK_LIST_FOR_EACH (node, &bot->transports) {
        if (mk_transport_of(node) == transport)
            break;
        index += mk_transport_of(node)->class == transport->class;
    }
    return index;
}

static void add_transport(struct mk_stats_table *table, const struct mk_bot *bot,
                          const char *bot_id, const struct mk_transport *transport)
{
    struct mk_transport_stats stats[MK_TRANSPORT_ROWS];
    size_t count = transport->class->report(transport, stats);
    for (size_t i = 0; i < count; i++) {
        struct mk_stats_row *row = &table->rows[table->count++];
        *row = (struct mk_stats_row){
            .bot = bot,
            .bot_id = bot_id,
            .class = transport->class,
            .stats = stats[i],
        };
        snprintf(row->index, sizeof(row->index), "%zu", index_of(bot, transport));
    }
}

int mk_stats_table_init(struct mk_stats_table *table, const struct milky_endpoint *endpoint)
{
    size_t most = 1;
    for (size_t i = 0; i < endpoint->bot_count; i++)
        most += MK_TRANSPORT_ROWS * count_transports(endpoint->bots[i]);
    *table = (struct mk_stats_table){
        .rows = calloc(most, sizeof(*table->rows)),
        .bot_ids = calloc(endpoint->bot_count + 1, sizeof(*table->bot_ids)),
    };
    if (!table->rows || !table->bot_ids)
        return -ENOMEM;
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        snprintf(table->bot_ids[i], sizeof(table->bot_ids[i]), "%llu",
                 (unsigned long long)endpoint->bots[i]->hub.self_id);
        MK_LIST_FOR_EACH (node, &endpoint->bots[i]->transports)
            add_transport(table, endpoint->bots[i], table->bot_ids[i], mk_transport_of(node));
    }
    return 0;
}

void mk_stats_table_fini(struct mk_stats_table *table)
{
    free(table->rows);
    free(table->bot_ids);
}
