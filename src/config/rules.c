/* rules: the table, and the rules about unique values and remote addresses (see the header). */
#include "config/rules.h"

#include "wire/webhook_signature.h"

#include <errno.h>
#include <stdlib.h>

/* --- unique values --- */

/* A number or a text that must be unique. */
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

/*
 * Sets first[i] to the index of the first entry that has the same number and text as the i-th. All
 * entries have a text, or none has. Frees `known`. Returns false when out of memory.
 */
static bool note_first(struct mk_mistakes *mistakes, size_t *first, struct known *known,
                       size_t count)
{
    mistakes->out_of_memory |= !first || !known;
    if (first && known && count > 0)
        qsort(known, count, sizeof(*known), by_name);
    for (size_t i = 1; first && known && i < count; i++)
        if (is_same(&known[i], &known[i - 1]))
            first[known[i].index] = first[known[i - 1].index];
    free(known);
    return !mistakes->out_of_memory;
}

static void check_self_ids(const struct mk_config_rule *rule)
{
    struct mk_mistakes *mistakes = rule->mistakes;
    const struct milky_bot *bots = rule->config->bots;
    size_t count = rule->config->bot_count, known_count = 0;
    size_t *first = calloc(count + 1, sizeof(*first));
    struct known *known = calloc(count + 1, sizeof(*known));
    for (size_t i = 0; first && known && i < count; i++) {
        first[i] = i;
        if (bots[i].self_id)
            known[known_count++] = (struct known){ .number = bots[i].self_id, .index = i };
    }
    bool ready = note_first(mistakes, first, known, known_count);
    for (size_t i = 0; first && ready && i < count && mistakes->count < mistakes->most; i++) {
        if (first[i] == i)
            continue;
        const char *got = mk_mistakes_text(mistakes, "%llu", (unsigned long long)bots[i].self_id);
        mk_mistakes_add(mistakes, &(struct mk_mistake_found){
                                      .path = mk_mistakes_text(mistakes, "bots[%zu].self_id", i),
                                      .expected = mk_tr("a self_id of its own", "自己的 self_id"),
                                      .got = got,
                                      .text = mk_mistakes_say(mistakes, "%s is bots[%zu] already",
                                                              "%s 已经是 bots[%zu]", got, first[i]),
                                  });
    }
    free(first);
}

/* The transports of one kind of a bot. */
struct remotes {
    size_t bot;
    const char *kind;
    const struct milky_remote *list;
    size_t count;
};

static struct remotes clients_of(const struct milky_config *config, size_t bot)
{
    return (struct remotes){ bot, "websocket_client", config->bots[bot].websocket_client,
                             config->bots[bot].websocket_client_count };
}

static struct remotes webhooks_of(const struct milky_config *config, size_t bot)
{
    return (struct remotes){ bot, "webhook", config->bots[bot].webhook,
                             config->bots[bot].webhook_count };
}

static void refuse_same_url(struct mk_mistakes *mistakes, const struct remotes *remotes, size_t i,
                            size_t first)
{
    mk_mistakes_add(
        mistakes,
        &(struct mk_mistake_found){
            .path = mk_rule_path(mistakes, remotes->bot, remotes->kind, i, "url"),
            .expected = mk_tr("a URL of its own", "自己的 URL"),
            .got = mk_mistakes_say(mistakes, "that of %s[%zu]", "%s[%zu] 的 URL", remotes->kind,
                                   first),
            .text = mk_mistakes_say(mistakes,
                                    "expected a URL of its own, got that of %s[%zu]: the journal "
                                    "keeps the progress of each by its URL (a query such as ?2 "
                                    "makes it another)",
                                    "应使用自己的 URL，而它与 %s[%zu] 相同：投递进度按 URL "
                                    "记录（加上 ?2 之类的查询参数即可区分）",
                                    remotes->kind, first),
        });
}

/* The journal keeps the progress of a webhook, and of a client that replays, by its URL. */
static void check_same_urls(struct mk_mistakes *mistakes, const struct remotes *remotes,
                            bool replaying)
{
    size_t known_count = 0;
    size_t *first = calloc(remotes->count + 1, sizeof(*first));
    struct known *known = calloc(remotes->count + 1, sizeof(*known));
    for (size_t i = 0; first && known && i < remotes->count; i++) {
        const struct milky_remote *remote = &remotes->list[i];
        first[i] = i;
        if (remote->url && (remote->replay || !replaying))
            known[known_count++] = (struct known){ .text = remote->url, .index = i };
    }
    bool ready = note_first(mistakes, first, known, known_count);
    for (size_t i = 0; first && ready && i < remotes->count && mistakes->count < mistakes->most;
         i++)
        if (first[i] != i)
            refuse_same_url(mistakes, remotes, i, first[i]);
    free(first);
}

