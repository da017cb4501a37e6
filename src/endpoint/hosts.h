/*
 * hosts: the backends of an endpoint, each with its host: which of a configuration run already, and
 * making, starting, naming and ending them.
 */
#ifndef MK_ENDPOINT_HOSTS_H
#define MK_ENDPOINT_HOSTS_H

#include "endpoint/parts.h"

/* The hosts of a configuration, in its order. */
struct mk_planned_hosts {
    struct milky_host **hosts;
    bool *are_new;          /* each one: it does not run yet */
    struct mk_roster *bots; /* of each one, where they are known */
    size_t count;
    bool is_taken_over; /* the hosts are the endpoint's */
};

/*
 * Finds the hosts of a configuration: a backend that runs is known by its name, table and `self`,
 * and the others are made, and belong to the plan. Returns 0 or a negative errno, logged unless
 * memory is out, with the reason in `error`; then those that do not run have been freed.
 */
int mk_hosts_plan(struct mk_planned_hosts *plan, struct milky_endpoint *endpoint,
                  const struct milky_config *config, struct milky_error *error);

/* The same for a configuration that is refused: frees its backends that do not run. */
void mk_hosts_discard(const struct milky_endpoint *endpoint, const struct milky_config *config);

/* The one of that name, or NULL. No name is the first. */
struct milky_host *mk_hosts_find(const struct mk_planned_hosts *plan, const char *name);

/* Notes the bots of each host; those that are new know theirs from here on. Returns 0 or -ENOMEM.
 */
int mk_hosts_plan_bots(struct mk_planned_hosts *plan, struct mk_bot *const *bots, size_t count);

/* Starts those that are new, in their order. Returns 0, or a negative errno with the reason. */
int mk_hosts_start_new(const struct mk_planned_hosts *plan, struct milky_error *error);

/*
 * The endpoint's hosts become those of the plan. Those that are in it no more are retired
 * (endpoint/retired.h), for which there is room.
 */
void mk_hosts_take_over(struct milky_endpoint *endpoint, struct mk_planned_hosts *plan);

/* Gives each host that ran before its bots, where these are others now, and notifies its backend;
 * one that leaves has none. */
void mk_hosts_give_bots(struct milky_endpoint *endpoint, struct mk_planned_hosts *plan);

/* Frees the plan, and what is new in it unless the endpoint has taken it over. */
void mk_hosts_plan_fini(struct mk_planned_hosts *plan);

/* Every backend keeps its events itself (milky_backend.keeps_events). */
bool mk_hosts_keep_events(struct milky_host *const *hosts, size_t count);

/* --- all that an endpoint has --- */

int mk_hosts_start(struct milky_endpoint *endpoint, struct milky_error *error);

/* A turn of the loop ends. */
void mk_hosts_turn_end(struct milky_endpoint *endpoint);

/* The journal has committed all events. Returns whether a backend has emitted others meanwhile. */
bool mk_hosts_stored(struct milky_endpoint *endpoint);

/* Answers every call and every request for a file that is open in the place of its backend. */
void mk_hosts_answer_all(struct milky_endpoint *endpoint, const char *message);

/* As mk_host_stop, _end and _free, in their order. */
void mk_hosts_stop(struct milky_endpoint *endpoint);
void mk_hosts_end(struct milky_endpoint *endpoint);
void mk_hosts_free(struct milky_endpoint *endpoint);

#endif
