/* backends: which backends a configuration has, and whose they are. */
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

/* As a text of which there is one for the same settings. */
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

/* A world of before kept its contents in this folder of data_dir. */
static const char taken_name[] = "media";

/* The backends placed so far. */
struct placing {
    struct mk_mistakes *mistakes;
    struct mk_config_backend *list;
    const char **paths; /* of each, its JSON path */
    size_t count;
};

static void refuse_name(struct placing *placing, const struct mk_config_backend_read *read)
{
    struct mk_mistakes *mistakes = placing->mistakes;
    mk_mistakes_add(
        mistakes,
        &(struct mk_mistake_found){
            .path = mk_mistakes_text(mistakes, "%s.name", read->path),
            .expected = mk_tr("another name", "应为其他名称"),
            .got = mk_mistakes_text(mistakes, mk_tr("\"%s\"", "实际为 \"%s\""), read->backend.name),
            .rest = mk_tr(", a folder that data_dir had before", "，该目录名已被 data_dir 使用过"),
        });
}

static void refuse_other_settings(struct placing *placing,
                                  const struct mk_config_backend_read *read, size_t first)
{
    struct mk_mistakes *mistakes = placing->mistakes;
    mk_mistakes_add(mistakes, &(struct mk_mistake_found){
                                  .path = read->path,
                                  .expected = mk_mistakes_text(
                                      mistakes,
                                      mk_tr("the same settings as at `%s`, which has the "
                                            "same name (\"%s\")",
                                            "应与 `%s` 的设置相同，二者名称相同（\"%s\"）"),
                                      placing->paths[first], placing->list[first].name),
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

/* Returns its name: a new backend, or one that is there already. */
static const char *place(struct placing *placing, const struct mk_config_backend_read *read)
{
    size_t i = 0;
    while (i < placing->count && strcmp(placing->list[i].name, read->backend.name) != 0)
        i++;
    if (i < placing->count) {
        if (!is_same(placing->mistakes, &placing->list[i], &read->backend))
            refuse_other_settings(placing, read, i);
        return placing->list[i].name;
    }
    if (strcmp(read->backend.name, taken_name) == 0)
        refuse_name(placing, read);
    placing->list[i] = read->backend;
    placing->paths[i] = read->path;
    placing->count++;
    return read->backend.name;
}

/* The default. A bot's has its number in it. */
static void name(struct placing *placing, struct mk_config_backend_read *read,
                 const struct milky_bot *bot)
{
    const char *type = mk_config_backend_type(&read->backend);
    if (read->backend.name)
        return;
    read->backend.name =
        bot ? mk_mistakes_text(placing->mistakes, "%s-%llu", type, (unsigned long long)bot->self_id)
            : type;
}

/* A bot that names none has the one at the top, which is there for these alone. */
static void place_first(struct placing *placing, struct mk_config_backend_read *top,
                        struct milky_bot *bots, size_t count)
{
    const char *placed = NULL;
    for (size_t i = 0; i < count; i++) {
        if (bots[i].backend)
            continue;
        if (!placed) {
            name(placing, top, NULL);
            placed = place(placing, top);
        }
        bots[i].backend = placed;
    }
}

void mk_config_place_backends(struct mk_config_reader *reader, struct mk_config *config)
{
    struct mk_arena *arena = reader->mistakes.arena;
    struct milky_bot *bots = (struct milky_bot *)(uintptr_t)config->endpoint.bots;
    struct placing placing = { .mistakes = &reader->mistakes };
    struct mk_config_backend_read *top = NULL;
    size_t count = 0;
    for (struct mk_config_backend_read *read = reader->backends; read; read = read->next) {
        count++;
        if (read->owner == (char *)config)
            top = read;
        else /* any name, so that it is known to have one */
            ((struct milky_bot *)(void *)read->owner)->backend = read->path;
    }
    placing.list = mk_arena_alloc(arena, (count + 1) * sizeof(*placing.list));
    placing.paths = mk_arena_alloc(arena, (count + 1) * sizeof(*placing.paths));
    reader->mistakes.out_of_memory |= !placing.list || !placing.paths;
    if (reader->mistakes.out_of_memory || !top)
        return;
    place_first(&placing, top, bots, config->endpoint.bot_count);
    for (struct mk_config_backend_read *read = reader->backends; read; read = read->next) {
        struct milky_bot *bot = (struct milky_bot *)(void *)read->owner;
        if (read == top)
            continue;
        name(&placing, read, bot);
        bot->backend = place(&placing, read);
    }
    config->backends = placing.list;
    config->backend_count = placing.count;
}
