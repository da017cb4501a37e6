/*
 * connect: name -> addresses -> a connected socket -> (TLS) -> a stream. One timer limits the
 * whole; each address gets an equal share of the time that is left, so one that does not answer
 * leaves time for the others.
 */
#include "net/connect.h"
#include "net/resolve.h"
#include "net/stream_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

/* One socket that is connecting. Allocated separately, since libuv releases a handle only later. */
struct attempt {
    uv_poll_t poll;
    struct mk_connect *connect;
    int fd;
};

struct mk_connect {
    struct mk_resolve resolve;
    struct mk_loop *loop;
    struct mk_streams *streams;
    void (*done)(void *arg, struct mk_stream *stream, const struct mk_failure *failure);
    void *arg;
    struct mk_timer *timer;
    uint64_t due;
    uint32_t timeout_ms;
    struct mk_addresses *addresses;
    const struct addrinfo *next; /* the next address to try */
    struct attempt *attempt;     /* NULL: none */
    struct mk_stream *stream;    /* during the TLS handshake */
    bool tls;
    struct mk_tls_context *tls_context; /* or NULL */
    uint16_t port;
    struct mk_failure failure; /* the last */
    char host[];
};

static void try_next(struct mk_connect *connect);

/* --- the end --- */

/* Closes the socket too unless it was taken out. */
static void drop_attempt(struct mk_connect *connect);

static void finish(struct mk_connect *connect)
{
    mk_resolve_cancel(&connect->resolve);
    mk_timer_free(connect->timer);
    drop_attempt(connect);
    if (connect->stream) {
        mk_stream_adopt(connect->stream, NULL, NULL);
        mk_stream_abort(connect->stream, 0);
    }
    mk_addresses_unref(connect->addresses);
    mk_tls_context_free(connect->tls_context);
    free(connect);
}

static void fail(struct mk_connect *connect)
{
    const struct mk_failure failure = connect->failure;
    void (*done)(void *, struct mk_stream *, const struct mk_failure *) = connect->done;
    void *arg = connect->arg;
    finish(connect);
    done(arg, NULL, &failure);
}

static void fail_with(struct mk_connect *connect, int error)
{
    mk_failure_errno(&connect->failure, error);
    fail(connect);
}

static void succeed(struct mk_connect *connect, struct mk_stream *stream)
{
    void (*done)(void *, struct mk_stream *, const struct mk_failure *) = connect->done;
    void *arg = connect->arg;
    connect->stream = NULL;
    finish(connect);
    mk_stream_adopt(stream, NULL, NULL); /* `done` may abort it without adopting it */
    done(arg, stream, NULL);
}

struct mk_connect *mk_connect_cancel(struct mk_connect *connect)
{
    if (connect)
        finish(connect);
    return NULL;
}

void mk_connect_explain(const struct mk_stream *stream, int error, struct mk_failure *failure)
{
    if (error == -EPROTO && stream->tls)
        mk_tls_explain(stream->tls, failure);
    else
        mk_failure_errno(failure, error);
}

/* --- TLS --- */

static void on_handshake_done(void *arg)
{
    struct mk_connect *connect = arg;
    succeed(connect, connect->stream);
}

static size_t on_early_read(void *owner, char *data, size_t len)
{
    (void)owner;
    (void)data;
    return len; /* not reached: nothing is read before the handshake is done */
}

static void on_early_end(void *owner)
{
    (void)owner;
}

static void on_lost(void *owner, int error)
{
    struct mk_connect *connect = owner;
    struct mk_stream *stream = connect->stream;
    connect->stream = NULL; /* it closes by itself */
    if (error == -ECONNRESET || error == -EPIPE)
        mk_failure_set(&connect->failure, MK_FAILURE_TLS_CLOSED,
                       "the peer closed the connection during the TLS handshake",
                       "对方在 TLS 握手期间关闭了连接");
    else
        mk_connect_explain(stream, error, &connect->failure);
    fail(connect);
}

static const struct mk_stream_events handshake_events = {
    .read = on_early_read,
    .end = on_early_end,
    .closed = on_lost,
};

static struct mk_tls *make_tls(struct mk_connect *connect)
{
    if (connect->tls_context)
        return mk_tls_context_connect(connect->tls_context, connect->host);
    const struct mk_tls_roots *roots = mk_streams_roots(connect->streams);
    return roots ? mk_tls_client_new(roots, connect->host) : NULL;
}

static int continue_handshake(struct mk_connect *connect, struct mk_stream *stream)
{
    struct mk_tls *tls = make_tls(connect);
    if (!tls)
        return -ENOMEM;
    tls->ready = on_handshake_done;
    tls->arg = connect;
    connect->stream = stream;
    mk_stream_adopt(stream, &handshake_events, connect);
    return mk_stream_start_tls(stream, tls);
}

/* --- one address --- */

