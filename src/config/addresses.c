/* addresses: the rules about addresses to listen on (see rules.h). */
#include "config/rules.h"

#include "net/address.h"

#include <stdlib.h>

static const char *path_of(struct mk_mistakes *mistakes, const struct mk_rule_entry *entry,
                           const char *key)
{
    return mk_rule_path(mistakes, entry->bot, entry->kind, entry->index, key);
}

static bool is_any_port(const struct mk_address *address, const char *text)
{
    size_t len = strlen(text);
    return address->socket.ss_family != AF_UNIX && len > 2 && strcmp(text + len - 2, ":0") == 0;
}

static void add_entries(struct mk_rule_entry *entries, size_t *count, size_t bot, const char *kind,
                        const struct milky_server *servers, size_t server_count)
{
    for (size_t i = 0; i < server_count; i++) {
        struct mk_address address;
        if (!servers[i].listen || mk_address_parse(mk_slice_str(servers[i].listen), &address))
            continue;
        struct mk_rule_entry *entry = &entries[(*count)++];
        entry->server = &servers[i];
        entry->bot = bot;
        entry->kind = kind;
        entry->index = i;
        entry->local = mk_address_is_local(&address);
        mk_address_format(&address, entry->address);
        entry->any_port = is_any_port(&address, entry->address);
    }
}

struct mk_rule_entry *mk_rule_entries(const struct milky_config *config, size_t *count)
{
    _Static_assert(sizeof(((struct mk_rule_entry *)0)->address) == MK_ADDRESS_TEXT, "too short");
    size_t most = 0;
    for (size_t i = 0; i < config->bot_count; i++)
        most += config->bots[i].http_server_count + config->bots[i].websocket_server_count;
    struct mk_rule_entry *entries = calloc(most + 1, sizeof(*entries));
    *count = 0;
    for (size_t i = 0; entries && i < config->bot_count; i++) {
        const struct milky_bot *bot = &config->bots[i];
        add_entries(entries, count, i, "http_server", bot->http_server, bot->http_server_count);
        add_entries(entries, count, i, "websocket_server", bot->websocket_server,
                    bot->websocket_server_count);
    }
    return entries;
}

/* --- without a token --- */

static void check_anonymous(struct mk_mistakes *mistakes, const struct mk_rule_entry *entry)
{
    /* A token that was refused is a mistake of its own already. */
    if (entry->local || entry->server->access_token || entry->server->allow_anonymous ||
        mk_mistakes_has(mistakes, path_of(mistakes, entry, "access_token")))
        return;
    mk_mistakes_add(
        mistakes,
        &(struct mk_mistake_found){
            .path = path_of(mistakes, entry, "listen"),
            .expected = mk_tr("an access_token beside it", "同时设置的 access_token"),
            .got = mk_tr("none", "没有"),
            .text = mk_mistakes_say(
                mistakes,
                "expected an access_token beside it, got none: other machines can reach %s (set "
                "access_token, or \"allow_anonymous\": true if anyone may use this bot)",
                "应同时设置 access_token，因为其他机器可以访问 %s（请设置 "
                "access_token；若确实允许任何人操作此 Bot，请设置 \"allow_anonymous\": true）",
                entry->server->listen),
        });
}

void mk_rule_anonymous(const struct mk_config_rule *rule)
{
    for (size_t i = 0; i < rule->entry_count; i++)
        check_anonymous(rule->mistakes, &rule->entries[i]);
}

/* Without a token the origin is all that shows who is asking. */
static void check_every_origin(struct mk_mistakes *mistakes, const char *path, const char *token,
                               const char *const *origins, size_t count)
{
    bool has_any = false;
    for (size_t i = 0; i < count; i++)
        has_any |= origins[i] && strcmp(origins[i], "*") == 0;
    if (token || !has_any)
        return;
    mk_mistakes_add(
        mistakes,
        &(struct mk_mistake_found){
            .path = path,
            .expected = mk_tr("an access_token beside \"*\"", "与 \"*\" 同时设置的 access_token"),
            .got = mk_tr("none", "没有"),
            .text =
                mk_tr("\"*\" lets every web page use this address: set an access_token, or list "
                      "the origins that may",
                      "\"*\" 使任何网页都能使用此地址：请设置 access_token，或逐一列出允许的来源"),
        });
}

