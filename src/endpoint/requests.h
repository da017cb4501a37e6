/*
 * requests: operators' requests to the endpoint itself, not to a backend: POST /endpoint/:action on
 * the control address. One function for each action, in a table.
 *
 *   transport/control -> protocol/dispatch -> here -> mk_call_ok / mk_call_fail
 */
#ifndef MK_ENDPOINT_REQUESTS_H
#define MK_ENDPOINT_REQUESTS_H

struct milky_endpoint;

/* Init and fini of `requests`. At the end all of them must have been answered. */
void mk_requests_init(struct milky_endpoint *endpoint);
void mk_requests_fini(struct milky_endpoint *endpoint);

#endif
