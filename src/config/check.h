/*
 * check: an embedder's configuration is held to what a file's is: each value to its key in the
 * schema, then the same rules, in the same words (English). Whatever makes endpoints and bots of a
 * configuration takes it through here first.
 */
#ifndef MK_CONFIG_CHECK_H
#define MK_CONFIG_CHECK_H

#include "base/arena.h"

#include <milky/milky.h>

/* A configuration that is right: a copy of its own, in the sizes that this library knows, with
 * defaults in the place of zeros (but for connections_per_address, whose default says more than its
 * number). */
struct mk_config_taken {
    struct milky_config config;
    struct mk_arena arena; /* of what it points to */
};

/*
 * Takes an embedder's configuration. Certificates and keys are read, too. Returns 0; -EINVAL,
 * logged, with the reason in `error`, which may be NULL; or -ENOMEM. `taken` is to be given back in
 * any case, and has the backends in any case, as far as they can be known.
 */
int mk_config_take(const struct milky_config *given, struct mk_config_taken *taken,
                   struct milky_error *error);
void mk_config_give_back(struct mk_config_taken *taken);

#endif
