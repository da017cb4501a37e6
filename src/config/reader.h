/*
 * reader: reading a document into a configuration, by the table. Private to parse.c and read.c.
 */
#ifndef MK_CONFIG_READER_H
#define MK_CONFIG_READER_H

#include "config/config.h"
#include "config/mistakes.h"

struct mk_config_reader {
    struct mk_mistakes mistakes; /* on the configuration's own arena, with the document */
    struct mk_slice folder;      /* where relative paths start: "" or "etc/" */
};

/* Reads the document of the mistakes. What is wrong with a value is noted, and its default taken,
 * or NULL or 0 where it has none. */
void mk_config_read(struct mk_config_reader *reader, struct mk_config *config);

#endif
