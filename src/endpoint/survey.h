/*
 * survey: every transport of every bot at this moment, measured once: what metrics and status are
 * written from.
 */
#ifndef MK_ENDPOINT_SURVEY_H
#define MK_ENDPOINT_SURVEY_H

#include "endpoint/bot.h"

struct milky_endpoint;

/* A transport, or one of the kinds that it serves. All texts are borrowed for the turn. */
struct mk_survey_row {
    const struct mk_bot *bot;
    const char *bot_id; /* its self_id as text */
    const struct mk_transport_class *class;
    char index[24]; /* its place among those of its class; for two of one name */
    struct mk_transport_stats stats;
};

struct mk_survey {
    struct mk_survey_row *rows;
    size_t count;
    char (*bot_ids)[24];
};

/* Returns 0 or -ENOMEM; fini in any case. */
int mk_survey_take(struct mk_survey *survey, const struct milky_endpoint *endpoint);
void mk_survey_fini(struct mk_survey *survey);

#endif
