/* bot: see the header. */
#include "endpoint/bot.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

enum { RETRY_MS = 50 };

static enum mk_dialect dialect_of(enum milky_dialect dialect)
{
    return dialect == MILKY_DIALECT_1_2 ? MK_DIALECT_1_2 : MK_DIALECT_DRAFT;
}

static int refuse(const char *transport, const char *what, const char *why)
{
    mk_log_error(transport, "\"%s\": %s", what, why);
    return -EINVAL;
}

/* --- servers --- */

bool mk_bot_any_port(const char *listen)
{
    size_t len = strlen(listen);
    return strncmp(listen, "unix:", 5) != 0 && len > 2 && strcmp(listen + len - 2, ":0") == 0;
}

/* Returns 0 with a context, or NULL for none; else -EINVAL, logged. */
static int load_tls(const struct milky_server *config, struct mk_tls_context **tls)
{
    struct mk_tls_fault fault;
    *tls = NULL;
    if (!config->tls.certificate)
        return 0;
    *tls = mk_tls_context_server(config->tls.certificate, config->tls.key, &fault);
    return *tls ? 0 : refuse("server", fault.path, fault.why);
}

/* What is wrong with its address, which an embedder may get wrong, or NULL. */
static const char *server_error(const struct milky_server *config, struct mk_address *address)
{
    const char *error = mk_address_parse(mk_slice_str(config->listen), address);
    if (error)
        return error;
    bool anonymous = !config->access_token || config->access_token[0] == '\0';
    if (anonymous && !config->allow_anonymous && !mk_address_is_local(address))
        return "without an access_token only this machine may be listened to; set one, or "
               "allow_anonymous";
    return NULL;
}

static bool same_text(const char *a, const char *b)
{
    return mk_slice_eq(mk_slice_str(a), mk_slice_str(b));
}

/* Why this configuration cannot share the port of an entry that was made of `all` too, or NULL. */
static const char *disagreement(const struct mk_bot_server *entry, const struct milky_bot *all,
                                const struct milky_server *config)
{
    const struct milky_server *first = mk_server_has_http(entry->server)
                                           ? &all->http_server[entry->http_entry]
                                           : &all->websocket_server[entry->websocket_entry];
    if (!same_text(first->prefix, config->prefix))
        return "shares its port, but not its prefix";
    if (!same_text(first->tls.certificate, config->tls.certificate) ||
        !same_text(first->tls.key, config->tls.key))
        return "shares its port, but not its certificate";
    return NULL;
}

/* A copy of the text, "" where there is none; NULL when memory is out. */
static char *copy_text(const char *text)
{
    return mk_slice_dup(mk_slice_str(text));
}

static struct mk_bot_server *new_server(struct mk_bot *bot, const struct mk_address *address,
                                        const struct milky_server *config)
{
    struct mk_tls_context *tls;
    if (load_tls(config, &tls) < 0)
        return NULL;
    struct mk_bot_server *entry = &bot->servers[bot->server_count];
    mk_address_format(address, entry->listen);
    memcpy(entry->address, entry->listen, sizeof(entry->address));
    entry->server = mk_server_new(bot->loop, address, mk_slice_str(config->prefix), bot->guard,
                                  &bot->owner->dispatch, &bot->owner->hub);
    if (!entry->server) {
        mk_tls_context_free(tls);
        return NULL;
    }
    mk_server_set_tls(entry->server, tls);
    bot->server_count++;
    entry->certificate = copy_text(config->tls.certificate);
    entry->key = copy_text(config->tls.key);
    return entry->certificate && entry->key ? entry : NULL;
}

/*
 * The server of this address, made where the bot has none yet. Port 0 is another port each time:
 * the first http_server there shares with the first websocket_server that agrees with it, the
 * second with the second. Returns NULL, logged, where they cannot share another port.
 */
