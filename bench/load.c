/*
 * load: the load generator: calls over WebSocket, events to many, connections that do nothing, and
 * how long a server takes to start. Connects once, says "ready", then makes a measurement of so
 * many seconds for each number that it reads, and prints it as a line of JSON; so several servers
 * can be measured in turns. The server's CPU time is read from its clock around each measurement.
 *
 * Ends with its input, and by itself after a quarter of an hour.
 */
#include "load_socket.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_EVENTS = 4096, LONGEST_LIFE = 900, PATIENCE_MS = 20000, MOST_DUE = 32 };

static struct {
    double port;
    const char *path;
    double pid; /* of the server */
    double clients;
    double idle; /* connections beside those */
    double in_flight;
    double rate;      /* calls a second */
    double burst;     /* events made at once */
    const char *kind; /* of the clients that get events: websocket, deflate, sse, hook */
    double trigger_port;
    const char *trigger_path;
    const char *message;
} options = { .path = "/",
              .clients = 1,
              .in_flight = 1,
              .burst = 1,
              .kind = "websocket",
              .trigger_path = "/",
              .message = "{}" };

static int port, pid;
static size_t client_count;
static unsigned in_flight, burst;

static struct load_socket *sockets; /* clients, then idle ones, then the trigger */
static size_t socket_count;
static int epoll;
static int listener = -1; /* of webhooks */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The server's CPU time so far (see clock_getcpuclockid(3) for the number of the clock). */
static uint64_t server_cpu_ns(void)
{
    struct timespec used = { 0 };
    if (pid > 0 && clock_gettime((clockid_t)((~(unsigned)pid << 3) | 2), &used) < 0)
        load_fail("the server %d is gone", pid);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

struct window {
    uint64_t started, ended, cpu_started, cpu_ended;
};

static void begin(struct window *window)
{
    window->cpu_started = server_cpu_ns();
    window->started = now_ns();
}

static void end(struct window *window)
{
    window->ended = now_ns();
    window->cpu_ended = server_cpu_ns();
}

static void print_window(const struct window *window, uint64_t operations, const char *more)
{
    printf("{\"operations\": %" PRIu64 ", \"wall_ns\": %" PRIu64 ", \"cpu_ns\": %" PRIu64 "%s}\n",
           operations, window->ended - window->started, window->cpu_ended - window->cpu_started,
           more);
    fflush(stdout);
}

static void watch(struct load_socket *socket)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = socket };
    epoll_ctl(epoll, EPOLL_CTL_ADD, socket->fd, &event);
}

static struct load_socket *accept_hook(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    struct load_socket *hook = calloc(1, sizeof(*hook));
    if (fd < 0 || !hook)
        load_fail("accept");
    *hook = (struct load_socket){ .fd = fd, .kind = LOAD_HOOK };
    watch(hook);
    return hook;
}

/* Waits for input (0: looks) and gives each socket's completed frames to `got`. */
static unsigned receive(int timeout_ms, void (*got)(struct load_socket *socket, unsigned count))
{
    static struct epoll_event events[MOST_EVENTS];
    unsigned sum = 0;
    int count = epoll_wait(epoll, events, MOST_EVENTS, timeout_ms);
    if (count == 0 && timeout_ms >= PATIENCE_MS)
        load_fail("the server says nothing any more");
    for (int i = 0; i < count; i++) {
        struct load_socket *socket = events[i].data.ptr;
        if (!socket) {
            accept_hook();
            continue;
        }
        unsigned frames = load_receive(socket);
        if (got && frames > 0)
            got(socket, frames);
        sum += frames;
    }
    return sum;
}

/* --- calls as fast as they are answered --- */

static bool sending;

static void send_next(struct load_socket *socket, unsigned count)
{
    if (sending)
        load_send(socket, options.message, count);
}

static void measure_calls(double seconds)
{
    struct window window;
    uint64_t done = 0, waiting = client_count * in_flight;
    uint64_t from = now_ns() + (uint64_t)(seconds * 1e8);
    uint64_t to = now_ns() + (uint64_t)(seconds * 1e9);
    sending = true;
    for (size_t i = 0; i < client_count; i++)
        load_send(&sockets[i], options.message, in_flight);
    while (now_ns() < from)
        receive(PATIENCE_MS, send_next);
    begin(&window);
    while (now_ns() < to)
        done += receive(PATIENCE_MS, send_next);
    end(&window);
    sending = false;
    for (uint64_t answered = 0; answered < waiting;)
        answered += receive(PATIENCE_MS, NULL);
    print_window(&window, done, "");
}

/* --- calls at a rate --- */

static uint32_t *delays; /* in units of 10 ns */
static size_t delay_count, delay_room;

