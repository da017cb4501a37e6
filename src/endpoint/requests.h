/*
 * requests: what operators ask of the endpoint itself, not of its backend: POST /endpoint/:action
 * on the control address. One function per action, in a table.
 *
 *   transport/control -> protocol/dispatch -> here -> milky_call_ok / milky_call_fail
 */
#ifndef MK_ENDPOINT_REQUESTS_H
#define MK_ENDPOINT_REQUESTS_H

#include "protocol/dispatch.h"

/* To the dispatch the endpoint is a backend of its own, one with requests of operators alone. */
struct mk_requests {
    struct milky_backend backend;
    struct mk_dispatch dispatch;
    struct milky_endpoint *endpoint;
};

void mk_requests_init(struct mk_requests *requests, struct milky_endpoint *endpoint);
/* All must have been answered. */
void mk_requests_fini(struct mk_requests *requests);

#endif
