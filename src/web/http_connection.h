/*
 * http_connection: one HTTP/1.1 connection of a server: reads requests, passes them to a service
 * one at a time, writes the responses in order, keeps the connection alive, times out, closes.
 *
 * The service interprets requests and answers them.
 */
#ifndef MK_WEB_HTTP_CONNECTION_H
#define MK_WEB_HTTP_CONNECTION_H

#include "net/stream.h"
#include "net/timer.h"
#include "net/tls_context.h"
#include "web/guard.h"
#include "wire/http1.h"

struct mk_http_connection;

/* Answers the requests of a port. `arg` is the context's. */
struct mk_http_service {
    /*
     * The head of a request has arrived. The service may refuse it with mk_http_respond: then the
     * body is dropped, and `request` is not called. Also called when the head announces a body over
     * the limit: if the service does not refuse it for another reason, `failure` is called with
     * 413.
     */
    void (*head)(void *arg, struct mk_http_connection *connection,
                 const struct mk_http1_request *request);
    /*
     * The request is complete. To be answered with mk_http_respond, now or later; the request's
     * slices are invalid after this returns. The body of a GET or HEAD is dropped.
     */
    void (*request)(void *arg, struct mk_http_connection *connection,
                    const struct mk_http1_request *request);
    /*
     * May be NULL. A piece of the body of a request for which `head` has called
     * mk_http_connection_stream_body; valid until this returns. The service may answer the request
     * here; then the connection is to be closed (mk_http_connection_set_last).
     */
    void (*piece)(void *arg, struct mk_http_connection *connection, struct mk_slice piece);
    /* The request itself is invalid: to be answered at once with this status. */
    void (*failure)(void *arg, struct mk_http_connection *connection, unsigned status,
                    const char *reason);
    /* May be NULL. A connection was opened. */
    void (*opened)(void *arg, struct mk_http_connection *connection);
    /* May be NULL. The connection ends; its last request may be unanswered. */
    void (*closed)(void *arg, struct mk_http_connection *connection);
    size_t state_size; /* bytes of the service's state per connection, initially zeroed */
};

enum { MK_HTTP_DATE_LINE = 37 };

/* Shared by the connections of one port. */
struct mk_http_context {
    struct mk_loop *loop;
    const struct mk_http_service *service;
    void *arg;
    struct mk_http1_limits limits;
    struct mk_guard *guard;     /* NULL: admits all */
    enum mk_guard_pool pool;    /* of its connections */
    struct mk_tls_context *tls; /* for new connections; NULL: no TLS. May change at any time */
    struct mk_list connections;
    struct mk_timeouts idle; /* between requests */
    struct mk_timeouts head; /* for a TLS handshake, and for the head of a request */
    struct mk_timeouts body; /* while a body arrives; restarted with each 64 KiB of it */
    struct mk_buf extra;     /* header lines of one response */
    bool stopping;
    uint64_t date_made;           /* loop time */
    char date[MK_HTTP_DATE_LINE]; /* "Date: ...\r\n" */
};

/* Returns 0 or -ENOMEM. */
int mk_http_context_init(struct mk_http_context *context, struct mk_loop *loop,
                         const struct mk_http_service *service, void *arg);
/*
 * Sets the guard, which admits clients and limits the size and time of requests. To be called
 * before the first connection.
 */
void mk_http_context_set_guard(struct mk_http_context *context, struct mk_guard *guard);
/*
 * Takes its connections from the reserved pool (MK_GUARD_RESERVED). To be called before the first
 * connection.
 */
void mk_http_context_use_reserved(struct mk_http_context *context);
/* All connections must be gone. */
void mk_http_context_fini(struct mk_http_context *context);

/* Closes idle connections now and others after their next response. */
void mk_http_context_stop(struct mk_http_context *context);
/* Ends them all at once. */
void mk_http_context_abort(struct mk_http_context *context);

/* Serves a fresh stream; aborts it when out of memory. */
void mk_http_connection_open(struct mk_http_context *context, struct mk_stream *stream);

/*
 * Answers the current request. `body` is copied; it is not sent in answer to HEAD. `extra` is whole
 * header lines, each with CRLF.
 */
void mk_http_respond(struct mk_http_connection *connection, unsigned status,
                     struct mk_slice content_type, struct mk_slice body, struct mk_slice extra);

/*
 * The same for a body that is written directly into the stream's output: `begin` returns the buf to
 * append the body to, and nothing else; `end` sends it, or removes it and ends the connection if
 * `rc`, the error of writing it, is negative. `begin` returns NULL if no answer can be sent any
 * more; then `end` is not called.
 */
struct mk_buf *mk_http_respond_begin(struct mk_http_connection *connection, unsigned status,
                                     struct mk_slice content_type, struct mk_slice extra,
                                     struct mk_http1_open *open);
void mk_http_respond_end(struct mk_http_connection *connection, struct mk_http1_open *open, int rc);

/* The next response closes the connection. */
void mk_http_connection_set_last(struct mk_http_connection *connection);

/*
 * From within `head`: sets header lines, each with CRLF, that the response to this request has,
 * whatever it is. They are copied. Returns 0 or -ENOMEM.
 */
int mk_http_connection_set_lines(struct mk_http_connection *connection, struct mk_slice lines);

/*
 * The line "Date: ..." and those lines, for a service that writes a response itself; valid until
 * the next response of the port.
 */
struct mk_slice mk_http_connection_lines(struct mk_http_connection *connection);

/*
 * From within `head`: the body is passed to `piece` as it arrives, whatever its length, and counts
 * nowhere: the service has to bound it.
 */
void mk_http_connection_stream_body(struct mk_http_connection *connection);
/*
 * From within `piece`: reads nothing more of the body until mk_http_connection_go_on, because the
 * service has as much of it as it may; meanwhile no timeout runs.
 */
void mk_http_connection_hold(struct mk_http_connection *connection);
void mk_http_connection_go_on(struct mk_http_connection *connection);

/* From within `request`: moves the body into `body`, as mk_http1_parser_take_body does. */
bool mk_http_connection_take_body(struct mk_http_connection *connection, struct mk_buf *body);

/* The service's state of this connection. */
void *mk_http_connection_state(struct mk_http_connection *connection);

/* The client and the guard of the connection; NULL without a guard. */
struct mk_guard_client *mk_http_connection_client(const struct mk_http_connection *connection);
struct mk_guard *mk_http_connection_guard(const struct mk_http_connection *connection);

/*
 * Returns whether its port is being closed: the current request is answered, but no lasting
 * connection (a WebSocket, say) may begin.
 */
bool mk_http_connection_stopping(const struct mk_http_connection *connection);

struct mk_stream *mk_http_connection_stream(const struct mk_http_connection *connection);

/* Returns whether an answer to the current request can still be sent. */
bool mk_http_connection_may_respond(const struct mk_http_connection *connection);

/*
 * While a request is unanswered: ends the connection because its stream has a new owner (a
 * WebSocket), which gets the bytes behind the request. `closed` is called, and the connection is
 * freed when `request` returns, or at once if that has returned before.
 */
void mk_http_connection_release(struct mk_http_connection *connection);

#endif
