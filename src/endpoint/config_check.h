/*
 * config_check: what must hold in a configuration beyond what its types say.
 */
#ifndef MK_ENDPOINT_CONFIG_CHECK_H
#define MK_ENDPOINT_CONFIG_CHECK_H

#include <milky/milky.h>

/*
 * For each remote the index of the first one that has the same URL: its own where it is that. With
 * `replaying` only those count that replay, and without a URL none does. On the heap; NULL when
 * memory is out.
 */
size_t *mk_config_check_urls(const struct milky_remote *remotes, size_t count, bool replaying);

#endif
