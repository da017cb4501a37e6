/*
 * rules: what an operator may send, field by field, and reading it. No table of the protocol
 * describes it, so everything is checked here: types, ranges, and names nobody knows, which are
 * mostly mistyped ones.
 */
#ifndef MK_SANDBOX_RULES_H
#define MK_SANDBOX_RULES_H

#include "backend/sandbox/request.h"

enum mk_rule_kind {
    MK_RULE_UIN,    /* number: 10001 to 4294967295 */
    MK_RULE_NUMBER, /* number: `least` to `most` */
    MK_RULE_OFFSET, /* number, as int64_t: -`most` to `most` */
    MK_RULE_TEXT,   /* text: at most `most` bytes, at least `least` */
    MK_RULE_BOOL,   /* number: 0 or 1 */
    MK_RULE_CHOICE, /* number: which of `choices` */
    MK_RULE_OBJECT, /* json */
    MK_RULE_LIST,   /* json */
    MK_RULE_ANY,    /* json */
};

struct mk_rule {
    const char *name; /* NULL ends a table */
    enum mk_rule_kind kind;
    bool required;
    uint64_t least;
    uint64_t most;              /* 0: 4294967295 for numbers, 65535 for texts */
    const char *const *choices; /* ended by NULL */
    uint64_t otherwise;         /* the number, where it is not given */
    bool nullable;              /* in a world (world.h): absent is NULL in the database, */
    unsigned refers;            /* and what it names must be there: enum mk_world_refers */
};

enum { MK_RULES_MAX = 24 };

/* What was given for one rule. */
struct mk_value {
    bool given; /* and not null */
    uint64_t number;
    struct mk_slice text; /* "" where it was not given; borrowed from the document */
    yyjson_mut_val *json; /* as it was given, or NULL */
};

/* Where in a document something stands: "groups[3].members". */
struct mk_spot {
    const struct mk_spot *up; /* NULL: the top */
    const char *name;         /* NULL: element `index` of a list */
    size_t index;
};

/*
 * Reads the object `given`, which stands at `spot` (NULL: it is the params themselves), into
 * values[i] for rules[i]. Returns 0 or MK_REFUSED.
 */
int mk_rules_read(struct mk_request *request, const struct mk_spot *spot,
                  const struct mk_rule *rules, yyjson_mut_val *given, struct mk_value *values);

/* Refuses what stands at `spot`, or in its field `name` (NULL: itself). */
int mk_rules_refuse(struct mk_request *request, const struct mk_spot *spot, const char *name,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
