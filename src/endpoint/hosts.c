/* hosts: see the header. */
#include "endpoint/hosts.h"

#include "base/error_text.h"
#include "base/log.h"
#include "endpoint/retired.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* --- running backends --- */

/* The host that runs this backend already, or NULL. */
static struct milky_host *find_running(const struct milky_endpoint *endpoint,
                                       const struct milky_config_backend *backend)
{
    for (size_t i = 0; i < endpoint->host_count; i++) {
        struct milky_host *host = endpoint->hosts[i];
        if (host->backend == backend->table && host->self == backend->self &&
            strcmp(host->name, backend->name ? backend->name : "") == 0)
            return host;
    }
    return NULL;
}

/*
 * The host that has this `self`, under any name: two hosts would free it twice. A backend without
 * `free` may have several hosts.
 */
static const struct milky_host *find_owner(const struct milky_endpoint *endpoint,
                                           const struct milky_config_backend *backend)
{
    if (!backend->self || !backend->table || !mk_host_has_free(backend->table))
        return NULL;
    for (size_t i = 0; i < endpoint->host_count; i++)
        if (endpoint->hosts[i]->self == backend->self)
            return endpoint->hosts[i];
    for (size_t i = 0; i < endpoint->leaving_count; i++)
        if (endpoint->leaving[i].host->self == backend->self)
            return endpoint->leaving[i].host;
    return NULL;
}

/* The first element of the configuration that has the same `self`; itself where there is none. */
static size_t first_of(const struct milky_config *config, size_t index)
{
    const struct milky_config_backend *backends = config->backends;
    bool is_owned =
        backends[index].self && backends[index].table && mk_host_has_free(backends[index].table);
    for (size_t i = 0; i < index && is_owned; i++)
        if (backends[i].self == backends[index].self)
            return i;
    return index;
}

static void discard_from(const struct milky_endpoint *endpoint, const struct milky_config *config,
                         size_t first)
{
    for (size_t i = first; i < config->backend_count; i++) {
        const struct milky_config_backend *backend = &config->backends[i];
        bool is_anothers =
            endpoint && (find_running(endpoint, backend) || find_owner(endpoint, backend));
        if (backend->table && !is_anothers && first_of(config, i) == i)
            mk_host_free_backend(backend->table, backend->self);
    }
}

void mk_hosts_discard(const struct milky_endpoint *endpoint, const struct milky_config *config)
{
    discard_from(endpoint, config, 0);
}

/* --- a plan --- */

static int refuse(struct milky_error *error, size_t index, const char *key, const char *why)
{
    char path[64];
    snprintf(path, sizeof(path), "backends[%zu]%s", index, key);
    mk_log_error("endpoint", "%s: %s", "%s：%s", path, why);
    mk_error_set(error, path, "%s", "%s", why);
    return -EINVAL;
}

static int plan_one(struct mk_planned_hosts *plan, struct milky_endpoint *endpoint,
                    const struct milky_config *config, size_t index, struct milky_error *error)
{
    const struct milky_config_backend *backend = &config->backends[index];
    struct milky_host **place = &plan->hosts[plan->count];
    const char *why;
    char text[192];
    *place = find_running(endpoint, backend);
    if (*place) {
        plan->count++;
        return 0;
    }
    const struct milky_host *owner = find_owner(endpoint, backend);
    if (owner) {
        snprintf(text, sizeof(text),
                 mk_tr("it belongs to the backend %.64s, which has not ended",
                       "它属于尚未结束的后端 %.64s"),
                 owner->name);
        return refuse(error, index, ".self", text);
    }
    if (first_of(config, index) != index) {
        snprintf(text, sizeof(text), mk_tr("it belongs to backends[%zu]", "它属于 backends[%zu]"),
                 first_of(config, index));
        return refuse(error, index, ".self", text);
    }
    int rc =
        mk_host_new(&endpoint->owner, backend->name, backend->table, backend->self, place, &why);
    plan->are_new[plan->count] = true;
    plan->count += rc == 0;
    return rc == -EINVAL ? refuse(error, index, "", why) : rc;
}

int mk_hosts_plan(struct mk_planned_hosts *plan, struct milky_endpoint *endpoint,
                  const struct milky_config *config, struct milky_error *error)
{
    *plan = (struct mk_planned_hosts){
        .hosts = calloc(config->backend_count + 1, sizeof(*plan->hosts)),
        .are_new = calloc(config->backend_count + 1, sizeof(*plan->are_new)),
    };
    if (!plan->hosts || !plan->are_new) {
        mk_hosts_discard(endpoint, config);
        return -ENOMEM;
    }
    for (size_t i = 0; i < config->backend_count; i++) {
        int rc = plan_one(plan, endpoint, config, i, error);
        if (rc < 0) {
            discard_from(endpoint, config, i + 1);
            return rc;
        }
    }
    return 0;
}

struct milky_host *mk_hosts_find(const struct mk_planned_hosts *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (!name || strcmp(plan->hosts[i]->name, name) == 0)
            return plan->hosts[i];
    return NULL;
}

