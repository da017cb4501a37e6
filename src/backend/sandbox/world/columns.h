/*
 * columns: how the fields of a world's JSON (spec/sandbox.json, `structs`) are kept in columns of
 * the database. Types, ranges and defaults are not here: JSON that is read has been checked and
 * completed by that table (world.h).
 */
#ifndef SB_WORLD_COLUMNS_H
#define SB_WORLD_COLUMNS_H

#include "backend/sandbox/turn/request.h"

enum sb_column_kind {
    SB_COLUMN_NUMBER,
    SB_COLUMN_TEXT,
    SB_COLUMN_FLAG,   /* 0 or 1 */
    SB_COLUMN_CHOICE, /* which of `choices` */
    SB_COLUMN_JSON,   /* a text */
    SB_COLUMN_LIST,   /* no column: a list within the element */
};

/* What a field refers to, which must exist when the row is inserted. */
enum sb_world_refers { SB_REFERS_NOTHING, SB_REFERS_PERSON, SB_REFERS_GROUP, SB_REFERS_MEDIA };

#define SB_COLUMN_NOW UINT64_MAX /* as `otherwise`: the time of the world */

struct sb_column {
    const char *name; /* of the field; NULL ends a table */
    enum sb_column_kind kind;
    bool required;              /* a dump has it always; else not where it is `otherwise`, or "" */
    const char *const *choices; /* ended by NULL */
    uint64_t otherwise;         /* the number where the field is absent */
    bool nullable;              /* absent is NULL */
    enum sb_world_refers refers;
};

enum { SB_COLUMNS_MAX = 24 };

/* What an element has for one column. */
struct sb_value {
    bool given;
    uint64_t number;
    struct mk_slice text; /* "" where it was not given; borrowed from the document */
    yyjson_mut_val *json; /* as it was given, or NULL */
};

/* Reads an object that has been checked: values[i] for columns[i]. */
void sb_columns_read(const struct sb_column *columns, yyjson_mut_val *element,
                     struct sb_value *values);

#endif
