/*
 * hosts: the backends of an endpoint, each with its host: making, starting, naming and ending them.
 */
#ifndef MK_ENDPOINT_HOSTS_H
#define MK_ENDPOINT_HOSTS_H

#include "endpoint/parts.h"

/*
 * Makes a host for each backend of the configuration. All of them belong to the endpoint from here
 * on, also when this fails. Returns 0 or a negative errno, with the reason in `error` (or NULL).
 */
int mk_hosts_make(struct milky_endpoint *endpoint, const struct milky_config *config,
                  struct milky_error *error);

/* Frees the backends of a configuration of which no endpoint comes. */
void mk_hosts_discard(const struct milky_config *config);

/* The host of that name, or NULL. No name is the first. */
struct milky_host *mk_hosts_find(const struct milky_endpoint *endpoint, const char *name);

/* Gives each host the list of its bots among `bots`. Returns 0 or -ENOMEM: then nothing changed. */
int mk_hosts_set_bots(struct milky_endpoint *endpoint, struct mk_bot *const *bots, size_t count);

/* Starts the backends, in their order. Returns 0, or a negative errno with the reason. */
int mk_hosts_start(struct milky_endpoint *endpoint, struct milky_error *error);

/* As mk_host_stop, _end and _free, in their order. */
void mk_hosts_stop(struct milky_endpoint *endpoint);
void mk_hosts_end(struct milky_endpoint *endpoint);
void mk_hosts_free(struct milky_endpoint *endpoint);

/* Every backend keeps its events itself (milky_backend.keeps_events). */
bool mk_hosts_keep_events(const struct milky_endpoint *endpoint);

#endif
