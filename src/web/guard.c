/*
 * guard: see the header. Clients are in a hash table with a random seed, so that an attacker cannot
 * choose colliding addresses. A client is removed when it has no connection, and a minute has
 * passed since its first wrong credentials.
 */
#include "web/guard.h"

#include "base/log.h"
#include "net/address.h"
#include "net/timer.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    BUCKETS = 4096,
    WINDOW_MS = 60 * 1000, /* in which wrong credentials are counted */
    MAX_REMEMBERED =
        65536, /* addresses without a connection; for more of them the oldest is removed */
    RESERVED_CONNECTIONS = 64, /* connections beyond limits.connections */
};

/* The significant part of an address: 4 bytes of IPv4, 8 of IPv6, nothing of a Unix socket. */
struct key {
    uint64_t address;
    uint32_t family;
};

struct mk_guard_client {
    struct mk_guard_client *next; /* in its bucket */
    struct mk_guard *guard;
    struct key key;
    size_t connections;
    size_t ended; /* connections that ended to make room, and whose streams are not gone yet */
    struct mk_waiting waiting;
    uint64_t failures[MK_GUARD_ORIGINS]; /* within the window */
    struct mk_timeout window;            /* armed while there are any */
    bool is_local;
    bool limit_logged; /* it was logged that it has too many connections */
};

struct mk_guard {
    struct mk_loop *loop;
    struct mk_web_limits limits;
    struct mk_timeouts windows;
    struct mk_handshakes handshakes;
    struct mk_receiving receiving;
    struct mk_waiting waiting;
    size_t connections;
    size_t ended;      /* as in a client */
    size_t remembered; /* clients with a window */
    bool limit_logged;
    uint64_t refusals[MK_REFUSAL_KINDS];
    uint64_t seed;
    struct mk_guard_client *buckets[BUCKETS];
};

static struct key key_of(const struct sockaddr *address)
{
    struct key key = { .family = address->sa_family };
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    if (key.family == AF_INET) {
        key.address = in->sin_addr.s_addr;
    } else if (key.family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        uint32_t inner;
        memcpy(&inner, &in6->sin6_addr.s6_addr[12], sizeof(inner));
        key = (struct key){ inner, AF_INET };
    } else if (key.family == AF_INET6) {
        memcpy(&key.address, &in6->sin6_addr, sizeof(key.address));
    }
    return key;
}

static struct mk_guard_client **bucket_of(struct mk_guard *guard, const struct key *key)
{
    uint64_t hash = (key->address ^ guard->seed ^ key->family) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    return &guard->buckets[(hash >> 40) % BUCKETS];
}

static bool has_failed(const struct mk_guard_client *client)
{
    return client->failures[MK_GUARD_PROGRAM] > 0 || client->failures[MK_GUARD_PAGE] > 0;
}

static void free_if_unused(struct mk_guard_client *client)
{
    if (client->connections > 0 || has_failed(client))
        return;
    struct mk_guard_client **link = bucket_of(client->guard, &client->key);
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    free(client);
}

static void end_window(struct mk_guard_client *client)
{
    mk_timeout_disarm(&client->window);
    client->guard->remembered--;
    memset(client->failures, 0, sizeof(client->failures));
    free_if_unused(client);
}

static void on_window_over(struct mk_timeout *timeout)
{
    end_window(MK_CONTAINER_OF(timeout, struct mk_guard_client, window));
}

struct mk_guard *mk_guard_new(struct mk_loop *loop, const struct mk_web_limits *limits)
{
    struct mk_guard *guard = calloc(1, sizeof(*guard));
    if (!guard)
        return NULL;
    guard->loop = loop;
    guard->limits = *limits;
    mk_handshakes_init(&guard->handshakes, limits->tls_handshakes);
    guard->receiving.most = limits->receiving_bytes > 0 ? limits->receiving_bytes : UINT64_MAX;
    mk_waiting_init(&guard->waiting, false);
    if (getrandom(&guard->seed, sizeof(guard->seed), 0) < 0 ||
        mk_timeouts_init(&guard->windows, loop, WINDOW_MS, on_window_over) < 0) {
        free(guard);
        return NULL;
    }
    return guard;
}

struct mk_guard *mk_guard_free(struct mk_guard *guard)
{
    if (!guard)
        return NULL;
    while (!mk_list_empty(&guard->windows.armed))
        end_window(MK_CONTAINER_OF(guard->windows.armed.next, struct mk_guard_client, window.node));
    mk_timeouts_fini(&guard->windows);
    free(guard);
    return NULL;
}

const struct mk_web_limits *mk_guard_limits(const struct mk_guard *guard)
{
    return &guard->limits;
}

struct mk_handshakes *mk_guard_handshakes(struct mk_guard *guard)
{
    return &guard->handshakes;
}

struct mk_receiving *mk_guard_receiving(struct mk_guard *guard)
{
    return &guard->receiving;
}

static struct mk_guard_client *client_of(struct mk_guard *guard, const struct mk_address *address)
{
    struct key key = key_of((const struct sockaddr *)&address->socket);
    struct mk_guard_client **bucket = bucket_of(guard, &key);
    for (struct mk_guard_client *client = *bucket; client; client = client->next)
        if (client->key.address == key.address && client->key.family == key.family)
            return client;
    struct mk_guard_client *client = calloc(1, sizeof(*client));
    if (!client)
        return NULL;
    client->guard = guard;
    client->key = key;
    client->is_local = mk_address_is_local(address);
    mk_timeout_init(&client->window);
    mk_waiting_init(&client->waiting, true);
    client->next = *bucket;
    *bucket = client;
    return client;
}

