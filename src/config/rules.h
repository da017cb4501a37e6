/*
 * rules: conditions between the values of a configuration, of files and of embedders alike. One
 * table of functions (rules.c), each of which walks the configuration and adds mistakes. Values
 * that were refused before are NULL or 0 here, and are skipped.
 */
#ifndef MK_CONFIG_RULES_H
#define MK_CONFIG_RULES_H

#include "config/mistakes.h"

#include <milky/milky.h>

void mk_config_check_rules(const struct milky_config *config, struct mk_mistakes *mistakes);

/* Reads the certificates and keys that the configuration names, and adds their mistakes. */
void mk_config_check_files(const struct milky_config *config, struct mk_mistakes *mistakes);

struct mk_config;

/* Adds a mistake where data_dir is no folder and cannot become one, or cannot be written. */
void mk_config_check_data_dir(const char *data_dir, struct mk_mistakes *mistakes);

/* Adds what is no mistake but should be mended: what others can read. */
void mk_config_warn(const struct mk_config *config, struct mk_mistakes *warnings);

/* --- for the files of rules alone --- */

/* A server of the configuration. */
struct mk_rule_entry {
    const struct milky_server *server;
    size_t bot;
    const char *kind; /* "http_server" or "websocket_server" */
    size_t index;
    bool local;
    bool any_port; /* port 0: different from all others */
    char address[128];
};

/* The input of a rule. */
struct mk_config_rule {
    const struct milky_config *config;
    struct mk_mistakes *mistakes;
    const struct mk_rule_entry *entries; /* the servers of all bots */
    size_t entry_count;
};

/* Returns the path of a key of a transport: "bots[0].webhook[1].tls.key". */
const char *mk_rule_path(struct mk_mistakes *mistakes, size_t bot, const char *kind, size_t index,
                         const char *key);

/* Reads the addresses of all servers. Returns them on the heap; NULL when out of memory. */
struct mk_rule_entry *mk_rule_entries(const struct milky_config *config, size_t *count);

/* A server that other machines can reach needs an access_token, unless allow_anonymous is set. */
void mk_rule_anonymous(const struct mk_config_rule *rule);
/* Pages of every origin ("*") may use an address only if it has an access_token. */
void mk_rule_origins(const struct mk_config_rule *rule);
/*
 * A port may be shared by an http_server and a websocket_server of one bot, with the same prefix
 * and TLS. Any other two servers with the same address are a mistake.
 */
void mk_rule_ports(const struct mk_config_rule *rule);
/*
 * `control` and `operations` need addresses of their own, and an access_token where other machines
 * can reach them.
 */
void mk_rule_own_addresses(const struct mk_config_rule *rule);

#endif
