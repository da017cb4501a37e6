/* origin: checks an origin of the configuration. */
#ifndef MK_CONFIG_ORIGIN_H
#define MK_CONFIG_ORIGIN_H

#include "config/mistakes.h"

/*
 * An origin is compared byte by byte with the Origin of a request, so it must be written as a
 * browser writes it. Returns NULL if it is, or "*"; else the reason, in the language of messages.
 */
const char *mk_config_origin_error(struct mk_mistakes *mistakes, struct mk_slice text);

#endif