void mk_rule_origins(const struct mk_config_rule *rule)
{
    const struct milky_config *config = rule->config;
    for (size_t i = 0; i < rule->entry_count; i++) {
        const struct mk_rule_entry *entry = &rule->entries[i];
        check_every_origin(rule->mistakes, path_of(rule->mistakes, entry, "origins"),
                           entry->server->access_token, entry->server->origins,
                           entry->server->origin_count);
    }
    check_every_origin(rule->mistakes, "control.origins", config->control_access_token,
                       config->control_origins, config->control_origin_count);
    check_every_origin(rule->mistakes, "operations.origins", config->operations_access_token,
                       config->operations_origins, config->operations_origin_count);
}

/* --- sharing a port --- */

static int by_address(const void *a, const void *b)
{
    const struct mk_rule_entry *x = *(const struct mk_rule_entry *const *)a;
    const struct mk_rule_entry *y = *(const struct mk_rule_entry *const *)b;
    int order = strcmp(x->address, y->address);
    return order ? order : x < y ? -1 : 1;
}

static bool same_text(const char *a, const char *b)
{
    return mk_slice_eq(mk_slice_str(a), mk_slice_str(b));
}

/* Two entries of one port must have the same prefix and TLS. */
static void check_agreement(struct mk_mistakes *mistakes, const struct mk_rule_entry *first,
                            const struct mk_rule_entry *again)
{
    const struct milky_server *a = first->server, *b = again->server;
    const char *key = NULL;
    bool is_there = false;
    if (!same_text(a->prefix, b->prefix)) {
        key = "prefix";
        is_there = b->prefix;
    } else if (!same_text(a->tls.certificate, b->tls.certificate) ||
               !same_text(a->tls.key, b->tls.key)) {
        key = "tls";
        is_there = b->tls.certificate || b->tls.key;
    }
    if (!key)
        return;
    mk_mistakes_add(mistakes,
                    &(struct mk_mistake_found){
                        .path = path_of(mistakes, again, key),
                        .at = path_of(mistakes, again, is_there ? key : "listen"),
                        .expected = mk_mistakes_say(mistakes, "that of %s[%zu]", "与 %s[%zu] 相同",
                                                    first->kind, first->index),
                        .text = mk_mistakes_say(
                            mistakes, "expected the same as at %s[%zu], which shares its port",
                            "应与 %s[%zu] 相同，二者共用端口", first->kind, first->index),
                    });
}

/* `again` listens where `first` does. */
static void check_shared(struct mk_mistakes *mistakes, const struct mk_rule_entry *first,
                         const struct mk_rule_entry *again)
{
    if (first->bot == again->bot && strcmp(first->kind, again->kind) != 0) {
        check_agreement(mistakes, first, again);
        return;
    }
    const char *listen = again->server->listen;
    struct mk_mistake_found found = {
        .path = path_of(mistakes, again, "listen"),
        .got = listen,
    };
    if (first->bot != again->bot) {
        found.expected = mk_tr("a port of its own", "自己的端口");
        found.text = mk_mistakes_say(mistakes,
                                     "expected a port of its own, got %s, which serves bots[%zu] "
                                     "(a port serves one bot)",
                                     "应使用自己的端口，%s 已用于 bots[%zu]（一个端口只服务一个 "
                                     "Bot）",
                                     listen, first->bot);
    } else {
        found.expected = mk_tr("another address", "其他地址");
        found.text =
            mk_mistakes_say(mistakes, "expected another address, got %s, which is %s[%zu] already",
                            "应为其他地址，%s 已用于 %s[%zu]", listen, first->kind, first->index);
    }
    mk_mistakes_add(mistakes, &found);
}

