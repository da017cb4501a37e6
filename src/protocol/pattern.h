/*
 * pattern: writes and reads strings of the draft that hold several values of 1.x: "Group:123456:42"
 * is message_scene, peer_id and message_seq.
 */
#ifndef MK_PROTOCOL_PATTERN_H
#define MK_PROTOCOL_PATTERN_H

#include "base/arena.h"
#include "protocol/tables.h"

#include <yyjson.h>

/* A conversation. Scene MK_SCENE_NONE: unknown; matches any. */
struct mk_conversation {
    enum mk_scene scene;
    uint64_t id;
};

/*
 * Returns the conversation of an object of 1.x according to `rule`; MK_SCENE_NONE for a NULL rule
 * or where fields are missing.
 */
struct mk_conversation mk_conversation_of(const struct mk_conversation_rule *rule,
                                          yyjson_mut_val *object);

/*
 * Builds a string from fields of `object` (of 1.x), NUL-terminated, in `arena`. Returns 0, -ENOENT
 * when a field is absent or null, -EINVAL when one is of another type (or the conversation is not
 * known), -ENOMEM.
 */
int mk_pattern_write(const struct mk_pattern *pattern, yyjson_mut_val *object,
                     struct mk_conversation conversation, struct mk_arena *arena,
                     struct mk_slice *out);

/*
 * Parses `text` and adds its values to `object`, an object of 1.x in `doc`; strings borrow from
 * `text`. A MK_PART_CONVERSATION must be `conversation` (the friend and the temporary session of
 * one user are considered equal). Returns 0, MK_PATTERN_OTHER when the text does not match the
 * pattern (then nothing was added), -ENOMEM.
 */
enum { MK_PATTERN_OTHER = 1 };
int mk_pattern_read(const struct mk_pattern *pattern, struct mk_slice text,
                    struct mk_conversation conversation, yyjson_mut_doc *doc,
                    yyjson_mut_val *object);

#endif
