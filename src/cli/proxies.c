/*
 * proxies: see the header. The variables are those of curl: HTTP_PROXY is not read in capitals,
 * because a CGI program gets that variable from a header of its client.
 */
#include "cli/proxies.h"

#include <stdlib.h>

/* The first of them that is set and not empty, or NULL. */
static const char *first_of(const char *const *names)
{
    for (; *names; names++) {
        const char *value = getenv(*names);
        if (value && *value)
            return value;
    }
    return NULL;
}

void mk_proxies_of_environment(struct milky_config *config)
{
    static const char *const http[] = { "http_proxy", "all_proxy", "ALL_PROXY", NULL };
    static const char *const https[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                         NULL };
    static const char *const none[] = { "no_proxy", "NO_PROXY", NULL };
    config->http_proxy = first_of(http);
    config->https_proxy = first_of(https);
    config->no_proxy = first_of(none);
}
