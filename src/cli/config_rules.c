/* config_rules: what holds between the keys of a configuration (see config_reader.h). */
#include "base/json.h"
#include "cli/config_reader.h"
#include "cli/config_schema.h"
#include "cli/text.h"
#include "endpoint/config_check.h"
#include "net/address.h"
#include "transport/webhook_signature.h"

#include <errno.h>
#include <stdlib.h>

static const char *const kinds[] = { "http_server", "websocket_server" };

/* One server of the configuration. */
struct entry {
    const struct milky_server *server;
    size_t bot;
    unsigned kind; /* of kinds */
    size_t index;
    bool local;
    bool any_port; /* port 0: never the same as another */
    char address[MK_ADDRESS_TEXT];
};

/* The value at bots[bot].KEY, or at bots[bot].KIND[index].KEY; NULL where there is none. */
static const yyjson_val *find(const struct mk_config_reader *reader, size_t bot, const char *kind,
                              size_t index, const char *key)
{
    yyjson_val *root = yyjson_doc_get_root(reader->doc);
    yyjson_val *one = yyjson_arr_get(yyjson_obj_get(root, "bots"), bot);
    if (kind)
        one = yyjson_arr_get(yyjson_obj_get(one, kind), index);
    return yyjson_obj_get(one, key);
}

static void check_self_ids(struct mk_config_reader *reader, const struct milky_config *config)
{
    size_t *first = mk_config_check_ids(config->bots, config->bot_count);
    reader->out_of_memory |= !first;
    for (size_t i = 0; first && i < config->bot_count; i++)
        if (first[i] != i)
            mk_config_mistake(reader, find(reader, i, NULL, 0, "self_id"),
                              mk_config_text(reader, "bots[%zu].self_id", i),
                              mk_tr("%llu is bots[%zu] already", "%llu 已经是 bots[%zu]"),
                              (unsigned long long)config->bots[i].self_id, first[i]);
    free(first);
}

static void check_anonymous(struct mk_config_reader *reader, const struct entry *entry)
{
    if (entry->local || entry->server->access_token || entry->server->allow_anonymous)
        return;
    const char *kind = kinds[entry->kind];
    /* A token that was refused is there, and has been told about. */
    if (find(reader, entry->bot, kind, entry->index, "access_token"))
        return;
    mk_config_mistake(
        reader, find(reader, entry->bot, kind, entry->index, "listen"),
        mk_config_text(reader, "bots[%zu].%s[%zu].listen", entry->bot, kind, entry->index),
        mk_tr("expected an access_token beside it, got none: other machines can reach %s (set "
              "access_token, or \"allow_anonymous\": true if everybody may use this bot)",
              "应同时设置 access_token，实际没有：其他机器可以访问 %s（请设置 access_token；若确实"
              "允许任何人操作此 Bot，请设置 \"allow_anonymous\": true）"),
        entry->server->listen);
}

static int by_address(const void *a, const void *b)
{
    const struct entry *x = *(const struct entry *const *)a, *y = *(const struct entry *const *)b;
    int order = strcmp(x->address, y->address);
    return order ? order : x < y ? -1 : 1;
}

static bool same_text(const char *a, const char *b)
{
    return mk_slice_eq(mk_slice_str(a), mk_slice_str(b));
}

/* What two entries say of one port must be the same. */
static void check_agreement(struct mk_config_reader *reader, const struct entry *first,
                            const struct entry *again)
{
    const struct milky_server *a = first->server, *b = again->server;
    const char *key = NULL;
    if (!same_text(a->prefix, b->prefix))
        key = "prefix";
    else if (!same_text(a->tls.certificate, b->tls.certificate) ||
             !same_text(a->tls.key, b->tls.key))
        key = "tls";
    if (!key)
        return;
    const char *kind = kinds[again->kind];
    const yyjson_val *at = find(reader, again->bot, kind, again->index, key);
    if (!at)
        at = find(reader, again->bot, kind, again->index, "listen");
    mk_config_mistake(
        reader, at,
        mk_config_text(reader, "bots[%zu].%s[%zu].%s", again->bot, kind, again->index, key),
        mk_tr("expected the same as at %s[%zu], which shares its port",
              "应与 %s[%zu] 相同，二者共用端口"),
        kinds[first->kind], first->index);
}

