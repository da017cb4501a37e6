/* schema: the tables of a world, as SQL, and how they grew. */
#ifndef SB_STORE_SCHEMA_H
#define SB_STORE_SCHEMA_H

#include <stdint.h>

enum { SB_SCHEMA_APPLICATION = 0x4d4c4b59 }; /* PRAGMA application_id: "MLKY" */

/* PRAGMA user_version of a world with all that this program knows. */
uint64_t sb_schema_version(void);

/*
 * The SQL that makes tables of `version`, from 1 to sb_schema_version(), out of those of the
 * version before it; 1 begins with nothing. A new world takes all steps, an older one those it
 * lacks.
 */
const char *sb_schema_step(uint64_t version);

/* The steps, by what they are for. A step that was released never changes: it gets a successor. */
extern const char sb_schema_first_sql[];
extern const char sb_schema_media_sql[];
extern const char sb_schema_social_sql[];
extern const char sb_schema_files_sql[];
extern const char sb_schema_groups_sql[];

#endif