static void on_attempt_closed(uv_handle_t *handle)
{
    free(MK_CONTAINER_OF((uv_poll_t *)handle, struct attempt, poll));
}

static void drop_attempt(struct mk_connect *connect)
{
    struct attempt *attempt = connect->attempt;
    connect->attempt = NULL;
    if (!attempt)
        return;
    uv_close((uv_handle_t *)&attempt->poll, on_attempt_closed);
    if (attempt->fd >= 0)
        close(attempt->fd);
}

static void on_connected(struct mk_connect *connect, int fd)
{
    struct sockaddr_storage remote = { 0 };
    socklen_t len = sizeof(remote);
    int on = 1;
    getpeername(fd, (struct sockaddr *)&remote, &len);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct mk_stream *stream = mk_stream_new(connect->streams, fd, (struct sockaddr *)&remote);
    if (!stream) {
        close(fd);
        fail_with(connect, -ENOMEM);
        return;
    }
    if (!connect->tls) {
        succeed(connect, stream);
        return;
    }
    /* The last step gets all the time that is left. */
    uint64_t now = mk_loop_now(connect->loop);
    mk_timer_start(connect->timer, connect->due > now ? connect->due - now : 0);
    int rc = continue_handshake(connect, stream);
    if (rc < 0) {
        connect->stream = stream;
        fail_with(connect, rc);
    }
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
    struct attempt *attempt = MK_CONTAINER_OF(poll, struct attempt, poll);
    struct mk_connect *connect = attempt->connect;
    int error = 0;
    socklen_t len = sizeof(error);
    (void)status;
    (void)events;
    if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error) {
        mk_failure_errno(&connect->failure, -error);
        drop_attempt(connect);
        try_next(connect);
        return;
    }
    int fd = attempt->fd;
    attempt->fd = -1;
    drop_attempt(connect);
    on_connected(connect, fd);
}

/* Returns a connecting socket, or a negative errno. */
static int open_socket(const struct addrinfo *address, uint16_t port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ip4;
        struct sockaddr_in6 ip6;
    } to = { 0 };
    if (address->ai_addrlen > sizeof(to))
        return -EAFNOSUPPORT;
    memcpy(&to, address->ai_addr, address->ai_addrlen);
    if (to.any.sa_family == AF_INET6)
        to.ip6.sin6_port = htons(port);
    else
        to.ip4.sin_port = htons(port);
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, &to.any, address->ai_addrlen) < 0 && errno != EINPROGRESS && errno != EINTR) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

/* Begins to connect. Returns 0 or a negative errno. */
static int try_address(struct mk_connect *connect, const struct addrinfo *address)
{
    int fd = open_socket(address, connect->port);
    if (fd < 0)
        return fd;
    struct attempt *attempt = calloc(1, sizeof(*attempt));
    int rc = attempt ? uv_poll_init(connect->loop->uv, &attempt->poll, fd) : -ENOMEM;
    if (rc < 0) {
        close(fd);
        free(attempt);
        return rc;
    }
    attempt->connect = connect;
    attempt->fd = fd;
    connect->attempt = attempt;
    uv_poll_start(&attempt->poll, UV_WRITABLE, on_writable);
    return 0;
}

static uint64_t share_of_time(const struct mk_connect *connect)
{
    uint64_t now = mk_loop_now(connect->loop);
    uint64_t left = connect->due > now ? connect->due - now : 0;
    uint64_t addresses = 0;
    for (const struct addrinfo *it = connect->next; it; it = it->ai_next)
        addresses++;
    return left / addresses;
}

/* Tries one address after another until one begins to connect. */
static void try_next(struct mk_connect *connect)
{
    while (connect->next) {
        uint64_t share = share_of_time(connect);
        const struct addrinfo *address = connect->next;
        connect->next = address->ai_next;
        int rc = try_address(connect, address);
        if (rc == 0) {
            mk_timer_start(connect->timer, share);
            return;
        }
        mk_failure_errno(&connect->failure, rc);
    }
    fail(connect);
}

/* --- the beginning --- */

/* `error` is an error code of libuv. */
static void note_unresolved(struct mk_connect *connect, int error)
{
    struct mk_failure *failure = &connect->failure;
    if (error == UV_EAI_NONAME || error == UV_EAI_NODATA)
        mk_failure_set(failure, MK_FAILURE_NAME, "the host is unknown", "未知的主机");
    else if (error == UV_EAI_AGAIN)
        mk_failure_set(failure, MK_FAILURE_NAME_SERVER, "no name server answered",
                       "没有域名服务器应答");
    else if (mk_failure_errno(failure, error)->kind != MK_FAILURE_NO_MEMORY)
        failure->kind = MK_FAILURE_NAME;
}

