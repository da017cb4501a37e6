/* hosts: see the header. */
#include "endpoint/hosts.h"

#include "base/error_text.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct milky_host *mk_hosts_find(const struct milky_endpoint *endpoint, const char *name)
{
    for (size_t i = 0; i < endpoint->host_count; i++)
        if (!name || strcmp(endpoint->hosts[i]->name, name) == 0)
            return endpoint->hosts[i];
    return NULL;
}

/* --- making --- */

static int make_one(struct milky_endpoint *endpoint, const struct milky_config_backend *config,
                    size_t index, struct milky_error *error)
{
    char path[32];
    snprintf(path, sizeof(path), "backends[%zu]", index);
    const char *why;
    int rc = mk_host_new(&endpoint->owner, config->name, config->table, config->self,
                         &endpoint->hosts[endpoint->host_count], &why);
    endpoint->host_count += rc == 0;
    if (rc != -EINVAL)
        return rc;
    mk_error_set(error, path, "%s", why);
    mk_log_error("endpoint", "%s: %s", path, why);
    return -EINVAL;
}

static void discard_from(const struct milky_config *config, size_t first)
{
    for (size_t i = first; i < config->backend_count; i++) {
        const struct milky_config_backend *backend = &config->backends[i];
        if (backend->table)
            mk_host_discard(backend->table, backend->self);
    }
}

void mk_hosts_discard(const struct milky_config *config)
{
    discard_from(config, 0);
}

int mk_hosts_make(struct milky_endpoint *endpoint, const struct milky_config *config,
                  struct milky_error *error)
{
    endpoint->host_count = 0;
    endpoint->hosts = calloc(config->backend_count + 1, sizeof(struct milky_host *));
    if (!endpoint->hosts) {
        discard_from(config, 0);
        return -ENOMEM;
    }
    for (size_t i = 0; i < config->backend_count; i++) {
        int rc = make_one(endpoint, &config->backends[i], i, error);
        if (rc < 0) {
            discard_from(config, i + 1);
            return rc;
        }
    }
    return 0;
}

bool mk_hosts_keep_events(const struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->host_count; i++)
        if (!endpoint->hosts[i]->table.keeps_events)
            return false;
    return true;
}

/* --- bots --- */

int mk_hosts_set_bots(struct milky_endpoint *endpoint, struct mk_bot *const *bots, size_t count)
{
    struct mk_roster *rosters = calloc(endpoint->host_count + 1, sizeof(*rosters));
    int rc = rosters ? 0 : -ENOMEM;
    for (size_t i = 0; i < endpoint->host_count && rc == 0; i++)
        rc = mk_roster_init(&rosters[i], count);
    for (size_t i = 0; i < endpoint->host_count && rc == 0; i++) {
        for (size_t j = 0; j < count; j++)
            if (bots[j]->account.host == endpoint->hosts[i])
                mk_roster_add(&rosters[i], &bots[j]->account);
        if (!mk_host_has_bots(endpoint->hosts[i], &rosters[i]))
            mk_host_change_bots(endpoint->hosts[i], &rosters[i]);
    }
    for (size_t i = 0; i < endpoint->host_count && rosters; i++)
        mk_roster_fini(&rosters[i]);
    free(rosters);
    return rc;
}

/* --- life --- */

int mk_hosts_start(struct milky_endpoint *endpoint, struct milky_error *error)
{
    for (size_t i = 0; i < endpoint->host_count; i++) {
        int rc = mk_host_start(endpoint->hosts[i]);
        if (rc < 0) {
            mk_error_set(error, "", "the backend %s cannot start: %s", endpoint->hosts[i]->name,
                         mk_error_text(-rc));
            return rc;
        }
    }
    return 0;
}

void mk_hosts_stop(struct milky_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->host_count; i++)
        mk_host_stop(endpoint->hosts[i]);
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
