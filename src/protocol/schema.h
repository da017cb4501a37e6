/*
 * schema: the tables of the protocol. They are generated from spec/milky-1.2.json,
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

/* "draft", "1.2" */
const char *mk_dialect_name(enum mk_dialect dialect);

struct mk_action; /* one API of one dialect */
struct mk_event_type;

/*
 * Returns the API that a transport of this dialect serves under this name, or NULL. A draft
 * transport serves the draft's own APIs, and those that only 1.2 has, in their form of 1.2
 * (spec/dialects.md).
 */
const struct mk_action *mk_action_find(enum mk_dialect dialect, struct mk_slice name);

/* The event of this 1.2 name, or NULL. */
const struct mk_event_type *mk_event_type_find(struct mk_slice name);
struct mk_slice mk_event_type_name(const struct mk_event_type *type);

#endif
