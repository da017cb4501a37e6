/*
 * copy: copies the structs of an embedder into the sizes that this library knows. Each begins with
 * its size as the embedder was compiled (milky/milky.h): fields that a smaller one does not have
 * are zero; fields that a larger one has in addition must be zero, or this library is too old for
 * it.
 */
#ifndef MK_CONFIG_COPY_H
#define MK_CONFIG_COPY_H

#include "config/mistakes.h"

#include <milky/milky.h>

/*
 * Copies the configuration with all that it points to, but for tables and states of backends, onto
 * the arena of the mistakes. A struct that cannot be copied is a mistake, and a list with one is
 * left out. The backends are copied first.
 */
void mk_config_copy(struct milky_config *copy, const struct milky_config *given,
                    struct mk_mistakes *mistakes);

#endif