static struct mk_bot_server *server_at(struct mk_bot *bot, const char *transport,
                                       const struct milky_bot *all,
                                       const struct milky_server *config,
                                       bool (*has_kind)(const struct mk_server *server))
{
    struct mk_address address;
    char text[MK_ADDRESS_TEXT];
    const char *error = server_error(config, &address);
    if (error) {
        refuse(transport, config->listen, error);
        return NULL;
    }
    mk_address_format(&address, text);
    for (size_t i = 0; i < bot->server_count; i++) {
        struct mk_bot_server *entry = &bot->servers[i];
        if (strcmp(entry->listen, text) != 0)
            continue;
        error = has_kind(entry->server) ? "is listed twice" : disagreement(entry, all, config);
        if (!error)
            return entry;
        if (mk_bot_any_port(text))
            continue;
        refuse(transport, config->listen, error);
        return NULL;
    }
    return new_server(bot, &address, config);
}

static int add_http_server(struct mk_bot *bot, const struct milky_bot *all, size_t i)
{
    const struct milky_server *config = &all->http_server[i];
    struct mk_bot_server *entry = server_at(bot, "http_server", all, config, mk_server_has_http);
    if (!entry)
        return -EINVAL;
    entry->http_entry = i;
    entry->http_dialect = config->dialect;
    entry->http_compresses = !config->no_compression;
    return mk_server_add_http(entry->server, dialect_of(config->dialect),
                              mk_slice_str(config->access_token));
}

static int add_websocket_server(struct mk_bot *bot, const struct milky_bot *all, size_t i)
{
    const struct milky_server *config = &all->websocket_server[i];
    struct mk_bot_server *entry =
        server_at(bot, "websocket_server", all, config, mk_server_has_websocket);
    if (!entry)
        return -EINVAL;
    entry->websocket_entry = i;
    entry->websocket_dialect = config->dialect;
    entry->websocket_compresses = !config->no_compression;
    return mk_server_add_websocket(entry->server, dialect_of(config->dialect),
                                   mk_slice_str(config->access_token));
}

static int add_servers(struct mk_bot *bot, const struct milky_bot *config)
{
    size_t most = config->http_server_count + config->websocket_server_count;
    bot->servers = calloc(most + 1, sizeof(*bot->servers));
    if (!bot->servers)
        return -ENOMEM;
    int rc = 0;
    for (size_t i = 0; i < config->http_server_count && rc == 0; i++)
        rc = add_http_server(bot, config, i);
    for (size_t i = 0; i < config->websocket_server_count && rc == 0; i++)
        rc = add_websocket_server(bot, config, i);
    for (size_t i = 0; i < bot->server_count; i++) {
        const struct mk_bot_server *entry = &bot->servers[i];
        mk_server_set_compression(entry->server, entry->http_compresses,
                                  entry->websocket_compresses);
    }
    return rc;
}

/* --- what connects to others --- */

/* Whoever asks for this should see it each time that they look into the log. */
static void warn_of_insecurity(const char *transport, const struct milky_remote *remote)
{
    struct mk_url url;
    if (!remote->tls.insecure_skip_verify || mk_url_parse(mk_slice_str(remote->url), &url))
        return;
    mk_log_warn(transport,
                "%.*s: INSECURE: insecure_skip_verify is set, so ANY certificate is taken: whoever "
                "is on the way can read and change everything",
                (int)url.authority_host.len, url.authority_host.ptr);
}

/* Returns 0 with a context, or NULL where nothing special is asked for; else -EINVAL, logged. */
static int load_remote_tls(const char *transport, const struct milky_remote *remote,
                           struct mk_tls_context **tls)
{
    const struct milky_remote_tls *config = &remote->tls;
    const struct mk_tls_files files = { config->ca, config->certificate, config->key,
                                        config->insecure_skip_verify };
    struct mk_tls_fault fault;
    *tls = NULL;
    if (!files.ca && !files.certificate && !files.insecure_skip_verify)
        return 0;
    warn_of_insecurity(transport, remote);
    *tls = mk_tls_context_client(&files, &fault);
    return *tls ? 0 : refuse(transport, fault.path, fault.why);
}

