/* read: reads a document into a configuration, by the schema (see reader.h). */
#include "config/reader.h"

#include "base/json.h"
#include "base/suggestion.h"
#include "config/value.h"

#include <assert.h>

enum { MAX_KEYS = 24, MAX_QUOTED = 60 };

/* --- mistakes --- */

/* Describes the value in the file. */
static const char *got(struct mk_config_reader *reader, const struct mk_config_key *key,
                       yyjson_val *value)
{
    struct mk_mistakes *mistakes = &reader->mistakes;
    struct mk_slice text =
        mk_slice_of(yyjson_is_raw(value) ? yyjson_get_raw(value) : yyjson_get_str(value),
                    yyjson_get_len(value));
    if (yyjson_is_obj(value))
        return mk_tr("an object", "对象");
    if (yyjson_is_arr(value))
        return mk_tr("a list", "列表");
    if (yyjson_is_str(value) && text.len == 0)
        return mk_tr("an empty string", "空字符串");
    if (key->type == MK_CONFIG_TOKEN && yyjson_is_raw(value))
        return mk_tr("a number (put it in quotes)", "数字（请加引号）");
    if (yyjson_is_raw(value))
        return mk_mistakes_text(mistakes, "%.*s",
                                text.len < MAX_QUOTED ? (int)text.len : MAX_QUOTED, text.ptr);
    if (yyjson_is_str(value))
        return mk_mistakes_quote(mistakes, text);
    return yyjson_is_null(value) ? "null" : yyjson_is_true(value) ? "true" : "false";
}

static void refuse(struct mk_config_reader *reader, const struct mk_config_key *key,
                   yyjson_val *value, const struct mk_json_path *at)
{
    mk_value_refuse(&reader->mistakes, key, at, value, got(reader, key, value), NULL);
}

/* Adds a mistake with a sentence of its own. */
static void say(struct mk_config_reader *reader, const yyjson_val *value,
                const struct mk_json_path *at, const char *text)
{
    mk_mistakes_add(&reader->mistakes,
                    &(struct mk_mistake_found){ .path = mk_mistakes_path(&reader->mistakes, at),
                                                .value = value,
                                                .text = text });
}

/* --- strings --- */

static const char *kept(struct mk_config_reader *reader, const char *text)
{
    reader->mistakes.out_of_memory |= !text;
    return text ? text : "";
}

/* A path of the file, relative to the working directory; "" when out of memory. */
static const char *from_folder(struct mk_config_reader *reader, const char *path)
{
    int len = *path == '/' ? 0 : (int)reader->folder.len;
    return kept(reader,
                mk_arena_printf(reader->mistakes.arena, "%.*s%s", len, reader->folder.ptr, path));
}

/* Returns the path. */
static const char *note_path(struct mk_config_reader *reader, const char *path)
{
    struct mk_config_named *named = mk_arena_alloc(reader->mistakes.arena, sizeof(*named));
    reader->mistakes.out_of_memory |= !named;
    if (named) {
        *named = (struct mk_config_named){ reader->named, path };
        reader->named = named;
        reader->named_count++;
    }
    return path;
}

static const char *listen_from_folder(struct mk_config_reader *reader, const char *listen)
{
    static const size_t scheme = sizeof("unix:") - 1;
    if (strncmp(listen, "unix:", scheme) != 0 || listen[scheme] == '\0')
        return listen;
    return kept(reader, mk_arena_printf(reader->mistakes.arena, "unix:%s",
                                        from_folder(reader, listen + scheme)));
}

/* The string to store: borrowed from the document, or on the arena. NULL, with a mistake added,
 * when `key` does not allow it. */
static const char *read_string(struct mk_config_reader *reader, const struct mk_config_key *key,
                               yyjson_val *value, const struct mk_json_path *at)
{
    if (!yyjson_is_str(value)) {
        refuse(reader, key, value, at);
        return NULL;
    }
    struct mk_slice written = mk_slice_of(yyjson_get_str(value), yyjson_get_len(value));
    struct mk_slice text = written;
    if (key->type == MK_CONFIG_LISTEN)
        text = mk_slice_str(listen_from_folder(reader, written.ptr));
    if (!mk_value_text_fits(&reader->mistakes, key, at, value, text, written))
        return NULL;
    return key->type == MK_CONFIG_PATH ? note_path(reader, from_folder(reader, written.ptr))
                                       : text.ptr;
}

/* --- by the table --- */

static void read_choice(struct mk_config_reader *reader, const struct mk_config_key *key,
                        yyjson_val *value, const struct mk_json_path *at, unsigned *into)
{
    for (unsigned i = 0; mk_config_choice(key, i); i++)
        if (yyjson_equals_str(value, mk_config_choice(key, i))) {
            *into = i;
            return;
        }
    refuse(reader, key, value, at);
}

