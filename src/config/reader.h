/*
 * reader: reads a document into a configuration, by the schema. Private to parse.c, read.c and
 * backends.c.
 */
#ifndef MK_CONFIG_READER_H
#define MK_CONFIG_READER_H

#include "config/config.h"
#include "config/key.h"
#include "config/mistakes.h"

/* A backend as it was read: a key of the type MK_CONFIG_BACKEND is not stored in its struct. */
struct mk_config_backend_read {
    struct mk_config_backend_read *next;
    struct mk_config_backend backend; /* its name is NULL where the file gives none */
    const char *path;                 /* "bots[1].backend" */
    char *owner; /* the struct that has the key: of a bot, or of the whole configuration */
};

/* A path that the configuration names. */
struct mk_config_named {
    struct mk_config_named *next;
    const char *path;
};

struct mk_config_reader {
    struct mk_mistakes mistakes; /* on the configuration's own arena, with the document */
    struct mk_slice folder;      /* that relative paths start from: "" or "etc/" */
    struct mk_config_backend_read *backends; /* in the order of the schema and the file */
    struct mk_config_backend_read **last_backend;
    struct mk_config_named *named;
    size_t named_count;
};

/*
 * Reads the document of the mistakes into the struct at `into`, by a schema that is an object. For
 * a value with a mistake, which is added, it stores the default, or NULL or 0 where there is none.
 */
void mk_config_read(struct mk_config_reader *reader, const struct mk_config_key *schema,
                    void *into);

/* Sets the names of the backends that were read, and gives each bot its own (backends.c). */
void mk_config_collect_backends(struct mk_config_reader *reader, struct mk_config *config);

#endif
