/* problem: see the header. */
#include "protocol/problem.h"

#include "base/json.h"
#include "base/suggestion.h"
#include "protocol/text.h"

#include <errno.h>
#include <inttypes.h>

enum { LONGEST = 8192 };

static struct mk_buf begin(void)
{
    struct mk_buf text;
    mk_buf_init(&text, LONGEST);
    return text;
}

/* Moves a finished message to the arena; `rc` is the result of writing it. */
static int finish(struct mk_arena *arena, struct mk_buf *text, int rc, struct mk_slice *problem)
{
    char *copy = rc < 0 ? NULL : mk_arena_dup(arena, mk_buf_slice(text));
    if (copy)
        *problem = mk_slice_of(copy, text->len);
    mk_buf_fini(text);
    return copy ? MK_MALFORMED : -ENOMEM;
}

/* Writes the value itself if that is more useful than its type. */
static int write_got(struct mk_buf *out, yyjson_val *got, bool show_string, bool show_number)
{
    struct mk_slice raw = mk_slice_of(yyjson_get_raw(got), yyjson_get_len(got));
    struct mk_slice string = mk_slice_of(yyjson_get_str(got), yyjson_get_len(got));
    int rc = mk_buf_append_slice(out, MK_SLICE(", got "));
    if (rc < 0)
        return rc;
    if (show_number && raw.ptr)
        return mk_text_write_truncated(out, raw);
    if (!show_string || !string.ptr)
        return mk_buf_append_slice(out, mk_slice_str(got ? mk_json_type_name(got) : "nothing"));
    rc = mk_buf_append_char(out, '"');
    if (rc == 0)
        rc = mk_text_write_truncated(out, string);
    return rc < 0 ? rc : mk_buf_append_char(out, '"');
}

static int write_choice(struct mk_buf *out, struct mk_slice name, size_t index)
{
    return mk_buf_printf(out, "%s\"%.*s\"", index == 0 ? "one of " : ", ", (int)name.len, name.ptr);
}

static int write_enum(struct mk_buf *out, const struct mk_type *type)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < type->value_count; i++)
        rc = write_choice(out, type->values[i], i);
    return rc;
}

static int write_type(struct mk_buf *out, const struct mk_type *type)
{
    switch (type->kind) {
    case MK_KIND_BOOL:
        return mk_buf_append_slice(out, MK_SLICE("boolean"));
    case MK_KIND_INT:
        return mk_buf_printf(out, "integer from %" PRId64 " to %" PRId64, INT64_MIN, INT64_MAX);
    case MK_KIND_UINT:
        return mk_buf_printf(out, "integer from 0 to %" PRId64, INT64_MAX);
    case MK_KIND_UIN:
        return mk_buf_printf(out, "integer from 10001 to %" PRIu32, UINT32_MAX);
    case MK_KIND_STRING:
    case MK_KIND_TEXT_MESSAGE:
        return mk_buf_append_slice(out, MK_SLICE("string"));
    case MK_KIND_RANGE:
        return mk_buf_printf(out, "integer from %" PRId64 " to %" PRId64, type->least, type->most);
    case MK_KIND_TEXT:
        if (type->least == 0)
            return mk_buf_printf(out, "string of at most %" PRId64 " bytes", type->most);
        return mk_buf_printf(out, "string of %" PRId64 " to %" PRId64 " bytes", type->least,
                             type->most);
    case MK_KIND_FRACTION:
        return mk_buf_append_slice(out, MK_SLICE("number from 0 to 1"));
    case MK_KIND_JSON:
        return mk_buf_append_slice(out, MK_SLICE("any JSON"));
    case MK_KIND_ENUM:
        return write_enum(out, type);
    case MK_KIND_ARRAY:
        return mk_buf_append_slice(out, MK_SLICE("array"));
    default:
        return mk_buf_append_slice(out, MK_SLICE("object"));
    }
}

static int write_path(struct mk_buf *out, const struct mk_json_path *at)
{
    return at ? mk_json_path_write(out, at) : mk_buf_append_slice(out, MK_SLICE("params"));
}

static int write_start(struct mk_buf *out, const struct mk_json_path *at)
{
    int rc = write_path(out, at);
    return rc < 0 ? rc : mk_buf_append_slice(out, MK_SLICE(": expected "));
}

int mk_problem(struct mk_arena *arena, const struct mk_json_path *at, struct mk_slice expected,
               yyjson_val *got, struct mk_slice *problem)
{
    struct mk_buf text = begin();
    int rc = write_start(&text, at);
    if (rc == 0)
        rc = mk_buf_append_slice(&text, expected);
    if (rc == 0)
        rc = write_got(&text, got, true, false);
    return finish(arena, &text, rc, problem);
}

