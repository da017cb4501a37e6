/* bot_reload: a bot takes over the transports that another configuration asks for. See bot.h. */
#include "endpoint/bot.h"

#include "base/log.h"

#include <stdlib.h>

/* --- leaving --- */

bool mk_bot_has_left(const struct mk_bot_leaver *leaver)
{
    return leaver->server ? mk_server_idle(leaver->server)
                          : mk_websocket_client_idle(leaver->client);
}

void mk_bot_sweep(struct mk_bot *bot)
{
    MK_LIST_FOR_EACH (node, &bot->leaving) {
        struct mk_bot_leaver *leaver = MK_CONTAINER_OF(node, struct mk_bot_leaver, node);
        if (!mk_bot_has_left(leaver))
            continue;
        mk_list_remove(&leaver->node);
        mk_server_free(leaver->server);
        mk_websocket_client_free(leaver->client);
        free(leaver);
    }
}

/* Without the memory to remember it, it is not touched: it stays as it was. */
static bool see_off(struct mk_bot *bot, struct mk_server *server,
                    struct mk_websocket_client *client)
{
    struct mk_bot_leaver *leaver = calloc(1, sizeof(*leaver));
    if (!leaver)
        return false;
    leaver->server = server;
    leaver->client = client;
    mk_list_push(&bot->leaving, &leaver->node);
    if (server)
        mk_server_stop(server);
    else
        mk_websocket_client_stop(client);
    return true;
}

/* --- servers --- */

static bool has_tls(const struct mk_bot_server *entry)
{
    return entry->certificate[0] != '\0';
}

/* What the files hold may differ: they are read again in any case. */
static bool has_same_files(const struct mk_bot_server *a, const struct mk_bot_server *b)
{
    return strcmp(a->certificate, b->certificate) == 0 && strcmp(a->key, b->key) == 0;
}

/* A connection of one may be one of the other: in the clear there is none where TLS is asked. */
static bool is_same_server(const struct mk_bot_server *a, const struct mk_bot_server *b)
{
    return strcmp(a->listen, b->listen) == 0 &&
           mk_server_has_http(a->server) == mk_server_has_http(b->server) &&
           mk_server_has_websocket(a->server) == mk_server_has_websocket(b->server) &&
           has_tls(a) == has_tls(b) && a->http_dialect == b->http_dialect &&
           a->websocket_dialect == b->websocket_dialect &&
           mk_slice_eq(mk_server_prefix(a->server), mk_server_prefix(b->server));
}

/* The server that runs serves on in the place of the fresh one, with what that was told. */
static void keep_server(struct mk_bot_server *old, struct mk_bot_server *fresh)
{
    mk_server_adopt(old->server, fresh->server);
    mk_server_free(fresh->server);
    fresh->server = old->server;
    fresh->goes_on = true;
    memcpy(fresh->address, old->address, sizeof(fresh->address));
    old->server = NULL;
}

static size_t keep_servers(struct mk_bot *bot, struct mk_bot *fresh, bool with_same_files)
{
    size_t kept = 0;
    for (size_t i = 0; i < fresh->server_count; i++)
        for (size_t j = 0; j < bot->server_count; j++) {
            struct mk_bot_server *old = &bot->servers[j];
            if (fresh->servers[i].goes_on || !old->server ||
                !is_same_server(old, &fresh->servers[i]) ||
                (with_same_files && !has_same_files(old, &fresh->servers[i])) ||
                mk_server_listening(fresh->servers[i].server))
                continue;
            keep_server(old, &fresh->servers[i]);
            kept++;
            break;
        }
    return kept;
}

/* Of those on port 0 several may be alike: each goes on with its own files where it can. */
size_t mk_bot_keep_servers(struct mk_bot *bot, struct mk_bot *fresh)
{
    size_t kept = keep_servers(bot, fresh, true);
    return kept + keep_servers(bot, fresh, false);
}

static void see_off_servers(struct mk_bot *bot)
{
    for (size_t j = 0; j < bot->server_count; j++)
        if (bot->servers[j].server && see_off(bot, bot->servers[j].server, NULL))
            bot->servers[j].server = NULL;
}

/* --- what connects to others --- */

static size_t match_clients(struct mk_bot *bot, struct mk_bot *fresh)
{
    size_t kept = 0;
    for (size_t i = 0; i < fresh->client_count; i++) {
        size_t j = 0;
        while (j < bot->client_count &&
               (!bot->clients[j] || strcmp(bot->client_keys[j], fresh->client_keys[i]) != 0))
            j++;
        if (j == bot->client_count)
            continue;
        mk_websocket_client_adopt(bot->clients[j], fresh->clients[i]);
        mk_websocket_client_free(fresh->clients[i]);
        fresh->clients[i] = bot->clients[j];
        bot->clients[j] = NULL;
        kept++;
    }
    for (size_t j = 0; j < bot->client_count; j++)
        if (bot->clients[j] && see_off(bot, NULL, bot->clients[j]))
            bot->clients[j] = NULL;
    return bot->client_count + fresh->client_count - 2 * kept;
}

/* One that goes leaves at once: where it stands is in the journal. */
static size_t match_webhooks(struct mk_bot *bot, struct mk_bot *fresh)
{
    size_t kept = 0;
    for (size_t i = 0; i < fresh->webhook_count; i++) {
        size_t j = 0;
        while (j < bot->webhook_count &&
               (!bot->webhooks[j] || strcmp(bot->webhook_keys[j], fresh->webhook_keys[i]) != 0))
            j++;
        if (j == bot->webhook_count)
            continue;
        mk_webhook_adopt(bot->webhooks[j], fresh->webhooks[i]);
        mk_webhook_free(fresh->webhooks[i]);
        fresh->webhooks[i] = bot->webhooks[j];
        bot->webhooks[j] = NULL;
        kept++;
    }
    for (size_t j = 0; j < bot->webhook_count; j++)
        bot->webhooks[j] = mk_webhook_free(bot->webhooks[j]);
    return bot->webhook_count + fresh->webhook_count - 2 * kept;
}

/* --- all of them --- */

static void swap_transports(struct mk_bot *a, struct mk_bot *b)
{
    struct mk_bot old = *a;
    a->servers = b->servers;
    a->server_count = b->server_count;
    a->clients = b->clients;
    a->client_keys = b->client_keys;
    a->client_count = b->client_count;
    a->webhooks = b->webhooks;
    a->webhook_keys = b->webhook_keys;
    a->webhook_count = b->webhook_count;
    b->servers = old.servers;
    b->server_count = old.server_count;
    b->clients = old.clients;
    b->client_keys = old.client_keys;
    b->client_count = old.client_count;
    b->webhooks = old.webhooks;
    b->webhook_keys = old.webhook_keys;
    b->webhook_count = old.webhook_count;
}

size_t mk_bot_reload(struct mk_bot *bot, struct mk_bot *fresh, size_t kept_servers)
{
    size_t changed = bot->server_count + fresh->server_count - 2 * kept_servers;
    see_off_servers(bot);
    changed += match_clients(bot, fresh);
    changed += match_webhooks(bot, fresh);
    swap_transports(bot, fresh);
    if (mk_bot_listen(bot) < 0)
        mk_log_error("endpoint", "bot %llu: not all of its servers listen now",
                     (unsigned long long)bot->hub.self_id);
    mk_bot_connect(bot);
    return changed;
}
