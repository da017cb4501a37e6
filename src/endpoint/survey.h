/*
 * survey: every transport of every bot at this moment, measured once: what metrics and status are
 * written from.
 */
#ifndef MK_ENDPOINT_SURVEY_H
#define MK_ENDPOINT_SURVEY_H

#include "transport/health.h"
#include "transport/server.h"

struct milky_endpoint;

/* A transport. All texts are borrowed for the turn. */
struct mk_surveyed {
    const struct mk_bot *bot;
    const char *bot_id;    /* its self_id as text */
    const char *transport; /* "http_server", "event_stream", "websocket_server", ... */
    const char *name;      /* the address it listens on, or the URL without secrets */
    char index[24];        /* its place among those of its kind; for two of one name */
    bool is_remote;        /* it connects to others: `remote` is filled, else what follows it */
    bool is_listener;      /* its address is counted here: one per port */
    struct mk_remote_report remote;
    bool listening;
    uint64_t accepted;  /* connections of the port */
    size_t connections; /* of this kind */
    struct mk_lag lag;  /* of the slowest */
    bool has_events;    /* it has connections that get events */
};

struct mk_survey {
    struct mk_surveyed *transports;
    size_t count;
    char (*bot_ids)[24];
};

/* Returns 0 or -ENOMEM; fini in any case. */
int mk_survey_take(struct mk_survey *survey, const struct milky_endpoint *endpoint);
void mk_survey_fini(struct mk_survey *survey);

#endif
