/*
 * world: writes a whole world as JSON (docs/SANDBOX.md), and reads one. spec/sandbox.json describes
 * the JSON and is what it is checked by; the features describe its columns in the database
 * (model/world_list.h). Parts of a world, such as one person or one group, are read in the same
 * way.
 */
#ifndef SB_WORLD_WORLD_H
#define SB_WORLD_WORLD_H

#include "backend/sandbox/model/world_list.h"
#include "base/buf.h"

enum { SB_WORLD_VERSION = 1 }; /* of the JSON: "milky_world" */

/*
 * Replaces everything in the database by `world`, within the request. The world has been checked by
 * spec/sandbox.json; `path` is its JSON path in the params, for messages (NULL: it is the params).
 * A refused world changes nothing. Bots of the configuration that are not in the world are added to
 * it without friends and groups. Returns 0, SB_REFUSED or -errno.
 */
int sb_world_load(struct sb_request *request, const struct mk_json_path *path,
                  yyjson_mut_val *world);

/* Adds one element to a list at the top of the world. The rest likewise. */
int sb_world_add(struct sb_request *request, const struct sb_world_list *list,
                 yyjson_mut_val *element);

/* Deletes everything in the database, within the request. Returns 0 or -errno. */
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
