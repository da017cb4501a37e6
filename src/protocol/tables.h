/* clang-format off */
/*
 * tables: the form of the protocol's tables. spec/generate.py generates their contents; this header
 * defines their types.
 *
 * A table describes objects in one dialect, and each of its fields names its counterpart in 1.x. In
 * the tables of 1.x itself a field is its own counterpart. Tables are read in two directions:
 *   in:  params, from the caller's dialect to 1.x (protocol/validate.h)
 *   out: results and events, from 1.x to the caller's dialect (protocol/dialect.h); those of 1.x
 *        also define what a backend must deliver (protocol/result_check.h)
 */
/* clang-format on */
#ifndef MK_PROTOCOL_TABLES_H
#define MK_PROTOCOL_TABLES_H

#include "base/slice.h"
#include "protocol/dialects.h"

#include <stdint.h>

enum {
    MK_FIELDS_MAX = 24, /* fields of one object */
    MK_PARTS_MAX = 8,   /* parts of one pattern */
    MK_NAME_MAX = 63,   /* bytes of the name of an action or event */
    MK_SLOTS = 256,     /* of a hash table of names */
    MK_NO_SLOT = 255,
    MK_ELEMENTS_MAX = 4096, /* of all lists of one call */
    MK_DEPTH_MAX = 17,      /* segments in segments: a message, and 16 forwards in each other */
};

/* Kinds of conversation: `message_scene` of 1.x, the first part of the draft's `message_id`. */
enum mk_scene { MK_SCENE_NONE, MK_SCENE_FRIEND, MK_SCENE_GROUP, MK_SCENE_TEMP, MK_SCENE_COUNT };
struct mk_scene_names {
    struct mk_slice scene; /* "friend" */
    struct mk_slice id;    /* "Private" */
};
extern const struct mk_scene_names mk_scenes[MK_SCENE_COUNT];

enum mk_kind {
    MK_KIND_BOOL,
    MK_KIND_INT,
    MK_KIND_UINT, /* from 0 */
    MK_KIND_UIN,  /* a QQ number: 10001 to 4294967295 */
    MK_KIND_STRING,
    MK_KIND_ENUM,
    MK_KIND_ARRAY,
    MK_KIND_OBJECT,
    MK_KIND_UNION,
    /* In requests of operators alone (protocol/operations.h): */
    MK_KIND_RANGE,        /* an integer from `least` to `most` */
    MK_KIND_TEXT,         /* a string of `least` to `most` bytes */
    MK_KIND_FRACTION,     /* a number from 0 to 1 */
    MK_KIND_TEXT_MESSAGE, /* a string; becomes a message of one text segment */
    MK_KIND_JSON,         /* anything */
};

struct mk_type {
    enum mk_kind kind;
    const struct mk_slice *values; /* MK_KIND_ENUM */
    size_t value_count;
    const struct mk_type *of;       /* MK_KIND_ARRAY */
    const struct mk_object *object; /* MK_KIND_OBJECT */
    const struct mk_union *choice;  /* MK_KIND_UNION */
    int64_t least, most;            /* MK_KIND_RANGE, MK_KIND_TEXT */
};

/* A string of the draft that holds several values of 1.x: "join:{group_id}:{notification_seq}". */
enum mk_part_kind {
    MK_PART_TEXT,   /* literal text */
    MK_PART_STRING, /* a field of 1.x; only as the last part where the pattern is read */
    MK_PART_UINT,
    MK_PART_UIN,
    MK_PART_BOOL,         /* 0 or 1 */
    MK_PART_SCENE,        /* Private, Group, Temp */
    MK_PART_CONVERSATION, /* the conversation of the object: "Group:123456" */
};
struct mk_part {
    enum mk_part_kind kind;
    struct mk_slice text; /* the text, or the field's name */
};
struct mk_pattern {
    const struct mk_part *parts;
    size_t count;
};

