/*
 * copy: the structs of an embedder, in the size that this library knows. Each begins with its size
 * as the embedder was compiled (milky/milky.h): what a smaller one does not have is zero; what a
 * larger one has beyond must be zero, or this library is too old for it.
 */
#ifndef MK_CONFIG_COPY_H
#define MK_CONFIG_COPY_H

#include "config/mistakes.h"

#include <milky/milky.h>

/*
 * Copies it with all that it points to, but for tables and states of backends, onto the arena of
 * the mistakes. A struct that cannot be copied is noted; a list with such a one is left out. The
 * backends come first.
 */
void mk_config_copy(struct milky_config *copy, const struct milky_config *given,
                    struct mk_mistakes *mistakes);

#endif
