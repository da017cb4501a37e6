/*
 * status: how the endpoint is doing, for a person: POST /endpoint/status, printed by `milky
 * status`.
 */
#ifndef MK_ENDPOINT_STATUS_H
#define MK_ENDPOINT_STATUS_H

#include <milky/backend.h>

struct milky_endpoint;

/* Answers with every transport of every bot, its state and its last error. */
void mk_status_run(struct milky_endpoint *endpoint, struct milky_call *call);

#endif
