/*
 * feature: one thing that the sandbox can do, in one file: the handlers of its APIs, its tables
 * and its lists in the JSON of a world. api/features.c lists all.
 */
#ifndef SB_STORE_FEATURE_H
#define SB_STORE_FEATURE_H

#include <stdint.h>

struct sb_api;
struct sb_world_list; /* model/world_list.h */

/*
 * SQL that brings the tables of a feature to `version` of the whole database (PRAGMA user_version).
 * A new world runs all steps in the order of their versions, an older one those that it lacks. A
 * step that was released never changes: a change is a new step with the next version.
 */
struct sb_schema_step {
    uint64_t version; /* from 1 */
    const char *sql;
};

struct sb_feature {
    const struct sb_api *apis;                /* ended by a NULL name; NULL: none */
    const struct sb_schema_step *steps;       /* ended by a NULL sql; NULL: no tables */
    const struct sb_world_list *const *lists; /* in the JSON of a world; ended by NULL; or NULL */
};

#endif