static void note_delays(struct load_socket *socket, unsigned count)
{
    uint64_t now = now_ns();
    for (; count > 0; count--) {
        uint64_t delay = (now - socket->due[socket->due_first]) / 10;
        socket->due_first = (socket->due_first + 1) % MOST_DUE;
        socket->due_count--;
        if (delay_count < delay_room)
            delays[delay_count++] = delay < UINT32_MAX ? (uint32_t)delay : UINT32_MAX;
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return first < second ? -1 : first > second;
}

static double delay_us(double part)
{
    return delay_count ? delays[(size_t)((double)(delay_count - 1) * part)] / 100.0 : 0;
}

/* Each call is timed from when it should have gone out, however late that was. */
static void measure_rate(double seconds)
{
    struct window window;
    char more[256];
    size_t total = (size_t)(options.rate * seconds);
    size_t answered = 0;
    delays = realloc(delays, (total + 1) * sizeof(*delays));
    delay_count = 0;
    delay_room = total;
    begin(&window);
    for (size_t sent = 0; answered < total;) {
        uint64_t now = now_ns();
        for (; sent < total; sent++) {
            struct load_socket *socket = &sockets[sent % client_count];
            uint64_t due = window.started + (uint64_t)((double)sent / options.rate * 1e9);
            if (due > now || socket->due_count == MOST_DUE)
                break;
            socket->due[(socket->due_first + socket->due_count++) % MOST_DUE] = due;
            load_send(socket, options.message, 1);
        }
        answered += receive(sent == total ? PATIENCE_MS : 0, note_delays);
    }
    end(&window);
    qsort(delays, delay_count, sizeof(*delays), compare);
    snprintf(more, sizeof(more), ", \"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f", delay_us(0.5),
             delay_us(0.99), delay_us(0.999));
    print_window(&window, answered, more);
}

/* --- events to many --- */

static struct load_socket *trigger;
static uint64_t trigger_answers;
static uint64_t delivered;

static void note_delivered(struct load_socket *socket, unsigned count)
{
    if (socket == trigger)
        trigger_answers += count;
    else
        delivered += count;
}

static void one_burst(void)
{
    uint64_t expected = delivered + client_count * burst;
    uint64_t answers = trigger_answers + burst;
    load_send(trigger, options.message, burst);
    while (delivered < expected || trigger_answers < answers)
        receive(PATIENCE_MS, note_delivered);
    if (delivered > expected)
        load_fail("more events than were made");
}

static void measure_fanout(double seconds)
{
    struct window window;
    char more[64];
    one_burst();
    uint64_t before = delivered, bursts = 0, bytes_before = sockets[0].bytes;
    begin(&window);
    uint64_t to = window.started + (uint64_t)(seconds * 1e9);
    for (; now_ns() < to; bursts++)
        one_burst();
    end(&window);
    uint64_t events = bursts * burst;
    snprintf(more, sizeof(more), ", \"events\": %" PRIu64 ", \"bytes\": %" PRIu64, events,
             client_count > 0 ? (sockets[0].bytes - bytes_before) / events : 0);
    print_window(&window, delivered - before, more);
}

/* --- connections that do nothing --- */

/* Bytes of the server's own memory: resident, not shared with files. */
static long resident_bytes(void)
{
    char path[64];
    long kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    char line[256];
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "RssAnon: %ld", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib * 1024;
}

static void measure_idle(void)
{
    size_t warm = client_count / 10;
    for (size_t i = 0; i < warm; i++)
        load_connect(&sockets[i], LOAD_WEBSOCKET, port, options.path, i);
    usleep(200000);
    long before = resident_bytes();
    for (size_t i = warm; i < client_count; i++)
        load_connect(&sockets[i], LOAD_WEBSOCKET, port, options.path, i);
    usleep(200000);
    long after = resident_bytes();
    printf("{\"clients\": %zu, \"bytes\": %ld}\n", client_count - warm, after - before);
}

/* --- starting --- */

/* Starts a command and asks until it answers. The time is from fork to the first answer. */
static void measure_start(char **command)
{
    char request[512], answer[512];
    int len = snprintf(request, sizeof(request),
                       "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                       "Content-Length: 2\r\n\r\n{}",
                       options.path);
    struct sockaddr_in peer = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    uint64_t started = now_ns();
    pid_t child = fork();
    if (child == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    int fd;
    for (;;) {
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&peer, sizeof(peer)) == 0)
            break;
        close(fd);
        if (now_ns() - started > 10000000000 || waitpid(child, NULL, WNOHANG) != 0)
            load_fail("%s does not start", command[0]);
        usleep(100);
    }
    bool ok = send(fd, request, (size_t)len, MSG_NOSIGNAL) == len &&
              recv(fd, answer, sizeof(answer), 0) > 12 && memcmp(answer + 9, "200", 3) == 0;
    uint64_t ended = now_ns();
    pid = child;
    uint64_t cpu = server_cpu_ns();
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    if (!ok)
        load_fail("no answer from %s", command[0]);
    printf("{\"wall_ns\": %" PRIu64 ", \"cpu_ns\": %" PRIu64 "}\n", ended - started, cpu);
}

