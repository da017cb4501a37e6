/* transport: the part that is common to all classes. See the header. */
#include "transport/transport.h"

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* --- for classes --- */

void mk_transport_init(struct mk_transport *transport, const struct mk_transport_class *class)
{
    *transport = (struct mk_transport){ .class = class };
    mk_list_init(&transport->node);
}

char *mk_transport_key(const char *format, ...)
{
    char *key;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&key, format, args);
    va_end(args);
    return len < 0 ? NULL : key;
}

enum mk_dialect mk_transport_dialect(enum milky_dialect dialect)
{
    return mk_dialect_of_minor(dialect == MILKY_DIALECT_DRAFT ? 0 : (unsigned)dialect + 1);
}

int mk_transport_refuse(const char *transport, const char *entry, const char *why)
{
    mk_log_error(transport, "\"%s\": %s", "\"%s\"：%s", entry, why);
    return -EINVAL;
}

/* --- a list of them --- */

int mk_transports_add(const struct mk_transport_class *const *table,
                      const struct mk_transport_context *context, const struct milky_bot *config,
                      struct mk_list *transports)
{
    int rc = 0;
    for (size_t i = 0; table[i] && rc == 0; i++)
        rc = table[i]->add(context, config, transports);
    return rc;
}

void mk_transports_free(struct mk_list *transports)
{
    MK_LIST_FOR_EACH (node, transports)
        mk_transport_free(mk_transport_of(node));
}

/* --- one of them --- */

int mk_transport_start(struct mk_transport *transport)
{
    int rc = transport->class->start(transport);
    transport->started = rc == 0;
    return rc;
}

static bool is_same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

bool mk_transport_is_same(const struct mk_transport *a, const struct mk_transport *b, bool closely)
{
    return a->class == b->class && is_same_text(a->identity, b->identity) &&
           (!closely || is_same_text(a->details, b->details));
}

void mk_transport_adopt(struct mk_transport *transport, struct mk_transport *fresh)
{
    mk_list_remove(&transport->node);
    mk_list_push(&fresh->node, &transport->node); /* before it */
    char *details = transport->details;
    transport->details = fresh->details;
    fresh->details = details;
    transport->own_messages = fresh->own_messages;
    transport->goes_on = true;
    transport->class->adopt(transport, fresh);
    mk_transport_free(fresh);
}

struct mk_transport *mk_transport_free(struct mk_transport *transport)
{
    if (!transport)
        return NULL;
    mk_list_remove(&transport->node);
    free(transport->identity);
    free(transport->details);
    transport->class->free(transport);
    return NULL;
}

/* --- those that listen --- */

bool mk_transport_listening(const struct mk_transport *transport)
{
    return transport->port && transport->port->listener;
}

void mk_transport_listen_for(struct mk_transport *transport, struct mk_transport *other)
{
    mk_http_port_listen_for(transport->port, other->port);
    transport->started = true;
}

bool mk_transport_any_port(const char *listen)
{
    size_t len = strlen(listen);
    return strncmp(listen, "unix:", 5) != 0 && len > 2 && strcmp(listen + len - 2, ":0") == 0;
}