/* `again` listens where `first` does. */
static void check_shared(struct mk_config_reader *reader, const struct entry *first,
                         const struct entry *again)
{
    if (first->bot == again->bot && first->kind != again->kind) {
        check_agreement(reader, first, again);
        return;
    }
    const yyjson_val *at = find(reader, again->bot, kinds[again->kind], again->index, "listen");
    const char *path = mk_config_text(reader, "bots[%zu].%s[%zu].listen", again->bot,
                                      kinds[again->kind], again->index);
    if (first->bot != again->bot)
        mk_config_mistake(reader, at, path,
                          mk_tr("expected a port of its own, got %s, which serves bots[%zu] (a "
                                "port serves one bot)",
                                "应使用自己的端口，实际为 %s，已用于 bots[%zu]（一个端口只服务"
                                "一个 Bot）"),
                          again->server->listen, first->bot);
    else
        mk_config_mistake(reader, at, path,
                          mk_tr("expected another address, got %s, which is %s[%zu] already",
                                "应为其他地址，实际为 %s，与 %s[%zu] 重复"),
                          again->server->listen, kinds[first->kind], first->index);
}

static void check_addresses(struct mk_config_reader *reader, const struct entry *entries,
                            size_t count)
{
    const struct entry **sorted = calloc(count + 1, sizeof(struct entry *));
    if (!sorted) {
        reader->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = &entries[i];
    qsort(sorted, count, sizeof(struct entry *), by_address);
    size_t first = 0;
    for (size_t i = 1; i < count && reader->count < MK_CONFIG_MAX_MISTAKES; i++) {
        if (strcmp(sorted[i]->address, sorted[first]->address) != 0) {
            first = i;
            continue;
        }
        if (sorted[i]->any_port)
            continue;
        /* Of the same kind and bot, or else the first of all. */
        size_t other = first;
        while (other < i &&
               (sorted[other]->bot != sorted[i]->bot || sorted[other]->kind != sorted[i]->kind))
            other++;
        check_shared(reader, other < i ? sorted[other] : sorted[first], sorted[i]);
    }
    free(sorted);
}

static void add_entries(struct entry *entries, size_t *count, const struct milky_bot *bot,
                        size_t number, unsigned kind)
{
    const struct milky_server *servers = kind ? bot->websocket_server : bot->http_server;
    size_t server_count = kind ? bot->websocket_server_count : bot->http_server_count;
    for (size_t i = 0; i < server_count; i++) {
        struct mk_address address;
        if (!servers[i].listen || mk_address_parse(mk_slice_str(servers[i].listen), &address))
            continue;
        struct entry *entry = &entries[(*count)++];
        entry->server = &servers[i];
        entry->bot = number;
        entry->kind = kind;
        entry->index = i;
        entry->local = mk_address_is_local(&address);
        mk_address_format(&address, entry->address);
        size_t len = strlen(entry->address);
        entry->any_port = address.socket.ss_family != AF_UNIX && len > 2 &&
                          strcmp(entry->address + len - 2, ":0") == 0;
    }
}

/* An address that is no bot's: "control" or "operations". `given` is where it stands. */
struct own_address {
    const char *name;
    const char *listen;
    yyjson_val *given;
};

static void check_anonymous_own(struct mk_config_reader *reader, const struct own_address *own)
{
    bool is_object = yyjson_is_obj(own->given);
    /* A token that was refused is there, and has been told about. */
    if (yyjson_obj_get(own->given, "access_token"))
        return;
    mk_config_mistake(reader, is_object ? yyjson_obj_get(own->given, "listen") : own->given,
                      mk_config_text(reader, "%s%s", own->name, is_object ? ".listen" : ""),
                      mk_tr("expected an access_token beside it, got none: other machines can "
                            "reach %s",
                            "应同时设置 access_token，实际没有：其他机器可以访问 %s"),
                      own->listen);
}

static void check_own(struct mk_config_reader *reader, const struct own_address *own,
                      const struct entry *entries, size_t count)
{
    struct mk_address address;
    if (!own->listen || mk_address_parse(mk_slice_str(own->listen), &address))
        return;
    if (!mk_address_is_local(&address))
        check_anonymous_own(reader, own);
    char text[MK_ADDRESS_TEXT];
    mk_address_format(&address, text);
    for (size_t i = 0; i < count; i++)
        if (!entries[i].any_port && strcmp(entries[i].address, text) == 0)
            mk_config_mistake(
                reader,
                find(reader, entries[i].bot, kinds[entries[i].kind], entries[i].index, "listen"),
                mk_config_text(reader, "bots[%zu].%s[%zu].listen", entries[i].bot,
                               kinds[entries[i].kind], entries[i].index),
                mk_tr("expected another address, got %s, which is `%s`",
                      "应为其他地址，实际为 %s，与 `%s` 重复"),
                entries[i].server->listen, own->name);
}

/* The control socket is in the data_dir where nothing else is said. */
static void place_control(struct mk_config_reader *reader, struct mk_config *config)
{
    yyjson_val *root = yyjson_doc_get_root(reader->doc);
    const char **control = &config->endpoint.control;
    if (*control == mk_config_null) {
        *control = NULL;
        return;
    }
    struct mk_address address;
    if (yyjson_obj_get(root, "control") || !config->data_dir)
        return;
    *control = mk_arena_printf(reader->arena, "unix:%s/control.sock", config->data_dir);
    reader->out_of_memory |= !*control;
    const char *why = *control ? mk_address_parse(mk_slice_str(*control), &address) : NULL;
    if (why)
        mk_config_mistake(reader, yyjson_obj_get(root, "data_dir"), "data_dir",
                          mk_tr("no control socket can be there: %s (set `control`)",
                                "无法在其中创建控制套接字：%s（请设置 `control`）"),
                          why);
}

static void check_own_addresses(struct mk_config_reader *reader, struct mk_config *config,
                                const struct entry *entries, size_t count)
{
    yyjson_val *root = yyjson_doc_get_root(reader->doc);
    struct milky_config *endpoint = &config->endpoint;
    place_control(reader, config);
    if (endpoint->operations == mk_config_null)
        endpoint->operations = NULL;
    const struct own_address control = { "control", endpoint->control,
                                         yyjson_obj_get(root, "control") };
    const struct own_address operations = { "operations", endpoint->operations,
                                            yyjson_obj_get(root, "operations") };
    check_own(reader, &control, entries, count);
    check_own(reader, &operations, entries, count);
    struct mk_address a, b;
    char text[2][MK_ADDRESS_TEXT];
    if (!control.listen || !operations.listen ||
        mk_address_parse(mk_slice_str(control.listen), &a) ||
        mk_address_parse(mk_slice_str(operations.listen), &b))
        return;
    size_t len = strlen(mk_address_format(&a, text[0]));
    bool any_port = a.socket.ss_family != AF_UNIX && strcmp(text[0] + len - 2, ":0") == 0;
    if (!any_port && strcmp(text[0], mk_address_format(&b, text[1])) == 0)
        mk_config_mistake(reader, operations.given, "operations",
                          mk_tr("expected another address, got %s, which is `control`",
                                "应为其他地址，实际为 %s，与 `control` 重复"),
                          operations.listen);
}

/* A certificate is of no use without its key, and the other way round. */
static void check_pairs(struct mk_config_reader *reader, size_t bot, const char *kind,
                        const struct milky_remote *remotes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct milky_remote_tls *tls = &remotes[i].tls;
        if (!tls->certificate == !tls->key)
            continue;
        const char *there = tls->key ? "key" : "certificate";
        const char *missing = tls->key ? "certificate" : "key";
        mk_config_mistake(
            reader,
            yyjson_obj_get((yyjson_val *)(uintptr_t)find(reader, bot, kind, i, "tls"), there),
            mk_config_text(reader, "bots[%zu].%s[%zu].tls.%s", bot, kind, i, there),
            mk_tr("expected `%s` beside it", "应同时设置 `%s`"), missing);
    }
}

