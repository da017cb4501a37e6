/*
 * status: the state of the endpoint, for a person: POST /endpoint/status, printed by `milky
 * status`.
 */
#ifndef MK_ENDPOINT_STATUS_H
#define MK_ENDPOINT_STATUS_H

struct milky_endpoint;
struct mk_call;

/* Answers with every transport of every bot, its state and its last error. */
void mk_status_run(struct milky_endpoint *endpoint, struct mk_call *call);

#endif
