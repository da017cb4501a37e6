/* table: see the header. */
#include "transport/table.h"

#include "transport/server.h"
#include "transport/webhook.h"
#include "transport/websocket_client.h"

const struct mk_transport_class *const mk_transport_table[] = {
    &mk_server_class,
    &mk_websocket_client_class,
    &mk_webhook_class,
    NULL,
};
