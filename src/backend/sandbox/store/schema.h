/* schema: the tables of a world that no feature has in its own file. */
#ifndef SB_STORE_SCHEMA_H
#define SB_STORE_SCHEMA_H

#include "backend/sandbox/store/feature.h"

extern const struct sb_feature sb_schema_first, sb_schema_media, sb_schema_social;

#endif
