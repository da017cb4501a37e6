/*
 * soak: very many clients of a milky at once, which connect and disconnect in all possible ways
 * while events and calls flow, and which check everything that they get (soak_client). It makes the
 * events itself, as another bot of the same group. tests/e2e/soaking.mjs starts it and watches
 * milky meanwhile.
 *
 * It prints a line of JSON with its counts once a second. After the command "quiet" it disconnects
 * no client any more, waits until each has all events, and prints that; after "leave" it ends all
 * connections. It ends with its input, after `life` seconds at the latest, and with 1 at any
 * mistake.
 */
#include "soak_client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    TICK_MS = 10,
    ROUND_MS = 1000, /* in which each client acts once */
    CALL_EVERY = 20, /* rounds */
    LONGEST_CALM_MS = 40 * 1000,
    PATIENCE_MS = 60 * 1000, /* for every wait */
    MOST_EVENTS = 4096,
    MOST_BURST = 5,
};

static struct {
    double http_port;
    double websocket_port;
    double speaker_port;
    double clients;
    double rate;  /* events a second */
    double churn; /* percent of the clients that disconnect each second */
    double life;  /* seconds */
} options = { .clients = 100, .rate = 4, .churn = 1, .life = 7200 };

static enum { BUSY, CALMING, QUIET, LEFT } phase;
static uint64_t phase_since_ms;
static struct client *all; /* clients, then ghosts, then the speaker */
static size_t client_count, count;
static struct client *speaker;

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool one_in(double average)
{
    return drand48() * average < 1;
}

static void enter_phase(int next)
{
    phase = next;
    phase_since_ms = clients.now_ms;
}

/* --- the clients --- */

static void make_clients(void)
{
    /* Of ten; beside them ghosts, and last the speaker. */
    static const enum client_kind kinds[] = { CLIENT_DRAFT, CLIENT_SSE,  CLIENT_CALLER,
                                              CLIENT_DRAFT, CLIENT_BARE, CLIENT_CALLER,
                                              CLIENT_DRAFT, CLIENT_SSE,  CLIENT_DEFLATE,
                                              CLIENT_CALLER };
    client_count = (size_t)options.clients;
    count = client_count + client_count / 50 + 6;
    all = calloc(count, sizeof(*all));
    if (!all)
        load_fail("out of memory");
    for (size_t i = 0; i < count; i++) {
        all[i].index = i;
        all[i].kind = i < client_count ? kinds[i % 10] : CLIENT_GHOST;
    }
    speaker = &all[count - 1];
    speaker->kind = CLIENT_SPEAKER;
}

static void check_patience(const struct client *client)
{
    bool waits_to_open = client->state == CLIENT_SHAKING || client->state == CLIENT_LEAVING;
    bool too_long = clients.now_ms - client->since_ms > PATIENCE_MS;
    bool unanswered = client->asked_ms > 0 && clients.now_ms - client->asked_ms > PATIENCE_MS;
    if (client->kind != CLIENT_GHOST && ((waits_to_open && too_long) || unanswered))
        load_fail("client %zu of kind %d in state %d gets nothing any more", client->index,
                  client->kind, client->state);
}

static void tend_ghost(struct client *ghost)
{
    if (phase != BUSY)
        client_drop(ghost);
    else if (ghost->state == CLIENT_GONE)
        client_arrive(ghost, false);
    else if (ghost->state == CLIENT_OPEN && one_in(5))
        client_depart(ghost, one_in(2) ? DEPART_RESET : DEPART_END);
}

/* The server ends connections that are idle for 75 s, and might do so just when a call goes out. */
static bool is_calm(const struct client *client)
{
    return clients.now_ms - client->calm_ms > LONGEST_CALM_MS;
}

/* Once in each round. Half of the clients that reconnect want the events that they missed. */
static void tend(struct client *client)
{
    if (client->kind == CLIENT_GHOST) {
        tend_ghost(client);
        return;
    }
    check_patience(client);
    if (client->state == CLIENT_GONE)
        client_arrive(client, phase != BUSY || one_in(2));
    else if (phase == BUSY && client->kind != CLIENT_SPEAKER && one_in(100 / options.churn))
        client_depart(client, (enum client_departure)(lrand48() % DEPARTURES));
    else if (phase == BUSY && client->kind != CLIENT_SPEAKER &&
             (one_in(CALL_EVERY) || is_calm(client)))
        client_ask(client, 1);
}

static void tend_some(uint64_t elapsed_ms)
{
    static size_t next;
    for (size_t part = count * elapsed_ms / ROUND_MS + 1; part > 0; part--) {
        tend(&all[next]);
        next = (next + 1) % count;
    }
}

/* In bursts, since events that come together are sent together. */
static void make_events(uint64_t elapsed_ms)
{
    if (one_in(1000.0 / (double)elapsed_ms / options.rate * (1 + MOST_BURST) / 2))
        client_ask(speaker, 1 + (unsigned)(lrand48() % MOST_BURST));
}

/* --- the end --- */

