/* config_check: see the header. */
#include "endpoint/config_check.h"

#include "base/log.h"
#include "endpoint/parts.h"
#include "transport/webhook_signature.h"
#include "wire/url.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SELF_ID UINT64_C(10001)
#define LAST_SELF_ID UINT64_C(4294967295)

/* Where something stands: bots[bot], or bots[bot].KIND[index]. */
struct place {
    size_t bot;
    const char *kind; /* or NULL */
    size_t index;
    struct milky_error *error; /* or NULL */
};

static int refuse(const struct place *at, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(const struct place *at, const char *key, const char *format, ...)
{
    char path[128], entry[64] = "", why[256];
    if (at->kind)
        snprintf(entry, sizeof(entry), "%s[%zu].", at->kind, at->index);
    snprintf(path, sizeof(path), "bots[%zu].%s%s", at->bot, entry, key);
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    mk_log_error("endpoint", "%s: %s", path, why);
    mk_error_set(at->error, path, "%s", why);
    return -EINVAL;
}

/* --- what may be there once only --- */

/* A number or a text that something is known by. */
struct known {
    uint64_t number;
    const char *text; /* or NULL */
    size_t index;
};

static int by_name(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    int order = x->text && y->text ? strcmp(x->text, y->text) : 0;
    if (order == 0 && x->number != y->number)
        order = x->number < y->number ? -1 : 1;
    return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

static bool is_same(const struct known *x, const struct known *y)
{
    return x->number == y->number && (!x->text || strcmp(x->text, y->text) == 0);
}

/* Sorts `known`, of which all have a text or none, and frees it; `first` has each its own index. */
static size_t *note_first(size_t *first, struct known *known, size_t count)
{
    if (!first || !known) {
        free(first);
        free(known);
        return NULL;
    }
    if (count > 0)
        qsort(known, count, sizeof(*known), by_name);
    for (size_t i = 1; i < count; i++)
        if (is_same(&known[i], &known[i - 1]))
            first[known[i].index] = first[known[i - 1].index];
    free(known);
    return first;
}

size_t *mk_config_check_urls(const struct milky_remote *remotes, size_t count, bool replaying)
{
    size_t *first = calloc(count + 1, sizeof(*first));
    struct known *known = calloc(count + 1, sizeof(*known));
    size_t known_count = 0;
    for (size_t i = 0; first && known && i < count; i++) {
        first[i] = i;
        if (remotes[i].url && (remotes[i].replay || !replaying))
            known[known_count++] = (struct known){ .text = remotes[i].url, .index = i };
    }
    return note_first(first, known, known_count);
}

size_t *mk_config_check_ids(const struct milky_bot *bots, size_t count)
{
    size_t *first = calloc(count + 1, sizeof(*first));
    struct known *known = calloc(count + 1, sizeof(*known));
    size_t known_count = 0;
    for (size_t i = 0; first && known && i < count; i++) {
        first[i] = i;
        if (bots[i].self_id)
            known[known_count++] = (struct known){ .number = bots[i].self_id, .index = i };
    }
    return note_first(first, known, known_count);
}

static int check_same_urls(size_t bot, const char *kind, const struct milky_remote *remotes,
                           size_t count, bool replaying, struct milky_error *error)
{
    size_t *first = mk_config_check_urls(remotes, count, replaying);
    int rc = first ? 0 : -ENOMEM;
    for (size_t i = 0; i < count && rc == 0; i++)
        if (first[i] != i)
            rc = refuse(&(struct place){ bot, kind, i, error }, "url",
                        "this is the URL of %s[%zu] already, and how far each has got is kept by "
                        "its URL (a query such as ?2 makes it another)",
                        kind, first[i]);
    free(first);
    return rc;
}

/* --- the rest of a transport --- */

static int check_pair(const struct place *at, const char *certificate, const char *key)
{
    if (!certificate == !key)
        return 0;
    return refuse(at, "tls",
                  key ? "has a key without its certificate" : "has a certificate without its key");
}

static int check_servers(size_t bot, const char *kind, const struct milky_server *servers,
                         size_t count, struct milky_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = check_pair(&(struct place){ bot, kind, i, error }, servers[i].tls.certificate,
                        servers[i].tls.key);
    return rc;
}

/* A URL is never shown: there may be a password or a token in it. */
static int check_url(const struct place *at, const char *text, bool websocket)
{
    struct mk_url url;
    const char *why = mk_url_parse(mk_slice_str(text), &url);
    if (why)
        return refuse(at, "url", "%s", why);
    if (((url.scheme.ptr[0] | 0x20) == 'w') == websocket)
        return 0;
    return refuse(at, "url", "the scheme must be %s", websocket ? "ws or wss" : "http or https");
}

static int check_secret(const struct place *at, const char *text)
{
    char signature[MK_SIGNATURE_LEN];
    struct mk_slice secret = mk_slice_str(text);
    int rc = secret.len > 0 ? mk_webhook_sign(secret, "", 0, MK_SLICE(""), signature) : 0;
    if (rc != -EINVAL)
        return rc;
    return refuse(at, "secret", "must be whsec_ and base64, or any other text, of %d bytes at most",
                  MK_SIGNATURE_SECRET);
}

static int check_remotes(size_t bot, const char *kind, const struct milky_remote *remotes,
                         size_t count, bool websocket, struct milky_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        const struct place at = { bot, kind, i, error };
        rc = check_url(&at, remotes[i].url, websocket);
        if (rc == 0)
            rc = check_pair(&at, remotes[i].tls.certificate, remotes[i].tls.key);
        if (rc == 0 && !websocket)
            rc = check_secret(&at, remotes[i].secret);
    }
    return rc == 0 ? check_same_urls(bot, kind, remotes, count, websocket, error) : rc;
}

/* --- bots --- */

static int check_bot(size_t number, const struct milky_bot *bot, struct milky_error *error)
{
    if (bot->self_id < FIRST_SELF_ID || bot->self_id > LAST_SELF_ID)
        return refuse(&(struct place){ .bot = number, .error = error }, "self_id",
                      "%llu is no QQ number from 10001 to 4294967295",
                      (unsigned long long)bot->self_id);
    int rc = check_servers(number, "http_server", bot->http_server, bot->http_server_count, error);
    if (rc == 0)
        rc = check_servers(number, "websocket_server", bot->websocket_server,
                           bot->websocket_server_count, error);
    if (rc == 0)
        rc = check_remotes(number, "websocket_client", bot->websocket_client,
                           bot->websocket_client_count, true, error);
    if (rc == 0)
        rc = check_remotes(number, "webhook", bot->webhook, bot->webhook_count, false, error);
    return rc;
}

static int check_self_ids(const struct milky_config *config, struct milky_error *error)
{
    size_t *first = mk_config_check_ids(config->bots, config->bot_count);
    int rc = first ? 0 : -ENOMEM;
    for (size_t i = 0; i < config->bot_count && rc == 0; i++)
        if (first[i] != i)
            rc = refuse(&(struct place){ .bot = i, .error = error }, "self_id",
                        "%llu is bots[%zu] already", (unsigned long long)config->bots[i].self_id,
                        first[i]);
    free(first);
    return rc;
}

/* --- what must be there at all --- */

static int refuse_whole(struct milky_error *error, const char *path, const char *why)
{
    mk_log_error("endpoint", "%s: %s", path, why);
    mk_error_set(error, path, "%s", why);
    return -EINVAL;
}

static const char misfit[] = "`size` is to be the size of the struct";

static int check_sizes_of_bot(const struct milky_bot *bot, struct milky_error *error)
{
    for (size_t i = 0; i < bot->http_server_count; i++)
        if (bot->http_server[i].size != sizeof(struct milky_server))
            return refuse_whole(error, "http_server", misfit);
    for (size_t i = 0; i < bot->websocket_server_count; i++)
        if (bot->websocket_server[i].size != sizeof(struct milky_server))
            return refuse_whole(error, "websocket_server", misfit);
    for (size_t i = 0; i < bot->websocket_client_count; i++)
        if (bot->websocket_client[i].size != sizeof(struct milky_remote))
            return refuse_whole(error, "websocket_client", misfit);
    for (size_t i = 0; i < bot->webhook_count; i++)
        if (bot->webhook[i].size != sizeof(struct milky_remote))
            return refuse_whole(error, "webhook", misfit);
    return 0;
}

static int check_sizes(const struct milky_config *config, struct milky_error *error)
{
    if (config->size != sizeof(*config))
        return refuse_whole(error, "config", misfit);
    if (config->backend_count == 0)
        return refuse_whole(error, "backends", "there is none");
    for (size_t i = 0; i < config->backend_count; i++)
        if (config->backends[i].size != sizeof(config->backends[i]) || !config->backends[i].table)
            return refuse_whole(error, "backends", config->backends[i].table ? misfit : "no table");
    for (size_t i = 0; i < config->bot_count; i++) {
        if (config->bots[i].size != sizeof(config->bots[i]))
            return refuse_whole(error, "bots", misfit);
        int rc = check_sizes_of_bot(&config->bots[i], error);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_backend_of(const struct milky_config *config, size_t number,
                            struct milky_error *error)
{
    const char *name = config->bots[number].backend;
    for (size_t i = 0; i < config->backend_count && name; i++)
        if (config->backends[i].name && strcmp(config->backends[i].name, name) == 0)
            return 0;
    return name ? refuse(&(struct place){ .bot = number, .error = error }, "backend",
                         "there is no backend \"%.64s\"", name)
                : 0;
}

int mk_config_check(const struct milky_config *config, struct milky_error *error)
{
    int rc = check_sizes(config, error);
    for (size_t i = 0; i < config->bot_count && rc == 0; i++) {
        rc = check_bot(i, &config->bots[i], error);
        if (rc == 0)
            rc = check_backend_of(config, i, error);
    }
    if (rc == 0)
        rc = check_self_ids(config, error);
    if (rc == -ENOMEM)
        mk_log_error("endpoint", "the configuration cannot be checked: out of memory");
    return rc;
}
