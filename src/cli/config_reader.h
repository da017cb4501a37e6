/*
 * config_reader: what the parts of reading a configuration share: the text, and the mistakes found
 * in it so far. Private to config.c, config_files.c, config_mistake.c, config_rules.c and
 * config_string.c.
 */
#ifndef MK_CLI_CONFIG_READER_H
#define MK_CLI_CONFIG_READER_H

#include "base/arena.h"
#include "cli/config.h"

#include <yyjson.h>

struct mk_config_key;

struct mk_config_mistake {
    size_t at; /* byte of the text */
    const char *path;
    const char *message;
};

struct mk_config_reader {
    struct mk_slice text;
    yyjson_doc *doc;
    struct mk_arena *arena; /* the configuration's own: strings of the document stay in it */
    struct mk_slice folder; /* where relative paths start: "" or "etc/" */
    bool out_of_memory;
    size_t count;
    struct mk_config_mistake mistakes[MK_CONFIG_MAX_MISTAKES];
};

/* Notes a mistake; `at` is the value (or key) to point at, NULL for the whole. */
void mk_config_mistake(struct mk_config_reader *reader, const yyjson_val *at, const char *path,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Text on the configuration's arena; "" when memory is out, which the reader then knows. */
const char *mk_config_text(struct mk_config_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* `value` is not what `key` asks for. `what` is got instead (NULL: the value is shown), `why` or
 * NULL. */
void mk_config_refuse(struct mk_config_reader *reader, const struct mk_config_key *key,
                      const yyjson_val *value, const char *path, const char *what, const char *why);

/* What `key` asks for, in words. */
const char *mk_config_expected(struct mk_config_reader *reader, const struct mk_config_key *key);

/* A string of the file as it can be shown: escaped, and cut where it is long. */
const char *mk_config_quoted(struct mk_config_reader *reader, struct mk_slice text);

/* A path of the file, as seen from the working directory; "" when memory is out. */
const char *mk_config_path(struct mk_config_reader *reader, const char *path);

/* The string at `path` as it is to be stored: borrowed from the document, or on the configuration's
 * arena. NULL where it is not what `key` asks for, which has been noted. */
const char *mk_config_string(struct mk_config_reader *reader, const struct mk_config_key *key,
                             yyjson_val *value, const char *path);

/*
 * What holds between keys: no self_id twice, no port of two owners, no anonymous server for
 * everybody, a control socket somewhere. Values that were refused before are NULL or 0 here and are
 * passed over.
 */
void mk_config_check_rules(struct mk_config_reader *reader, struct mk_config *config);

/* Reads the certificates and keys that it names, and tells what is wrong with them. */
void mk_config_check_files(struct mk_config_reader *reader, const struct mk_config *config);

#endif
