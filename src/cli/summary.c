/* summary: see the header. */
#include "cli/summary.h"

#include "backend/sandbox/sandbox.h"
#include "base/buf.h"
#include "cli/command.h"
#include "config/schema.h"
#include "net/address.h"
#include "wire/url.h"

#include <netinet/in.h>
#include <stdio.h>

enum { LONGEST_LINE = 16 * 1024 }; /* names of people and groups are in it */

void mk_target_of(const char *scheme, const char *listen, struct mk_target *target)
{
    memset(target, 0, sizeof(*target));
    if (strncmp(listen, "unix:", 5) == 0) {
        target->unix_path = listen + 5;
        snprintf(target->base, sizeof(target->base), "%s://localhost", scheme);
        return;
    }
    struct mk_address address;
    char text[MK_ADDRESS_TEXT] = "";
    if (!mk_address_parse(mk_slice_str(listen), &address)) {
        if (address.socket.ss_family == AF_INET6) {
            struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&address.socket;
            if (IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
                v6->sin6_addr = in6addr_loopback;
            target->any_port = v6->sin6_port == 0;
        } else {
            struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&address.socket;
            if (v4->sin_addr.s_addr == htonl(INADDR_ANY))
                v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            target->any_port = v4->sin_port == 0;
        }
        mk_address_format(&address, text);
    }
    snprintf(target->base, sizeof(target->base), "%s://%s", scheme, text);
}

void mk_target_of_server(const char *scheme, const struct milky_server *server, const char *listen,
                         struct mk_target *target)
{
    char secure[8];
    snprintf(secure, sizeof(secure), "%s%s", scheme, server->tls.certificate ? "s" : "");
    mk_target_of(secure, listen, target);
    size_t len = strlen(target->base);
    snprintf(target->base + len, sizeof(target->base) - len, "%s",
             server->prefix ? server->prefix : "");
}

const char *mk_summary_url(const char *text, char *out, size_t size)
{
    struct mk_url url;
    if (mk_url_parse(mk_slice_str(text), &url)) {
        snprintf(out, size, "?");
        return out;
    }
    char port[8] = "";
    if (!url.default_port)
        snprintf(port, sizeof(port), ":%u", url.port);
    snprintf(out, size, "%.*s://%s%.*s%s%.*s%s", (int)url.scheme.len, url.scheme.ptr,
             url.userinfo.len ? "***@" : "", (int)url.authority_host.len, url.authority_host.ptr,
             port, (int)url.path.len, url.path.ptr, url.has_query ? "?***" : "");
    return out;
}

static void print_server(FILE *out, const char *transport, const char *address,
                         const struct milky_server *server)
{
    bool http = strcmp(transport, "http_server") == 0;
    const char *tls = server->tls.certificate ? "s" : "";
    const char *prefix = server->prefix ? server->prefix : "";
    if (strncmp(address, "unix:", 5) == 0)
        fprintf(out, "  %-17s %s%s%s%s\n", transport, address, *prefix ? " " : "", prefix,
                *tls ? " (TLS)" : "");
    else
        fprintf(out, "  %-17s %s%s://%s%s/%s\n", transport, http ? "http" : "ws", tls, address,
                prefix, http ? ":api" : "");
}

/* --- a bot's transports, as the schema knows them --- */

static const struct mk_config_key *transport_keys(void)
{
    const struct mk_config_key *key = mk_config_schema.keys;
    while (strcmp(key->name, "bots") != 0)
        key++;
    return key->keys;
}

static size_t count_of(const struct milky_bot *bot, const struct mk_config_key *key)
{
    return key->type == MK_CONFIG_LIST ? *(const size_t *)((uintptr_t)bot + key->count) : 0;
}

static const void *entry_of(const struct milky_bot *bot, const struct mk_config_key *key, size_t i)
{
    const char *list = *(const char *const *)((uintptr_t)bot + key->at);
    return list + i * key->size;
}

/* An entry's first key is its address or its URL. */
static void print_entry(FILE *out, const struct mk_config_key *key, const void *entry)
{
    char text[512];
    const char *where = *(const char *const *)((uintptr_t)entry + key->keys[0].at);
    if (key->keys[0].type == MK_CONFIG_LISTEN)
        print_server(out, key->name, where, entry);
    else
        fprintf(out, "  %-17s %s\n", key->name, mk_summary_url(where, text, sizeof(text)));
}

/* Entries that share a port have prefix and TLS in common. */
static void print_port(FILE *out, const struct milky_bot *bot, const struct milky_port *port)
{
    const struct mk_config_key *key = transport_keys();
    while (strcmp(key->name, port->transport) != 0)
        key++;
    print_server(out, port->transport, port->address, entry_of(bot, key, port->entry));
}

/* The sandbox of a bot, or NULL where it has another backend or is not running. */
static struct sb_sandbox *sandbox_of(const struct mk_config *config, const struct milky_bot *bot)
{
    const struct milky_config *endpoint = &config->endpoint;
    for (size_t i = 0; i < endpoint->backend_count; i++) {
        const struct milky_config_backend *backend = &endpoint->backends[i];
        bool is_its = !bot->backend || strcmp(backend->name, bot->backend) == 0;
        if (is_its && backend->table == &sb_backend)
            return backend->self;
    }
    return NULL;
}

/* The group that the bot can be tried in, with the role that it has there. */
static void print_group(FILE *out, const struct mk_config *config, const struct milky_bot *bot)
{
    struct sb_sandbox *sandbox = sandbox_of(config, bot);
    struct mk_buf line;
    mk_buf_init(&line, LONGEST_LINE);
    if (sandbox && sb_sandbox_group_line(sandbox, bot->self_id, mk_language_get(), &line) == 0 &&
        line.len > 0) {
        fprintf(out, "  ");
        mk_text_show(out, mk_slice_of(line.data, line.len), false);
        fprintf(out, "\n");
    }
    mk_buf_fini(&line);
}

static void print_bot(FILE *out, const struct mk_config *config, const struct milky_bot *bot,
                      const struct milky_endpoint *endpoint)
{
    bool says_backend = config->backend_count > 1;
    fprintf(out, "bot %llu%s%s%s\n", (unsigned long long)bot->self_id, says_backend ? " (" : "",
            says_backend ? bot->backend : "", says_backend ? ")" : "");
    struct milky_port port = { .size = sizeof(port) };
    for (size_t i = 0; endpoint && milky_endpoint_port(endpoint, i, &port); i++)
        if (port.self_id == bot->self_id)
            print_port(out, bot, &port);
    size_t total = 0;
    for (const struct mk_config_key *key = transport_keys(); key->name; key++) {
        size_t count = count_of(bot, key);
        bool has_ports = endpoint && count > 0 && key->keys[0].type == MK_CONFIG_LISTEN;
        for (size_t i = 0; i < count && !has_ports; i++)
            print_entry(out, key, entry_of(bot, key, i));
        total += count;
    }
    if (total == 0)
        fprintf(out, "  %s\n", mk_tr("(no transport)", "（没有通信方式）"));
    if (endpoint)
        print_group(out, config, bot);
}

/* Prints an address of the endpoint itself, with the real port when it listens already. */
static void print_own(FILE *out, const char *name, const char *address,
                      const struct milky_endpoint *endpoint)
{
    struct milky_port port = { .size = sizeof(port) };
    for (size_t i = 0; address && endpoint && milky_endpoint_port(endpoint, i, &port); i++)
        if (strcmp(port.transport, name) == 0)
            address = port.address;
    if (address)
        fprintf(out, "%s\n  %s\n", name, address);
}

/* "sandbox"; where there are several, their number. */
static void print_backends(FILE *out, const struct mk_config *config)
{
    if (config->backend_count == 1)
        fprintf(out, "%s", mk_config_backend_type(&config->backends[0]));
    else
        fprintf(out, mk_tr("%zu backends", "%zu 个后端"), config->backend_count);
}

static void print_backend(FILE *out, const struct mk_config *config,
                          const struct mk_config_backend *backend)
{
    fprintf(out, "%s %s\n  %-17s %s/%s\n", mk_tr("backend", "后端"), backend->name,
            mk_config_backend_type(backend), config->data_dir, backend->name);
}

void mk_summary_print(FILE *out, const struct mk_config *config,
                      const struct milky_endpoint *endpoint)
{
    fprintf(out, "milky %s: ", milky_version());
    print_backends(out, config);
    fprintf(out, ", %s, %s %s\n",
            config->file ? config->file : mk_tr("built-in configuration", "内置配置"),
            mk_tr("data in", "数据目录"), config->data_dir);
    for (size_t i = 0; i < config->endpoint.bot_count; i++)
        print_bot(out, config, &config->endpoint.bots[i], endpoint);
    for (size_t i = 0; config->backend_count > 1 && i < config->backend_count; i++)
        print_backend(out, config, &config->backends[i]);
    print_own(out, "control", config->endpoint.control, endpoint);
    print_own(out, "operations", config->endpoint.operations, endpoint);
}

/* The configuration's first http_server; its real address is the first port of that kind. */
static const struct milky_server *first_server(const struct mk_config *config)
{
    for (size_t i = 0; i < config->endpoint.bot_count; i++)
        if (config->endpoint.bots[i].http_server_count > 0)
            return &config->endpoint.bots[i].http_server[0];
    return NULL;
}

static void try_curl(FILE *out, const char *lead, const struct milky_server *server,
                     const char *address)
{
    struct mk_target target;
    mk_target_of_server("http", server, address, &target);
    fprintf(out, "%scurl", lead);
    if (target.unix_path)
        fprintf(out, " --unix-socket '%s'", target.unix_path);
    if (server->access_token)
        fprintf(out, " -H 'Authorization: Bearer %s'", mk_tr("ACCESS_TOKEN", "访问令牌"));
    fprintf(out, " -H 'Content-Type: application/json' -d '{}' %s%s/get_friend_list\n", target.base,
            server->dialect == MILKY_DIALECT_DRAFT ? "" : "/api");
}

void mk_summary_try(FILE *out, const struct mk_config *config, const char *file,
                    const struct milky_endpoint *endpoint)
{
    const char *lead = mk_tr("Try: ", "试试：");
    const char *next = mk_tr("     ", "      ");
    char words[1024];
    mk_command_config_words(file, words, sizeof(words));
    if (config->endpoint.control && mk_config_find_sandbox(config)) {
        fprintf(out, "%s%s say%s --as 10003001 --group 700000001 hello\n", lead, mk_program, words);
        lead = next;
    }
    const struct milky_server *server = first_server(config);
    struct milky_port port = { .size = sizeof(port) };
    for (size_t i = 0; server && milky_endpoint_port(endpoint, i, &port); i++)
        if (strcmp(port.transport, "http_server") == 0) {
            try_curl(out, lead, server, port.address);
            break;
        }
}
