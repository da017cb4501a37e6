/*
 * server: one listening address of a bot. It may be an http_server (and then the event_stream of
 * 1.x too), a websocket_server, or both on one port; files of backends are served on it in any
 * case. Which part a request is for: server_routes.h.
 */
#ifndef MK_TRANSPORT_SERVER_H
#define MK_TRANSPORT_SERVER_H

#include "transport/transport.h"

extern const struct mk_transport_class mk_server_class;

/* One that serves files alone; the context needs neither dispatch nor hub. `address` is copied.
 * Returns NULL when out of memory. */
struct mk_transport *mk_server_new_for_files(const struct mk_transport_context *context,
                                             const struct mk_address *address);

#endif