/* All that makes a remote what it is; on the heap. NULL when memory is out. */
static char *key_of(const struct milky_remote *remote, bool with_credentials)
{
    const struct milky_remote_tls *tls = &remote->tls;
    struct mk_buf key;
    mk_buf_init(&key, SIZE_MAX);
    int rc = mk_buf_printf(&key, "%s\n%d\n", remote->url, remote->dialect);
    if (rc == 0 && with_credentials)
        rc = mk_buf_printf(&key, "%s\n%d\n%d\n%s\n%s\n%s\n%d",
                           remote->access_token ? remote->access_token : "", remote->replay,
                           remote->no_compression, tls->ca ? tls->ca : "",
                           tls->certificate ? tls->certificate : "", tls->key ? tls->key : "",
                           tls->insecure_skip_verify);
    char *copy = rc == 0 ? mk_slice_dup(mk_buf_slice(&key)) : NULL;
    mk_buf_fini(&key);
    return copy;
}

static int add_clients(struct mk_bot *bot, const struct milky_bot *config)
{
    bot->clients = calloc(config->websocket_client_count + 1, sizeof(struct mk_websocket_client *));
    bot->client_keys = calloc(config->websocket_client_count + 1, sizeof(char *));
    if (!bot->clients || !bot->client_keys)
        return -ENOMEM;
    for (size_t i = 0; i < config->websocket_client_count; i++) {
        const struct milky_remote *remote = &config->websocket_client[i];
        bot->clients[i] = mk_websocket_client_new(
            bot->loop, mk_slice_str(remote->url), mk_slice_str(remote->access_token),
            dialect_of(remote->dialect), &bot->owner->dispatch, &bot->owner->hub);
        bot->client_keys[i] = key_of(remote, true);
        bot->client_count++;
        if (!bot->clients[i] || !bot->client_keys[i])
            return -ENOMEM;
        struct mk_tls_context *tls;
        if (load_remote_tls("websocket_client", remote, &tls) < 0)
            return -EINVAL;
        mk_websocket_client_set_tls(bot->clients[i], tls);
        mk_websocket_client_limit(bot->clients[i], mk_guard_limits(bot->guard));
        mk_websocket_client_set_compression(bot->clients[i], !remote->no_compression);
        if (remote->replay)
            mk_websocket_client_set_replay(bot->clients[i]);
    }
    return 0;
}

static int add_webhooks(struct mk_bot *bot, struct mk_http_client *http,
                        const struct milky_bot *config)
{
    bot->webhooks = calloc(config->webhook_count + 1, sizeof(struct mk_webhook *));
    bot->webhook_keys = calloc(config->webhook_count + 1, sizeof(char *));
    if (!bot->webhooks || !bot->webhook_keys)
        return -ENOMEM;
    for (size_t i = 0; i < config->webhook_count; i++) {
        const struct milky_remote *remote = &config->webhook[i];
        struct mk_webhook_config webhook = {
            .url = mk_slice_str(remote->url),
            .token = mk_slice_str(remote->access_token),
            .secret = mk_slice_str(remote->secret),
            .dialect = dialect_of(remote->dialect),
            .tls = { remote->tls.ca, remote->tls.certificate, remote->tls.key,
                     remote->tls.insecure_skip_verify },
        };
        warn_of_insecurity("webhook", remote);
        bot->webhooks[i] =
            mk_webhook_new(bot->loop, http, &webhook, &bot->owner->dispatch, &bot->owner->hub);
        bot->webhook_keys[i] = key_of(remote, false);
        bot->webhook_count++;
        if (!bot->webhooks[i] || !bot->webhook_keys[i])
            return -ENOMEM;
    }
    return 0;
}

/* --- life --- */

static int add_transports(struct mk_bot *bot, const struct mk_commons *commons,
                          const struct milky_bot *config)
{
    int rc = add_servers(bot, config);
    if (rc == 0)
        rc = add_clients(bot, config);
    if (rc == 0)
        rc = add_webhooks(bot, commons->http, config);
    return rc;
}

