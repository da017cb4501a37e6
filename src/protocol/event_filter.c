/*
 * event_filter: see the header. What an event is about is found by the names of its fields in 1.x,
 * which mean the same in all events.
 */
#include "protocol/event_filter.h"

#include "base/json.h"
#include "protocol/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TYPES = 64 };

struct mk_event_filter {
    size_t users_of_it;
    uint64_t types;  /* a bit for each event type, by its index; 0: all */
    unsigned scenes; /* a bit for each enum mk_scene; 0: all */
    bool mentioned;
    bool own_messages;
    size_t group_count;
    size_t user_count;
    uint64_t numbers[]; /* of the groups, then of the users; both sorted */
};

const struct mk_event_filter mk_event_filter_all = { .own_messages = true };

/* --- making --- */

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static void copy_sorted(uint64_t *to, const uint64_t *from, size_t count)
{
    if (count == 0)
        return;
    memcpy(to, from, count * sizeof(*to));
    qsort(to, count, sizeof(*to), compare);
}

static uint64_t types_of(const struct milky_events *events)
{
    uint64_t types = 0;
    for (size_t i = 0; i < events->type_count; i++) {
        struct mk_slice name = mk_slice_str(events->types[i]);
        for (size_t t = 0; t < mk_event_type_count && t < MOST_TYPES; t++)
            if (mk_slice_eq(mk_event_types[t].name, name) ||
                mk_slice_eq(mk_event_type_draft_name(&mk_event_types[t]), name))
                types |= UINT64_C(1) << t;
    }
    return types;
}

static enum mk_scene scene_named(struct mk_slice name)
{
    for (int scene = MK_SCENE_NONE + 1; scene < MK_SCENE_COUNT; scene++)
        if (mk_slice_eq(mk_scenes[scene].scene, name))
            return (enum mk_scene)scene;
    return MK_SCENE_NONE;
}

static unsigned scenes_of(const struct milky_events *events)
{
    unsigned scenes = 0;
    for (size_t i = 0; i < events->scene_count; i++)
        scenes |= 1U << scene_named(mk_slice_str(events->scenes[i]));
    return scenes;
}

static bool restricts(const struct milky_events *events)
{
    return events->type_count > 0 || events->scene_count > 0 || events->group_count > 0 ||
           events->user_count > 0 || events->mentioned;
}

int mk_event_filter_new(const struct milky_events *events, bool own_messages,
                        const struct mk_event_filter **filter)
{
    *filter = NULL;
    if (!own_messages && !restricts(events))
        return 0;
    size_t numbers = events->group_count + events->user_count;
    struct mk_event_filter *made = calloc(1, sizeof(*made) + numbers * sizeof(made->numbers[0]));
    if (!made)
        return -ENOMEM;
    made->users_of_it = 1;
    made->types = types_of(events);
    made->scenes = scenes_of(events);
    made->mentioned = events->mentioned;
    made->own_messages = own_messages;
    made->group_count = events->group_count;
    made->user_count = events->user_count;
    copy_sorted(made->numbers, events->groups, events->group_count);
    copy_sorted(made->numbers + events->group_count, events->users, events->user_count);
    *filter = made;
    return 0;
}

const struct mk_event_filter *mk_event_filter_ref(const struct mk_event_filter *filter)
{
    if (filter)
        ((struct mk_event_filter *)(uintptr_t)filter)->users_of_it++;
    return filter;
}

void mk_event_filter_unref(const struct mk_event_filter *filter)
{
    struct mk_event_filter *counted = (struct mk_event_filter *)(uintptr_t)filter;
    if (counted && --counted->users_of_it == 0)
        free(counted);
}

bool mk_event_filter_eq(const struct mk_event_filter *a, const struct mk_event_filter *b)
{
    if (a == b || !a || !b)
        return a == b;
    return a->types == b->types && a->scenes == b->scenes && a->mentioned == b->mentioned &&
           a->own_messages == b->own_messages && a->group_count == b->group_count &&
           a->user_count == b->user_count &&
           memcmp(a->numbers, b->numbers,
                  (a->group_count + a->user_count) * sizeof(a->numbers[0])) == 0;
}

/* FNV-1a, 64 bits. */
static uint64_t hash_more(uint64_t hash, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        hash = (hash ^ (value >> 8 * i & 0xff)) * UINT64_C(1099511628211);
    return hash;
}

