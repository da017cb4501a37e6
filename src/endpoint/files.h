/*
 * files: those of backends that the endpoint serves: where their URLs lead to, and whom a request
 * for one goes to.
 *
 * A token is its backend's alone. That of another backend than the first is "NAME.TOKEN" in the
 * URL, so any bot's server serves the files of all. The first is that of the configuration that the
 * endpoint was made with: URLs go on to lead where they did, whatever a reload puts in front.
 */
#ifndef MK_ENDPOINT_FILES_H
#define MK_ENDPOINT_FILES_H

#include "endpoint/parts.h"

/* What the hosts and the servers ask for. Returns 0 or -ENOMEM; fini in any case. */
int mk_files_init(struct milky_endpoint *endpoint, const struct milky_config *config);
void mk_files_fini(struct milky_endpoint *endpoint);

/* Whether any of the backends may serve files. */
void mk_files_look(struct milky_endpoint *endpoint);

int mk_files_url(struct milky_endpoint *endpoint, const struct milky_host *host,
                 struct mk_account *account, const char *token, const char *name, char *url,
                 size_t size);

/* What URLs of files are to begin with, in a copy; NULL for no `url`. Returns 0 or -ENOMEM. */
int mk_files_base(const char *url, char **base);

/* Listens for those who fetch files, where no bot does on TCP. Returns 0 or an errno, logged. */
int mk_files_open(struct milky_endpoint *endpoint);

#endif
