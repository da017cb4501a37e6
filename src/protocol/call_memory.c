/* call_memory: see the header. */
#include "protocol/call_memory.h"

#include <errno.h>

/* A walk over all strings of a value that are in a text. */
struct strings {
    const struct mk_buf *text;
    struct mk_arena *arena; /* NULL: the strings are measured; else they are copied there */
    size_t bytes;
};

static bool is_within(const struct mk_buf *text, const char *at)
{
    return (uintptr_t)at - (uintptr_t)text->data < text->len;
}

static int visit_string(struct strings *strings, yyjson_mut_val *value)
{
    const char *text = yyjson_mut_get_str(value);
    size_t len = yyjson_mut_get_len(value);
    if (!is_within(strings->text, text))
        return 0;
    strings->bytes += len;
    if (!strings->arena)
        return 0;
    const char *copy = mk_arena_dup(strings->arena, mk_slice_of(text, len));
    if (!copy)
        return -ENOMEM;
    value->uni.str = copy;
    return 0;
}

/* Not deeper than the tables are: MK_DEPTH_MAX segments in each other. */
static int visit(struct strings *strings, yyjson_mut_val *value)
{
    size_t index, count;
    yyjson_mut_val *key, *inner;
    int rc = 0;
    if (yyjson_mut_is_str(value))
        return visit_string(strings, value);
    if (yyjson_mut_is_arr(value)) {
        yyjson_mut_arr_foreach (value, index, count, inner) {
            rc = visit(strings, inner);
            if (rc < 0)
                return rc;
        }
    } else if (yyjson_mut_is_obj(value)) {
        yyjson_mut_obj_foreach (value, index, count, key, inner) {
            rc = visit(strings, inner);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

int mk_call_free_text(struct mk_call *call)
{
    struct strings strings = { .text = &call->text };
    mk_arena_reset(&call->dispatch->reading);
    visit(&strings, call->params);
    if (strings.bytes > call->text.len / 2)
        return 0;
    strings.arena = &call->arena;
    int rc = visit(&strings, call->params);
    if (rc == 0)
        mk_buf_fini(&call->text);
    return rc;
}

bool mk_call_admit(struct mk_call *call)
{
    struct mk_dispatch *dispatch = call->dispatch;
    uint64_t bytes = mk_arena_size(&call->arena) + call->text.cap;
    uint64_t most = dispatch->most_held;
    if (most > 0 && bytes > most - most / 4)
        bytes = most - most / 4;
    if (most > 0 && dispatch->held + bytes > most)
        return false;
    call->held = bytes;
    call->caller->held += bytes;
    dispatch->held += bytes;
    return true;
}
