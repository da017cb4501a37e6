/* schema_files: the tables of files that people give each other and keep in groups. */
#include "backend/sandbox/store/schema.h"

/* clang-format off */
static const char sb_schema_files_sql[] =
    /* A file that one gave to the other. All ids here are random, and file_id and folder_id are
     * made of them (file.h). */
    "CREATE TABLE private_file ("
    "  id INTEGER PRIMARY KEY,"
    "  sender INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  receiver INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  media TEXT NOT NULL REFERENCES media"
    ") STRICT;"

    /* file_count: kept by who moves files. */
    "CREATE TABLE group_folder ("
    "  id INTEGER PRIMARY KEY,"
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  creator INTEGER NOT NULL,"
    "  created_time INTEGER NOT NULL,"
    "  last_modified_time INTEGER NOT NULL,"
    "  file_count INTEGER NOT NULL DEFAULT 0,"
    "  UNIQUE (group_id, name)"
    ") STRICT;"

    /* folder: group_folder.id, or 0 for the root. Several files may have one name, as in QQ. */
    "CREATE TABLE group_file ("
    "  id INTEGER PRIMARY KEY,"
    "  group_id INTEGER NOT NULL REFERENCES qq_group ON DELETE CASCADE,"
    "  folder INTEGER NOT NULL,"
    "  name TEXT NOT NULL,"
    "  media TEXT NOT NULL REFERENCES media,"
    "  size INTEGER NOT NULL,"
    "  uploader INTEGER NOT NULL,"
    "  uploaded_time INTEGER NOT NULL,"
    "  downloaded_times INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"
    "CREATE INDEX group_file_in ON group_file (group_id, folder, uploaded_time, id);";

const struct sb_feature sb_schema_files = {
    .steps = (const struct sb_schema_step[]){ { 6, sb_schema_files_sql }, { 0 } },
};