static void on_stuck(void *arg)
{
    struct mk_bot *bot = arg;
    mk_timer_start(bot->retry, RETRY_MS);
}

static void on_retry(void *arg)
{
    struct mk_bot *bot = arg;
    mk_hub_retry(&bot->hub);
}

int mk_bot_init(struct mk_bot *bot, const struct mk_commons *commons,
                const struct milky_bot *config)
{
    bot->owner = bot;
    bot->loop = commons->loop;
    bot->guard = commons->guard;
    mk_list_init(&bot->leaving);
    mk_dispatch_init(&bot->dispatch, commons->backend, config->self_id);
    int rc = mk_hub_init(&bot->hub, config->self_id, commons->journal);
    bot->hub.deflate = commons->deflate;
    bot->hub.got_stuck = on_stuck;
    bot->hub.arg = bot;
    bot->retry = mk_timer_new(commons->loop, on_retry, bot);
    bot->dispatch.stats = mk_call_stats_new(false);
    if (rc == 0 && (!bot->retry || !bot->dispatch.stats))
        rc = -ENOMEM;
    return rc == 0 ? add_transports(bot, commons, config) : rc;
}

void mk_bot_discard(struct mk_bot *bot)
{
    for (size_t i = 0; i < bot->server_count; i++) {
        mk_server_free(bot->servers[i].server);
        free(bot->servers[i].certificate);
        free(bot->servers[i].key);
    }
    for (size_t i = 0; i < bot->client_count; i++) {
        mk_websocket_client_free(bot->clients[i]);
        free(bot->client_keys[i]);
    }
    for (size_t i = 0; i < bot->webhook_count; i++) {
        mk_webhook_free(bot->webhooks[i]);
        free(bot->webhook_keys[i]);
    }
    free(bot->servers);
    free(bot->clients);
    free(bot->client_keys);
    free(bot->webhooks);
    free(bot->webhook_keys);
}

void mk_bot_fini(struct mk_bot *bot)
{
    mk_bot_sweep(bot);
    mk_bot_discard(bot);
    mk_timer_free(bot->retry);
    mk_hub_fini(&bot->hub);
    mk_call_stats_free(bot->dispatch.stats);
    mk_dispatch_fini(&bot->dispatch);
}

int mk_bot_listen_on(struct mk_bot *bot, struct mk_bot_server *entry)
{
    int rc = mk_server_listen(entry->server);
    if (rc < 0)
        mk_log_error("server", "bot %llu: cannot listen on %s: %s%s",
                     (unsigned long long)bot->owner->hub.self_id, entry->address, strerror(-rc),
                     rc == -EADDRINUSE ? " (is another milky running? choose another port)" : "");
    else
        mk_address_format(mk_server_address(entry->server), entry->address);
    return rc;
}

int mk_bot_prepare(struct mk_bot *bot, struct mk_bot *fresh, const struct mk_commons *commons,
                   const struct milky_bot *config)
{
    *fresh = (struct mk_bot){ .owner = bot, .loop = bot->loop, .guard = bot->guard };
    return add_transports(fresh, commons, config);
}

