/* config_files: the certificates and keys that a configuration names (see config_reader.h). */
#include "cli/config_reader.h"
#include "cli/text.h"
#include "net/tls_context.h"

/* The transport that names the files. */
struct place {
    size_t bot;
    const char *kind;
    size_t index;
};

static const yyjson_val *find(const struct mk_config_reader *reader, const struct place *place,
                              const char *key)
{
    yyjson_val *root = yyjson_doc_get_root(reader->doc);
    yyjson_val *bot = yyjson_arr_get(yyjson_obj_get(root, "bots"), place->bot);
    yyjson_val *one = yyjson_arr_get(yyjson_obj_get(bot, place->kind), place->index);
    return yyjson_obj_get(yyjson_obj_get(one, "tls"), key);
}

static void check(struct mk_config_reader *reader, const struct place *place,
                  struct mk_tls_context *context, const struct mk_tls_fault *fault)
{
    if (context) {
        mk_tls_context_free(context);
        return;
    }
    mk_config_mistake(reader, find(reader, place, fault->key),
                      mk_config_text(reader, "bots[%zu].%s[%zu].tls.%s", place->bot, place->kind,
                                     place->index, fault->key),
                      "%s: %s", fault->path, fault->why);
}

static void check_servers(struct mk_config_reader *reader, size_t bot, const char *kind,
                          const struct milky_server *servers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct milky_server_tls *tls = &servers[i].tls;
        const struct place place = { bot, kind, i };
        struct mk_tls_fault fault;
        if (tls->certificate && tls->key)
            check(reader, &place, mk_tls_context_server(tls->certificate, tls->key, &fault),
                  &fault);
    }
}

static void check_remotes(struct mk_config_reader *reader, size_t bot, const char *kind,
                          const struct milky_remote *remotes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct milky_remote_tls *tls = &remotes[i].tls;
        const struct place place = { bot, kind, i };
        const struct mk_tls_files files = { tls->ca, tls->certificate, tls->key, false };
        struct mk_tls_fault fault;
        if (tls->ca || (tls->certificate && tls->key))
            check(reader, &place, mk_tls_context_client(&files, &fault), &fault);
    }
}

void mk_config_check_files(struct mk_config_reader *reader, const struct mk_config *config)
{
    for (size_t i = 0; i < config->endpoint.bot_count; i++) {
        const struct milky_bot *bot = &config->endpoint.bots[i];
        check_servers(reader, i, "http_server", bot->http_server, bot->http_server_count);
        check_servers(reader, i, "websocket_server", bot->websocket_server,
                      bot->websocket_server_count);
        check_remotes(reader, i, "websocket_client", bot->websocket_client,
                      bot->websocket_client_count);
        check_remotes(reader, i, "webhook", bot->webhook, bot->webhook_count);
    }
}
