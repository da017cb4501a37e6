/*
 * rules: what an operator may send, field by field, and reading it. No table of the protocol
 * describes it, so everything is checked here: types, ranges, and names nobody knows, which are
 * mostly mistyped ones.
 */
#ifndef SB_WORLD_RULES_H
#define SB_WORLD_RULES_H

#include "backend/sandbox/turn/request.h"
#include "base/json_path.h"

enum sb_rule_kind {
    SB_RULE_UIN,    /* number: 10001 to 4294967295 */
    SB_RULE_NUMBER, /* number: `least` to `most` */
    SB_RULE_OFFSET, /* number, as int64_t: -`most` to `most` */
    SB_RULE_TEXT,   /* text: at most `most` bytes, at least `least` */
    SB_RULE_BOOL,   /* number: 0 or 1 */
    SB_RULE_CHOICE, /* number: which of `choices` */
    SB_RULE_OBJECT, /* json */
    SB_RULE_LIST,   /* json */
    SB_RULE_ANY,    /* json */
};

struct sb_rule {
    const char *name; /* NULL ends a table */
    enum sb_rule_kind kind;
    bool required;
    uint64_t least;
    uint64_t most;              /* 0: 4294967295 for numbers, 65535 for texts */
    const char *const *choices; /* ended by NULL */
    uint64_t otherwise;         /* the number, where it is not given */
    bool nullable;              /* in a world (world.h): absent is NULL in the database, */
    unsigned refers;            /* and what it names must be there: enum sb_world_refers */
};

enum { SB_RULES_MAX = 24 };

/* What was given for one rule. */
struct sb_value {
    bool given; /* and not null */
    uint64_t number;
    struct mk_slice text; /* "" where it was not given; borrowed from the document */
    yyjson_mut_val *json; /* as it was given, or NULL */
};

/*
 * Reads the object `given`, which is at `at` (NULL: it is the params themselves), into
 * values[i] for rules[i]. Returns 0 or SB_REFUSED.
 */
int sb_rules_read(struct sb_request *request, const struct mk_json_path *at,
                  const struct sb_rule *rules, yyjson_mut_val *given, struct sb_value *values);

/* Refuses the value at `at`, or in its field `name` (NULL: the value itself). */
int sb_rules_refuse(struct sb_request *request, const struct mk_json_path *at, const char *name,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