static void read_object(struct mk_config_reader *reader, const struct mk_config_key *key,
                        yyjson_val *object, const struct mk_json_path *at, char *into);

static void read_list(struct mk_config_reader *reader, const struct mk_config_key *key,
                      yyjson_val *value, const struct mk_json_path *at, char *into)
{
    size_t count = yyjson_arr_size(value);
    if (!yyjson_is_arr(value)) {
        refuse(reader, key, value, at);
        return;
    }
    if (count == 0) {
        if (key->required)
            say(reader, value, at, mk_tr("expected at least one element", "至少应有一个元素"));
        return;
    }
    char *elements = mk_arena_alloc(reader->mistakes.arena, count * key->size);
    if (!elements) {
        reader->mistakes.out_of_memory = true;
        return;
    }
    memset(elements, 0, count * key->size);
    memcpy(into + key->at, &elements, sizeof(elements));
    memcpy(into + key->count, &count, sizeof(count));
    size_t i, max;
    yyjson_val *element;
    yyjson_arr_foreach (value, i, max, element) {
        if (reader->mistakes.count == MK_CONFIG_MAX_MISTAKES || reader->mistakes.out_of_memory)
            break;
        memcpy(elements + i * key->size, &key->size, sizeof(key->size)); /* its first member */
        read_object(reader, key, element, &(struct mk_json_path){ .up = at, .index = i },
                    elements + i * key->size);
    }
}

static const struct mk_config_key path_key = { .type = MK_CONFIG_PATH };

/* Reads a list of texts, which must not be empty. A list of origins may be one text instead. */
static void read_texts(struct mk_config_reader *reader, const struct mk_config_key *key,
                       const struct mk_config_key *one, yyjson_val *value,
                       const struct mk_json_path *at, char *into)
{
    size_t i, max, count = yyjson_arr_size(value);
    yyjson_val *element;
    bool is_single = key->type == MK_CONFIG_ORIGINS && yyjson_is_str(value);
    if (is_single)
        count = 1;
    if (count == 0) {
        refuse(reader, key, value, at);
        return;
    }
    const char **texts = mk_arena_alloc(reader->mistakes.arena, count * sizeof(*texts));
    if (!texts) {
        reader->mistakes.out_of_memory = true;
        return;
    }
    if (is_single)
        texts[0] = read_string(reader, one, value, at);
    yyjson_arr_foreach (value, i, max, element) {
        if (reader->mistakes.count == MK_CONFIG_MAX_MISTAKES)
            return;
        texts[i] =
            read_string(reader, one, element, &(struct mk_json_path){ .up = at, .index = i });
    }
    memcpy(into + key->at, &texts, sizeof(texts));
    memcpy(into + key->count, &count, sizeof(count));
}

static void read_number(struct mk_config_reader *reader, const struct mk_config_key *key,
                        yyjson_val *value, const struct mk_json_path *at, void *into)
{
    bool negative;
    uint64_t number;
    if (mk_json_integer(value, &negative, &number) && !negative &&
        mk_value_number_fits(key, number))
        memcpy(into, &number, sizeof(number));
    else
        refuse(reader, key, value, at);
}

/* Reads a list of QQ numbers, which must not be empty. */
static void read_uins(struct mk_config_reader *reader, const struct mk_config_key *key,
                      yyjson_val *value, const struct mk_json_path *at, char *into)
{
    const struct mk_config_key one = { .type = MK_CONFIG_UIN,
                                       .least = key->least,
                                       .most = key->most };
    size_t i, max, count = yyjson_arr_size(value);
    yyjson_val *element;
    if (count == 0) {
        refuse(reader, key, value, at);
        return;
    }
    uint64_t *numbers = mk_arena_alloc(reader->mistakes.arena, count * sizeof(*numbers));
    if (!numbers) {
        reader->mistakes.out_of_memory = true;
        return;
    }
    yyjson_arr_foreach (value, i, max, element) {
        if (reader->mistakes.count == MK_CONFIG_MAX_MISTAKES)
            return;
        numbers[i] = 0;
        read_number(reader, &one, element, &(struct mk_json_path){ .up = at, .index = i },
                    &numbers[i]);
    }
    memcpy(into + key->at, &numbers, sizeof(numbers));
    memcpy(into + key->count, &count, sizeof(count));
}

/* Reads an object that may be written as null, or as a string, which is its first key. */
static void read_either(struct mk_config_reader *reader, const struct mk_config_key *key,
                        yyjson_val *value, const struct mk_json_path *at, char *into)
{
    const struct mk_config_key *first = &key->keys[0];
    const char *text = mk_config_null;
    if (yyjson_is_str(value))
        text = read_string(reader, first, value, at);
    else if (yyjson_is_obj(value))
        read_object(reader, key, value, at, into);
    else if (!yyjson_is_null(value))
        refuse(reader, key, value, at);
    if (!yyjson_is_obj(value))
        memcpy(into + first->at, &text, sizeof(text));
}

