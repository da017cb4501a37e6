/*
 * requests: what operators ask of the endpoint itself, not of a backend: POST /endpoint/:action on
 * the control address. One function per action, in a table.
 *
 *   transport/control -> protocol/dispatch -> here -> mk_call_ok / mk_call_fail
 */
#ifndef MK_ENDPOINT_REQUESTS_H
#define MK_ENDPOINT_REQUESTS_H

struct milky_endpoint;

/* Its `requests`, which all must have been answered at the end. */
void mk_requests_init(struct milky_endpoint *endpoint);
void mk_requests_fini(struct milky_endpoint *endpoint);

#endif
