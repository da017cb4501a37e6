/*
 * backends: the backends that the program runs: made of a configuration by their types (one table,
 * backends.c), and found by their names when the configuration is read again.
 *
 *   config/backends -> mk_backends_make -> milky_endpoint_new, milky_endpoint_reload
 */
#ifndef MK_CLI_BACKENDS_H
#define MK_CLI_BACKENDS_H

#include "config/config.h"

struct mk_backend_made;

/* The running backends. Zeroed: none. */
struct mk_backends {
    struct mk_backend_made *list;
    struct milky_config_backend *given; /* the same, for an endpoint */
    size_t count;
};

/* The home of all backends, from the configuration that the program started with. */
struct mk_backends_home {
    const char *data_dir;           /* where each has a folder of its name */
    const char *journal;            /* not read for a bot, ... */
    const struct mk_config *config; /* ... nor are the files that this one names */
};

/*
 * Makes the backends of a configuration. A running backend of the same name is used again, as it
 * is; when its settings differ, "backend NAME" is added to `restart` as a line, unless that is
 * NULL. Fills `backends` of the configuration, which is given to an endpoint next, which then owns
 * them. Returns 0, or a negative errno with a line in `why`: then nothing was made.
 */
int mk_backends_make(struct mk_backends *made, const struct mk_backends *running,
                     const struct mk_backends_home *home, struct mk_config *config,
                     struct mk_buf *restart, struct mk_buf *why);

/* The running backends do not read the files that `config` names for a bot. Returns 0 or -ENOMEM.
 */
int mk_backends_close_files(const struct mk_backends *backends, const struct mk_config *config);

/* Frees the list. The backends belong to the endpoint, or were freed by it. */
void mk_backends_forget(struct mk_backends *backends);

#endif
