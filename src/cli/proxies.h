/* proxies: the proxies of the environment, for webhooks. */
#ifndef MK_CLI_PROXIES_H
#define MK_CLI_PROXIES_H

#include <milky/milky.h>

/* Sets the proxies of the configuration from the environment; the texts are the environment's. */
void mk_proxies_of_environment(struct milky_config *config);

#endif
