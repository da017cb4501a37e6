/*
 * config: reading and validating by the table. What a string may be is in config_string.c, what
 * holds between keys in config_rules.c.
 */
#include "cli/config.h"

#include "base/json.h"
#include "base/list.h"
#include "cli/config_reader.h"
#include "cli/config_schema.h"
#include "cli/jsonc.h"
#include "cli/text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { MOST_KEYS = 24, LONGEST_PLAIN = 60 };

/* The configuration begins the block; everything it points to is on the arena. */
struct owner {
    struct mk_config config;
    struct mk_arena arena;
};

static void read_choice(struct mk_config_reader *reader, const struct mk_config_key *key,
                        yyjson_val *value, const char *path, unsigned *into)
{
    for (unsigned i = 0; key->choices[i]; i++)
        if (yyjson_equals_str(value, key->choices[i])) {
            *into = i;
            return;
        }
    mk_config_refuse(reader, key, value, path, NULL, NULL);
}

static void read_object(struct mk_config_reader *reader, const struct mk_config_key *key,
                        yyjson_val *object, const char *path, char *into);

static void read_list(struct mk_config_reader *reader, const struct mk_config_key *key,
                      yyjson_val *value, const char *path, char *into)
{
    size_t count = yyjson_arr_size(value);
    if (!yyjson_is_arr(value)) {
        mk_config_refuse(reader, key, value, path, NULL, NULL);
        return;
    }
    if (count == 0) {
        if (key->required)
            mk_config_mistake(reader, value, path,
                              mk_tr("expected at least one element", "至少应有一个元素"));
        return;
    }
    char *elements = mk_arena_alloc(reader->arena, count * key->size);
    if (!elements) {
        reader->out_of_memory = true;
        return;
    }
    memset(elements, 0, count * key->size);
    memcpy(into + key->at, &elements, sizeof(elements));
    memcpy(into + key->count, &count, sizeof(count));
    size_t i, max;
    yyjson_val *element;
    yyjson_arr_foreach (value, i, max, element) {
        if (reader->count == MK_CONFIG_MAX_MISTAKES || reader->out_of_memory)
            break;
        memcpy(elements + i * key->size, &key->size, sizeof(key->size)); /* its first member */
        read_object(reader, key, element, mk_config_text(reader, "%s[%zu]", path, i),
                    elements + i * key->size);
    }
}

/* A list of paths, which is never empty. */
static void read_paths(struct mk_config_reader *reader, const struct mk_config_key *key,
                       yyjson_val *value, const char *path, char *into)
{
    static const struct mk_config_key one = { .type = MK_CONFIG_PATH };
    size_t i, max, count = yyjson_arr_size(value);
    yyjson_val *element;
    if (count == 0) {
        mk_config_refuse(reader, key, value, path, NULL, NULL);
        return;
    }
    const char **paths = mk_arena_alloc(reader->arena, count * sizeof(*paths));
    if (!paths) {
        reader->out_of_memory = true;
        return;
    }
    yyjson_arr_foreach (value, i, max, element) {
        if (reader->count == MK_CONFIG_MAX_MISTAKES)
            return;
        paths[i] =
            mk_config_string(reader, &one, element, mk_config_text(reader, "%s[%zu]", path, i));
    }
    memcpy(into + key->at, &paths, sizeof(paths));
    memcpy(into + key->count, &count, sizeof(count));
}

/* An object that need not be one: null is none of it, and a string its first key. */
static void read_either(struct mk_config_reader *reader, const struct mk_config_key *key,
                        yyjson_val *value, const char *path, char *into)
{
    const struct mk_config_key *first = &key->keys[0];
    const char *text = mk_config_null;
    if (yyjson_is_str(value))
        text = mk_config_string(reader, first, value, path);
    else if (yyjson_is_obj(value))
        read_object(reader, key, value, path, into);
    else if (!yyjson_is_null(value))
        mk_config_refuse(reader, key, value, path, NULL, NULL);
    if (!yyjson_is_obj(value))
        memcpy(into + first->at, &text, sizeof(text));
}

/* `into` is the struct that the key is a part of. */
static void read_value(struct mk_config_reader *reader, const struct mk_config_key *key,
                       yyjson_val *value, const char *path, char *into)
{
    bool negative = false;
    uint64_t number = 0;
    const char *text = NULL;
    switch (key->type) {
    case MK_CONFIG_OBJECT:
        if (key->shorthand)
            read_either(reader, key, value, path, into + key->at);
        else
            read_object(reader, key, value, path, into + key->at);
        return;
    case MK_CONFIG_LIST:
        read_list(reader, key, value, path, into);
        return;
    case MK_CONFIG_PATHS:
        read_paths(reader, key, value, path, into);
        return;
    case MK_CONFIG_CHOICE:
        read_choice(reader, key, value, path, (unsigned *)(void *)(into + key->at));
        return;
    case MK_CONFIG_BOOLEAN:
        if (yyjson_is_bool(value))
            *(bool *)(void *)(into + key->at) = yyjson_get_bool(value) != key->negated;
        else
            mk_config_refuse(reader, key, value, path, NULL, NULL);
        return;
    case MK_CONFIG_UIN:
    case MK_CONFIG_NUMBER:
        if (mk_json_integer(value, &negative, &number) && !negative && number >= key->least &&
            number <= key->most)
            memcpy(into + key->at, &number, sizeof(number));
        else
            mk_config_refuse(reader, key, value, path, NULL, NULL);
        return;
    default:
        text = key->nullable && yyjson_is_null(value) ? mk_config_null
                                                      : mk_config_string(reader, key, value, path);
        if (!key->ignored)
            memcpy(into + key->at, &text, sizeof(text));
    }
}

