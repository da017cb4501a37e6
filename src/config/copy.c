/* copy: see the header. The schema knows which members are texts and lists. */
#include "config/copy.h"

#include "config/config.h"
#include "config/schema.h"

enum { LARGEST = 64 * 1024 }; /* a larger size is of a struct that was not initialised */

static void refuse_size(struct mk_mistakes *mistakes, const struct mk_json_path *path, size_t known,
                        size_t size)
{
    const struct mk_json_path inner = { .up = path, .name = MK_SLICE("size") };
    mk_mistakes_add(mistakes,
                    &(struct mk_mistake_found){
                        .path = mk_mistakes_path(mistakes, &inner),
                        .expected = mk_mistakes_say(mistakes, "the size of its struct (%zu here)",
                                                    "其结构体的大小（此处为 %zu）", known),
                        .got = mk_mistakes_text(mistakes, "%zu", size),
                    });
}

static void refuse_newer(struct mk_mistakes *mistakes, const struct mk_json_path *path,
                         size_t known, size_t size)
{
    mk_mistakes_add(
        mistakes,
        &(struct mk_mistake_found){
            .path = mk_mistakes_path(mistakes, path),
            .expected = mk_mistakes_say(mistakes, "nothing after its first %zu bytes",
                                        "前 %zu 字节之后没有内容", known),
            .got = mk_mistakes_say(mistakes, "%zu, with a field that is set",
                                   "%zu，其中有设置了的字段", size),
            .text = mk_mistakes_say(mistakes,
                                    "this library is older than the header that the program was "
                                    "compiled with: it knows %zu bytes of this struct, and a "
                                    "field after them is set (of %zu)",
                                    "此库早于编译程序所用的头文件：它只识别此结构体的前 %zu "
                                    "字节，而其后有设置了的字段（共 %zu 字节）",
                                    known, size),
        });
}

/* Adds a mistake for reserved words that a later header has given a meaning. */
static void check_reserved(struct mk_mistakes *mistakes, const struct mk_json_path *path,
                           const void *reserved, size_t size)
{
    const char *bytes = reserved;
    for (size_t i = 0; i < size; i++)
        if (bytes[i]) {
            mk_mistakes_add(
                mistakes,
                &(struct mk_mistake_found){
                    .path = mk_mistakes_path(mistakes, path),
                    .expected = mk_tr("zeros in `reserved`", "`reserved` 全为零"),
                    .text =
                        mk_tr("this library is older than the header that the program was compiled "
                              "with: a field is set that it does not know (`reserved` is not "
                              "zero)",
                              "此库早于编译程序所用的头文件：设置了它不识别的字段（`reserved` "
                              "不为零）"),
                });
            return;
        }
}

static void check_servers(struct mk_mistakes *mistakes, const struct mk_json_path *bot,
                          const char *kind, const struct milky_server *servers, size_t count)
{
    const struct mk_json_path list = { .up = bot, .name = mk_slice_str(kind) };
    for (size_t i = 0; servers && i < count; i++) {
        const struct mk_json_path server = { .up = &list, .index = i };
        const struct mk_json_path tls = { .up = &server, .name = MK_SLICE("tls") };
        const struct mk_json_path events = { .up = &server, .name = MK_SLICE("events") };
        check_reserved(mistakes, &tls, servers[i].tls.reserved, sizeof(servers[i].tls.reserved));
        check_reserved(mistakes, &events, servers[i].events.reserved,
                       sizeof(servers[i].events.reserved));
    }
}

static void check_remotes(struct mk_mistakes *mistakes, const struct mk_json_path *bot,
                          const char *kind, const struct milky_remote *remotes, size_t count)
{
    const struct mk_json_path list = { .up = bot, .name = mk_slice_str(kind) };
    for (size_t i = 0; remotes && i < count; i++) {
        const struct mk_json_path remote = { .up = &list, .index = i };
        const struct mk_json_path tls = { .up = &remote, .name = MK_SLICE("tls") };
        const struct mk_json_path events = { .up = &remote, .name = MK_SLICE("events") };
        check_reserved(mistakes, &tls, remotes[i].tls.reserved, sizeof(remotes[i].tls.reserved));
        check_reserved(mistakes, &events, remotes[i].events.reserved,
                       sizeof(remotes[i].events.reserved));
    }
}