/* --- all of it --- */

static void connect_all(enum load_kind kind)
{
    epoll = epoll_create1(0);
    if (kind == LOAD_HOOK) {
        struct epoll_event event = { .events = EPOLLIN };
        listener = load_listen(port);
        epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    } else {
        for (; socket_count < client_count + (size_t)options.idle; socket_count++)
            load_connect(&sockets[socket_count], kind, port, options.path, socket_count);
        for (size_t i = 0; i < socket_count; i++)
            watch(&sockets[i]);
    }
    if (options.trigger_port > 0) {
        trigger = &sockets[socket_count];
        load_connect(trigger, LOAD_WEBSOCKET, (int)options.trigger_port, options.trigger_path, 0);
        watch(trigger);
    }
}

static enum load_kind kind_of(const char *word)
{
    if (strcmp(word, "deflate") == 0)
        return LOAD_DEFLATE;
    if (strcmp(word, "sse") == 0)
        return LOAD_SSE;
    return strcmp(word, "hook") == 0 ? LOAD_HOOK : LOAD_WEBSOCKET;
}

/* Between two measurements, which may be minutes, pings still want their answer. */
static bool next_window(double *seconds)
{
    char line[64];
    struct pollfd waiting[] = { { .fd = STDIN_FILENO, .events = POLLIN },
                                { .fd = epoll, .events = POLLIN } };
    for (;;) {
        poll(waiting, 2, -1);
        if (waiting[1].revents)
            receive(0, NULL);
        if (!waiting[0].revents)
            continue;
        ssize_t len = read(STDIN_FILENO, line, sizeof(line) - 1);
        if (len <= 0)
            return false;
        line[len] = '\0';
        *seconds = strtod(line, NULL);
        return true;
    }
}

static void serve_windows(void (*measure)(double seconds))
{
    double seconds;
    connect_all(kind_of(options.kind));
    printf("ready\n");
    fflush(stdout);
    while (next_window(&seconds))
        measure(seconds);
}

/* Everything is given as NAME=VALUE. Returns what is behind "--", or the end. */
static char **read_options(char **argument)
{
    static const struct {
        const char *name;
        double *number;
        const char **text;
    } known[] = {
        { "port", &options.port, NULL },
        { "path", NULL, &options.path },
        { "pid", &options.pid, NULL },
        { "clients", &options.clients, NULL },
        { "idle", &options.idle, NULL },
        { "in_flight", &options.in_flight, NULL },
        { "rate", &options.rate, NULL },
        { "burst", &options.burst, NULL },
        { "kind", NULL, &options.kind },
        { "trigger_port", &options.trigger_port, NULL },
        { "trigger_path", NULL, &options.trigger_path },
        { "message", NULL, &options.message },
    };
    for (; *argument && strcmp(*argument, "--") != 0; argument++) {
        size_t i = 0;
        size_t len = strcspn(*argument, "=");
        while (i < sizeof(known) / sizeof(known[0]) &&
               (strncmp(known[i].name, *argument, len) != 0 || known[i].name[len] != '\0'))
            i++;
        if ((*argument)[len] != '=' || i == sizeof(known) / sizeof(known[0]))
            load_fail("load: there is no option %s", *argument);
        if (known[i].number)
            *known[i].number = strtod(*argument + len + 1, NULL);
        else
            *known[i].text = *argument + len + 1;
    }
    return *argument ? argument + 1 : argument;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: load calls|rate|fanout|idle|start [NAME=VALUE...] [-- COMMAND...]\n", stderr);
        return 2;
    }
    const char *mode = argv[1];
    char **command = read_options(argv + 2);
    alarm(LONGEST_LIFE);
    load_raise_limit();
    port = (int)options.port;
    pid = (int)options.pid;
    client_count = (size_t)options.clients;
    in_flight = (unsigned)options.in_flight;
    burst = (unsigned)options.burst;
    sockets = calloc(client_count + (size_t)options.idle + 1, sizeof(*sockets));
    if (!sockets)
        load_fail("out of memory");
    if (strcmp(mode, "start") == 0)
        measure_start(command);
    else if (strcmp(mode, "idle") == 0)
        measure_idle();
    else if (strcmp(mode, "calls") == 0)
        serve_windows(measure_calls);
    else if (strcmp(mode, "rate") == 0)
        serve_windows(measure_rate);
    else if (strcmp(mode, "fanout") == 0)
        serve_windows(measure_fanout);
    else
        load_fail("load: there is no mode %s", mode);
    return 0;
}
