/* pattern: see the header. */
#include "protocol/pattern.h"

#include "base/json.h"

#include <errno.h>

static enum mk_scene scene_of(yyjson_mut_val *name)
{
    for (int i = MK_SCENE_FRIEND; i < MK_SCENE_COUNT; i++)
        if (yyjson_mut_equals_strn(name, mk_scenes[i].scene.ptr, mk_scenes[i].scene.len))
            return (enum mk_scene)i;
    return MK_SCENE_NONE;
}

/*
 * Numbers of 1.x in texts are never negative. mk_json_integer reads both kinds of value:
 * yyjson_mut_val begins with the members of yyjson_val.
 */
static bool number_of(yyjson_mut_val *value, uint64_t *number)
{
    bool negative;
    return value && mk_json_integer((const yyjson_val *)value, &negative, number) && !negative;
}

struct mk_conversation mk_conversation_of(const struct mk_conversation_rule *rule,
                                          yyjson_mut_val *object)
{
    struct mk_conversation conversation = { MK_SCENE_NONE, 0 };
    if (!rule)
        return conversation;
    enum mk_scene scene = rule->scene;
    if (scene == MK_SCENE_NONE)
        scene = scene_of(mk_json_member(object, rule->scene_field));
    conversation.id = rule->id;
    if (rule->id_field.len > 0 &&
        !number_of(mk_json_member(object, rule->id_field), &conversation.id))
        return conversation;
    conversation.scene = scene;
    return conversation;
}

/* The text of one part: borrowed, or written to `room`. */
enum { ROOM = 32 };

static struct mk_slice number_text(uint64_t number, char room[ROOM])
{
    char *at = room + ROOM;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return mk_slice_of(at, (size_t)(room + ROOM - at));
}

/* "Group:123456" */
static struct mk_slice conversation_text(struct mk_conversation conversation, char room[ROOM])
{
    struct mk_slice number = number_text(conversation.id, room);
    struct mk_slice scene = mk_scenes[conversation.scene].id;
    char *at = room + ROOM - number.len - 1;
    *at = ':';
    at -= scene.len;
    memcpy(at, scene.ptr, scene.len);
    return mk_slice_of(at, (size_t)(room + ROOM - at));
}

static int part_text(const struct mk_part *part, yyjson_mut_val *object,
                     struct mk_conversation conversation, char room[ROOM], struct mk_slice *out)
{
    if (part->kind == MK_PART_TEXT) {
        *out = part->text;
        return 0;
    }
    if (part->kind == MK_PART_CONVERSATION) {
        if (conversation.scene == MK_SCENE_NONE)
            return -EINVAL;
        *out = conversation_text(conversation, room);
        return 0;
    }
    yyjson_mut_val *value = mk_json_member(object, part->text);
    if (!value || yyjson_mut_is_null(value))
        return -ENOENT;
    uint64_t number = 0;
    if (part->kind == MK_PART_STRING && yyjson_mut_is_str(value)) {
        *out = mk_slice_of(yyjson_mut_get_str(value), yyjson_mut_get_len(value));
    } else if (part->kind == MK_PART_SCENE && scene_of(value) != MK_SCENE_NONE) {
        *out = mk_scenes[scene_of(value)].id;
    } else if (part->kind == MK_PART_BOOL && yyjson_mut_is_bool(value)) {
        *out = yyjson_mut_get_bool(value) ? MK_SLICE("1") : MK_SLICE("0");
    } else if ((part->kind == MK_PART_UINT || part->kind == MK_PART_UIN) &&
               number_of(value, &number)) {
        *out = number_text(number, room);
    } else {
        return -EINVAL;
    }
    return 0;
}

int mk_pattern_write(const struct mk_pattern *pattern, yyjson_mut_val *object,
                     struct mk_conversation conversation, struct mk_arena *arena,
                     struct mk_slice *out)
{
    char rooms[MK_PARTS_MAX][ROOM];
    struct mk_slice texts[MK_PARTS_MAX];
    size_t len = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        int rc = part_text(&pattern->parts[i], object, conversation, rooms[i], &texts[i]);
        if (rc < 0)
            return rc;
        len += texts[i].len;
    }
    char *text = mk_arena_alloc(arena, len + 1);
    if (!text)
        return -ENOMEM;
    char *at = text;
    for (size_t i = 0; i < pattern->count; i++) {
        if (texts[i].len > 0)
            memcpy(at, texts[i].ptr, texts[i].len);
        at += texts[i].len;
    }
    *at = '\0';
    *out = mk_slice_of(text, len);
    return 0;
}

