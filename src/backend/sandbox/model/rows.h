/* rows: rows of the database as JSON. */
#ifndef SB_MODEL_ROWS_H
#define SB_MODEL_ROWS_H

#include "backend/sandbox/store/db.h"

#include <yyjson.h>

/* Makes the JSON of the current row in `doc`. Returns NULL when out of memory. */
typedef yyjson_mut_val *sb_row_reader(yyjson_mut_doc *doc, sqlite3_stmt *row, const void *arg);

/* Reads the first row. Returns 1 with `*value` set, 0 when there is no row, or -errno. */
int sb_row_read(struct sb_db *db, sqlite3_stmt *statement, yyjson_mut_doc *doc, sb_row_reader *read,
                const void *arg, yyjson_mut_val **value);

/* Reads all rows into an array. Returns 0 with `*array` set, or -errno. */
int sb_rows_read(struct sb_db *db, sqlite3_stmt *statement, yyjson_mut_doc *doc,
                 sb_row_reader *read, const void *arg, yyjson_mut_val **array);

/* Adds the JSON of the current row to `list`. Returns 0 or -errno. */
typedef int sb_row_adder(sqlite3_stmt *row, void *arg, yyjson_mut_val *list);

/*
 * Reads at most `limit` rows into `list`. Returns 0 at the end, -errno, or 1 when there is another
 * row: the statement is on that row until the caller resets it.
 */
int sb_rows_page(struct sb_db *db, sqlite3_stmt *statement, uint64_t limit, sb_row_adder *add,
                 void *arg, yyjson_mut_val *list);

#endif
