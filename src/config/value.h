/*
 * value: checks one value against its key in the schema: a file's (read.c) and an embedder's
 * (check.c) alike.
 */
#ifndef MK_CONFIG_VALUE_H
#define MK_CONFIG_VALUE_H

#include "config/key.h"
#include "config/mistakes.h"

/* Describes the values that `key` accepts. */
const char *mk_value_expected(struct mk_mistakes *mistakes, const struct mk_config_key *key);

/*
 * Adds a mistake: `key` does not accept the value at `at`. `got` describes it, and `why` is the
 * reason, or NULL. `value` is the value in the file, or NULL.
 */
void mk_value_refuse(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                     const struct mk_json_path *at, const yyjson_val *value, const char *got,
                     const char *why);

/* Adds a mistake: the required key at `at` is missing in the object `value`, or NULL. */
void mk_value_missing(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                      const struct mk_json_path *at, const yyjson_val *value);

/* Whether `key` accepts the number. */
bool mk_value_number_fits(const struct mk_config_key *key, uint64_t number);

/*
 * Whether `key` accepts the text; adds a mistake when it does not. The message quotes `written`,
 * the text in the file, which `text` may have been made from.
 */
bool mk_value_text_fits(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                        const struct mk_json_path *at, const yyjson_val *value,
                        struct mk_slice text, struct mk_slice written);

#endif
