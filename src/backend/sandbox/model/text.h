/* text: texts of names, signatures and reasons; texts in JSON and SQL. */
#ifndef SB_MODEL_TEXT_H
#define SB_MODEL_TEXT_H

#include "backend/sandbox/turn/limits.h"

/* In characters; a field that must not be empty has `least` 1. A `limit` counts before `most`. */
struct sb_text_rule {
    const char *field; /* the name of the param */
    size_t least;
    size_t most;
    bool lines;                   /* line feeds are allowed; no other control character is */
    const struct sb_limit *limit; /* of sb_limits; or NULL */
};

/* Characters of a text whose limit only warns. */
enum { SB_TEXT_BOUND = 10000 };

/* The number of characters (code points) of a valid text. */
size_t sb_text_chars(struct mk_slice text);

/* Returns a string of the params (or of any object), borrowed; "" when it is missing. */
struct mk_slice sb_text_param(yyjson_mut_val *object, const char *name);

/*
 * Refuses a text that breaks the rule, with SB_BAD_TEXT. A text of blanks counts as empty. Returns
 * 0, SB_REFUSED, or what its limit says (turn/limits.h).
 */
int sb_text_check(struct sb_request *request, const struct sb_text_rule *rule,
                  struct mk_slice text);

/* Copies a borrowed text into `doc`. Returns false when out of memory. */
bool sb_text_keep(yyjson_mut_doc *doc, struct mk_slice *text);

/* Adds a text field, copied into `doc`. Returns false when out of memory. */
bool sb_text_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                 struct mk_slice text);

/* Binds a text that must outlive the run of the statement. */
void sb_text_bind(sqlite3_stmt *statement, int parameter, struct mk_slice text);

#endif
