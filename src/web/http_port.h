/*
 * http_port: one listening address of HTTP: its listener and its connections. The service answers
 * requests, and the guard admits clients.
 */
#ifndef MK_WEB_HTTP_PORT_H
#define MK_WEB_HTTP_PORT_H

#include "net/listener.h"
#include "web/http_connection.h"

struct mk_http_port {
    struct mk_http_context connections;
    struct mk_listener *listener; /* NULL: it is not listening */
    struct mk_address address;    /* the configured address; later the actual one */
    char text[MK_ADDRESS_TEXT];   /* the address that it listens on, with the actual port */
    uint64_t accepted;            /* connections, since it began to listen */
};

/*
 * Makes a port that does not listen yet. `address` is copied; `arg` is the service's. Without a
 * guard (NULL) all clients are admitted. Returns 0, or -ENOMEM, after which there is nothing to
 * free.
 */
int mk_http_port_init(struct mk_http_port *port, struct mk_loop *loop,
                      const struct mk_address *address, const struct mk_http_service *service,
                      void *arg, struct mk_guard *guard);
/* It must be idle. */
void mk_http_port_fini(struct mk_http_port *port);

/* Begins to listen. Returns 0 or a negative errno. */
int mk_http_port_listen(struct mk_http_port *port);

/*
 * Takes over the listener of another port, which then does not listen any more: the address stays
 * open throughout.
 */
void mk_http_port_listen_for(struct mk_http_port *port, struct mk_http_port *other);

/* The address, with the actual port where 0 was requested. */
const struct mk_address *mk_http_port_address(const struct mk_http_port *port);

/* Stops listening, answers the open requests, and closes its connections; then it is idle. */
void mk_http_port_stop(struct mk_http_port *port);
void mk_http_port_abort(struct mk_http_port *port);
bool mk_http_port_idle(const struct mk_http_port *port);

#endif
