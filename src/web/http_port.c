/* http_port: see the header. */
#include "web/http_port.h"

static void on_accepted(void *arg, struct mk_stream *stream)
{
    struct mk_http_port *port = arg;
    port->accepted++;
    mk_http_connection_open(&port->connections, stream);
}

int mk_http_port_init(struct mk_http_port *port, struct mk_loop *loop,
                      const struct mk_address *address, const struct mk_http_service *service,
                      void *arg, struct mk_guard *guard)
{
    *port = (struct mk_http_port){ .address = *address };
    mk_address_format(address, port->text);
    int rc = mk_http_context_init(&port->connections, loop, service, arg);
    if (rc == 0 && guard)
        mk_http_context_set_guard(&port->connections, guard);
    return rc;
}

void mk_http_port_fini(struct mk_http_port *port)
{
    mk_listener_free(port->listener);
    mk_http_context_fini(&port->connections);
}

int mk_http_port_listen(struct mk_http_port *port)
{
    int rc = mk_listener_open(port->connections.loop, &port->address, on_accepted, port,
                              &port->listener);
    if (rc == 0)
        mk_address_format(mk_http_port_address(port), port->text);
    return rc;
}

void mk_http_port_listen_for(struct mk_http_port *port, struct mk_http_port *other)
{
    other->address = *mk_http_port_address(other);
    port->listener = other->listener;
    other->listener = NULL;
    mk_listener_adopt(port->listener, on_accepted, port);
    mk_address_format(mk_http_port_address(port), port->text);
}

const struct mk_address *mk_http_port_address(const struct mk_http_port *port)
{
    return port->listener ? mk_listener_address(port->listener) : &port->address;
}

static void close_listener(struct mk_http_port *port)
{
    port->address = *mk_http_port_address(port);
    port->listener = mk_listener_free(port->listener);
}

void mk_http_port_stop(struct mk_http_port *port)
{
    close_listener(port);
    mk_http_context_stop(&port->connections);
}

void mk_http_port_abort(struct mk_http_port *port)
{
    close_listener(port);
    mk_http_context_abort(&port->connections);
}

bool mk_http_port_idle(const struct mk_http_port *port)
{
    return !port->listener && mk_list_empty(&port->connections.connections);
}
