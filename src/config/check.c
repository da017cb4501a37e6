/* check: see the header. */
#include "config/check.h"

#include "base/log.h"
#include "base/utf8.h"
#include "config/config.h"
#include "config/copy.h"
#include "config/rules.h"
#include "config/schema.h"
#include "config/value.h"

#include <errno.h>

/* --- by the schema --- */

static const char *text_at(const struct mk_config_key *key, const char *base)
{
    const char *text;
    memcpy(&text, base + key->at, sizeof(text));
    return text;
}

static uint64_t number_at(const struct mk_config_key *key, const char *base)
{
    uint64_t number;
    memcpy(&number, base + key->at, sizeof(number));
    return number;
}

static void check_members(struct mk_mistakes *mistakes, const struct mk_config_key *keys,
                          const char *base, const struct mk_json_path *path);

static void check_text(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                       const char *base, const struct mk_json_path *path)
{
    struct mk_slice text = mk_slice_str(text_at(key, base));
    if (text.ptr)
        mk_value_text_fits(mistakes, key, path, NULL, text, text);
    else if (key->required)
        mk_value_missing(mistakes, key, path, NULL);
}

static void check_number(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                         const char *base, const struct mk_json_path *path)
{
    uint64_t number = number_at(key, base);
    if ((number == 0 && !key->required) || mk_value_number_fits(key, number))
        return;
    mk_value_refuse(mistakes, key, path, NULL,
                    mk_mistakes_text(mistakes, "%llu", (unsigned long long)number), NULL);
}

static void check_choice(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                         const char *base, const struct mk_json_path *path)
{
    unsigned choice, count = 0;
    memcpy(&choice, base + key->at, sizeof(choice));
    while (mk_config_choice(key, count))
        count++;
    if (choice >= count)
        mk_value_refuse(mistakes, key, path, NULL, mk_mistakes_text(mistakes, "%u", choice), NULL);
}

static void check_list(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                       const char *base, const struct mk_json_path *path)
{
    size_t count;
    const char *elements = text_at(key, base);
    memcpy(&count, base + key->count, sizeof(count));
    if (count > 0 && !elements)
        mk_value_missing(mistakes, key, path, NULL);
    for (size_t i = 0; elements && i < count && mistakes->count < mistakes->most; i++)
        check_members(mistakes, key->keys, elements + i * key->size,
                      &(struct mk_json_path){ .up = path, .index = i });
}

static size_t count_at(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                       const char *base, const struct mk_json_path *path)
{
    size_t count;
    memcpy(&count, base + key->count, sizeof(count));
    if (text_at(key, base))
        return count;
    if (count > 0)
        mk_value_missing(mistakes, key, path, NULL);
    return 0;
}

static void check_texts(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                        const char *base, const struct mk_json_path *path)
{
    const struct mk_config_key *one = mk_config_key_element(key);
    size_t count = count_at(mistakes, key, base, path);
    const char *const *texts;
    memcpy(&texts, base + key->at, sizeof(texts));
    for (size_t i = 0; i < count && mistakes->count < mistakes->most; i++) {
        const struct mk_json_path element = { .up = path, .index = i };
        struct mk_slice text = mk_slice_str(texts[i]);
        if (text.ptr)
            mk_value_text_fits(mistakes, one, &element, NULL, text, text);
        else
            mk_value_missing(mistakes, one, &element, NULL);
    }
}

static void check_uins(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                       const char *base, const struct mk_json_path *path)
{
    size_t count = count_at(mistakes, key, base, path);
    const char *numbers;
    memcpy(&numbers, base + key->at, sizeof(numbers));
    for (size_t i = 0; i < count && mistakes->count < mistakes->most; i++) {
        const struct mk_config_key one = {
            .type = MK_CONFIG_UIN, .required = true, .least = key->least, .most = key->most
        };
        check_number(mistakes, &one, numbers + i * sizeof(uint64_t),
                     &(struct mk_json_path){ .up = path, .index = i });
    }
}