static unsigned choice_of(const struct mk_config_key *key, const char *text)
{
    unsigned i = 0;
    while (key->choices[i] && strcmp(key->choices[i], text) != 0)
        i++;
    return i;
}

static void take_fallback(struct mk_config_reader *reader, const struct mk_config_key *key,
                          char *into)
{
    if (key->type == MK_CONFIG_OBJECT) {
        read_object(reader, key, NULL, "", into + key->at);
    } else if (key->type == MK_CONFIG_CHOICE) {
        *(unsigned *)(void *)(into + key->at) = choice_of(key, key->fallback);
    } else if (key->type == MK_CONFIG_NUMBER && key->fallback) {
        uint64_t number = strtoull(key->fallback, NULL, 10);
        memcpy(into + key->at, &number, sizeof(number));
    } else if (key->type == MK_CONFIG_PATH && key->fallback) {
        const char *path = mk_config_path(reader, key->fallback);
        memcpy(into + key->at, &path, sizeof(path));
    }
}

/* The path of a member; a key that could not be told from the path around it is quoted. */
static const char *member_path(struct mk_config_reader *reader, const char *path,
                               struct mk_slice name)
{
    bool plain = name.len > 0 && name.len <= LONGEST_PLAIN;
    for (size_t i = 0; plain && i < name.len; i++)
        plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$-",
                       name.ptr[i]) &&
                name.ptr[i];
    const char *dot = *path ? "." : "";
    if (plain)
        return mk_config_text(reader, "%s%s%.*s", path, dot, (int)name.len, name.ptr);
    return mk_config_text(reader, "%s%s%s", path, dot, mk_config_quoted(reader, name));
}

static void refuse_unknown(struct mk_config_reader *reader, const struct mk_config_key *key,
                           yyjson_val *name, const char *path)
{
    struct mk_slice text = mk_slice_of(yyjson_get_str(name), yyjson_get_len(name));
    struct mk_near near = { 0 };
    for (const struct mk_config_key *k = key->keys; k->name; k++)
        mk_near_offer(&near, text, k->name);
    if (near.best) {
        mk_config_mistake(reader, name, member_path(reader, path, text),
                          mk_tr("unknown key (did you mean `%s`?)", "未知的键（是否想写 `%s`？）"),
                          near.best);
        return;
    }
    const char *list = "";
    for (const struct mk_config_key *k = key->keys; k->name; k++)
        if (!k->ignored)
            list = mk_config_text(reader, "%s%s`%s`", list, *list ? ", " : "", k->name);
    mk_config_mistake(reader, name, member_path(reader, path, text),
                      mk_tr("unknown key (here are: %s)", "未知的键（此处可用：%s）"), list);
}

/* Sorts the members of an object to the keys of the table they are for. */
static void match_members(struct mk_config_reader *reader, const struct mk_config_key *key,
                          yyjson_val *object, const char *path, yyjson_val *values[MOST_KEYS])
{
    size_t at, max;
    yyjson_val *name, *value;
    yyjson_obj_foreach (object, at, max, name, value) {
        size_t k = 0;
        while (key->keys[k].name &&
               !yyjson_equals_strn(name, key->keys[k].name, strlen(key->keys[k].name)))
            k++;
        assert(k < MOST_KEYS);
        if (!key->keys[k].name)
            refuse_unknown(reader, key, name, path);
        else if (values[k])
            mk_config_mistake(reader, name,
                              member_path(reader, path, mk_slice_str(key->keys[k].name)),
                              mk_tr("this key is here twice", "该键重复出现"));
        else
            values[k] = value;
        if (reader->count == MK_CONFIG_MAX_MISTAKES || reader->out_of_memory)
            return;
    }
}

/* Reads an object into the struct at `into`; without one (NULL), the defaults. */
static void read_object(struct mk_config_reader *reader, const struct mk_config_key *key,
                        yyjson_val *object, const char *path, char *into)
{
    yyjson_val *values[MOST_KEYS] = { NULL };
    if (object && !yyjson_is_obj(object)) {
        const struct mk_config_key one = { .type = MK_CONFIG_OBJECT };
        mk_config_refuse(reader, &one, object, path, NULL, NULL);
        object = NULL;
    }
    if (object)
        match_members(reader, key, object, path, values);
    for (size_t k = 0; key->keys[k].name; k++) {
        const struct mk_config_key *one = &key->keys[k];
        const char *inner =
            values[k] || object ? member_path(reader, path, mk_slice_str(one->name)) : "";
        if (values[k])
            read_value(reader, one, values[k], inner, into);
        else if (one->required && object)
            mk_config_mistake(reader, object, inner, mk_tr("missing: expected %s", "缺少：应为%s"),
                              mk_config_expected(reader, one));
        else
            take_fallback(reader, one, into);
    }
}

