/*
 * server: one listening address of a bot. It may be an http_server (with the event_stream of 1.x),
 * a websocket_server, or both on one port; it serves files of backends in any case. server_routes.h
 * finds the part that serves a request.
 */
#ifndef MK_TRANSPORT_SERVER_H
#define MK_TRANSPORT_SERVER_H

#include "transport/transport.h"

extern const struct mk_transport_class mk_server_class;

/*
 * Makes a server that serves only files; the context needs neither dispatch nor hub. `address` is
 * copied. Returns NULL when out of memory.
 */
struct mk_transport *mk_server_new_for_files(const struct mk_transport_context *context,
                                             const struct mk_address *address);

#endif
