/*
 * world_list: how rows of the database are written as the JSON of a world (docs/SANDBOX.md). Each
 * feature describes its own lists, store/feature.h; world/dump.c and world/load.c walk through all
 * of them in both directions. Types, ranges and defaults are in spec/sandbox.json (`structs`): JSON
 * that is loaded was checked and completed by that table.
 */
#ifndef SB_MODEL_WORLD_LIST_H
#define SB_MODEL_WORLD_LIST_H

#include "backend/sandbox/turn/request.h"
#include "base/json_path.h"

enum sb_column_kind {
    SB_KIND_NUMBER,
    SB_KIND_TEXT,
    SB_KIND_FLAG,   /* 0 or 1 */
    SB_KIND_CHOICE, /* an index into `choices` */
    SB_KIND_JSON,   /* a text */
};

/* The kind of row that a field refers to. It must exist when the row of the field is inserted. */
enum sb_world_refers { SB_REFERS_NOTHING, SB_REFERS_PERSON, SB_REFERS_GROUP, SB_REFERS_MEDIA };

#define SB_COLUMN_NOW UINT64_MAX /* as `otherwise`: the time of the world */

struct sb_column {
    const char *name; /* of the field; NULL ends the columns */
    enum sb_column_kind kind;
    bool required; /* a dump always has it; otherwise it leaves out `otherwise` and "" */
    const char *const *choices; /* ended by NULL */
    uint64_t otherwise;         /* the number where the field is absent */
    bool nullable;              /* absent is NULL */
    enum sb_world_refers refers;
};

/* clang-format off */
#define SB_COLUMN_PERSON(field) { field, SB_KIND_NUMBER, true, .refers = SB_REFERS_PERSON }
#define SB_COLUMN_ID(field) { field, SB_KIND_NUMBER, true } /* of something that may be gone */
#define SB_COLUMN_TIME(field) { field, SB_KIND_NUMBER, .otherwise = SB_COLUMN_NOW }
#define SB_COLUMN_TEXT(field) { field, SB_KIND_TEXT }
#define SB_COLUMN_REQUIRED_TEXT(field) { field, SB_KIND_TEXT, true }
#define SB_COLUMN_NUMBER(field) { field, SB_KIND_NUMBER }
#define SB_COLUMN_NULLABLE(field) { field, SB_KIND_NUMBER, .nullable = true }
#define SB_COLUMN_FLAG(field) { field, SB_KIND_FLAG }
#define SB_COLUMN_CHOICE(field, texts) { field, SB_KIND_CHOICE, .choices = texts }
#define SB_COLUMN_JSON(field) { field, SB_KIND_JSON, true }
#define SB_COLUMN_PICTURE(field) { field, SB_KIND_TEXT, .nullable = true, .refers = SB_REFERS_MEDIA }
#define SB_COLUMN_CONTENT(field) { field, SB_KIND_TEXT, true, .refers = SB_REFERS_MEDIA }
/* clang-format on */

enum { SB_COLUMNS_MAX = 24 };

/* The value of an element for one column. */
struct sb_value {
    bool given;
    uint64_t number;
    struct mk_slice text; /* "" where it was not given; borrowed from the document */
    yyjson_mut_val *json; /* as it was given, or NULL */
};

struct sb_world_list {
    const char *name; /* of the field that has the list */
    /* The list whose elements have this one; NULL: it is at the top of the world. */
    const struct sb_world_list *within;
    /* ?1: the key of the element that has the list. The result has the key of the row, for the
     * lists within it, then one column for each of `columns`. */
    const char *select;
    /* ?1 likewise, then one parameter for each column. The rowid is the key of the row. The
     * function from_hex reads a number of 16 hexadecimal digits. */
    const char *insert;
    const struct sb_column *columns;
    /* Optional: checks what the table cannot say; it may change the values. Returns 0, SB_REFUSED
     * or -errno. */
    int (*check)(struct sb_request *request, const struct mk_json_path *path,
                 yyjson_mut_val *element, struct sb_value *values);
    const char *after; /* optional: SQL that runs after the lists of an element. ?1: its key */
};

#endif