/* --- taking apart --- */

struct value {
    uint64_t number;
    struct mk_slice text;
};

/* Reads decimal digits as mk_pattern_write writes them: no sign, no leading zeros. */
static bool take_number(struct mk_slice *rest, bool is_uin, uint64_t *number)
{
    size_t len = 0;
    uint64_t value = 0;
    while (len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9') {
        if (value > (uint64_t)INT64_MAX / 10)
            return false;
        value = value * 10 + (uint64_t)(rest->ptr[len] - '0');
        len++;
    }
    if (len == 0 || (len > 1 && rest->ptr[0] == '0') || value > INT64_MAX)
        return false;
    if (is_uin && (value < 10001 || value > UINT32_MAX))
        return false;
    *rest = mk_slice_from(*rest, len);
    *number = value;
    return true;
}

static enum mk_scene take_scene(struct mk_slice *rest)
{
    for (int i = MK_SCENE_FRIEND; i < MK_SCENE_COUNT; i++) {
        if (!mk_slice_starts_with(*rest, mk_scenes[i].id))
            continue;
        *rest = mk_slice_from(*rest, mk_scenes[i].id.len);
        return (enum mk_scene)i;
    }
    return MK_SCENE_NONE;
}

static bool take_conversation(struct mk_slice *rest, struct mk_conversation expected)
{
    struct mk_conversation got = { .scene = take_scene(rest) };
    if (got.scene == MK_SCENE_NONE || rest->len == 0 || rest->ptr[0] != ':')
        return false;
    *rest = mk_slice_from(*rest, 1);
    if (!take_number(rest, true, &got.id))
        return false;
    bool same_kind = (got.scene == MK_SCENE_GROUP) == (expected.scene == MK_SCENE_GROUP);
    return expected.scene == MK_SCENE_NONE || (same_kind && got.id == expected.id);
}

static bool take_part(const struct mk_part *part, struct mk_slice *rest,
                      struct mk_conversation conversation, struct value *value)
{
    switch (part->kind) {
    case MK_PART_TEXT:
        if (!mk_slice_starts_with(*rest, part->text))
            return false;
        *rest = mk_slice_from(*rest, part->text.len);
        return true;
    case MK_PART_STRING:
        value->text = *rest;
        *rest = (struct mk_slice){ 0 };
        return value->text.len > 0;
    case MK_PART_UINT:
    case MK_PART_UIN:
        return take_number(rest, part->kind == MK_PART_UIN, &value->number);
    case MK_PART_BOOL:
        return take_number(rest, false, &value->number) && value->number <= 1;
    case MK_PART_SCENE:
        value->number = take_scene(rest);
        value->text = mk_scenes[value->number].scene;
        return value->number != MK_SCENE_NONE;
    case MK_PART_CONVERSATION:
        return take_conversation(rest, conversation);
    }
    return false;
}

static yyjson_mut_val *part_value(const struct mk_part *part, const struct value *value,
                                  yyjson_mut_doc *doc)
{
    switch (part->kind) {
    case MK_PART_STRING:
    case MK_PART_SCENE:
        return yyjson_mut_strn(doc, value->text.ptr, value->text.len);
    case MK_PART_BOOL:
        return yyjson_mut_bool(doc, value->number == 1);
    default:
        return yyjson_mut_uint(doc, value->number);
    }
}

int mk_pattern_read(const struct mk_pattern *pattern, struct mk_slice text,
                    struct mk_conversation conversation, yyjson_mut_doc *doc,
                    yyjson_mut_val *object)
{
    struct value values[MK_PARTS_MAX] = { 0 };
    for (size_t i = 0; i < pattern->count; i++)
        if (!take_part(&pattern->parts[i], &text, conversation, &values[i]))
            return MK_PATTERN_OTHER;
    if (text.len > 0)
        return MK_PATTERN_OTHER;
    for (size_t i = 0; i < pattern->count; i++) {
        const struct mk_part *part = &pattern->parts[i];
        if (part->kind == MK_PART_TEXT || part->kind == MK_PART_CONVERSATION)
            continue;
        yyjson_mut_val *value = part_value(part, &values[i], doc);
        if (!yyjson_mut_obj_add(object, yyjson_mut_strn(doc, part->text.ptr, part->text.len),
                                value))
            return -ENOMEM;
    }
    return 0;
}
