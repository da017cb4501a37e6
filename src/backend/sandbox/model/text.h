/* text: what people may write where no message is: names, signatures, reasons. */
#ifndef SB_MODEL_TEXT_H
#define SB_MODEL_TEXT_H

#include "backend/sandbox/turn/request.h"

/* How much, in characters; a field that may not be empty has `least` 1. */
struct sb_text_rule {
    const char *field; /* as the caller knows it */
    size_t least;
    size_t most;
    bool lines; /* line feeds may stand in it; no other control character ever may */
};

/* The number of characters (code points) of a valid text. */
size_t sb_text_chars(struct mk_slice text);

/* A string of the params (or of any object), borrowed; empty where there is none. */
struct mk_slice sb_text_param(yyjson_mut_val *object, const char *name);

/*
 * Refuses a text that breaks the rule, with SB_BAD_TEXT. One of blanks alone counts as
 * empty. Returns 0 or SB_REFUSED.
 */
int sb_text_check(struct sb_request *request, const struct sb_text_rule *rule,
                  struct mk_slice text);

/* Copies a borrowed text into `doc`. Returns false when out of memory. */
bool sb_text_keep(yyjson_mut_doc *doc, struct mk_slice *text);

/* Adds a text field, copied into `doc`. Returns false when out of memory. */
bool sb_put_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                 struct mk_slice text);

/* Binds a text that outlives the statement's run. */
void sb_text_bind(sqlite3_stmt *statement, int parameter, struct mk_slice text);

#endif
