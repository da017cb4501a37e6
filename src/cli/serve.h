/* serve: runs an endpoint until a signal stops it, for `milky serve` and `milky sandbox`.
 */
#ifndef MK_CLI_SERVE_H
#define MK_CLI_SERVE_H

#include <milky/milky.h>
#include <stdio.h>

struct mk_serving {
    /* Its backends are taken over. */
    const struct milky_config *config;
    /* It serves now: prints where on `out`, which becomes the standard output. */
    void (*ready)(void *arg, const struct milky_endpoint *endpoint, FILE *out);
    /*
     * Optional: read the configuration again, on SIGHUP or `milky reload`
     * (milky_endpoint_on_reload).
     */
    const char *(*reload)(void *arg, struct milky_endpoint *endpoint, const char **restart);
    /* Optional: it has stopped, and the backend still exists. Returns an exit code. */
    int (*stopped)(void *arg);
    void *arg;
};

/* Serves until SIGINT or SIGTERM. Returns an exit code after it has printed any error. */
int mk_serve(const struct mk_serving *serving);

/* The index of `word` in `words`, which NULL ends; or -1. */
int mk_serve_choose(const char *word, const char *const *words);

extern const char *const mk_serve_levels[]; /* of the log, in the order of enum mk_log_level */

#endif