static void on_gone(void *arg)
{
    struct mk_guard_client *client = arg;
    struct mk_guard *guard = client->guard;
    if (--client->connections < guard->limits.connections_per_address)
        client->limit_logged = false;
    if (--guard->connections < guard->limits.connections / 2)
        guard->limit_logged = false;
    free_if_unused(client);
}

/* --- making room --- */

void mk_guard_client_waits(struct mk_guard_client *client, struct mk_waiter *waiter)
{
    mk_waiter_add(waiter, &client->guard->waiting, &client->waiting);
}

static void on_ended_gone(void *arg)
{
    struct mk_guard_client *client = arg;
    client->ended--;
    client->guard->ended--;
    on_gone(client);
}

/* Logs a flood of connections once, and again each time that it has doubled. */
static void log_flood(const struct mk_guard *guard, const char *limit)
{
    uint64_t ended = guard->refusals[MK_REFUSAL_SILENT] + guard->refusals[MK_REFUSAL_IDLE];
    if ((ended & (ended - 1)) == 0)
        mk_log_warn("server",
                    "%zu connections are open: the oldest that waits without a request ends for a "
                    "new one, %llu so far (limits.%s)",
                    "已有 %zu 个连接：结束最早的没有请求的连接以接受新的，迄今 %llu "
                    "次（limits.%s）",
                    guard->connections - guard->ended, (unsigned long long)ended, limit);
}

/* Ends a connection of these without a request. Returns false if there is none. */
static bool make_room(struct mk_guard *guard, struct mk_waiting *waiting, const char *limit)
{
    enum mk_waiting_kind kind;
    struct mk_waiter *waiter = mk_waiting_take(waiting, &kind);
    if (!waiter)
        return false;
    struct mk_guard_client *client =
        MK_CONTAINER_OF(waiter->address, struct mk_guard_client, waiting);
    mk_guard_count(guard, kind == MK_WAITING_SILENT ? MK_REFUSAL_SILENT : MK_REFUSAL_IDLE);
    log_flood(guard, limit);
    client->ended++;
    guard->ended++;
    mk_stream_on_gone(waiter->stream, on_ended_gone, client);
    waiter->end(waiter);
    return true;
}

static bool is_full(struct mk_guard *guard, enum mk_guard_pool pool, bool is_unix)
{
    uint64_t most = guard->limits.connections;
    if (pool == MK_GUARD_RESERVED)
        most = is_unix ? UINT64_MAX : most + RESERVED_CONNECTIONS;
    if (guard->connections - guard->ended < most ||
        make_room(guard, &guard->waiting, "connections"))
        return false;
    mk_guard_count(guard, MK_REFUSAL_CONNECTIONS);
    if (!guard->limit_logged)
        mk_log_warn("server", "%zu connections are open: no more are accepted (limits.connections)",
                    "已有 %zu 个连接：不再接受新的连接（limits.connections）", guard->connections);
    guard->limit_logged = true;
    return true;
}

static bool has_too_many(struct mk_guard_client *client, const struct mk_stream *stream)
{
    const struct mk_web_limits *limits = &client->guard->limits;
    if (client->key.family == AF_UNIX ||
        client->connections - client->ended < limits->connections_per_address ||
        (client->is_local && !limits->limits_this_machine) ||
        make_room(client->guard, &client->waiting, "connections_per_address"))
        return false;
    mk_guard_count(client->guard, MK_REFUSAL_PER_ADDRESS);
    if (!client->limit_logged)
        mk_log_warn(
            "server",
            "%s: %zu connections from this address are open: no more are accepted "
            "(limits.connections_per_address)",
            "%s：来自此地址的连接已有 %zu 个：不再接受新的连接（limits.connections_per_address）",
            mk_stream_remote(stream), client->connections);
    client->limit_logged = true;
    return true;
}

struct mk_guard_client *mk_guard_admit(struct mk_guard *guard, struct mk_stream *stream,
                                       enum mk_guard_pool pool)
{
    struct mk_address address;
    mk_stream_remote_address(stream, &address);
    bool is_unix = address.socket.ss_family == AF_UNIX;
    struct mk_guard_client *client = client_of(guard, &address);
    if (!client)
        return NULL;
    /* The limit of the address comes first: room there is room for all. */
    if (has_too_many(client, stream) || is_full(guard, pool, is_unix)) {
        free_if_unused(client);
        return NULL;
    }
    client->connections++;
    guard->connections++;
    mk_stream_on_gone(stream, on_gone, client);
    return client;
}

void mk_guard_client_failed(struct mk_guard_client *client, enum mk_guard_origin origin)
{
    struct mk_guard *guard = client->guard;
    if (client->key.family == AF_UNIX)
        return;
    bool had_failed = has_failed(client);
    client->failures[origin]++;
    if (had_failed)
        return;
    if (guard->remembered == MAX_REMEMBERED)
        end_window(MK_CONTAINER_OF(guard->windows.armed.next, struct mk_guard_client, window.node));
    guard->remembered++;
    mk_timeout_arm(&guard->windows, &client->window);
}

uint64_t mk_guard_client_blocked(const struct mk_guard_client *client, enum mk_guard_origin origin)
{
    const struct mk_guard *guard = client->guard;
    if (client->failures[origin] < guard->limits.failed_credentials)
        return 0;
    uint64_t now = mk_loop_now(guard->loop);
    return client->window.due > now ? (client->window.due - now + 999) / 1000 : 1;
}

void mk_guard_count(struct mk_guard *guard, enum mk_refusal refusal)
{
    if (guard)
        guard->refusals[refusal]++;
}

const uint64_t *mk_guard_counts(const struct mk_guard *guard)
{
    return guard->refusals;
}
