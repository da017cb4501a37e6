/*
 * backends: the backends that the program runs, made of a configuration by their types (one table,
 * backends.c) and known by their names when it is read again.
 *
 *   config/backends -> mk_backends_make -> milky_endpoint_new, milky_endpoint_reload
 */
#ifndef MK_CLI_BACKENDS_H
#define MK_CLI_BACKENDS_H

#include "config/config.h"

struct mk_backend_made;

/* Those that run. Zeroed is none. */
struct mk_backends {
    struct mk_backend_made *list;
    struct milky_config_backend *given; /* the same, for an endpoint */
    size_t count;
};

/* The place of all backends: that of the configuration that the program has begun with. */
struct mk_backends_home {
    const char *data_dir; /* each has a folder of its name in it */
    const char *journal;  /* files that none of them reads for a bot */
    const char *config;   /* or NULL */
};

/*
 * Makes the backends of a configuration, but for those of the same name that run: these are taken
 * as they are. Where one has other settings than it runs with, "backend NAME" is a line in
 * `restart`, which may be NULL. Fills `backends` of the configuration, which an endpoint is to be
 * given next: they are the endpoint's then. Returns 0, or a negative errno with a line in `why`:
 * then nothing was made.
 */
int mk_backends_make(struct mk_backends *made, const struct mk_backends *running,
                     const struct mk_backends_home *home, struct mk_config *config,
                     struct mk_buf *restart, struct mk_buf *why);

/* Forgets them; the endpoint has them, or has freed them. */
void mk_backends_forget(struct mk_backends *backends);

#endif