uint64_t mk_event_filter_hash(const struct mk_event_filter *filter)
{
    if (!filter)
        return 0;
    uint64_t hash = hash_more(UINT64_C(14695981039346656037), filter->types);
    hash = hash_more(hash, filter->scenes << 2 | (unsigned)filter->mentioned << 1 |
                               (unsigned)filter->own_messages);
    hash = hash_more(hash, filter->group_count);
    for (size_t i = 0; i < filter->group_count + filter->user_count; i++)
        hash = hash_more(hash, filter->numbers[i]);
    return hash;
}

bool mk_event_filter_wants_own(const struct mk_event_filter *filter)
{
    return filter && filter->own_messages;
}

/* --- matching --- */

static bool has(const uint64_t *numbers, size_t count, uint64_t number)
{
    return bsearch(&number, numbers, count, sizeof(*numbers), compare) != NULL;
}

static uint64_t number_in(const struct mk_event *event, const char *field)
{
    return yyjson_mut_get_uint(yyjson_mut_obj_get(event->data, field));
}

/* Events of friends that have no scene have the number of a person, and none of a group. */
static enum mk_scene scene_of(const struct mk_event *event)
{
    yyjson_mut_val *scene = yyjson_mut_obj_get(event->data, "message_scene");
    if (scene)
        return scene_named(mk_slice_of(yyjson_mut_get_str(scene), yyjson_mut_get_len(scene)));
    if (yyjson_mut_obj_get(event->data, "group_id"))
        return MK_SCENE_GROUP;
    return number_in(event, "user_id") || number_in(event, "initiator_id") ? MK_SCENE_FRIEND
                                                                           : MK_SCENE_NONE;
}

static bool is_by_or_about(const struct mk_event_filter *filter, const struct mk_event *event,
                           enum mk_scene scene, bool *names_people)
{
    static const char *const fields[] = { "sender_id",   "user_id",     "initiator_id",
                                          "operator_id", "receiver_id", "target_user_id",
                                          "invitor_id",  NULL };
    const uint64_t *users = filter->numbers + filter->group_count;
    for (size_t i = 0; fields[i]; i++) {
        uint64_t user = number_in(event, fields[i]);
        *names_people |= user > 0;
        if (user > 0 && has(users, filter->user_count, user))
            return true;
    }
    uint64_t peer = scene == MK_SCENE_GROUP ? 0 : number_in(event, "peer_id");
    *names_people |= peer > 0;
    return peer > 0 && has(users, filter->user_count, peer);
}

static bool mentions_bot(const struct mk_event *event)
{
    yyjson_mut_val *segments = yyjson_mut_obj_get(event->data, "segments");
    yyjson_mut_val *segment;
    size_t i, count;
    yyjson_mut_arr_foreach (segments, i, count, segment) {
        yyjson_mut_val *data = yyjson_mut_obj_get(segment, "data");
        if (yyjson_mut_equals_str(yyjson_mut_obj_get(segment, "type"), "mention") &&
            yyjson_mut_get_uint(yyjson_mut_obj_get(data, "user_id")) == event->self_id)
            return true;
    }
    return false;
}

static bool is_message(const struct mk_event *event)
{
    return mk_slice_eq(event->type->name, MK_SLICE("message_receive"));
}

static bool is_own_message(const struct mk_event *event)
{
    return is_message(event) && number_in(event, "sender_id") == event->self_id;
}

bool mk_event_filter_passes(const struct mk_event_filter *filter, const struct mk_event *event)
{
    if (!mk_event_filter_wants_own(filter) && is_own_message(event))
        return false;
    if (!filter)
        return true;
    size_t type = (size_t)(event->type - mk_event_types);
    if (filter->types && (type >= MOST_TYPES || !(filter->types >> type & 1)))
        return false;
    enum mk_scene scene = scene_of(event);
    if (filter->scenes && scene != MK_SCENE_NONE && !(filter->scenes >> scene & 1))
        return false;
    if (filter->group_count > 0 && scene == MK_SCENE_GROUP) {
        uint64_t group = number_in(event, "group_id");
        if (!has(filter->numbers, filter->group_count, group ? group : number_in(event, "peer_id")))
            return false;
    }
    if (filter->user_count > 0) {
        bool names_people = false;
        if (!is_by_or_about(filter, event, scene, &names_people) && names_people)
            return false;
    }
    return !filter->mentioned || !is_message(event) || scene != MK_SCENE_GROUP ||
           mentions_bot(event);
}