/* What cannot sign is told here, and not at each event. */
static void check_secrets(struct mk_config_reader *reader, size_t bot,
                          const struct milky_remote *webhooks, size_t count)
{
    char signature[MK_SIGNATURE_LEN];
    for (size_t i = 0; i < count; i++) {
        struct mk_slice secret = mk_slice_str(webhooks[i].secret);
        if (!secret.ptr || mk_webhook_sign(secret, "", 0, MK_SLICE(""), signature) != -EINVAL)
            continue;
        mk_config_mistake(
            reader, find(reader, bot, "webhook", i, "secret"),
            mk_config_text(reader, "bots[%zu].webhook[%zu].secret", bot, i),
            mk_tr("expected whsec_ and base64, or any other text, of %d bytes at most",
                  "应为 whsec_ 加 base64，或任意其他文本，最长 %d 字节"),
            MK_SIGNATURE_SECRET);
    }
}

/* The journal knows by its URL how far each has got. */
static void check_urls(struct mk_config_reader *reader, size_t bot, const char *kind,
                       const struct milky_remote *remotes, size_t count, bool replaying)
{
    size_t *first = mk_config_check_urls(remotes, count, replaying);
    reader->out_of_memory |= !first;
    for (size_t i = 0; first && i < count && reader->count < MK_CONFIG_MAX_MISTAKES; i++)
        if (first[i] != i)
            mk_config_mistake(
                reader, find(reader, bot, kind, i, "url"),
                mk_config_text(reader, "bots[%zu].%s[%zu].url", bot, kind, i),
                mk_tr("expected a URL of its own, got that of %s[%zu]: how far each has got is "
                      "kept by its URL (a query such as ?2 makes it another)",
                      "应使用自己的 URL，实际与 %s[%zu] 相同：投递进度按 URL 记录（加上 ?2 之类的"
                      "查询参数即可区分）"),
                kind, first[i]);
    free(first);
}

