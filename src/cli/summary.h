/*
 * summary: what is served, where, in words: for the start of `serve`, for `check`, and for finding
 * the servers of a configuration again (`call`, `watch`). No token ever appears in it.
 */
#ifndef MK_CLI_SUMMARY_H
#define MK_CLI_SUMMARY_H

#include "config/config.h"

/* How a client reaches a server. */
struct mk_target {
    char base[512]; /* "http://127.0.0.1:3000": the URL up to its path */
    const char
        *unix_path; /* of the socket to connect to instead, or NULL; borrowed from `listen` */
    bool any_port;  /* port 0: nobody can know */
};

/* `listen` is valid; an address that stands for all of a machine's becomes the loopback's. */
void mk_target_of(const char *scheme, const char *listen, struct mk_target *target);

/* The same for a server of the configuration: with TLS and prefix. `scheme` is "http" or "ws";
 * `listen` is its address, with the real port where that is known. */
void mk_target_of_server(const char *scheme, const struct milky_server *server, const char *listen,
                         struct mk_target *target);

/* Lists the bots and their transports; `endpoint` has started, or is NULL (`check`). */
void mk_summary_print(FILE *out, const struct mk_config *config,
                      const struct milky_endpoint *endpoint);

/* Lines to try with what is being served; `file` as in mk_command_config_words. */
void mk_summary_try(FILE *out, const struct mk_config *config, const char *file,
                    const struct milky_endpoint *endpoint);

/* A URL without what may be secret in it: user, password and query. */
const char *mk_summary_url(const char *url, char *text, size_t size);

#endif
