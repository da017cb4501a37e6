/*
 * schema: the tables of the protocol. They are generated from spec/milky-1.*.json,
 * spec/milky-draft.json and spec/dialects.json by spec/generate.py during the build.
 *
 * Flow: dispatch looks up an action here, `validate` checks params against it, `dialect` translates
 * by it.
 */
#ifndef MK_PROTOCOL_SCHEMA_H
#define MK_PROTOCOL_SCHEMA_H

#include "base/slice.h"
#include "protocol/dialects.h"

#include <stdint.h>

/* "draft", "1.3" */
const char *mk_dialect_name(enum mk_dialect dialect);

/* The dialect of Milky 1.`minor`; the newest one where there is no such version. 0 is the draft. */
enum mk_dialect mk_dialect_of_minor(unsigned minor);

struct mk_action; /* one API of one dialect */
struct mk_event_type;

/*
 * Returns the API that a transport of this dialect serves under this name, or NULL. A draft
 * transport serves the draft's own APIs, and those that only 1.x has, in their form of the newest
 * version (spec/dialects.md).
 */
const struct mk_action *mk_action_find(enum mk_dialect dialect, struct mk_slice name);

/* The event of this name in 1.x, or NULL. */
const struct mk_event_type *mk_event_type_find(struct mk_slice name);
struct mk_slice mk_event_type_name(const struct mk_event_type *type);

/* Its name in the draft. */
struct mk_slice mk_event_type_draft_name(const struct mk_event_type *type);

/* Returns whether a dialect has the event; where not, it is left out. */
bool mk_event_type_is_in(const struct mk_event_type *type, enum mk_dialect dialect);

#endif