/* The keys of a backend of this type: the common ones, then its own. Of an unknown type, the common
 * ones alone; then other keys are ignored. */
static void join_keys(struct mk_config_key keys[MAX_KEYS], const struct mk_config_key *common,
                      const struct mk_config_variant *variant)
{
    size_t count = 0;
    for (; common->name; common++)
        keys[count++] = *common;
    for (const struct mk_config_key *own = variant ? variant->keys : common; own->name; own++)
        keys[count++] = *own;
    assert(count < MAX_KEYS);
    keys[count] = (struct mk_config_key){ .name = NULL };
}

static const struct mk_config_variant *variant_of(const struct mk_config_key *key,
                                                  yyjson_val *object)
{
    yyjson_val *type = yyjson_obj_get(object, "type");
    const struct mk_config_variant *variant = key->variants;
    while (type && variant->name && !yyjson_equals_str(type, variant->name))
        variant++;
    return variant->name ? variant : NULL;
}

/* Without an object (NULL) it reads the defaults of the first type. */
static void read_backend(struct mk_config_reader *reader, const struct mk_config_key *key,
                         yyjson_val *object, const struct mk_json_path *at, char *into)
{
    struct mk_config_key keys[MAX_KEYS];
    const struct mk_config_variant *variant = variant_of(key, object);
    const struct mk_config_key whole = {
        .type = MK_CONFIG_OBJECT,
        .keys = keys,
        .variants = key->variants,
        .ignored = !variant,
    };
    struct mk_config_backend_read *read = mk_arena_alloc(reader->mistakes.arena, sizeof(*read));
    if (!read) {
        reader->mistakes.out_of_memory = true;
        return;
    }
    *read = (struct mk_config_backend_read){
        .path = mk_mistakes_path(&reader->mistakes, at),
        .owner = into,
    };
    join_keys(keys, key->keys, variant);
    read_object(reader, &whole, object, at, (char *)&read->backend);
    *reader->last_backend = read;
    reader->last_backend = &read->next;
}

/* `into` is the struct that has the key. */
static void read_value(struct mk_config_reader *reader, const struct mk_config_key *key,
                       yyjson_val *value, const struct mk_json_path *at, char *into)
{
    const char *text = NULL;
    switch (key->type) {
    case MK_CONFIG_OBJECT:
        if (key->shorthand)
            read_either(reader, key, value, at, into + key->at);
        else
            read_object(reader, key, value, at, into + key->at);
        return;
    case MK_CONFIG_BACKEND:
        read_backend(reader, key, value, at, into);
        return;
    case MK_CONFIG_LIST:
        read_list(reader, key, value, at, into);
        return;
    case MK_CONFIG_PATHS:
        read_texts(reader, key, &path_key, value, at, into);
        return;
    case MK_CONFIG_ORIGINS:
    case MK_CONFIG_EVENT_TYPES:
    case MK_CONFIG_SCENES:
        read_texts(reader, key, mk_config_key_element(key), value, at, into);
        return;
    case MK_CONFIG_UINS:
        read_uins(reader, key, value, at, into);
        return;
    case MK_CONFIG_CHOICE:
        read_choice(reader, key, value, at, (unsigned *)(void *)(into + key->at));
        return;
    case MK_CONFIG_BOOLEAN:
        if (yyjson_is_bool(value))
            *(bool *)(void *)(into + key->at) = yyjson_get_bool(value) != key->negated;
        else
            refuse(reader, key, value, at);
        return;
    case MK_CONFIG_UIN:
    case MK_CONFIG_NUMBER:
        read_number(reader, key, value, at, into + key->at);
        return;
    default:
        text = key->nullable && yyjson_is_null(value) ? mk_config_null
                                                      : read_string(reader, key, value, at);
        if (!key->ignored)
            memcpy(into + key->at, &text, sizeof(text));
    }
}

static unsigned choice_of(const struct mk_config_key *key, const char *text)
{
    unsigned i = 0;
    while (mk_config_choice(key, i) && strcmp(mk_config_choice(key, i), text) != 0)
        i++;
    return i;
}

