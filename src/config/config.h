/*
 * config: the configuration of `milky`: JSONC, checked as a whole against a table (schema.c), with
 * file, line, column and JSON path for each mistake.
 *
 * Flow: text -> mk_config_parse (read.c: by the table; rules.c: conditions between keys)
 * -> struct milky_config -> milky_endpoint_new (check.c: the same table and rules once more,
 * because embedders have no file).
 */
#ifndef MK_CONFIG_CONFIG_H
#define MK_CONFIG_CONFIG_H

#include "base/buf.h"
#include "base/language.h"

#include <milky/milky.h>
#include <stdio.h>

#define MK_CONFIG_FILE "milky.jsonc" /* the default, where it exists */

enum { MK_CONFIG_MAX_FILE = 1024 * 1024 };

/* What becomes of that which exceeds a limit of QQ. */
enum mk_strictness { MK_STRICT, MK_LENIENT };

enum mk_backend_type { MK_BACKEND_SANDBOX };

/* A backend that bots have. */
struct mk_config_backend {
    const char *name; /* unique */
    unsigned type;    /* enum mk_backend_type; the rest belongs to that type */
    struct {
        unsigned strictness; /* enum mk_strictness */
        struct {
            uint64_t max_bytes;
            const char *const *roots; /* root_count 0: none */
            size_t root_count;
            bool allow_private_addresses;
            uint64_t download_seconds;
        } media;
    } sandbox;
};

/* Everything it points to is in the same block of memory. */
struct mk_config {
    const char *file;             /* NULL: the built-in configuration */
    struct milky_config endpoint; /* without `backends`: the program makes them */
    const char
        *data_dir; /* relative to the working directory, as are unix: paths in the endpoint's */
    const struct mk_config_backend *backends; /* those that bots have, each once */
    size_t backend_count;
    const char *const *files; /* all that it names: keys, certificates, the configuration itself;
                                 folders too */
    size_t file_count;
    const char *warnings; /* lines as of mistakes: secrets that others can read; "" for none */
    struct {
        unsigned level;  /* enum mk_log_level */
        unsigned format; /* enum mk_log_format */
    } log;
};

/* The origin of a text. */
struct mk_config_origin {
    const char *name; /* the file: mistakes begin with it, and relative paths start from its folder;
                         NULL for none */
    enum milky_language language; /* of replies to bots, unless the text names one */
};

/*
 * Reads a configuration out of memory.
 *
 * Returns 0; -EINVAL with lines in `mistakes` ("FILE:LINE:COL: bots[0].self_id: expected ..., got
 * ...\n", in the order of the file, never with a token in them); -ENOMEM.
 */
int mk_config_parse(struct mk_slice text, const struct mk_config_origin *origin,
                    struct mk_config **config, struct mk_buf *mistakes);

/* The same, and reads the certificates and keys that it names: for a program that serves. */
int mk_config_load(struct mk_slice text, const struct mk_config_origin *origin,
                   struct mk_config **config, struct mk_buf *mistakes);

/* The configuration without a file: two bots in a sandbox. Returns 0 or -ENOMEM. */
int mk_config_builtin(enum milky_language language, struct mk_config **config);

/* The first backend that is a sandbox, or NULL. */
const struct mk_config_backend *mk_config_find_sandbox(const struct mk_config *config);

/* The name of a type ("sandbox"). */
const char *mk_config_backend_type(const struct mk_config_backend *backend);

/*
 * Its type and settings as a text on the heap, to compare backends: the text is the same for the
 * same settings, whatever the name. There may be tokens in it. NULL when out of memory.
 */
char *mk_config_backend_text(const struct mk_config_backend *backend);

/*
 * Whether a header can carry the token: it has no control characters, and no spaces around it. When
 * false, `*at` is the first bad byte, from 0.
 */
bool mk_config_token_fits(struct mk_slice token, size_t *at);

/* NULL is allowed. */
struct mk_config *mk_config_free(struct mk_config *config);

/* The JSON Schema (draft-07) of the configuration, for editors. Errors are left in `out` (ferror).
 */
void mk_config_write_schema(FILE *out);

/*
 * A configuration with every key in it, explained in English and Chinese, with `token` as the
 * access_token of its servers. Errors are left in `out` (ferror).
 */
void mk_config_write_sample(FILE *out, const char *token);

#endif
