/* backends: makes the list of backends out of what was read, and gives each bot its own. */
#include "config/reader.h"
#include "config/schema_tables.h"

#include "base/json.h"

#include <stdlib.h>

const char *mk_config_backend_type(const struct mk_config_backend *backend)
{
    return mk_config_backend_types[backend->type].name;
}

const struct mk_config_backend *mk_config_find_sandbox(const struct mk_config *config)
{
    for (size_t i = 0; i < config->backend_count; i++)
        if (config->backends[i].type == MK_BACKEND_SANDBOX)
            return &config->backends[i];
    return NULL;
}

/* --- settings --- */

static int write_settings(struct mk_buf *out, const struct mk_config_key *keys, const char *base);

static int write_paths(struct mk_buf *out, const struct mk_config_key *key, const char *base)
{
    const char *const *paths;
    size_t count;
    int rc = 0;
    memcpy(&paths, base + key->at, sizeof(paths));
    memcpy(&count, base + key->count, sizeof(count));
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = mk_json_write_string(out, mk_slice_str(paths[i]));
    return rc;
}

static int write_text(struct mk_buf *out, const struct mk_config_key *key, const char *base)
{
    const char *text;
    memcpy(&text, base + key->at, sizeof(text));
    return text ? mk_json_write_string(out, mk_slice_str(text)) : 0;
}

static int write_number(struct mk_buf *out, const struct mk_config_key *key, const char *base)
{
    uint64_t number = 0;
    unsigned choice;
    bool truth;
    if (key->type == MK_CONFIG_CHOICE) {
        memcpy(&choice, base + key->at, sizeof(choice));
        number = choice;
    } else if (key->type == MK_CONFIG_BOOLEAN) {
        memcpy(&truth, base + key->at, sizeof(truth));
        number = truth;
    } else {
        memcpy(&number, base + key->at, sizeof(number));
    }
    return mk_buf_printf(out, "%llu", (unsigned long long)number);
}

static int write_setting(struct mk_buf *out, const struct mk_config_key *key, const char *base)
{
    int rc = mk_buf_printf(out, "%s=", key->name);
    if (rc < 0)
        return rc;
    if (key->type == MK_CONFIG_OBJECT)
        rc = write_settings(out, key->keys, base + key->at);
    else if (key->type == MK_CONFIG_PATHS)
        rc = write_paths(out, key, base);
    else if (mk_config_key_is_text(key))
        rc = write_text(out, key, base);
    else
        rc = write_number(out, key, base);
    return rc < 0 ? rc : mk_buf_append_char(out, ';');
}

/* Writes the same text for the same settings. */
static int write_settings(struct mk_buf *out, const struct mk_config_key *keys, const char *base)
{
    int rc = 0;
    for (const struct mk_config_key *key = keys; key->name && rc == 0; key++)
        rc = write_setting(out, key, base);
    return rc;
}

char *mk_config_backend_text(const struct mk_config_backend *backend)
{
    const struct mk_config_variant *type = &mk_config_backend_types[backend->type];
    struct mk_buf text;
    mk_buf_init(&text, SIZE_MAX);
    int rc = mk_buf_printf(&text, "%s:", type->name);
    if (rc == 0)
        rc = write_settings(&text, type->keys, (const char *)backend);
    char *copy = rc == 0 ? mk_slice_dup(mk_buf_slice(&text)) : NULL;
    mk_buf_fini(&text);
    return copy;
}

/* --- names --- */

/*
 * A backend has a folder of its name in data_dir. An older version kept the media of its world in
 * `media`; uploads are in `cache`.
 */
static bool is_taken(const char *name)
{
    return strcmp(name, "media") == 0 || strcmp(name, "cache") == 0;
}

/* The backends so far. */
struct collection {
    struct mk_mistakes *mistakes;
    struct mk_config_backend *list;
    const char **paths; /* of each, its JSON path */
    size_t count;
};

static void refuse_name(struct collection *collection, const struct mk_config_backend_read *read)
{
    struct mk_mistakes *mistakes = collection->mistakes;
    mk_mistakes_add(
        mistakes,
        &(struct mk_mistake_found){
            .path = mk_mistakes_text(mistakes, "%s.name", read->path),
            .expected = mk_tr("another name", "其他名称"),
            .got = mk_mistakes_text(mistakes, "\"%s\"", read->backend.name),
            .text = mk_mistakes_say(
                mistakes,
                "expected another name, got \"%s\", which is a folder of data_dir already",
                "应为其他名称，\"%s\" 已是 data_dir 中的目录", read->backend.name),
        });
}

