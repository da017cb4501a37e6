/*
 * schema_tables: the parts of the schema, for schema.c. Private to the files of that name.
 */
#ifndef MK_CONFIG_SCHEMA_TABLES_H
#define MK_CONFIG_SCHEMA_TABLES_H

#include "config/key.h"

extern const struct mk_config_key mk_config_bot_keys[];

/* The keys of the backend at the top, and of the backend of a bot. */
extern const struct mk_config_key mk_config_backend_keys[];
extern const struct mk_config_key mk_config_bot_backend_keys[];

/* In the order of enum mk_backend_type. */
extern const struct mk_config_variant mk_config_backend_types[];

#endif
