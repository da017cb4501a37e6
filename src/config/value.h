/*
 * value: what one value must be, as its key in the schema asks: of a file (read.c) and of an
 * embedder's structs (check.c) alike.
 */
#ifndef MK_CONFIG_VALUE_H
#define MK_CONFIG_VALUE_H

#include "config/key.h"
#include "config/mistakes.h"

/* The values that `key` accepts, in words. */
const char *mk_value_expected(struct mk_mistakes *mistakes, const struct mk_config_key *key);

/*
 * Notes that the value at `at` is not what `key` asks for: it is `got`, in words, and `why`, or
 * NULL. `value` is it in the file, or NULL.
 */
void mk_value_refuse(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                     const struct mk_json_path *at, const yyjson_val *value, const char *got,
                     const char *why);

/* Notes that `key` asks for a value, and none is at `at`; `value` is what it is missing in. */
void mk_value_missing(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                      const struct mk_json_path *at, const yyjson_val *value);

/* Whether a number is one that `key` asks for. */
bool mk_value_number_fits(const struct mk_config_key *key, uint64_t number);

/*
 * Whether a text is one that `key` asks for; notes what is wrong with it. `written` is how it is to
 * be shown: as the file has it, of which `text` may have been made.
 */
bool mk_value_text_fits(struct mk_mistakes *mistakes, const struct mk_config_key *key,
                        const struct mk_json_path *at, const yyjson_val *value,
                        struct mk_slice text, struct mk_slice written);

#endif