static int by_place(const void *a, const void *b)
{
    const struct mk_config_mistake *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* Returns -EINVAL, or the error of the buf. */
static int tell(struct mk_config_reader *reader, const char *name, struct mk_buf *out)
{
    qsort(reader->mistakes, reader->count, sizeof(reader->mistakes[0]), by_place);
    int rc = 0;
    for (size_t i = 0; i < reader->count && rc == 0; i++) {
        const struct mk_config_mistake *mistake = &reader->mistakes[i];
        size_t line, column;
        mk_jsonc_place(reader->text, mistake->at, &line, &column);
        rc = mk_buf_printf(out, "%s:%zu:%zu: %s%s%s\n", name ? name : "(built in)", line, column,
                           mistake->path, *mistake->path ? ": " : "", mistake->message);
    }
    return rc < 0 ? rc : -EINVAL;
}

static void read_document(struct mk_config_reader *reader, struct mk_config *config)
{
    yyjson_alc alc = mk_json_alc(reader->arena);
    yyjson_read_err error;
    reader->doc = reader->text.len ? mk_jsonc_read(reader->text, &alc, &error) : NULL;
    if (reader->doc) {
        read_object(reader, &mk_config_schema, yyjson_doc_get_root(reader->doc), "",
                    (char *)config);
        mk_config_check_rules(reader, config);
    } else if (reader->text.len == 0 || error.code == YYJSON_READ_ERROR_EMPTY_CONTENT) {
        mk_config_mistake(reader, NULL, "", mk_tr("the file is empty", "文件为空"));
    } else if (error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        reader->out_of_memory = true;
    } else {
        mk_config_mistake(reader, NULL, "", mk_tr("this is not JSON: %s", "JSON 语法错误：%s"),
                          error.msg);
        reader->mistakes[0].at = error.pos;
    }
}

static int parse(struct mk_slice text, const char *name, bool with_files, struct mk_config **config,
                 struct mk_buf *mistakes)
{
    struct owner *owner = calloc(1, sizeof(*owner));
    struct mk_config_reader *reader = calloc(1, sizeof(*reader));
    int rc = -ENOMEM;
    if (!owner || !reader)
        goto out;
    mk_arena_init(&owner->arena);
    if (mk_slice_starts_with(text, MK_SLICE("\xef\xbb\xbf"))) /* a mark that some editors leave */
        text = mk_slice_from(text, 3);
    const char *slash = name ? strrchr(name, '/') : NULL;
    owner->config.endpoint.size = sizeof(owner->config.endpoint);
    reader->text = text;
    reader->arena = &owner->arena;
    reader->folder = slash ? mk_slice_of(name, (size_t)(slash - name) + 1) : MK_SLICE("");
    if (name && !(owner->config.file = mk_arena_dup(&owner->arena, mk_slice_str(name))))
        goto out;
    if (text.len > MK_CONFIG_MAX_FILE)
        mk_config_mistake(reader, NULL, "", mk_tr("larger than %d bytes", "超过 %d 字节"),
                          MK_CONFIG_MAX_FILE);
    else
        read_document(reader, &owner->config);
    if (with_files && reader->count == 0 && !reader->out_of_memory)
        mk_config_check_files(reader, &owner->config);
    rc = reader->out_of_memory ? -ENOMEM : reader->count ? tell(reader, name, mistakes) : 0;
out:
    free(reader);
    if (rc == 0)
        *config = &owner->config;
    else if (owner)
        mk_config_free(&owner->config);
    return rc;
}

int mk_config_parse(struct mk_slice text, const char *name, struct mk_config **config,
                    struct mk_buf *mistakes)
{
    return parse(text, name, false, config, mistakes);
}

int mk_config_load(struct mk_slice text, const char *name, struct mk_config **config,
                   struct mk_buf *mistakes)
{
    return parse(text, name, true, config, mistakes);
}

int mk_config_builtin(struct mk_config **config)
{
    static const char text[] = "{ \"bots\": [ { \"self_id\": 10001000,"
                               " \"http_server\": [ { \"listen\": \"127.0.0.1:3000\" } ],"
                               " \"websocket_server\": [ { \"listen\": \"127.0.0.1:3000\" } ] },"
                               " { \"self_id\": 10002000 } ] }";
    struct mk_buf mistakes;
    mk_buf_init(&mistakes, 4096);
    int rc = mk_config_parse(mk_slice_str(text), NULL, config, &mistakes);
    assert(rc == 0 || rc == -ENOMEM);
    mk_buf_fini(&mistakes);
    return rc;
}

struct mk_config *mk_config_free(struct mk_config *config)
{
    if (config) {
        struct owner *owner = MK_CONTAINER_OF(config, struct owner, config);
        mk_arena_fini(&owner->arena);
        free(owner);
    }
    return NULL;
}
