/* serve: running an endpoint until somebody stops it: what `milky serve` and `milky sandbox` share.
 */
#ifndef MK_CLI_SERVE_H
#define MK_CLI_SERVE_H

#include <milky/milky.h>

struct mk_serving {
    /* Its backends are taken over. */
    const struct milky_config *config;
    /* It serves now. */
    void (*ready)(void *arg, const struct milky_endpoint *endpoint);
    /*
     * Optional: read the configuration again, on SIGHUP or `milky reload`
     * (milky_endpoint_on_reload).
     */
    const char *(*reload)(void *arg, struct milky_endpoint *endpoint, const char **restart);
    /* Optional: it serves no more, and the backend is still there. Returns an exit code. */
    int (*stopped)(void *arg);
    void *arg;
};

/* Serves until SIGINT or SIGTERM. Returns an exit code; what went wrong has been said. */
int mk_serve(const struct mk_serving *serving);

/* The place of `word` among `words`, which NULL ends; or -1. */
int mk_serve_choose(const char *word, const char *const *words);

extern const char *const mk_serve_levels[]; /* of the log, in the order of enum mk_log_level */

#endif
