/*
 * remote: what the transports that connect to others take of their entry in the configuration
 * (struct milky_remote) in the same way.
 */
#ifndef MK_TRANSPORT_REMOTE_H
#define MK_TRANSPORT_REMOTE_H

#include "net/tls_context.h"

#include <milky/milky.h>

/* Its TLS files, borrowed. Warns, each time, where any certificate is taken. */
struct mk_tls_files mk_remote_tls_files(const char *transport, const struct milky_remote *remote);

/* Reads them. Returns 0 with a context, or with NULL where nothing special is asked for; else
 * -EINVAL, logged. */
int mk_remote_load_tls(const char *transport, const struct milky_remote *remote,
                       struct mk_tls_context **tls);

#endif
