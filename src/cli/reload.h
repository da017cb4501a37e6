/*
 * reload: reading the configuration again while it is served, and the command that asks for it.
 */
#ifndef MK_CLI_RELOAD_H
#define MK_CLI_RELOAD_H

#include "config/config.h"

/* Zeroed but for `config`. */
struct mk_reload {
    const struct mk_config *config; /* that the endpoint was started with; borrowed */
    struct mk_buf why;
};

/*
 * Reads the file again and gives it to the endpoint. A mistake in it leaves everything as it was.
 * What has changed and needs a restart is logged. Returns NULL, or why it was refused (logged).
 */
const char *mk_reload(struct mk_reload *reload, struct milky_endpoint *endpoint);
void mk_reload_fini(struct mk_reload *reload);

#endif
