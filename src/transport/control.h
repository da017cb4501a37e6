/*
 * control: the address for operators' requests to a backend, POST /NAME/:action, and to the
 * endpoint itself, POST /endpoint/:action: a Unix-domain socket that only the same user can open,
 * or a port. `milky say`, `milky do` and `milky status` use it.
 */
#ifndef MK_TRANSPORT_CONTROL_H
#define MK_TRANSPORT_CONTROL_H

#include "protocol/dispatch.h"
#include "web/auth.h"
#include "web/http_port.h"

struct mk_control;

/* The targets of operators' requests, by name. */
struct mk_control_targets {
    /* The index-th and its name, or NULL when there are no more. */
    struct mk_dispatch *(*find)(void *arg, size_t index, const char **name);
    void *arg;
};

/*
 * Listens. The texts of `access` are borrowed; without a token all clients that reach the address
 * are allowed, except web pages of origins that are not listed (web/auth.h). The guard may be NULL.
 * Returns 0 or a negative errno.
 */
int mk_control_open(struct mk_loop *loop, const struct mk_address *address,
                    const struct mk_access *access, struct mk_guard *guard,
                    const struct mk_control_targets *targets, struct mk_control **control);
/* It must be idle. NULL is allowed. */
struct mk_control *mk_control_free(struct mk_control *control);

/* Its port, borrowed: to get the address, and to stop it. */
struct mk_http_port *mk_control_port(struct mk_control *control);

#endif