static void on_resolved(struct mk_resolve *resolve, int error, struct mk_addresses *addresses)
{
    struct mk_connect *connect = MK_CONTAINER_OF(resolve, struct mk_connect, resolve);
    if (error) {
        note_unresolved(connect, error);
        fail(connect);
        return;
    }
    connect->addresses = mk_addresses_ref(addresses);
    connect->next = addresses->first;
    try_next(connect);
}

bool mk_connect_explain_late(const struct mk_connect *connect, struct mk_failure *failure)
{
    const struct mk_resolve *resolve = &connect->resolve;
    unsigned seconds = (connect->timeout_ms + 999) / 1000;
    if (!resolve->lookup)
        return false;
    if (mk_resolve_is_queued(resolve))
        mk_failure_set(
            failure, MK_FAILURE_NAME_SERVER,
            "its name was not looked up within %u s, because the lookups of %d other "
            "names have not ended: name servers do not answer",
            "%u 秒内未能查询其域名，因为另外 %d 个域名的查询尚未结束：域名服务器没有应答", seconds,
            MK_RESOLVE_THREADS);
    else
        mk_failure_set(failure, MK_FAILURE_NAME_SERVER, "no name server answered within %u s",
                       "%u 秒内没有域名服务器应答", seconds);
    return true;
}

bool mk_connect_is_securing(const struct mk_connect *connect)
{
    return connect->stream != NULL;
}

/* Says what has taken too long. */
static void note_timeout(struct mk_connect *connect)
{
    struct mk_failure *failure = &connect->failure;
    if (mk_connect_explain_late(connect, failure))
        return;
    mk_failure_timeout(failure, connect->timeout_ms);
    failure->kind = connect->stream ? MK_FAILURE_TLS_TIMEOUT : MK_FAILURE_CONNECT_TIMEOUT;
}

static void on_timer(void *arg)
{
    struct mk_connect *connect = arg;
    bool waits = connect->resolve.lookup || connect->attempt || connect->stream;
    if (!waits && connect->next) {
        mk_timer_start(connect->timer, connect->timeout_ms);
        try_next(connect); /* the addresses were known at the start */
        return;
    }
    if (waits)
        note_timeout(connect);
    if (connect->attempt) {
        drop_attempt(connect);
        try_next(connect);
        return;
    }
    fail(connect);
}

static void start_resolving(struct mk_connect *connect)
{
    connect->addresses = mk_resolve_at_once(connect->host);
    if (connect->addresses) {
        connect->next = connect->addresses->first;
        mk_timer_start(connect->timer, 0); /* `done` must not be called from here */
        return;
    }
    int rc = mk_resolve_start(connect->loop, &connect->resolve, connect->host, on_resolved);
    if (rc < 0) {
        mk_failure_errno(&connect->failure, rc);
        mk_timer_start(connect->timer, 0);
    }
}

static struct mk_connect *
connect_new(struct mk_loop *loop, const struct mk_connect_options *options,
            void (*done)(void *arg, struct mk_stream *stream, const struct mk_failure *failure),
            void *arg)
{
    size_t host_size = strlen(options->host) + 1;
    struct mk_streams *streams = mk_streams_of(loop);
    struct mk_connect *connect = streams ? calloc(1, sizeof(*connect) + host_size) : NULL;
    if (!connect)
        return NULL;
    connect->timer = mk_timer_new(loop, on_timer, connect);
    if (!connect->timer) {
        free(connect);
        return NULL;
    }
    connect->loop = loop;
    connect->streams = streams;
    connect->done = done;
    connect->arg = arg;
    connect->port = options->port;
    connect->tls = options->tls;
    if (options->tls_context)
        connect->tls_context = mk_tls_context_ref(options->tls_context);
    connect->timeout_ms = options->timeout_ms;
    connect->due = mk_loop_now(loop) + options->timeout_ms;
    memcpy(connect->host, options->host, host_size);
    mk_timer_start(connect->timer, options->timeout_ms);
    return connect;
}

struct mk_connect *mk_connect_start(struct mk_loop *loop, const struct mk_connect_options *options,
                                    void (*done)(void *arg, struct mk_stream *stream,
                                                 const struct mk_failure *failure),
                                    void *arg)
{
    struct mk_connect *connect = connect_new(loop, options, done, arg);
    if (connect)
        start_resolving(connect);
    return connect;
}

struct mk_connect *mk_connect_secure(
    struct mk_loop *loop, const struct mk_connect_options *options, struct mk_stream *stream,
    void (*done)(void *arg, struct mk_stream *stream, const struct mk_failure *failure), void *arg)
{
    struct mk_connect *connect = connect_new(loop, options, done, arg);
    if (!connect)
        return NULL;
    int rc = continue_handshake(connect, stream);
    if (rc < 0) {
        connect->stream = NULL;
        mk_stream_adopt(stream, NULL, NULL);
        mk_stream_abort(stream, 0);
        mk_failure_errno(&connect->failure, rc);
        mk_timer_start(connect->timer, 0); /* `done` must not be called from here */
    }
    return connect;
}