/* Checks the structs that others hold by value, which have no size of their own. */
static void check_all_reserved(struct mk_mistakes *mistakes, const struct milky_config *config)
{
    const struct mk_json_path journal = { .name = MK_SLICE("journal") };
    const struct mk_json_path limits = { .name = MK_SLICE("limits") };
    const struct mk_json_path list = { .name = MK_SLICE("bots") };
    check_reserved(mistakes, &journal, config->journal.reserved, sizeof(config->journal.reserved));
    check_reserved(mistakes, &limits, config->limits.reserved, sizeof(config->limits.reserved));
    for (size_t i = 0; config->bots && i < config->bot_count; i++) {
        const struct milky_bot *bot = &config->bots[i];
        const struct mk_json_path path = { .up = &list, .index = i };
        check_servers(mistakes, &path, "http_server", bot->http_server, bot->http_server_count);
        check_servers(mistakes, &path, "websocket_server", bot->websocket_server,
                      bot->websocket_server_count);
        check_remotes(mistakes, &path, "websocket_client", bot->websocket_client,
                      bot->websocket_client_count);
        check_remotes(mistakes, &path, "webhook", bot->webhook, bot->webhook_count);
    }
}

/* Copies one struct, of which this library knows `known` bytes. Returns false on a mistake. */
static bool copy_struct(struct mk_mistakes *mistakes, const struct mk_json_path *path, char *to,
                        const char *from, size_t known)
{
    size_t size;
    memcpy(&size, from, sizeof(size));
    if (size < 2 * sizeof(size) || size > LARGEST) {
        refuse_size(mistakes, path, known, size);
        return false;
    }
    memcpy(to, from, size < known ? size : known);
    memcpy(to, &known, sizeof(known));
    for (size_t i = known; i < size; i++)
        if (from[i]) {
            refuse_newer(mistakes, path, known, size);
            return false;
        }
    return true;
}

/* Copies a list, whose structs all have the size of the first. Returns NULL for none. */
static char *copy_list(struct mk_mistakes *mistakes, const struct mk_json_path *path,
                       const char *from, size_t count, size_t known)
{
    char *to = NULL;
    size_t step, size;
    if (count > 0 && from && count < SIZE_MAX / LARGEST)
        to = mk_arena_alloc(mistakes->arena, count * known);
    mistakes->out_of_memory |= count > 0 && from && !to;
    if (!to)
        return NULL;
    memset(to, 0, count * known);
    memcpy(&step, from, sizeof(step));
    for (size_t i = 0; i < count; i++) {
        const struct mk_json_path element = { .up = path, .index = i };
        memcpy(&size, from + i * step, sizeof(size));
        if (size != step) {
            refuse_size(mistakes, &element, step, size);
            return NULL;
        }
        if (!copy_struct(mistakes, &element, to + i * known, from + i * step, known))
            return NULL;
    }
    return to;
}

static void copy_text(struct mk_mistakes *mistakes, const char **text)
{
    if (!*text)
        return;
    *text = mk_arena_dup(mistakes->arena, mk_slice_str(*text));
    mistakes->out_of_memory |= !*text;
}

/* Copies a list of texts. Of a list that is missing the number stays, for the check. */
static void copy_texts(struct mk_mistakes *mistakes, const struct mk_config_key *key, char *base)
{
    size_t count;
    const char *const *from;
    memcpy(&from, base + key->at, sizeof(from));
    memcpy(&count, base + key->count, sizeof(count));
    if (!from || count == 0)
        return;
    const char **to = NULL;
    if (count < LARGEST)
        to = mk_arena_alloc(mistakes->arena, count * sizeof(*to));
    mistakes->out_of_memory |= !to;
    for (size_t i = 0; to && i < count; i++) {
        to[i] = from[i];
        copy_text(mistakes, &to[i]);
    }
    if (!to)
        count = 0;
    memcpy(base + key->at, &to, sizeof(to));
    memcpy(base + key->count, &count, sizeof(count));
}

