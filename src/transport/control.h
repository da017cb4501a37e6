/*
 * control: where an operator speaks to the backend, POST /sandbox/:action, and to the endpoint
 * itself, POST /endpoint/:action, on a Unix-domain socket that only the same user can open, or on a
 * port. `milky say`, `milky do` and `milky status` use it.
 */
#ifndef MK_TRANSPORT_CONTROL_H
#define MK_TRANSPORT_CONTROL_H

#include "net/listener.h"
#include "protocol/dispatch.h"

struct mk_control;

/*
 * Listens. `token` is copied; without one (empty) everybody who reaches the address may ask, but
 * for web pages (transport/auth.h). Returns 0 or a negative errno.
 */
int mk_control_open(struct mk_loop *loop, const struct mk_address *address, struct mk_slice token,
                    struct mk_dispatch *backend, struct mk_dispatch *endpoint,
                    struct mk_control **control);
/* It must be idle. NULL is allowed. */
struct mk_control *mk_control_free(struct mk_control *control);

/* With the real port where 0 was asked for. */
const struct mk_address *mk_control_address(const struct mk_control *control);

void mk_control_stop(struct mk_control *control);
void mk_control_abort(struct mk_control *control);
bool mk_control_idle(const struct mk_control *control);

#endif