int mk_bot_listen(struct mk_bot *bot)
{
    for (size_t i = 0; i < bot->server_count; i++) {
        struct mk_bot_server *entry = &bot->servers[i];
        if (mk_server_listening(entry->server))
            continue;
        int rc = mk_bot_listen_on(bot, entry);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Returns the first error that there was. */
static int started(const struct mk_bot *bot, const char *transport, int before, int rc)
{
    if (rc < 0)
        mk_log_error(transport, "bot %llu: it cannot start: %s",
                     (unsigned long long)bot->hub.self_id, strerror(-rc));
    return before < 0 ? before : rc;
}

int mk_bot_connect(struct mk_bot *bot)
{
    int rc = 0;
    for (size_t i = 0; i < bot->webhook_count; i++)
        if (!mk_webhook_started(bot->webhooks[i]))
            rc = started(bot, "webhook", rc, mk_webhook_start(bot->webhooks[i]));
    for (size_t i = 0; i < bot->client_count; i++)
        if (!mk_websocket_client_started(bot->clients[i]))
            rc = started(bot, "websocket_client", rc, mk_websocket_client_start(bot->clients[i]));
    return rc;
}

int mk_bot_start(struct mk_bot *bot)
{
    int rc = mk_bot_listen(bot);
    return rc == 0 ? mk_bot_connect(bot) : rc;
}

void mk_bot_drop(struct mk_bot *bot)
{
    for (size_t i = 0; i < bot->server_count; i++)
        mk_server_drop(bot->servers[i].server);
    for (size_t i = 0; i < bot->client_count; i++)
        mk_websocket_client_abort(bot->clients[i]);
}

void mk_bot_stop(struct mk_bot *bot)
{
    for (size_t i = 0; i < bot->server_count; i++)
        mk_server_stop(bot->servers[i].server);
    for (size_t i = 0; i < bot->client_count; i++)
        mk_websocket_client_stop(bot->clients[i]);
    for (size_t i = 0; i < bot->webhook_count; i++)
        mk_webhook_stop(bot->webhooks[i]);
}

void mk_bot_abort(struct mk_bot *bot)
{
    for (size_t i = 0; i < bot->server_count; i++)
        mk_server_abort(bot->servers[i].server);
    for (size_t i = 0; i < bot->client_count; i++)
        mk_websocket_client_abort(bot->clients[i]);
    for (size_t i = 0; i < bot->webhook_count; i++)
        mk_webhook_abort(bot->webhooks[i]);
    MK_LIST_FOR_EACH (node, &bot->leaving) {
        const struct mk_bot_leaver *leaver = MK_CONTAINER_OF(node, struct mk_bot_leaver, node);
        if (leaver->server)
            mk_server_abort(leaver->server);
        else
            mk_websocket_client_abort(leaver->client);
    }
}

bool mk_bot_idle(const struct mk_bot *bot)
{
    MK_LIST_FOR_EACH (node, &bot->leaving)
        if (!mk_bot_has_left(MK_CONTAINER_OF(node, struct mk_bot_leaver, node)))
            return false;
    for (size_t i = 0; i < bot->server_count; i++)
        if (!mk_server_idle(bot->servers[i].server))
            return false;
    for (size_t i = 0; i < bot->client_count; i++)
        if (!mk_websocket_client_idle(bot->clients[i]))
            return false;
    for (size_t i = 0; i < bot->webhook_count; i++)
        if (!mk_webhook_idle(bot->webhooks[i]))
            return false;
    return true;
}

int mk_bot_write_base(const struct mk_bot *bot, struct mk_buf *out)
{
    for (size_t i = 0; i < bot->server_count; i++) {
        const struct mk_server *server = bot->servers[i].server;
        if (mk_server_address(server)->socket.ss_family != AF_UNIX)
            return mk_server_write_base(server, out);
    }
    return -ENOENT;
}

bool mk_bot_port(const struct mk_bot *bot, size_t *index, struct milky_port *port)
{
    for (size_t i = 0; i < bot->server_count; i++) {
        const struct mk_bot_server *entry = &bot->servers[i];
        const char *kinds[2] = {
            mk_server_has_http(entry->server) ? "http_server" : NULL,
            mk_server_has_websocket(entry->server) ? "websocket_server" : NULL,
        };
        for (size_t k = 0; k < 2; k++) {
            if (!kinds[k])
                continue;
            if ((*index)-- > 0)
                continue;
            *port = (struct milky_port){
                .self_id = bot->hub.self_id,
                .transport = kinds[k],
                .address = entry->address,
                .entry = k ? entry->websocket_entry : entry->http_entry,
            };
            return true;
        }
    }
    return false;
}
