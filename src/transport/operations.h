/*
 * operations: serves monitoring requests on an address of its own: GET /healthz, GET /readyz, GET
 * /metrics. Its owner provides the content.
 *
 * The first two answer all clients with a word, for load balancers and supervisors; the metrics
 * require the token, or, without one, a program of this machine (web/auth.h).
 */
#ifndef MK_TRANSPORT_OPERATIONS_H
#define MK_TRANSPORT_OPERATIONS_H

#include "base/buf.h"
#include "web/auth.h"
#include "web/http_port.h"

struct mk_operations;

struct mk_operations_source {
    /*
     * Returns whether the endpoint is ready to serve. Appends the reason why not ("stopping"), or
     * warnings; text that does not fit is left out.
     */
    bool (*ready)(void *arg, struct mk_buf *words);
    /* Appends all metrics in Prometheus' text format. Returns 0 or the error of the buf. */
    int (*metrics)(void *arg, struct mk_buf *out);
    void *arg;
};

/*
 * Listens. The texts of `access` are borrowed; the guard may be NULL. Returns 0 or a negative
 * errno.
 */
int mk_operations_open(struct mk_loop *loop, const struct mk_address *address,
                       const struct mk_access *access, struct mk_guard *guard,
                       const struct mk_operations_source *source,
                       struct mk_operations **operations);
/* It must be idle. NULL is allowed. */
struct mk_operations *mk_operations_free(struct mk_operations *operations);

/* Its port, borrowed: to get the address, and to stop it. */
struct mk_http_port *mk_operations_port(struct mk_operations *operations);

#endif
