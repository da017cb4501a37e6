/*
 * rules: what must hold between the values of a configuration, of a file's and an embedder's alike.
 * One table of functions (rules.c); each walks the configuration and notes what breaks it. Values
 * that were refused before are NULL or 0 here, and are passed over.
 */
#ifndef MK_CONFIG_RULES_H
#define MK_CONFIG_RULES_H

#include "config/mistakes.h"

#include <milky/milky.h>

void mk_config_check_rules(const struct milky_config *config, struct mk_mistakes *mistakes);

/* Reads the certificates and keys that it names, and notes what is wrong with them. */
void mk_config_check_files(const struct milky_config *config, struct mk_mistakes *mistakes);

/* --- for the files of rules alone --- */

/* A server of the configuration. */
struct mk_rule_entry {
    const struct milky_server *server;
    size_t bot;
    const char *kind; /* "http_server" or "websocket_server" */
    size_t index;
    bool local;
    bool any_port; /* port 0: never the same as another */
    char address[128];
};

/* The input of a rule. */
struct mk_config_rule {
    const struct milky_config *config;
    struct mk_mistakes *mistakes;
    const struct mk_rule_entry *entries; /* the servers of all bots */
    size_t entry_count;
};

/* Reads all addresses of servers. Returns them on the heap; NULL when memory is out. */
struct mk_rule_entry *mk_rule_entries(const struct milky_config *config, size_t *count);

/* Beyond this machine a server is not without an access_token by mistake. */
void mk_rule_anonymous(const struct mk_config_rule *rule);
/* Servers share a port only where they are of one bot, of two kinds, and agree. */
void mk_rule_ports(const struct mk_config_rule *rule);
/* `control` and `operations` have addresses of their own, and ask for a token beyond this machine.
 */
void mk_rule_own_addresses(const struct mk_config_rule *rule);

#endif
