/* survey: see the header. */
#include "endpoint/survey.h"

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

/* Its place among the bot's transports of its class. */
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

static void add_transport(struct mk_survey *survey, const struct mk_bot *bot, const char *bot_id,
                          const struct mk_transport *transport)
{
    struct mk_transport_stats stats[MK_TRANSPORT_ROWS];
    size_t count = transport->class->report(transport, stats);
    for (size_t i = 0; i < count; i++) {
        struct mk_survey_row *row = &survey->rows[survey->count++];
        *row = (struct mk_survey_row){
            .bot = bot,
            .bot_id = bot_id,
            .class = transport->class,
            .stats = stats[i],
        };
        snprintf(row->index, sizeof(row->index), "%zu", index_of(bot, transport));
    }
}

int mk_survey_take(struct mk_survey *survey, const struct milky_endpoint *endpoint)
{
    size_t most = 1;
    for (size_t i = 0; i < endpoint->bot_count; i++)
        most += MK_TRANSPORT_ROWS * count_transports(endpoint->bots[i]);
    *survey = (struct mk_survey){
        .rows = calloc(most, sizeof(*survey->rows)),
        .bot_ids = calloc(endpoint->bot_count + 1, sizeof(*survey->bot_ids)),
    };
    if (!survey->rows || !survey->bot_ids)
        return -ENOMEM;
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        snprintf(survey->bot_ids[i], sizeof(survey->bot_ids[i]), "%llu",
                 (unsigned long long)endpoint->bots[i]->hub.self_id);
        MK_LIST_FOR_EACH (node, &endpoint->bots[i]->transports)
            add_transport(survey, endpoint->bots[i], survey->bot_ids[i], mk_transport_of(node));
    }
    return 0;
}

void mk_survey_fini(struct mk_survey *survey)
{
    free(survey->rows);
    free(survey->bot_ids);
}