/* The value of a field that is absent or null. */
enum mk_absent {
    MK_ABSENT_ERROR,
    MK_ABSENT_SKIP,
    MK_ABSENT_BOOL,      /* `number` is 0 or 1 */
    MK_ABSENT_UINT,      /* `number` */
    MK_ABSENT_STRING,    /* `text` */
    MK_ABSENT_FILE_NAME, /* made of the URI in the field named `text` (in) */
};

struct mk_field {
    struct mk_slice name;        /* in this table's dialect; empty: callers cannot set it (in) */
    struct mk_slice counterpart; /* in 1.x; empty: it has none */
    struct mk_slice within; /* the counterpart is in the object of this field (out); or empty */
    const struct mk_type *type;
    const struct mk_pattern *pattern; /* a string made of several counterparts, or NULL */
    enum mk_absent absent;
    bool empty_is_absent; /* "", 0 and [] count as absent (in) */
    uint64_t number;
    struct mk_slice text;
};

/* How to find the conversation that an object is about from its fields in 1.x. */
struct mk_conversation_rule {
    enum mk_scene scene;         /* MK_SCENE_NONE: the value of scene_field */
    struct mk_slice scene_field; /* "message_scene" */
    struct mk_slice id_field;    /* "peer_id"; empty: `id` */
    uint64_t id;
};

struct mk_object {
    const struct mk_field *fields;
    size_t count;
    const struct mk_conversation_rule *conversation; /* or NULL */
};

/* Objects of several forms, which a field distinguishes. */
struct mk_variant {
    struct mk_slice name;
    struct mk_slice counterpart;
    struct mk_object object;
};
/* A variant of 1.x that this dialect does not have: sent as text (out). */
struct mk_text_fallback {
    struct mk_slice counterpart;
    struct mk_pattern as;
};
struct mk_union {
    struct mk_slice tag;
    struct mk_slice counterpart;
    bool in_data; /* segments: the fields are inside `data`, beside the tag */
    const struct mk_variant *variants;
    size_t count;
    const struct mk_text_fallback *fallbacks;
    size_t fallback_count;
};

/* One pattern of the id of an action; it determines the action of 1.x. */
struct mk_route {
    struct mk_pattern pattern;
    const struct mk_object *params; /* the other ones */
    size_t number;
    const char *refuse; /* why 1.x cannot do that, or NULL */
};

struct mk_action {
    struct mk_slice name;
    enum mk_dialect dialect;
    size_t number;                  /* of its counterpart in 1.x, when there are no routes */
    bool takes_uris;                /* its params may have URIs in them, when there are no routes */
    const struct mk_object *params; /* when there are no routes */
    const struct mk_route *routes;
    size_t route_count;
    struct mk_slice id;           /* the param that chooses the route */
    struct mk_slice id_expected;  /* for the message about a malformed id */
    const struct mk_type *result; /* an object or union */
    struct mk_slice unwrap;       /* the field of the result of 1.x that is the result here */
};

struct mk_event_type {
    struct mk_slice name; /* in 1.x */
    const struct mk_type *data;
};

/* An event in a dialect. */
struct mk_event_form {
    struct mk_slice name;
    const struct mk_type *data; /* NULL: this dialect does not have it, and it is left out */
};

/*
 * The tables of one dialect. Actions are sorted by the length of the name; `slots` is a hash table
 * of the names (schema.c): an index of the table, or MK_NO_SLOT. `events` has the indices of
 * mk_event_types.
 */
struct mk_dialect_tables {
    struct mk_slice name; /* "1.3" */
    unsigned minor;       /* 3; 0: the draft */
    const struct mk_action *actions;
    const uint8_t *slots;
    size_t action_count;
    const struct mk_event_form *events;
};
/* By enum mk_dialect. */
extern const struct mk_dialect_tables mk_dialects[];
extern const size_t mk_dialect_count;

/* The actions of the newest version of 1.x; the index of one is its number. */
extern const struct mk_action mk_actions[];
extern const uint8_t mk_actions_slots[MK_SLOTS];
extern const size_t mk_action_count;

extern const struct mk_event_type mk_event_types[];
extern const uint8_t mk_event_types_slots[MK_SLOTS];
extern const size_t mk_event_type_count;

#endif
