/*
 * http_port: one listening address of HTTP: its listener and the connections that came through it.
 * The service answers what is asked there, and the guard decides which clients are let in.
 */
#ifndef MK_WEB_HTTP_PORT_H
#define MK_WEB_HTTP_PORT_H

#include "net/listener.h"
#include "web/http_connection.h"

struct mk_http_port {
    struct mk_http_context connections;
    struct mk_listener *listener; /* NULL: it does not listen yet, or not any more */
    struct mk_address address;    /* where it is to listen; where it did */
    char text[MK_ADDRESS_TEXT];   /* where it listens, with the real port */
    uint64_t accepted;            /* connections, since it began to listen */
};

/*
 * One that listens nowhere yet. `address` is copied; `arg` is the service's. Without a guard (NULL)
 * all may come. Returns 0 or -ENOMEM; after that there is nothing to free.
 */
int mk_http_port_init(struct mk_http_port *port, struct mk_loop *loop,
                      const struct mk_address *address, const struct mk_http_service *service,
                      void *arg, struct mk_guard *guard);
/* It must be idle. */
void mk_http_port_fini(struct mk_http_port *port);

/* Begins to listen. Returns 0 or a negative errno. */
int mk_http_port_listen(struct mk_http_port *port);

/* Listens in the place of another one, which does not any more: the address is never closed. */
void mk_http_port_listen_for(struct mk_http_port *port, struct mk_http_port *other);

/* With the real port where 0 was asked for. */
const struct mk_address *mk_http_port_address(const struct mk_http_port *port);

/* Listens no more, answers what it was asked, closes its connections; then it is idle. */
void mk_http_port_stop(struct mk_http_port *port);
void mk_http_port_abort(struct mk_http_port *port);
bool mk_http_port_idle(const struct mk_http_port *port);

#endif
