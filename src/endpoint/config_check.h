/*
 * config_check: what must hold in a configuration beyond what its types say. The command line has
 * checked it before, and told it with its place in the file; an embedder meets it here. Addresses
 * and files are looked at where they are used.
 */
#ifndef MK_ENDPOINT_CONFIG_CHECK_H
#define MK_ENDPOINT_CONFIG_CHECK_H

#include <milky/milky.h>

/*
 * Returns 0, or -EINVAL or -ENOMEM, logged, with the reason in `error` (or NULL). Whatever makes
 * endpoints and bots of a configuration may rely on it.
 */
int mk_config_check(const struct milky_config *config, struct milky_error *error);

/*
 * For each remote the index of the first one that has the same URL: its own where it is that. With
 * `replaying` only those count that replay, and without a URL none does. On the heap; NULL when
 * memory is out.
 */
size_t *mk_config_check_urls(const struct milky_remote *remotes, size_t count, bool replaying);

/* The same for bots, by their self_id; 0 is none. */
size_t *mk_config_check_ids(const struct milky_bot *bots, size_t count);

#endif