static void refuse_other_settings(struct collection *collection,
                                  const struct mk_config_backend_read *read, size_t first)
{
    struct mk_mistakes *mistakes = collection->mistakes;
    const char *other = collection->paths[first];
    mk_mistakes_add(
        mistakes,
        &(struct mk_mistake_found){
            .path = read->path,
            .expected =
                mk_mistakes_say(mistakes, "the settings of `%s`", "与 `%s` 相同的设置", other),
            .text = mk_mistakes_say(
                mistakes, "expected the same settings as at `%s`, which has the same name (\"%s\")",
                "应与 `%s` 的设置相同，二者名称相同（\"%s\"）", other,
                collection->list[first].name),
        });
}

static bool is_same(struct mk_mistakes *mistakes, const struct mk_config_backend *a,
                    const struct mk_config_backend *b)
{
    char *x = mk_config_backend_text(a), *y = mk_config_backend_text(b);
    bool same = x && y && strcmp(x, y) == 0;
    mistakes->out_of_memory |= !x || !y;
    free(x);
    free(y);
    return same;
}

/* Adds a backend, unless one of its name was added before. Returns its name. */
static const char *add(struct collection *collection, const struct mk_config_backend_read *read)
{
    size_t i = 0;
    while (i < collection->count && strcmp(collection->list[i].name, read->backend.name) != 0)
        i++;
    if (i < collection->count) {
        if (!is_same(collection->mistakes, &collection->list[i], &read->backend))
            refuse_other_settings(collection, read, i);
        return collection->list[i].name;
    }
    if (is_taken(read->backend.name))
        refuse_name(collection, read);
    collection->list[i] = read->backend;
    collection->paths[i] = read->path;
    collection->count++;
    return read->backend.name;
}

/* Sets the default name. That of a bot's backend has the number of the bot in it. */
static void set_name(struct collection *collection, struct mk_config_backend_read *read,
                     const struct milky_bot *bot)
{
    const char *type = mk_config_backend_type(&read->backend);
    if (read->backend.name)
        return;
    read->backend.name = bot ? mk_mistakes_text(collection->mistakes, "%s-%llu", type,
                                                (unsigned long long)bot->self_id)
                             : type;
}

/* Gives the backend at the top to the bots that name none. Without such a bot it is not added. */
static void add_top(struct collection *collection, struct mk_config_backend_read *top,
                    struct milky_bot *bots, size_t count)
{
    const char *name_of_top = NULL;
    for (size_t i = 0; i < count; i++) {
        if (bots[i].backend)
            continue;
        if (!name_of_top) {
            set_name(collection, top, NULL);
            name_of_top = add(collection, top);
        }
        bots[i].backend = name_of_top;
    }
}

void mk_config_collect_backends(struct mk_config_reader *reader, struct mk_config *config)
{
    struct mk_arena *arena = reader->mistakes.arena;
    struct milky_bot *bots = (struct milky_bot *)(uintptr_t)config->endpoint.bots;
    struct collection collection = { .mistakes = &reader->mistakes };
    struct mk_config_backend_read *top = NULL;
    size_t count = 0;
    for (struct mk_config_backend_read *read = reader->backends; read; read = read->next) {
        count++;
        if (read->owner == (char *)config)
            top = read;
        else /* any name: it has a backend of its own */
            ((struct milky_bot *)(void *)read->owner)->backend = read->path;
    }
    collection.list = mk_arena_alloc(arena, (count + 1) * sizeof(*collection.list));
    collection.paths = mk_arena_alloc(arena, (count + 1) * sizeof(*collection.paths));
    reader->mistakes.out_of_memory |= !collection.list || !collection.paths;
    if (reader->mistakes.out_of_memory || !top)
        return;
    add_top(&collection, top, bots, config->endpoint.bot_count);
    for (struct mk_config_backend_read *read = reader->backends; read; read = read->next) {
        struct milky_bot *bot = (struct milky_bot *)(void *)read->owner;
        if (read == top)
            continue;
        set_name(&collection, read, bot);
        bot->backend = add(&collection, read);
    }
    config->backends = collection.list;
    config->backend_count = collection.count;
}
