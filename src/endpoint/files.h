/*
 * files: the files of backends that the endpoint serves: makes their URLs, and hands each request
 * to the right backend.
 *
 * A token has a meaning for its backend alone. The URL has it as TOKEN for the first backend, and
 * as NAME.TOKEN for any other, so the server of any bot serves the files of all backends. The first
 * one is the first of the configuration that the endpoint was made with, so URLs stay valid after a
 * reload.
 */
#ifndef MK_ENDPOINT_FILES_H
#define MK_ENDPOINT_FILES_H

#include "endpoint/parts.h"

/* Prepares `files` of the endpoint. Returns 0 or -ENOMEM; fini in any case. */
int mk_files_init(struct milky_endpoint *endpoint, const struct milky_config *config);
void mk_files_fini(struct milky_endpoint *endpoint);

/* Updates whether any of the backends serves files. */
void mk_files_look(struct milky_endpoint *endpoint);

int mk_files_url(struct milky_endpoint *endpoint, const struct milky_host *host,
                 struct mk_account *account, const char *token, const char *name, char *url,
                 size_t size);

/* Copies the configured beginning of URLs of files; NULL for no `url`. Returns 0 or -ENOMEM. */
int mk_files_base(const char *url, char **base);

/* Listens on a port for files when no bot has a server on TCP. Returns 0 or an errno, logged. */
int mk_files_open(struct milky_endpoint *endpoint);

#endif