void mk_rule_ports(const struct mk_config_rule *rule)
{
    struct mk_mistakes *mistakes = rule->mistakes;
    size_t count = rule->entry_count, first = 0;
    const struct mk_rule_entry **sorted = calloc(count + 1, sizeof(struct mk_rule_entry *));
    mistakes->out_of_memory |= !sorted;
    for (size_t i = 0; sorted && i < count; i++)
        sorted[i] = &rule->entries[i];
    if (sorted)
        qsort(sorted, count, sizeof(struct mk_rule_entry *), by_address);
    for (size_t i = 1; sorted && i < count && mistakes->count < mistakes->most; i++) {
        if (strcmp(sorted[i]->address, sorted[first]->address) != 0) {
            first = i;
            continue;
        }
        if (sorted[i]->any_port)
            continue;
        /* The entry of the same kind and bot, or else the first of all. */
        size_t other = first;
        while (other < i && (sorted[other]->bot != sorted[i]->bot ||
                             strcmp(sorted[other]->kind, sorted[i]->kind) != 0))
            other++;
        check_shared(mistakes, other < i ? sorted[other] : sorted[first], sorted[i]);
    }
    free(sorted);
}

/* --- the addresses of the endpoint itself --- */

/* "control" or "operations". */
struct own {
    const char *name;
    const char *listen;
    const char *token;
    struct mk_address address;
    char text[MK_ADDRESS_TEXT];
};

/* Returns false when there is no address, or it was refused. */
static bool read_own(struct own *own)
{
    if (!own->listen || mk_address_parse(mk_slice_str(own->listen), &own->address))
        return false;
    mk_address_format(&own->address, own->text);
    return true;
}

/* The address at `path` is that of another key. */
static void refuse_taken(struct mk_mistakes *mistakes, const char *path, const char *listen,
                         const char *name)
{
    mk_mistakes_add(mistakes, &(struct mk_mistake_found){
                                  .path = path,
                                  .expected = mk_tr("another address", "其他地址"),
                                  .got = listen,
                                  .text = mk_mistakes_say(
                                      mistakes, "expected another address, got %s, which is `%s`",
                                      "应为其他地址，%s 已用于 `%s`", listen, name),
                              });
}

static void check_own(const struct mk_config_rule *rule, const struct own *own)
{
    struct mk_mistakes *mistakes = rule->mistakes;
    if (!mk_address_is_local(&own->address) && !own->token &&
        !mk_mistakes_has(mistakes, mk_mistakes_text(mistakes, "%s.access_token", own->name)))
        mk_mistakes_add(
            mistakes,
            &(struct mk_mistake_found){
                .path = own->name,
                .expected = mk_tr("an access_token beside it", "同时设置的 access_token"),
                .got = mk_tr("none", "没有"),
                .text = mk_mistakes_say(
                    mistakes,
                    "expected an access_token beside it, got none: other machines can reach %s",
                    "应同时设置 access_token，因为其他机器可以访问 %s", own->listen),
            });
    for (size_t i = 0; i < rule->entry_count; i++) {
        const struct mk_rule_entry *entry = &rule->entries[i];
        if (entry->any_port || strcmp(entry->address, own->text) != 0)
            continue;
        refuse_taken(mistakes, path_of(mistakes, entry, "listen"), entry->server->listen,
                     own->name);
    }
}

void mk_rule_own_addresses(const struct mk_config_rule *rule)
{
    const struct milky_config *config = rule->config;
    struct mk_mistakes *mistakes = rule->mistakes;
    struct own control = { .name = "control",
                           .listen = config->control,
                           .token = config->control_access_token };
    struct own operations = { .name = "operations",
                              .listen = config->operations,
                              .token = config->operations_access_token };
    bool has_control = read_own(&control), has_operations = read_own(&operations);
    if (has_control)
        check_own(rule, &control);
    if (has_operations)
        check_own(rule, &operations);
    if (!has_control || !has_operations || is_any_port(&control.address, control.text) ||
        strcmp(control.text, operations.text) != 0)
        return;
    refuse_taken(mistakes, "operations", operations.listen, "control");
}
