/* overview: who is in the world, which groups there are, and who has which role in them. */
#ifndef SB_OPERATOR_OVERVIEW_H
#define SB_OPERATOR_OVERVIEW_H

#include "backend/sandbox/turn/request.h"
#include "base/language.h"

/* The operation `world`; the list ends with a NULL name. */
extern const struct sb_api sb_operator_overview[];

/*
 * Appends a line for the group with the smallest number that `bot` is in: its name, its owner, and
 * the role of the bot, in `language`. Appends nothing where there is no such group. Returns 0 or
 * -errno.
 */
int sb_overview_line(struct sb_db *db, uint64_t bot, enum mk_language language, struct mk_buf *out);

#endif