static void place_journal(struct mk_config_reader *reader, struct mk_config *config)
{
    if (!config->data_dir)
        return;
    config->endpoint.journal.path =
        mk_arena_printf(reader->arena, "%s/journal.db", config->data_dir);
    reader->out_of_memory |= !config->endpoint.journal.path;
}

void mk_config_check_rules(struct mk_config_reader *reader, struct mk_config *config)
{
    const struct milky_config *endpoint = &config->endpoint;
    size_t most = 0;
    size_t count = 0;
    for (size_t i = 0; i < endpoint->bot_count; i++)
        most += endpoint->bots[i].http_server_count + endpoint->bots[i].websocket_server_count;
    struct entry *entries = calloc(most + 1, sizeof(*entries));
    if (!entries) {
        reader->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        add_entries(entries, &count, &endpoint->bots[i], i, 0);
        add_entries(entries, &count, &endpoint->bots[i], i, 1);
    }
    check_self_ids(reader, endpoint);
    for (size_t i = 0; i < count; i++)
        check_anonymous(reader, &entries[i]);
    check_addresses(reader, entries, count);
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        const struct milky_bot *bot = &endpoint->bots[i];
        check_pairs(reader, i, "websocket_client", bot->websocket_client,
                    bot->websocket_client_count);
        check_pairs(reader, i, "webhook", bot->webhook, bot->webhook_count);
        check_secrets(reader, i, bot->webhook, bot->webhook_count);
        check_urls(reader, i, "websocket_client", bot->websocket_client,
                   bot->websocket_client_count, true);
        check_urls(reader, i, "webhook", bot->webhook, bot->webhook_count, false);
    }
    check_own_addresses(reader, config, entries, count);
    place_journal(reader, config);
    free(entries);
}