int mk_hosts_plan_bots(struct mk_planned_hosts *plan, struct mk_bot *const *bots, size_t count)
{
    plan->bots = calloc(plan->count + 1, sizeof(*plan->bots));
    if (!plan->bots)
        return -ENOMEM;
    for (size_t i = 0; i < plan->count; i++) {
        if (mk_roster_init(&plan->bots[i], count) < 0)
            return -ENOMEM;
        for (size_t j = 0; j < count; j++)
            if (bots[j]->account.host == plan->hosts[i])
                mk_roster_add(&plan->bots[i], &bots[j]->account);
    }
    for (size_t i = 0; i < plan->count; i++)
        if (plan->are_new[i])
            mk_host_set_bots(plan->hosts[i], &plan->bots[i]);
    return 0;
}

static int start(struct milky_host *host, struct milky_error *error)
{
    int rc = mk_host_start(host);
    if (rc < 0)
        mk_error_set(error, "", "the backend %s cannot start: %s", "后端 %s 无法启动：%s",
                     host->name, host->last_error[0] ? host->last_error : mk_error_text(-rc));
    return rc;
}

int mk_hosts_start_new(const struct mk_planned_hosts *plan, struct milky_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < plan->count && rc == 0; i++)
        if (plan->are_new[i])
            rc = start(plan->hosts[i], error);
    return rc;
}

static bool is_planned(const struct mk_planned_hosts *plan, const struct milky_host *host)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->hosts[i] == host)
            return true;
    return false;
}

void mk_hosts_take_over(struct milky_endpoint *endpoint, struct mk_planned_hosts *plan)
{
    for (size_t i = 0; i < endpoint->host_count; i++)
        if (!is_planned(plan, endpoint->hosts[i]))
            mk_retired_add_host(endpoint, endpoint->hosts[i]);
    free(endpoint->hosts);
    endpoint->hosts = plan->hosts;
    endpoint->host_count = plan->count;
    endpoint->reloads++;
    plan->is_taken_over = true;
}

void mk_hosts_give_bots(struct milky_endpoint *endpoint, struct mk_planned_hosts *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->are_new[i] && !mk_host_has_bots(endpoint->hosts[i], &plan->bots[i]))
            mk_host_set_bots(endpoint->hosts[i], &plan->bots[i]);
    for (size_t i = 0; i < endpoint->leaving_count; i++) {
        struct mk_roster none = { 0 };
        if (endpoint->leaving[i].host->roster.count > 0)
            mk_host_set_bots(endpoint->leaving[i].host, &none);
        mk_roster_fini(&none);
    }
}

void mk_hosts_plan_fini(struct mk_planned_hosts *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (!plan->is_taken_over && plan->are_new[i])
            mk_host_free(plan->hosts[i]);
        if (plan->bots)
            mk_roster_fini(&plan->bots[i]);
    }
    if (!plan->is_taken_over)
        free(plan->hosts);
    free(plan->are_new);
    free(plan->bots);
}

/* --- all hosts of an endpoint --- */

int mk_hosts_start(struct milky_endpoint *endpoint, struct milky_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < endpoint->host_count && rc == 0; i++)
        rc = start(endpoint->hosts[i], error);
    return rc;
}

/*
 * A backend may reload in here. Then the list has changed, and the loop begins again, for the new
 * hosts. Retired backends have calls to answer, too.
 */
void mk_hosts_turn_end(struct milky_endpoint *endpoint)
{
    uint64_t round = ++endpoint->rounds;
    for (size_t i = 0; i < endpoint->host_count; i++) {
        struct milky_host *host = endpoint->hosts[i];
        uint64_t reloads = endpoint->reloads;
        if (host->round == round)
            continue;
        host->round = round;
        mk_host_turn_end(host);
        if (reloads != endpoint->reloads)
            i = SIZE_MAX;
    }
    for (size_t i = 0; i < endpoint->leaving_count; i++)
        if (endpoint->leaving[i].host->round != round)
            mk_host_turn_end(endpoint->leaving[i].host);
}

bool mk_hosts_stored(struct milky_endpoint *endpoint)
{
    bool more = false;
    for (size_t i = 0; i < endpoint->host_count; i++)
        more |= mk_host_notify_stored(endpoint->hosts[i]);
    for (size_t i = 0; i < endpoint->leaving_count; i++)
        more |= mk_host_notify_stored(endpoint->leaving[i].host);
    return more;
}

void mk_hosts_answer_all(struct milky_endpoint *endpoint, const char *message)
{
    for (size_t i = 0; i < endpoint->host_count; i++)
        mk_host_fail_all(endpoint->hosts[i], message);
    for (size_t i = 0; i < endpoint->leaving_count; i++)
        mk_host_fail_all(endpoint->leaving[i].host, message);
}

void mk_hosts_stop(struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->host_count; i++)
        mk_host_stop(endpoint->hosts[i]);
    for (size_t i = 0; i < endpoint->leaving_count; i++)
        mk_host_stop(endpoint->leaving[i].host);
}

void mk_hosts_end(struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->host_count; i++)
        mk_host_end(endpoint->hosts[i]);
}

void mk_hosts_free(struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->host_count; i++)
        mk_host_free(endpoint->hosts[i]);
    free(endpoint->hosts);
}
