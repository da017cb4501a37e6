/*
 * listener: uses uv_poll and accept4 instead of uv_listen, which drops connections when the process
 * is out of descriptors.
 */
#include "net/listener.h"

#include "base/error_text.h"
#include "net/stream_impl.h"

#include "base/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ACCEPT_MAX = 64,      /* connections of one turn, so that open ones are served as well */
    BACKLOG = 1024,       /* the kernel limits it further (net.core.somaxconn) */
    STARVED_MS = 100,     /* until the next try when out of descriptors or memory */
    QUIET_MS = 60 * 1000, /* between two log lines about that */
};

struct mk_listener {
    uv_poll_t poll;
    struct mk_loop *loop;
    struct mk_streams *streams;
    int fd;
    bool starved;       /* waits for `retry` */
    uint64_t logged_at; /* when that was logged last, in loop time; 0: never */
    struct mk_timer *retry;
    void (*accepted)(void *arg, struct mk_stream *stream);
    void *arg;
    struct mk_address address;
    dev_t device; /* of a Unix socket's file, to recognise it */
    ino_t inode;
};

/* --- accepting --- */

static void on_readable(uv_poll_t *poll, int status, int events);

static void log_starved(const char *address, int error)
{
    if (error == -EMFILE)
        mk_log_warn("listener",
                    "%s: cannot accept connections for now: too many open files (raise ulimit -n, "
                    "or LimitNOFILE= of systemd)",
                    "%s：暂时无法接受连接：打开的文件过多（请提高 ulimit -n，或 systemd 的 "
                    "LimitNOFILE=）",
                    address);
    else if (error == -ENFILE)
        mk_log_warn("listener",
                    "%s: cannot accept connections for now: the whole machine has too many open "
                    "files (raise fs.file-max)",
                    "%s：暂时无法接受连接：整台机器打开的文件过多（请提高 fs.file-max）", address);
    else
        mk_log_warn("listener", "%s: cannot accept connections for now: %s",
                    "%s：暂时无法接受连接：%s", address, mk_error_text(-error));
}

static void retry_later(struct mk_listener *listener, int error)
{
    uint64_t now = mk_loop_now(listener->loop);
    if (!listener->starved && (!listener->logged_at || now - listener->logged_at >= QUIET_MS)) {
        char text[MK_ADDRESS_TEXT];
        log_starved(mk_address_format(&listener->address, text), error);
        listener->logged_at = now;
    }
    listener->starved = true;
    uv_poll_stop(&listener->poll);
    mk_timer_start(listener->retry, STARVED_MS);
}