static void take_fallback(struct mk_config_reader *reader, const struct mk_config_key *key,
                          char *into)
{
    if (key->type == MK_CONFIG_OBJECT) {
        read_object(reader, key, NULL, NULL, into + key->at);
    } else if (key->type == MK_CONFIG_BACKEND && key->fallback) {
        read_backend(reader, key, NULL, &(struct mk_json_path){ .name = mk_slice_str(key->name) },
                     into);
    } else if (key->type == MK_CONFIG_CHOICE && key->fallback) {
        *(unsigned *)(void *)(into + key->at) = choice_of(key, key->fallback);
    } else if (mk_config_key_has_usual(key)) {
        memcpy(into + key->at, &key->usual, sizeof(key->usual));
    } else if (key->type == MK_CONFIG_PATH && key->fallback) {
        const char *path = from_folder(reader, key->fallback);
        memcpy(into + key->at, &path, sizeof(path));
    }
}

/* The variant that has a key of this name, or NULL. */
static const char *variant_with(const struct mk_config_key *key, struct mk_slice name)
{
    for (const struct mk_config_variant *v = key->variants; v && v->name; v++)
        for (const struct mk_config_key *k = v->keys; k->name; k++)
            if (mk_slice_eq(name, mk_slice_str(k->name)))
                return v->name;
    return NULL;
}

static void refuse_unknown(struct mk_config_reader *reader, const struct mk_config_key *key,
                           yyjson_val *name, const struct mk_json_path *at)
{
    struct mk_mistakes *mistakes = &reader->mistakes;
    struct mk_slice text = mk_slice_of(yyjson_get_str(name), yyjson_get_len(name));
    const struct mk_json_path here = { .up = at, .name = text };
    struct mk_suggestion near = { 0 };
    const char *variant = variant_with(key, text);
    if (variant) {
        say(reader, name, &here,
            mk_mistakes_say(mistakes, "this is a key of the type \"%s\"", "该键属于类型 \"%s\"",
                            variant));
        return;
    }
    for (const struct mk_config_key *k = key->keys; k->name; k++)
        mk_suggestion_offer(&near, text, k->name);
    if (near.best) {
        say(reader, name, &here,
            mk_mistakes_say(mistakes, "unknown key (did you mean `%s`?)",
                            "未知的键（是否想写 `%s`？）", near.best));
        return;
    }
    const char *list = "";
    for (const struct mk_config_key *k = key->keys; k->name; k++)
        if (!k->ignored)
            list = mk_mistakes_text(mistakes, "%s%s`%s`", list, *list ? ", " : "", k->name);
    say(reader, name, &here,
        mk_mistakes_say(mistakes, "unknown key (here are: %s)", "未知的键（此处可用：%s）", list));
}

/* Finds the value of each key of the table in an object. */
static void match_members(struct mk_config_reader *reader, const struct mk_config_key *key,
                          yyjson_val *object, const struct mk_json_path *at,
                          yyjson_val *values[MAX_KEYS])
{
    size_t i, max;
    yyjson_val *name, *value;
    yyjson_obj_foreach (object, i, max, name, value) {
        size_t k = 0;
        while (key->keys[k].name &&
               !yyjson_equals_strn(name, key->keys[k].name, strlen(key->keys[k].name)))
            k++;
        assert(k < MAX_KEYS);
        if (!key->keys[k].name && key->ignored)
            continue;
        const struct mk_json_path here = { .up = at, .name = mk_slice_str(key->keys[k].name) };
        if (!key->keys[k].name)
            refuse_unknown(reader, key, name, at);
        else if (values[k])
            say(reader, name, &here, mk_tr("this key is here twice", "该键重复出现"));
        else
            values[k] = value;
        if (reader->mistakes.count == MK_CONFIG_MAX_MISTAKES || reader->mistakes.out_of_memory)
            return;
    }
}

/* Reads an object into the struct at `into`; without one (NULL) it stores the defaults. */
static void read_object(struct mk_config_reader *reader, const struct mk_config_key *key,
                        yyjson_val *object, const struct mk_json_path *at, char *into)
{
    yyjson_val *values[MAX_KEYS] = { NULL };
    if (object && !yyjson_is_obj(object)) {
        const struct mk_config_key one = { .type = MK_CONFIG_OBJECT };
        refuse(reader, &one, object, at);
        object = NULL;
    }
    if (object)
        match_members(reader, key, object, at, values);
    for (size_t k = 0; key->keys[k].name; k++) {
        const struct mk_config_key *one = &key->keys[k];
        const struct mk_json_path inner = { .up = at, .name = mk_slice_str(one->name) };
        if (values[k])
            read_value(reader, one, values[k], &inner, into);
        else if (one->required && object)
            mk_value_missing(&reader->mistakes, one, &inner, object);
        else
            take_fallback(reader, one, into);
    }
}

void mk_config_read(struct mk_config_reader *reader, const struct mk_config_key *schema, void *into)
{
    reader->last_backend = &reader->backends;
    read_object(reader, schema, yyjson_doc_get_root(reader->mistakes.doc), NULL, into);
}
