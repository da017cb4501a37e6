/*
 * expiry: deletes what the journal keeps for sinks that are gone, at the start, after a reload, and
 * every hour.
 */
#ifndef MK_ENDPOINT_EXPIRY_H
#define MK_ENDPOINT_EXPIRY_H

struct milky_endpoint;

/* Returns 0 or -ENOMEM. */
int mk_expiry_init(struct milky_endpoint *endpoint);
void mk_expiry_fini(struct milky_endpoint *endpoint);

/* Expires now, and again in an hour. */
void mk_expiry_run(struct milky_endpoint *endpoint);
/* The endpoint has stopped. */
void mk_expiry_stop(struct milky_endpoint *endpoint);

#endif