int mk_problem_of_type(struct mk_arena *arena, const struct mk_json_path *at,
                       const struct mk_type *type, yyjson_val *got, struct mk_slice *problem)
{
    bool number = type->kind == MK_KIND_INT || type->kind == MK_KIND_UINT ||
                  type->kind == MK_KIND_UIN || type->kind == MK_KIND_RANGE ||
                  type->kind == MK_KIND_FRACTION;
    struct mk_buf text = begin();
    int rc = write_start(&text, at);
    if (rc == 0)
        rc = write_type(&text, type);
    if (rc == 0 && type->kind == MK_KIND_TEXT && yyjson_is_str(got))
        rc = mk_buf_printf(&text, ", got %zu bytes", yyjson_get_len(got));
    else if (rc == 0)
        rc = write_got(&text, got, type->kind == MK_KIND_ENUM, number);
    return finish(arena, &text, rc, problem);
}

int mk_problem_of_tag(struct mk_arena *arena, const struct mk_json_path *at,
                      const struct mk_union *choice, yyjson_val *got, struct mk_slice *problem)
{
    struct mk_buf text = begin();
    int rc = write_start(&text, at);
    for (size_t i = 0; rc == 0 && i < choice->count; i++)
        rc = write_choice(&text, choice->variants[i].name, i);
    if (rc == 0)
        rc = write_got(&text, got, true, false);
    return finish(arena, &text, rc, problem);
}

int mk_problem_of_id(struct mk_arena *arena, const struct mk_json_path *at,
                     struct mk_conversation conversation, yyjson_val *got, struct mk_slice *problem)
{
    struct mk_buf text = begin();
    int rc = write_start(&text, at);
    if (rc == 0 && conversation.scene == MK_SCENE_NONE)
        rc = mk_buf_append_slice(&text, MK_SLICE("a message_id such as \"Group:123456:42\""));
    else if (rc == 0)
        rc = mk_buf_printf(&text, "a message_id that begins with \"%s:%" PRIu64 ":\"",
                           mk_scenes[conversation.scene].id.ptr, conversation.id);
    if (rc == 0)
        rc = write_got(&text, got, true, false);
    return finish(arena, &text, rc, problem);
}

static int write_names(struct mk_buf *out, const struct mk_object *object, struct mk_slice also)
{
    bool is_first = true;
    int rc = mk_buf_append_slice(out, MK_SLICE(" (here are: "));
    if (rc == 0 && also.len > 0) {
        rc = mk_buf_append_slice(out, also);
        is_first = false;
    }
    for (size_t i = 0; i < object->count && rc == 0; i++) {
        if (object->fields[i].name.len == 0)
            continue;
        rc = mk_buf_printf(out, "%s%s", is_first ? "" : ", ", object->fields[i].name.ptr);
        is_first = false;
    }
    return rc < 0 ? rc : mk_buf_append_char(out, ')');
}

int mk_problem_of_field(struct mk_arena *arena, const struct mk_json_path *at,
                        const struct mk_object *object, struct mk_slice also,
                        struct mk_slice *problem)
{
    struct mk_suggestion near = { 0 };
    struct mk_buf text = begin();
    if (also.len > 0)
        mk_suggestion_offer(&near, at->name, also.ptr);
    for (size_t i = 0; i < object->count; i++)
        if (object->fields[i].name.len > 0)
            mk_suggestion_offer(&near, at->name, object->fields[i].name.ptr);
    int rc = mk_json_path_write(&text, at);
    if (rc == 0)
        rc = mk_buf_append_slice(&text, MK_SLICE(": unknown field"));
    if (rc == 0 && near.best)
        rc = mk_buf_printf(&text, "; did you mean %s?", near.best);
    else if (rc == 0 && (object->count > 0 || also.len > 0))
        rc = write_names(&text, object, also);
    return finish(arena, &text, rc, problem);
}

int mk_problem_say(struct mk_arena *arena, const struct mk_json_path *at, const char *words,
                   struct mk_slice *problem)
{
    struct mk_buf text = begin();
    int rc = write_path(&text, at);
    if (rc == 0)
        rc = mk_buf_printf(&text, ": %s", words);
    return finish(arena, &text, rc, problem);
}

int mk_problem_refuse(struct mk_arena *arena, struct mk_slice param, const char *text,
                      struct mk_slice *problem)
{
    const struct mk_json_path at = { .name = param };
    int rc = mk_problem_say(arena, &at, text, problem);
    return rc < 0 ? rc : MK_REFUSED;
}
