/*
 * reload: reads the configuration again while it is served; and the command that requests it.
 */
#ifndef MK_CLI_RELOAD_H
#define MK_CLI_RELOAD_H

#include "cli/backends.h"

/* Zeroed but for `config`. */
struct mk_reload {
    const struct mk_config *config; /* the one that the endpoint was started with; borrowed */
    struct mk_backends backends;    /* the running ones */
    struct mk_buf why;
    struct mk_buf restart;
};

/* Makes the backends of the first configuration. Returns 0 or a negative errno. */
int mk_reload_begin(struct mk_reload *reload, struct mk_config *config);
/* The reason of a failure. */
const char *mk_reload_reason(struct mk_reload *reload);

/*
 * Reads the file again and gives it to the endpoint. With a mistake in it nothing changes. Keys
 * that have changed and need a restart are logged, and are in `restart` (milky_endpoint_on_reload).
 * Returns NULL, or the reason why it was refused, which is logged.
 */
const char *mk_reload(struct mk_reload *reload, struct milky_endpoint *endpoint,
                      const char **restart);
/* Logs what is no mistake of the configuration but should be mended. */
void mk_reload_warn(const struct mk_config *config);
void mk_reload_fini(struct mk_reload *reload);

#endif
