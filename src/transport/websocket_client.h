/*
 * websocket_client: the draft's WebSocket client: keeps one connection to a configured URL, on
 * which it answers calls and pushes events as the server does; after any loss it connects again.
 *
 * With `replay` every event counts: the next connection begins behind the last event that the peer
 * has received for sure, which the journal remembers under the URL. Events then carry their
 * numbers.
 */
#ifndef MK_TRANSPORT_WEBSOCKET_CLIENT_H
#define MK_TRANSPORT_WEBSOCKET_CLIENT_H

#include "transport/transport.h"

extern const struct mk_transport_class mk_websocket_client_class;

#endif
