/*
 * check: checks an embedder's configuration as a file is checked: each value against its key in the
 * schema, then the same rules, with the same messages. Endpoints and bots are made only of a
 * configuration that was checked here.
 */
#ifndef MK_CONFIG_CHECK_H
#define MK_CONFIG_CHECK_H

#include "base/arena.h"

#include <milky/milky.h>

/*
 * A copy of a correct configuration: its structs have the sizes that this library knows, and zeros
 * are replaced by the defaults (but for connections_per_address: by default it does not limit this
 * machine, which a number does).
 */
struct mk_config_taken {
    struct milky_config config;
    struct mk_arena arena; /* of what it points to */
};

/*
 * Takes an embedder's configuration. Certificates and keys are read, too. Returns 0; -EINVAL,
 * logged, with the reason in `error`, which may be NULL; or -ENOMEM. In any case `taken` has the
 * backends, as far as they could be copied, and must be given back.
 */
int mk_config_take(const struct milky_config *given, struct mk_config_taken *taken,
                   struct milky_error *error);
void mk_config_give_back(struct mk_config_taken *taken);

#endif
