/*
 * websocket_client: the draft's WebSocket client: keeps one connection to a configured URL, on
 * which it answers calls and sends events as the server does; reconnects after any loss.
 *
 * With `replay` no event is lost: the next connection starts behind the last event that the server
 * has acknowledged, which the journal stores by URL. Events then have numbers.
 */
#ifndef MK_TRANSPORT_WEBSOCKET_CLIENT_H
#define MK_TRANSPORT_WEBSOCKET_CLIENT_H

#include "transport/transport.h"

extern const struct mk_transport_class mk_websocket_client_class;

#endif
