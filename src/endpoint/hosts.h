/*
 * hosts: the backends of an endpoint, each with its host: finds the running ones of a
 * configuration, and makes, starts and ends them.
 */
#ifndef MK_ENDPOINT_HOSTS_H
#define MK_ENDPOINT_HOSTS_H

#include "endpoint/parts.h"

/* The hosts of a configuration, in its order. */
struct mk_planned_hosts {
    struct milky_host **hosts;
    bool *are_new;          /* for each: it does not run yet */
    struct mk_roster *bots; /* of each, when they are known */
    size_t count;
    bool is_taken_over; /* the endpoint owns the hosts */
};

/*
 * Finds the hosts of a configuration. A running backend has the same name, table and `self`; the
 * others are made, and belong to the plan. Returns 0 or a negative errno with the reason in
 * `error`, logged but for -ENOMEM; then the backends that do not run have been freed.
 */
int mk_hosts_plan(struct mk_planned_hosts *plan, struct milky_endpoint *endpoint,
                  const struct milky_config *config, struct milky_error *error);

/* For a configuration that is refused: frees its backends that do not run. */
void mk_hosts_discard(const struct milky_endpoint *endpoint, const struct milky_config *config);

/* The host of that name, or NULL. Without a name: the first. */
struct milky_host *mk_hosts_find(const struct mk_planned_hosts *plan, const char *name);

/* Collects the bots of each host; new hosts have theirs from here on. Returns 0 or -ENOMEM.
 */
int mk_hosts_plan_bots(struct mk_planned_hosts *plan, struct mk_bot *const *bots, size_t count);

/* Starts the new hosts, in order. Returns 0, or a negative errno with the reason. */
int mk_hosts_start_new(const struct mk_planned_hosts *plan, struct milky_error *error);

/*
 * The hosts of the plan become the endpoint's. Hosts that are not in the plan are retired
 * (endpoint/retired.h), which needs reserved room.
 */
void mk_hosts_take_over(struct milky_endpoint *endpoint, struct mk_planned_hosts *plan);

/* Gives each host that ran before its new bots, if they differ, and notifies its backend. A retired
 * host has no bots. */
void mk_hosts_give_bots(struct milky_endpoint *endpoint, struct mk_planned_hosts *plan);

/* Frees the plan, and its new hosts unless the endpoint has taken them over. */
void mk_hosts_plan_fini(struct mk_planned_hosts *plan);

/* --- all hosts of an endpoint --- */

int mk_hosts_start(struct milky_endpoint *endpoint, struct milky_error *error);

/* Called at the end of a turn of the loop. */
void mk_hosts_turn_end(struct milky_endpoint *endpoint);

/* Notifies backends that the journal has committed all events. Returns whether one has emitted
 * more. */
bool mk_hosts_stored(struct milky_endpoint *endpoint);

/* Answers every open call and request for a file on behalf of its backend. */
void mk_hosts_answer_all(struct milky_endpoint *endpoint, const char *message);

/* As mk_host_stop, _end and _free, for all hosts. */
void mk_hosts_stop(struct milky_endpoint *endpoint);
void mk_hosts_end(struct milky_endpoint *endpoint);
void mk_hosts_free(struct milky_endpoint *endpoint);

#endif
