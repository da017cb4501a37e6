/*
 * reload: reading the configuration again while it is served, and the command that asks for it.
 */
#ifndef MK_CLI_RELOAD_H
#define MK_CLI_RELOAD_H

#include "cli/backends.h"

/* Zeroed but for `config`. */
struct mk_reload {
    const struct mk_config *config; /* that the endpoint was started with; borrowed */
    struct mk_backends backends;    /* that run */
    struct mk_buf why;
    struct mk_buf restart;
};

/* Makes the backends that the configuration begins with. Returns 0 or a negative errno. */
int mk_reload_begin(struct mk_reload *reload, struct mk_config *config);
/* Why that failed. */
const char *mk_reload_reason(struct mk_reload *reload);

/*
 * Reads the file again and gives it to the endpoint. A mistake in it leaves everything as it was.
 * Keys that have changed and need a restart are logged, and are in `restart`
 * (milky_endpoint_on_reload).
 * Returns NULL, or why it was refused (logged).
 */
const char *mk_reload(struct mk_reload *reload, struct milky_endpoint *endpoint,
                      const char **restart);
void mk_reload_fini(struct mk_reload *reload);

#endif