static void check_urls(const struct mk_config_rule *rule)
{
    for (size_t i = 0; i < rule->config->bot_count; i++) {
        const struct remotes clients = clients_of(rule->config, i);
        const struct remotes webhooks = webhooks_of(rule->config, i);
        check_same_urls(rule->mistakes, &clients, true);
        check_same_urls(rule->mistakes, &webhooks, false);
    }
}

/* --- transports that connect to others --- */

/* A certificate needs its key, and a key its certificate. */
static void check_pair(struct mk_mistakes *mistakes, const struct remotes *remotes, size_t i)
{
    const struct milky_remote_tls *tls = &remotes->list[i].tls;
    const char *missing = tls->key ? "certificate" : "key";
    if (!tls->certificate == !tls->key)
        return;
    mk_mistakes_add(mistakes, &(struct mk_mistake_found){
                                  .path = mk_rule_path(mistakes, remotes->bot, remotes->kind, i,
                                                       tls->key ? "tls.key" : "tls.certificate"),
                                  .expected = mk_mistakes_say(mistakes, "`%s` beside it",
                                                              "同时设置的 `%s`", missing),
                                  .text = mk_mistakes_say(mistakes, "expected `%s` beside it",
                                                          "应同时设置 `%s`", missing),
                              });
}

static void check_pairs(const struct mk_config_rule *rule)
{
    for (size_t i = 0; i < rule->config->bot_count; i++) {
        const struct remotes clients = clients_of(rule->config, i);
        const struct remotes webhooks = webhooks_of(rule->config, i);
        for (size_t k = 0; k < clients.count; k++)
            check_pair(rule->mistakes, &clients, k);
        for (size_t k = 0; k < webhooks.count; k++)
            check_pair(rule->mistakes, &webhooks, k);
    }
}

/* A secret that cannot sign is refused here rather than at each event. */
static void check_secret(struct mk_mistakes *mistakes, const struct milky_remote *webhook,
                         size_t bot, size_t index)
{
    char signature[MK_SIGNATURE_LEN];
    struct mk_slice secret = mk_slice_str(webhook->secret);
    int rc = secret.ptr ? mk_webhook_sign(secret, "", 0, MK_SLICE(""), signature) : 0;
    mistakes->out_of_memory |= rc == -ENOMEM;
    if (rc != -EINVAL)
        return;
    mk_mistakes_add(mistakes,
                    &(struct mk_mistake_found){
                        .path = mk_rule_path(mistakes, bot, "webhook", index, "secret"),
                        .expected = mk_mistakes_say(
                            mistakes, "whsec_ and base64, or any other text, of %d bytes at most",
                            "whsec_ 加 base64，或任意其他文本，最长 %d 字节", MK_SIGNATURE_SECRET),
                    });
}

static void check_secrets(const struct mk_config_rule *rule)
{
    for (size_t i = 0; i < rule->config->bot_count; i++) {
        const struct milky_bot *bot = &rule->config->bots[i];
        for (size_t k = 0; k < bot->webhook_count; k++)
            check_secret(rule->mistakes, &bot->webhook[k], i, k);
    }
}

/* --- the table --- */

const char *mk_rule_path(struct mk_mistakes *mistakes, size_t bot, const char *kind, size_t index,
                         const char *key)
{
    return mk_mistakes_text(mistakes, "bots[%zu].%s[%zu].%s", bot, kind, index, key);
}

static void (*const rules[])(const struct mk_config_rule *rule) = {
    check_self_ids, mk_rule_anonymous, mk_rule_origins, mk_rule_ports,
    check_pairs,    check_secrets,     check_urls,      mk_rule_own_addresses,
};

void mk_config_check_rules(const struct milky_config *config, struct mk_mistakes *mistakes)
{
    struct mk_config_rule rule = { .config = config, .mistakes = mistakes };
    struct mk_rule_entry *entries = mk_rule_entries(config, &rule.entry_count);
    mistakes->out_of_memory |= !entries;
    rule.entries = entries;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && !mistakes->out_of_memory; i++)
        rules[i](&rule);
    free(entries);
}