/* Errors that concern only the connection that was to be accepted (accept(2)). */
static bool is_passing(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

/* Returns false when there is no more to accept for now. */
static bool accept_one(struct mk_listener *listener)
{
    struct sockaddr_storage remote = { .ss_family = AF_UNIX };
    socklen_t len = sizeof(remote);
    int fd = accept4(listener->fd, (struct sockaddr *)&remote, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        int error = errno;
        if (is_passing(error))
            return true;
        if (error != EAGAIN)
            retry_later(listener, -error);
        return false;
    }
    struct mk_stream *stream =
        mk_stream_new(listener->streams, fd, (const struct sockaddr *)&remote);
    if (!stream) {
        close(fd);
        retry_later(listener, -ENOMEM);
        return false;
    }
    listener->starved = false;
    listener->accepted(listener->arg, stream);
    return !uv_is_closing((uv_handle_t *)&listener->poll);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct mk_listener *listener = MK_CONTAINER_OF(poll, struct mk_listener, poll);
    (void)events;
    if (status < 0) {
        retry_later(listener, status);
        return;
    }
    for (int i = 0; i < ACCEPT_MAX && accept_one(listener); i++) {
    }
}

static void on_retry(void *arg)
{
    struct mk_listener *listener = arg;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

/* --- opening --- */

static const struct sockaddr *address_of(const struct mk_address *address)
{
    return (const struct sockaddr *)&address->socket;
}

static const char *path_of(const struct mk_address *address)
{
    return ((const struct sockaddr_un *)&address->socket)->sun_path;
}

/* Returns whether the socket's file exists but no process listens on it. */
static bool is_stale(const struct mk_address *address)
{
    struct stat file;
    if (lstat(path_of(address), &file) < 0 || !S_ISSOCK(file.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, address_of(address), address->len) < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int bind_unix(struct mk_listener *listener)
{
    const struct mk_address *address = &listener->address;
    struct stat file;
    int error = bind(listener->fd, address_of(address), address->len) < 0 ? errno : 0;
    if (error == EADDRINUSE && is_stale(address)) {
        unlink(path_of(address));
        error = bind(listener->fd, address_of(address), address->len) < 0 ? errno : 0;
    }
    if (error)
        return -error;
    /* Early enough: clients cannot connect before it listens. */
    if (chmod(path_of(address), 0600) < 0 || lstat(path_of(address), &file) < 0)
        return -errno;
    listener->device = file.st_dev;
    listener->inode = file.st_ino;
    return 0;
}

/* Accepted sockets inherit TCP_NODELAY from here. */
static int bind_tcp(struct mk_listener *listener)
{
    struct mk_address *address = &listener->address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->socket;
    int on = 1;
    setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (address->socket.ss_family == AF_INET6) {
        int v6only = !IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
        setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
    }
    if (bind(listener->fd, address_of(address), address->len) < 0)
        return -errno;
    if (getsockname(listener->fd, (struct sockaddr *)&address->socket, &address->len) < 0)
        return -errno;
    return 0;
}

static bool is_unix(const struct mk_listener *listener)
{
    return listener->address.socket.ss_family == AF_UNIX;
}

/* Another process may have put its own socket there since. */
static void remove_file(const struct mk_listener *listener)
{
    struct stat file;
    if (listener->inode != 0 && lstat(path_of(&listener->address), &file) == 0 &&
        file.st_dev == listener->device && file.st_ino == listener->inode)
        unlink(path_of(&listener->address));
}

static int open_socket(struct mk_listener *listener)
{
    int kind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    listener->fd = socket(listener->address.socket.ss_family, kind, 0);
    if (listener->fd < 0)
        return -errno;
    int rc = is_unix(listener) ? bind_unix(listener) : bind_tcp(listener);
    if (rc == 0 && listen(listener->fd, BACKLOG) < 0)
        rc = -errno;
    if (rc == 0)
        rc = uv_poll_init(listener->loop->uv, &listener->poll, listener->fd);
    if (rc == 0)
        return 0;
    remove_file(listener);
    close(listener->fd);
    return rc;
}

int mk_listener_open(struct mk_loop *loop, const struct mk_address *address,
                     void (*accepted)(void *arg, struct mk_stream *stream), void *arg,
                     struct mk_listener **listener)
{
    struct mk_streams *streams = mk_streams_of(loop);
    struct mk_listener *fresh = streams ? calloc(1, sizeof(*fresh)) : NULL;
    if (!fresh)
        return -ENOMEM;
    fresh->loop = loop;
    fresh->streams = streams;
    fresh->address = *address;
    fresh->accepted = accepted;
    fresh->arg = arg;
    fresh->retry = mk_timer_new(loop, on_retry, fresh);
    int rc = fresh->retry ? open_socket(fresh) : -ENOMEM;
    if (rc < 0) {
        mk_timer_free(fresh->retry);
        free(fresh);
        return rc;
    }
    uv_poll_start(&fresh->poll, UV_READABLE, on_readable);
    *listener = fresh;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(MK_CONTAINER_OF((uv_poll_t *)handle, struct mk_listener, poll));
}

struct mk_listener *mk_listener_free(struct mk_listener *listener)
{
    if (!listener)
        return NULL;
    if (is_unix(listener))
        remove_file(listener);
    mk_timer_free(listener->retry);
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    close(listener->fd);
    return NULL;
}

void mk_listener_adopt(struct mk_listener *listener,
                       void (*accepted)(void *arg, struct mk_stream *stream), void *arg)
{
    listener->accepted = accepted;
    listener->arg = arg;
}

const struct mk_address *mk_listener_address(const struct mk_listener *listener)
{
    return &listener->address;
}
