/* files: the certificates and keys that a configuration names (see rules.h). */
#include "config/rules.h"

#include "net/tls_context.h"

/* The transport that names the files. */
struct transport {
    size_t bot;
    const char *kind;
    size_t index;
};

static void check(struct mk_mistakes *mistakes, const struct transport *transport,
                  struct mk_tls_context *context, const struct mk_tls_fault *fault)
{
    if (context) {
        mk_tls_context_free(context);
        return;
    }
    mk_mistakes_add(
        mistakes,
        &(struct mk_mistake_found){
            .path = mk_rule_path(mistakes, transport->bot, transport->kind, transport->index,
                                 mk_mistakes_text(mistakes, "tls.%s", fault->key)),
            .text = mk_mistakes_say(mistakes, "%s: %s", "%s：%s", fault->path, fault->why),
        });
}

static void check_servers(struct mk_mistakes *mistakes, size_t bot, const char *kind,
                          const struct milky_server *servers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct milky_server_tls *tls = &servers[i].tls;
        const struct transport transport = { bot, kind, i };
        struct mk_tls_fault fault;
        if (tls->certificate && tls->key)
            check(mistakes, &transport, mk_tls_context_server(tls->certificate, tls->key, &fault),
                  &fault);
    }
}

static void check_remotes(struct mk_mistakes *mistakes, size_t bot, const char *kind,
                          const struct milky_remote *remotes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct milky_remote_tls *tls = &remotes[i].tls;
        const struct transport transport = { bot, kind, i };
        const struct mk_tls_files files = { tls->ca, tls->certificate, tls->key, false };
        struct mk_tls_fault fault;
        if (tls->ca || (tls->certificate && tls->key))
            check(mistakes, &transport, mk_tls_context_client(&files, &fault), &fault);
    }
}

void mk_config_check_files(const struct milky_config *config, struct mk_mistakes *mistakes)
{
    for (size_t i = 0; i < config->bot_count; i++) {
        const struct milky_bot *bot = &config->bots[i];
        check_servers(mistakes, i, "http_server", bot->http_server, bot->http_server_count);
        check_servers(mistakes, i, "websocket_server", bot->websocket_server,
                      bot->websocket_server_count);
        check_remotes(mistakes, i, "websocket_client", bot->websocket_client,
                      bot->websocket_client_count);
        check_remotes(mistakes, i, "webhook", bot->webhook, bot->webhook_count);
    }
}
