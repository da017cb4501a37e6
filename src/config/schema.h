/*
 * schema: the table of all keys. Validation, its messages, the defaults, the JSON Schema for
 * editors and the sample of `milky init` all come from it.
 */
#ifndef MK_CONFIG_SCHEMA_H
#define MK_CONFIG_SCHEMA_H

#include "config/key.h"

#include <stdio.h>

/* Writes the JSON Schema of another table, for tests. */
void mk_config_write_schema_of(FILE *out, const struct mk_config_key *schema);

/* A whole configuration: an object, stored in struct mk_config. */
extern const struct mk_config_key mk_config_schema;

#endif