static void copy_uins(struct mk_mistakes *mistakes, const struct mk_config_key *key, char *base)
{
    size_t count;
    const uint64_t *from;
    memcpy(&from, base + key->at, sizeof(from));
    memcpy(&count, base + key->count, sizeof(count));
    if (!from || count == 0)
        return;
    uint64_t *to = NULL;
    if (count < LARGEST)
        to = mk_arena_alloc(mistakes->arena, count * sizeof(*to));
    mistakes->out_of_memory |= !to;
    if (to)
        memcpy(to, from, count * sizeof(*to));
    else
        count = 0;
    memcpy(base + key->at, &to, sizeof(to));
    memcpy(base + key->count, &count, sizeof(count));
}

/* Copies texts and lists that the members of a struct point to. */
static void copy_members(struct mk_mistakes *mistakes, const struct mk_json_path *outer,
                         const struct mk_config_key *keys, char *base)
{
    for (const struct mk_config_key *key = keys; key->name; key++) {
        const struct mk_json_path path = { .up = outer, .name = mk_slice_str(key->name) };
        size_t count;
        char *elements;
        if (mk_config_key_is_text(key)) {
            copy_text(mistakes, (const char **)(void *)(base + key->at));
        } else if (mk_config_key_element(key)) {
            copy_texts(mistakes, key, base);
        } else if (key->type == MK_CONFIG_UINS) {
            copy_uins(mistakes, key, base);
        } else if (key->type == MK_CONFIG_OBJECT) {
            copy_members(mistakes, &path, key->keys, base + key->at);
        } else if (key->type == MK_CONFIG_LIST) {
            memcpy(&elements, base + key->at, sizeof(elements));
            memcpy(&count, base + key->count, sizeof(count));
            bool is_missing = count > 0 && !elements;
            elements = copy_list(mistakes, &path, elements, count, key->size);
            count = elements || is_missing ? count : 0;
            memcpy(base + key->at, &elements, sizeof(elements));
            memcpy(base + key->count, &count, sizeof(count));
            for (size_t i = 0; elements && i < count; i++)
                copy_members(mistakes, &(struct mk_json_path){ .up = &path, .index = i }, key->keys,
                             elements + i * key->size);
        }
    }
}

static void copy_backends(struct mk_mistakes *mistakes, struct milky_config *copy)
{
    const struct mk_json_path path = { .name = MK_SLICE("backends") };
    struct milky_config_backend *backends = (struct milky_config_backend *)(void *)copy_list(
        mistakes, &path, (const char *)copy->backends, copy->backend_count, sizeof(*backends));
    copy->backends = backends;
    copy->backend_count = backends ? copy->backend_count : 0;
    for (size_t i = 0; i < copy->backend_count; i++)
        copy_text(mistakes, &backends[i].name);
}

void mk_config_copy(struct milky_config *copy, const struct milky_config *given,
                    struct mk_mistakes *mistakes)
{
    struct mk_config whole = { .file = NULL };
    if (copy_struct(mistakes, NULL, (char *)&whole.endpoint, (const char *)given, sizeof(*given))) {
        copy_backends(mistakes, &whole.endpoint);
        copy_text(mistakes, &whole.endpoint.journal.path);
        copy_text(mistakes, &whole.endpoint.http_proxy);
        copy_text(mistakes, &whole.endpoint.https_proxy);
        copy_text(mistakes, &whole.endpoint.no_proxy);
        copy_text(mistakes, &whole.endpoint.cache);
        for (const struct mk_config_key *key = mk_config_schema.keys; key->name; key++) {
            const struct mk_config_key one[] = { *key, { .name = NULL } };
            if (mk_config_key_is_endpoints(key))
                copy_members(mistakes, NULL, one, (char *)&whole);
        }
        for (size_t i = 0; whole.endpoint.bots && i < whole.endpoint.bot_count; i++)
            copy_text(mistakes, &((struct milky_bot *)(uintptr_t)whole.endpoint.bots)[i].backend);
        check_all_reserved(mistakes, &whole.endpoint);
    } else {
        whole.endpoint = (struct milky_config){ .size = sizeof(whole.endpoint) };
    }
    *copy = whole.endpoint;
}
