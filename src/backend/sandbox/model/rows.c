/* rows: see the header. */
#include "backend/sandbox/model/rows.h"

#include <errno.h>

int sb_row_read(struct sb_db *db, sqlite3_stmt *statement, yyjson_mut_doc *doc, sb_row_reader *read,
                const void *arg, yyjson_mut_val **value)
{
    int rc = sb_db_step(db, statement);
    if (rc <= 0)
        return rc;
    yyjson_mut_val *made = read(doc, statement, arg);
    sqlite3_reset(statement);
    if (!made)
        return -ENOMEM;
    *value = made;
    return 1;
}

int sb_rows_read(struct sb_db *db, sqlite3_stmt *statement, yyjson_mut_doc *doc,
                 sb_row_reader *read, const void *arg, yyjson_mut_val **array)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    int rc = list ? sb_db_step(db, statement) : -ENOMEM;
    while (rc > 0) {
        bool is_added = yyjson_mut_arr_append(list, read(doc, statement, arg));
        rc = is_added ? sb_db_step(db, statement) : -ENOMEM;
        if (!is_added)
            sqlite3_reset(statement);
    }
    if (rc == 0)
        *array = list;
    return rc;
}

int sb_rows_page(struct sb_db *db, sqlite3_stmt *statement, uint64_t limit, sb_row_adder *add,
                 void *arg, yyjson_mut_val *list)
{
    int rc = list ? sb_db_step(db, statement) : -ENOMEM;
    for (uint64_t count = 0; rc > 0 && count < limit; count++) {
        rc = add(statement, arg, list);
        if (rc == 0)
            rc = sb_db_step(db, statement);
        if (rc < 0)
            sqlite3_reset(statement);
    }
    return rc;
}
