/* listen_error: the message for an address that cannot be listened on, with advice. */
#ifndef MK_TRANSPORT_LISTEN_ERROR_H
#define MK_TRANSPORT_LISTEN_ERROR_H

#include "net/address.h"

enum { MK_LISTEN_ERROR = 384 };

/*
 * "cannot listen on 127.0.0.1:3000: Address already in use (...)", cut to fit. `error` is a
 * negative errno. Returns `text`.
 */
const char *mk_listen_error(const struct mk_address *address, int error,
                            char text[MK_LISTEN_ERROR]);

#endif