static size_t lacking(bool (*lacks)(const struct client *client))
{
    size_t sum = 0;
    for (size_t i = 0; i < client_count; i++)
        sum += lacks(&all[i]);
    return sum;
}

static bool is_on_its_way(const struct client *client)
{
    return client->state != CLIENT_OPEN || client->asked_ms > 0;
}

static bool lacks_events(const struct client *client)
{
    return client_gets_events(client) && client->last != clients.said;
}

static void calm_down(void)
{
    bool (*lacks)(const struct client *client) = phase == CALMING ? is_on_its_way : lacks_events;
    size_t left = lacking(lacks);
    if (left == 0 && clients.confirmed == clients.said) {
        if (phase == CALMING) {
            client_ask(speaker,
                       1); /* which all must get: now no client has connected too late for it */
            enter_phase(QUIET);
        } else if (phase_since_ms > 0) {
            printf("{\"settled\": %" PRIu64 "}\n", clients.said);
            fflush(stdout);
            phase_since_ms = 0;
        }
    } else if (phase_since_ms > 0 && clients.now_ms - phase_since_ms > PATIENCE_MS) {
        load_fail("%zu clients still wait for %s, and %" PRIu64 " of %" PRIu64
                  " events were confirmed",
                  left, phase == CALMING ? "an answer" : "events", clients.confirmed, clients.said);
    }
}

static void obey(const char *command)
{
    if (strncmp(command, "quiet", 5) == 0) {
        enter_phase(CALMING);
    } else if (strncmp(command, "leave", 5) == 0) {
        enter_phase(LEFT);
        for (size_t i = 0; i < count; i++)
            client_drop(&all[i]);
    }
}

/* --- all of it --- */

static void report(void)
{
    uint64_t departed = 0;
    for (int i = 0; i < DEPARTURES; i++)
        departed += clients.departures[i];
    printf("{\"open\": %" PRIu64 ", \"said\": %" PRIu64 ", \"events\": %" PRIu64
           ", \"replies\": %" PRIu64 ", \"arrivals\": %" PRIu64 ", \"replays\": %" PRIu64
           ", \"departures\": %" PRIu64 ", \"slowest_ms\": %" PRIu64 "}\n",
           clients.open, clients.said, clients.events, clients.replies, clients.arrivals,
           clients.replays, departed, clients.slowest_ms);
    clients.slowest_ms = 0;
    fflush(stdout);
}

static void tick(uint64_t elapsed_ms)
{
    static uint64_t reported_ms;
    if (phase != LEFT)
        tend_some(elapsed_ms);
    if (phase == BUSY)
        make_events(elapsed_ms);
    else if (phase != LEFT)
        calm_down();
    if (clients.now_ms - reported_ms >= 1000) {
        reported_ms = clients.now_ms;
        report();
    }
}

/* Returns false at the end of the input. */
static bool read_commands(void)
{
    char line[64];
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    if (poll(&input, 1, 0) <= 0)
        return true;
    ssize_t len = read(STDIN_FILENO, line, sizeof(line) - 1);
    if (len <= 0)
        return false;
    line[len] = '\0';
    obey(line);
    return true;
}

static void run(void)
{
    static struct epoll_event events[MOST_EVENTS];
    uint64_t tick_ms = 0;
    while (read_commands()) {
        int ready = epoll_wait(clients.epoll, events, MOST_EVENTS, TICK_MS);
        clients.now_ms = now_ms();
        for (int i = 0; i < ready; i++)
            client_receive(events[i].data.ptr);
        clients.now_ms = now_ms();
        uint64_t elapsed_ms = clients.now_ms - tick_ms;
        errno = 0; /* when this program fails, only its state at that time is printed */
        if (elapsed_ms < TICK_MS)
            continue;
        tick_ms = clients.now_ms;
        tick(elapsed_ms < ROUND_MS ? elapsed_ms : ROUND_MS);
    }
}

static void read_option(const char *argument)
{
    static const struct {
        const char *name;
        double *number;
    } known[] = {
        { "http_port", &options.http_port },
        { "websocket_port", &options.websocket_port },
        { "speaker_port", &options.speaker_port },
        { "clients", &options.clients },
        { "rate", &options.rate },
        { "churn", &options.churn },
        { "life", &options.life },
    };
    size_t len = strcspn(argument, "=");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (argument[len] == '=' && strlen(known[i].name) == len &&
            strncmp(known[i].name, argument, len) == 0) {
            *known[i].number = strtod(argument + len + 1, NULL);
            return;
        }
    }
    load_fail("soak: there is no option %s", argument);
}

int main(int argc, char **argv)
{
    errno = 0;
    for (int i = 1; i < argc; i++)
        read_option(argv[i]);
    alarm((unsigned)options.life);
    load_raise_limit();
    clients.http_port = (int)options.http_port;
    clients.websocket_port = (int)options.websocket_port;
    clients.speaker_port = (int)options.speaker_port;
    clients.epoll = epoll_create1(0);
    clients.now_ms = now_ms();
    srand48(1);
    make_clients();
    run();
    return 0;
}
