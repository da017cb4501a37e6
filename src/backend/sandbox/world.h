/*
 * world: a whole world as JSON (docs/SANDBOX.md), out of the database and into it. What stands in
 * it is described once, in world_lists.c: each list of the JSON is a table; both directions walk
 * along that. Parts of a world, such as one person or one group, are read in the same way.
 */
#ifndef MK_SANDBOX_WORLD_H
#define MK_SANDBOX_WORLD_H

#include "backend/sandbox/rules.h"
#include "base/buf.h"

enum { MK_WORLD_VERSION = 1 }; /* of the JSON: "milky_world" */

/* What a field of a world refers to. */
enum mk_world_refers { MK_REFERS_NOTHING, MK_REFERS_PERSON, MK_REFERS_GROUP, MK_REFERS_MEDIA };

#define MK_RULE_NOW UINT64_MAX /* as `otherwise`: the time of the world */

/*
 * One list. In its rules those of kind MK_RULE_LIST stand at the end: they are the lists within
 * each element, in the order of `lists`. MK_RULE_ANY is JSON, a text in the database.
 */
struct mk_world_list {
    const char *name;
    /* ?1: the key of what the list is in. Column 0: the key of a row for the lists within it; then
     * one column for each rule. */
    const char *select;
    /* ?1 likewise, then one parameter for each rule. The key of a row is its rowid. */
    const char *insert;
    const struct mk_rule *rules;
    const struct mk_world_list *const *lists; /* ended by NULL; or NULL */
    /* Optional: what the rules cannot say; it may change the values. 0, MK_REFUSED or -errno. */
    int (*check)(struct mk_request *request, const struct mk_spot *spot, struct mk_value *values);
    const char *after; /* optional: SQL for when an element is there with its lists. ?1: its key */
};

/* The lists of a world, in the order in which they can be loaded; ended by NULL. */
extern const struct mk_world_list *const mk_world_lists[];

/* Those that can be added to one by one. */
extern const struct mk_world_list mk_world_people, mk_world_friendships, mk_world_groups;

/*
 * Takes the place of everything in the database with `world`, within the request. Refused, nothing
 * has changed. The bots of the configuration that are not in it join it, knowing nobody.
 * Returns 0, MK_REFUSED or -errno.
 */
int mk_world_load(struct mk_request *request, yyjson_mut_val *world);

/* Adds one element to a list that is at the top. Likewise. */
int mk_world_add(struct mk_request *request, const struct mk_world_list *list,
                 yyjson_mut_val *element);

/* Takes everything out of the database, within the request. Returns 0 or -errno. */
int mk_world_clear(struct mk_request *request);

/* Reads the JSON of a file into the document of the request. Returns 0, MK_REFUSED or -errno. */
int mk_world_read_file(struct mk_request *request, const char *path, yyjson_mut_val **world);

/* Loads sandbox->world, in the transaction of the start. Returns 0 or -errno, logged. */
int mk_world_start(struct mk_sandbox *sandbox);

/* For control.c: what "reset" is where there is such a file. */
int mk_world_find_reset(struct mk_request *request, const struct mk_sandbox_api **api);

/* Appends the world as JSON. Returns 0, -ENOBUFS when it does not fit, or another -errno. */
int mk_world_dump(struct mk_sandbox *sandbox, struct mk_buf *out);

#endif
