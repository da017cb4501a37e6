/*
 * summary: prints the served addresses, for the start of `serve` and for `check`, and finds the
 * servers of a configuration (`call`, `watch`). It never prints a token.
 */
#ifndef MK_CLI_SUMMARY_H
#define MK_CLI_SUMMARY_H

#include "config/config.h"

/* The address of a server for a client. */
struct mk_target {
    char base[512]; /* "http://127.0.0.1:3000": the URL up to its path */
    const char
        *unix_path; /* of the socket to connect to instead, or NULL; borrowed from `listen` */
    bool any_port;  /* port 0: the real port is unknown */
};

/* `listen` is valid; an address for all interfaces becomes the loopback address. */
void mk_target_of(const char *scheme, const char *listen, struct mk_target *target);

/* The same for a server of the configuration, with TLS and prefix. `scheme` is "http" or "ws";
 * `listen` is its address, with the real port when it is known. */
void mk_target_of_server(const char *scheme, const struct milky_server *server, const char *listen,
                         struct mk_target *target);

/* Prints the bots and their transports; `endpoint` has started, or is NULL (`check`). */
void mk_summary_print(FILE *out, const struct mk_config *config,
                      const struct milky_endpoint *endpoint);

/* Prints command lines to try; `file` as in mk_command_config_words. */
void mk_summary_try(FILE *out, const struct mk_config *config, const char *file,
                    const struct milky_endpoint *endpoint);

/* A URL without its secrets: user, password and query. */
const char *mk_summary_url(const char *url, char *text, size_t size);

#endif
