/*
 * addresses: the addresses of the endpoint itself, for operators (control) and for monitoring
 * (operations); and the list of all its ports.
 */
#include "base/escape.h"
#include "base/log.h"
#include "endpoint/metrics.h"
#include "endpoint/parts.h"
#include "transport/listen_error.h"
#include "web/cors.h"

#include <errno.h>
#include <milky/milky.h>
#include <stdlib.h>

/* --- from the configuration --- */

static int read_address(struct mk_own_address *own, const char *text, const char *token,
                        const char *const *origins, size_t origin_count)
{
    own->is_set = text != NULL;
    if (!text)
        return 0;
    own->token = mk_slice_dup(mk_slice_str(token));
    own->origins = mk_cors_join(origins, origin_count);
    if (!own->token || !own->origins)
        return -ENOMEM;
    return mk_address_parse(mk_slice_str(text), &own->address) ? -EINVAL : 0;
}

int mk_addresses_init(struct milky_endpoint *endpoint, const struct milky_config *config)
{
    int rc = read_address(&endpoint->control_address, config->control, config->control_access_token,
                          config->control_origins, config->control_origin_count);
    if (rc == 0)
        rc = read_address(&endpoint->operations_address, config->operations,
                          config->operations_access_token, config->operations_origins,
                          config->operations_origin_count);
    return rc;
}

static void fini_address(struct mk_own_address *own)
{
    free(own->token);
    free(own->origins);
}

static struct mk_access access_of(const struct mk_own_address *own)
{
    return (struct mk_access){ mk_slice_str(own->token), mk_slice_str(own->origins) };
}

void mk_addresses_fini(struct milky_endpoint *endpoint)
{
    mk_control_free(endpoint->control);
    mk_operations_free(endpoint->operations);
    fini_address(&endpoint->control_address);
    fini_address(&endpoint->operations_address);
}

/* --- listening --- */

static int check(const char *what, const struct mk_own_address *own, int rc,
                 struct milky_error *error)
{
    char text[MK_LISTEN_ERROR];
    if (rc < 0) {
        mk_log_error("endpoint", "%s: %s", "%s：%s", what,
                     mk_listen_error(&own->address, rc, text));
        mk_error_set(error, what, "%s", "%s", text);
    }
    return rc;
}

/* Finds a backend by its index; the endpoint itself comes after the last one. */
static struct mk_dispatch *find_target(void *arg, size_t index, const char **name)
{
    struct milky_endpoint *endpoint = arg;
    if (index < endpoint->host_count) {
        *name = endpoint->hosts[index]->name;
        return &endpoint->hosts[index]->dispatch;
    }
    *name = "endpoint";
    return index == endpoint->host_count ? &endpoint->requests.dispatch : NULL;
}

int mk_addresses_open_control(struct milky_endpoint *endpoint, struct milky_error *error)
{
    const struct mk_own_address *own = &endpoint->control_address;
    const struct mk_control_targets targets = { find_target, endpoint };
    const struct mk_access access = access_of(own);
    if (!own->is_set)
        return 0;
    return check("control", own,
                 mk_control_open(endpoint->loop, &own->address, &access, endpoint->guard, &targets,
                                 &endpoint->control),
                 error);
}

static const char *unready(const struct milky_endpoint *endpoint)
{
    if (endpoint->stopping)
        return "stopping";
    if (!endpoint->ready)
        return "starting";
    if (endpoint->journal && !mk_journal_is_healthy(endpoint->journal))
        return "the journal cannot be written";
    return NULL;
}

/* Writes whether it is ready. One bot that is offline does not make it unready, for the sake of the
 * programs of the other bots. */
static bool is_ready(void *arg, struct mk_buf *words)
{
    const struct milky_endpoint *endpoint = arg;
    const char *why = unready(endpoint);
    size_t offline = 0;
    for (size_t i = 0; i < endpoint->bot_count; i++)
        offline += endpoint->bots[i]->account.state == MILKY_STATE_OFFLINE;
    if (!why && offline > 0 && offline == endpoint->bot_count)
        why = "no bot is online";
    mk_buf_printf(words, "%s\n", why ? why : "ready");
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        const struct mk_account *account = &endpoint->bots[i]->account;
        if (account->state != MILKY_STATE_OFFLINE)
            continue;
        mk_buf_printf(words, "bot %llu is offline%s", (unsigned long long)account->self_id,
                      *account->reason ? ": " : "");
        mk_escape_append(words, mk_slice_str(account->reason));
        mk_buf_append_char(words, '\n');
    }
    return !why;
}

int mk_addresses_open_operations(struct milky_endpoint *endpoint, struct milky_error *error)
{
    const struct mk_own_address *own = &endpoint->operations_address;
    const struct mk_operations_source source = { is_ready, mk_metrics_write, endpoint };
    const struct mk_access access = access_of(own);
    if (!own->is_set)
        return 0;
    return check("operations", own,
                 mk_operations_open(endpoint->loop, &own->address, &access, endpoint->guard,
                                    &source, &endpoint->operations),
                 error);
}

/* --- the list --- */

static bool find_port(const struct milky_endpoint *endpoint, size_t index, struct milky_port *port)
{
    for (size_t i = 0; i < endpoint->bot_count; i++)
        if (mk_bot_port(endpoint->bots[i], &index, port))
            return true;
    if (endpoint->control && index-- == 0) {
        port->transport = "control";
        port->address = mk_control_port(endpoint->control)->text;
        return true;
    }
    if (!endpoint->operations || index > 0)
        return false;
    port->transport = "operations";
    port->address = mk_operations_port(endpoint->operations)->text;
    return true;
}

bool milky_endpoint_port(const struct milky_endpoint *endpoint, size_t index,
                         struct milky_port *port)
{
    struct milky_port found = { 0 };
    size_t size = port->size;
    if (!find_port(endpoint, index, &found))
        return false;
    found.size = size;
    memcpy(port, &found, size < sizeof(found) ? size : sizeof(found));
    return true;
}
