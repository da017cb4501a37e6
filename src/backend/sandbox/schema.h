/* schema: the tables of a world, as SQL. */
#ifndef MK_SANDBOX_SCHEMA_H
#define MK_SANDBOX_SCHEMA_H

enum {
    MK_SCHEMA_APPLICATION = 0x4d4c4b59, /* PRAGMA application_id: "MLKY" */
    MK_SCHEMA_VERSION = 1,              /* PRAGMA user_version; a change of the tables raises it */
};

extern const char mk_schema_sql[];

#endif
