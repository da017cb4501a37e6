/* mistakes: see the header. */
#include "config/mistakes.h"

#include "base/escape.h"
#include "base/jsonc.h"
#include "base/utf8.h"
#include "config/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_QUOTED = 60 };

static const char *format_text(struct mk_mistakes *mistakes, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static const char *format_text(struct mk_mistakes *mistakes, const char *format, va_list args)
{
    char text[1024];
    int len = vsnprintf(text, sizeof(text), format, args);
    if (len >= (int)sizeof(text))
        len = (int)mk_utf8_valid_prefix(mk_slice_of(text, sizeof(text) - 1));
    char *copy = len < 0 ? NULL : mk_arena_dup(mistakes->arena, mk_slice_of(text, (size_t)len));
    mistakes->out_of_memory |= !copy;
    return copy ? copy : "";
}

const char *mk_mistakes_text(struct mk_mistakes *mistakes, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = format_text(mistakes, format, args);
    va_end(args);
    return text;
}

const char *mk_mistakes_say(struct mk_mistakes *mistakes, const char *en, const char *zh, ...)
{
    va_list args;
    va_start(args, zh);
    const char *text = format_text(mistakes, mk_tr(en, zh), args);
    va_end(args);
    return text;
}

/* Returns a copy of `buf`, which is freed. `rc` is the outcome of writing it. */
static const char *keep(struct mk_mistakes *mistakes, struct mk_buf *buf, int rc)
{
    char *copy = rc < 0 ? NULL : mk_arena_dup(mistakes->arena, mk_buf_slice(buf));
    mk_buf_fini(buf);
    mistakes->out_of_memory |= !copy;
    return copy ? copy : "";
}

const char *mk_mistakes_quote(struct mk_mistakes *mistakes, struct mk_slice text)
{
    struct mk_buf buf;
    mk_buf_init(&buf, SIZE_MAX);
    int rc = mk_escape_quote(&buf, text, MAX_QUOTED);
    return keep(mistakes, &buf, rc);
}

const char *mk_mistakes_path(struct mk_mistakes *mistakes, const struct mk_json_path *path)
{
    struct mk_buf buf;
    mk_buf_init(&buf, SIZE_MAX);
    int rc = mk_json_path_write(&buf, path);
    return keep(mistakes, &buf, rc);
}

/* --- the position in the file --- */

/* The value at a path of plain names and numbers, or the innermost value around it. */
static yyjson_val *find(const struct mk_mistakes *mistakes, const char *path)
{
    yyjson_val *value = yyjson_doc_get_root(mistakes->doc);
    while (*path) {
        yyjson_val *inner;
        if (*path == '[') {
            char *end;
            inner = yyjson_arr_get(value, strtoul(path + 1, &end, 10));
            path = end + 1;
        } else {
            path += *path == '.';
            size_t len = strcspn(path, ".[");
            inner = yyjson_obj_getn(value, path, len);
            path += len;
        }
        if (!inner)
            break;
        value = inner;
    }
    return value;
}

/* An address may be written as an object; then the mistake is in its first member. */
static yyjson_val *find_shorthand(struct mk_mistakes *mistakes, const char **path)
{
    yyjson_val *value = find(mistakes, *path);
    for (const struct mk_config_key *key = mk_config_schema.keys; key->name; key++)
        if (key->shorthand && yyjson_is_obj(value) && strcmp(key->name, *path) == 0) {
            *path = mk_mistakes_text(mistakes, "%s.%s", *path, key->keys[0].name);
            return find(mistakes, *path);
        }
    return value;
}

static const char *sentence_of(struct mk_mistakes *mistakes, const struct mk_mistake_found *found)
{
    if (found->text)
        return found->text;
    if (!found->got)
        return mk_mistakes_say(mistakes, "expected %s", "应为%s", found->expected);
    return mk_mistakes_say(mistakes, "expected %s, got %s", "应为%s，实际为%s", found->expected,
                           found->got);
}

void mk_mistakes_add(struct mk_mistakes *mistakes, const struct mk_mistake_found *found)
{
    if (mistakes->count == mistakes->most)
        return;
    struct mk_mistake *mistake = &mistakes->list[mistakes->count];
    const yyjson_val *value = found->value;
    mistake->path = found->path;
    if (mistakes->doc && !value)
        value = found->at ? find(mistakes, found->at) : find_shorthand(mistakes, &mistake->path);
    mistake->at = value ? mk_jsonc_locate(mistakes->text, mistakes->doc, value) : 0;
    mistake->expected = found->expected ? found->expected : "";
    mistake->got = found->got ? found->got : "";
    mistake->text = sentence_of(mistakes, found);
    mistakes->count++;
}

bool mk_mistakes_has(const struct mk_mistakes *mistakes, const char *path)
{
    for (size_t i = 0; i < mistakes->count; i++)
        if (strcmp(mistakes->list[i].path, path) == 0)
            return true;
    return false;
}

static int by_position(const void *a, const void *b)
{
    const struct mk_mistake *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return strcmp(x->path, y->path);
}

void mk_mistakes_sort(struct mk_mistakes *mistakes)
{
    qsort(mistakes->list, mistakes->count, sizeof(mistakes->list[0]), by_position);
}