/* An object is absent when all of its members are. */
static bool is_absent(const struct mk_config_key *object, const char *base)
{
    if (object->shorthand)
        return !text_at(&object->keys[0], base);
    for (const struct mk_config_key *key = object->keys; key->name; key++)
        if (!mk_config_key_is_text(key) || text_at(key, base))
            return false;
    return true;
}

static void check_object(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                         const char *base, const struct mk_json_path *path)
{
    if (is_absent(key, base))
        return;
    if (!key->shorthand) {
        check_members(mistakes, key->keys, base, path);
        return;
    }
    check_text(mistakes, &key->keys[0], base, path);
    check_members(mistakes, &key->keys[1], base, path);
}

static void check_members(struct mk_mistakes *mistakes, const struct mk_config_key *keys,
                          const char *base, const struct mk_json_path *outer)
{
    for (const struct mk_config_key *key = keys; key->name; key++) {
        const struct mk_json_path path = { .up = outer, .name = mk_slice_str(key->name) };
        if (key->type == MK_CONFIG_OBJECT)
            check_object(mistakes, key, base + key->at, &path);
        else if (key->type == MK_CONFIG_LIST)
            check_list(mistakes, key, base, &path);
        else if (key->type == MK_CONFIG_CHOICE)
            check_choice(mistakes, key, base, &path);
        else if (key->type == MK_CONFIG_UIN || key->type == MK_CONFIG_NUMBER)
            check_number(mistakes, key, base, &path);
        else if (mk_config_key_element(key))
            check_texts(mistakes, key, base, &path);
        else if (key->type == MK_CONFIG_UINS)
            check_uins(mistakes, key, base, &path);
        else if (mk_config_key_is_text(key))
            check_text(mistakes, key, base, &path);
    }
}

static void check_values(struct mk_mistakes *mistakes, const struct milky_config *config)
{
    const struct mk_config whole = { .endpoint = *config };
    for (const struct mk_config_key *key = mk_config_schema.keys; key->name; key++) {
        const struct mk_config_key one[] = { *key, { .name = NULL } };
        if (mk_config_key_is_endpoints(key))
            check_members(mistakes, one, (const char *)&whole, NULL);
    }
}

/* --- backends: an embedder has tables, a file has types --- */

static const struct mk_config_key name_key = { .type = MK_CONFIG_NAME, .required = true };

static bool is_named(const struct milky_config_backend *backend, const char *name)
{
    return backend->name && name && strcmp(backend->name, name) == 0;
}

static void check_backend(struct mk_mistakes *mistakes, const struct milky_config *config, size_t i)
{
    const struct milky_config_backend *backend = &config->backends[i];
    const struct mk_json_path list = { .name = MK_SLICE("backends") };
    const struct mk_json_path path = { .up = &list, .index = i };
    const struct mk_json_path name_path = { .up = &path, .name = MK_SLICE("name") };
    const struct mk_json_path table_path = { .up = &path, .name = MK_SLICE("table") };
    struct mk_slice name = mk_slice_str(backend->name);
    if (!backend->table)
        mk_mistakes_add(mistakes, &(struct mk_mistake_found){
                                      .path = mk_mistakes_path(mistakes, &table_path),
                                      .expected = mk_tr("the functions of a backend", "后端的函数"),
                                      .got = mk_tr("none", "没有"),
                                  });
    if (name.ptr)
        mk_value_text_fits(mistakes, &name_key, &name_path, NULL, name, name);
    else
        mk_value_missing(mistakes, &name_key, &name_path, NULL);
    size_t first = 0;
    while (first < i && !is_named(&config->backends[first], backend->name))
        first++;
    if (first < i)
        mk_mistakes_add(mistakes, &(struct mk_mistake_found){
                                      .path = mk_mistakes_path(mistakes, &name_path),
                                      .expected = mk_tr("a name of its own", "自己的名称"),
                                      .got = mk_mistakes_say(mistakes, "that of backends[%zu]",
                                                             "backends[%zu] 的名称", first),
                                  });
}

