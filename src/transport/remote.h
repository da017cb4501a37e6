/* remote: reads the TLS settings of the transports that connect to others (struct milky_remote). */
#ifndef MK_TRANSPORT_REMOTE_H
#define MK_TRANSPORT_REMOTE_H

#include "net/tls_context.h"

#include <milky/milky.h>

/*
 * Reads the files. Logs a warning, each time, if certificates are not verified. Returns 0 with a
 * context, or with NULL if none are configured; else -EINVAL, logged.
 */
int mk_remote_load_tls(const char *transport, const struct milky_remote *remote,
                       struct mk_tls_context **tls);

#endif
