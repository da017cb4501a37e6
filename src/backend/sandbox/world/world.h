/*
 * world: a whole world as JSON (docs/SANDBOX.md), out of the database and into it. What stands in
 * it is described once, in world_lists.c: each list of the JSON is a table; both directions walk
 * along that. Parts of a world, such as one person or one group, are read in the same way.
 */
#ifndef SB_WORLD_WORLD_H
#define SB_WORLD_WORLD_H

#include "backend/sandbox/world/rules.h"
#include "base/buf.h"

enum { SB_WORLD_VERSION = 1 }; /* of the JSON: "milky_world" */

/* What a field of a world refers to. */
enum sb_world_refers { SB_REFERS_NOTHING, SB_REFERS_PERSON, SB_REFERS_GROUP, SB_REFERS_MEDIA };

#define SB_RULE_NOW UINT64_MAX /* as `otherwise`: the time of the world */

/*
 * One list. In its rules those of kind SB_RULE_LIST stand at the end: they are the lists within
 * each element, in the order of `lists`. SB_RULE_ANY is JSON, a text in the database.
 */
struct sb_world_list {
    const char *name;
    /* ?1: the key of what the list is in. Column 0: the key of a row for the lists within it; then
     * one column for each rule. */
    const char *select;
    /* ?1 likewise, then one parameter for each rule. The key of a row is its rowid. */
    const char *insert;
    const struct sb_rule *rules;
    const struct sb_world_list *const *lists; /* ended by NULL; or NULL */
    /* Optional: what the rules cannot say; it may change the values. 0, SB_REFUSED or -errno. */
    int (*check)(struct sb_request *request, const struct mk_json_path *path,
                 struct sb_value *values);
    const char *after; /* optional: SQL for when an element is there with its lists. ?1: its key */
};

/* The lists of a world, in the order in which they can be loaded; ended by NULL. */
extern const struct sb_world_list *const sb_world_lists[];

/* Those that can be added to one by one. */
extern const struct sb_world_list sb_world_people, sb_world_friendships, sb_world_groups;

/*
 * Takes the place of everything in the database with `world`, within the request. Refused, nothing
 * has changed. The bots of the configuration that are not in it join it, knowing nobody.
 * Returns 0, SB_REFUSED or -errno.
 */
int sb_world_load(struct sb_request *request, yyjson_mut_val *world);

/* Adds one element to a list that is at the top. Likewise. */
int sb_world_add(struct sb_request *request, const struct sb_world_list *list,
                 yyjson_mut_val *element);

/* Takes everything out of the database, within the request. Returns 0 or -errno. */
int sb_world_clear(struct sb_request *request);

/* Reads the JSON of a file into the document of the request. Returns 0, SB_REFUSED or -errno. */
int sb_world_read_file(struct sb_request *request, const char *path, yyjson_mut_val **world);

/* Loads sandbox->world, in the transaction of the start. Returns 0 or -errno, logged. */
int sb_world_start(struct sb_sandbox *sandbox);

/* The operations on whole worlds; the list ends with a NULL name. */
extern const struct sb_api sb_world_apis[];

/* Appends the world as JSON. Returns 0, -ENOBUFS when it does not fit, or another -errno. */
int sb_world_dump(struct sb_sandbox *sandbox, struct mk_buf *out);

#endif