static void check_backend_of(struct mk_mistakes *mistakes, const struct milky_config *config,
                             size_t bot)
{
    const char *name = config->bots[bot].backend;
    size_t i = 0;
    while (name && i < config->backend_count && !is_named(&config->backends[i], name))
        i++;
    if (name && i == config->backend_count)
        mk_mistakes_add(mistakes, &(struct mk_mistake_found){
                                      .path = mk_mistakes_text(mistakes, "bots[%zu].backend", bot),
                                      .expected = mk_tr("the name of a backend", "后端的名称"),
                                      .got = mk_mistakes_quote(mistakes, mk_slice_str(name)),
                                  });
}

static void check_backends(struct mk_mistakes *mistakes, const struct milky_config *config)
{
    if (config->backend_count == 0)
        mk_mistakes_add(mistakes, &(struct mk_mistake_found){
                                      .path = "backends",
                                      .expected = mk_tr("at least one element", "至少一个元素"),
                                  });
    for (size_t i = 0; i < config->backend_count; i++)
        check_backend(mistakes, config, i);
    for (size_t i = 0; i < config->bot_count; i++)
        check_backend_of(mistakes, config, i);
}

/* --- defaults --- */

static void fill_numbers(const struct mk_config_key *keys, char *base);

static void fill_list(const struct mk_config_key *key, const char *base)
{
    char *elements;
    size_t count;
    memcpy(&elements, base + key->at, sizeof(elements));
    memcpy(&count, base + key->count, sizeof(count));
    for (size_t i = 0; elements && i < count; i++)
        fill_numbers(key->keys, elements + i * key->size);
}

static void fill_numbers(const struct mk_config_key *keys, char *base)
{
    for (const struct mk_config_key *key = keys; key->name; key++)
        if (mk_config_key_has_usual(key) && number_at(key, base) == 0)
            memcpy(base + key->at, &key->usual, sizeof(key->usual));
        else if (key->type == MK_CONFIG_OBJECT)
            fill_numbers(key->keys, base + key->at);
        else if (key->type == MK_CONFIG_LIST)
            fill_list(key, base);
}

static void fill_defaults(struct milky_config *config)
{
    struct mk_config whole = { .endpoint = *config };
    for (const struct mk_config_key *key = mk_config_schema.keys; key->name; key++) {
        const struct mk_config_key one[] = { *key, { .name = NULL } };
        if (mk_config_key_is_endpoints(key))
            fill_numbers(one, (char *)&whole);
    }
    *config = whole.endpoint;
}

/* --- the whole --- */

/* Logs the first mistake, and fills `error` with it. */
static void report(struct mk_mistakes *mistakes, struct milky_error *error)
{
    const struct mk_mistake *mistake = &mistakes->list[0];
    const char *path = *mistake->path ? mistake->path : mk_tr("the configuration", "配置");
    const char *text = mk_mistakes_say(mistakes, "%s: %s", "%s：%s", path, mistake->text);
    mk_log_error("endpoint", "%s", "%s", text);
    if (!error)
        return;
    mk_utf8_copy(error->path, sizeof(error->path), mk_slice_str(mistake->path));
    mk_utf8_copy(error->expected, sizeof(error->expected), mk_slice_str(mistake->expected));
    mk_utf8_copy(error->got, sizeof(error->got), mk_slice_str(mistake->got));
    mk_utf8_copy(error->text, sizeof(error->text), mk_slice_str(text));
}

int mk_config_take(const struct milky_config *given, struct mk_config_taken *taken,
                   struct milky_error *error)
{
    mk_arena_init(&taken->arena);
    struct mk_mistakes mistakes = { .arena = &taken->arena, .most = 1 };
    struct milky_config *config = &taken->config;
    mk_config_copy(config, given, &mistakes);
    if (mistakes.count == 0)
        check_backends(&mistakes, config);
    if (mistakes.count == 0)
        check_values(&mistakes, config);
    if (mistakes.count == 0)
        mk_config_check_rules(config, &mistakes);
    if (mistakes.count == 0 && !mistakes.out_of_memory)
        mk_config_check_files(config, &mistakes);
    fill_defaults(config);
    if (mistakes.out_of_memory)
        return -ENOMEM;
    if (mistakes.count == 0)
        return 0;
    report(&mistakes, error);
    return -EINVAL;
}

void mk_config_give_back(struct mk_config_taken *taken)
{
    mk_arena_fini(&taken->arena);
}
