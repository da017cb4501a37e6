/*
 * reader: reading a document into a configuration, by the table. Private to parse.c and read.c.
 */
#ifndef MK_CONFIG_READER_H
#define MK_CONFIG_READER_H

#include "config/config.h"
#include "config/key.h"
#include "config/mistakes.h"

/* A backend as it was read; a key of the type MK_CONFIG_BACKEND is not stored in its struct. */
struct mk_config_backend_read {
    struct mk_config_backend_read *next;
    struct mk_config_backend backend; /* without a name where it is given none */
    const char *path;                 /* "bots[1].backend" */
    char *owner;                      /* the struct that its key would have been stored in */
};

struct mk_config_reader {
    struct mk_mistakes mistakes; /* on the configuration's own arena, with the document */
    struct mk_slice folder;      /* where relative paths start: "" or "etc/" */
    struct mk_config_backend_read *backends; /* in the order of the schema and the file */
    struct mk_config_backend_read **last_backend;
};

/* Reads the document of the mistakes into the struct at `into`, by a schema that is an object. What
 * is wrong with a value is noted, and its default taken, or NULL or 0 where it has none. */
void mk_config_read(struct mk_config_reader *reader, const struct mk_config_key *schema,
                    void *into);

/* Names the backends that were read, and gives each bot its own (backends.c). */
void mk_config_place_backends(struct mk_config_reader *reader, struct mk_config *config);

#endif
