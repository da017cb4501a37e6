/*
 * http_connection: one HTTP/1.1 connection of a server: reads requests, hands them to a service one
 * at a time, writes the responses in order, keeps alive, times out, closes.
 *
 * A service decides what a request means, and when it is answered.
 */
#ifndef MK_WEB_HTTP_CONNECTION_H
#define MK_WEB_HTTP_CONNECTION_H

#include "net/stream.h"
#include "net/timer.h"
#include "net/tls_context.h"
#include "web/guard.h"
#include "wire/http1.h"

struct mk_http_connection;

/* What answers the requests of a port. `arg` is the context's. */
struct mk_http_service {
    /*
     * The head of a request is there, its body not. It may be refused here with mk_http_respond:
     * its body is then dropped, and `request` not called. Called too when the head announces a body
     * over the limit: what is not refused here for a better reason gets `failure` with 413.
     */
    void (*head)(void *arg, struct mk_http_connection *connection,
                 const struct mk_http1_request *request);
    /*
     * The request is complete. To be answered with mk_http_respond, now or later; what the request
     * points to is gone after this returns. The body of a GET or HEAD is dropped as it comes.
     */
    void (*request)(void *arg, struct mk_http_connection *connection,
                    const struct mk_http1_request *request);
    /* Something is wrong with the request itself: to be answered at once with this status. */
    void (*failure)(void *arg, struct mk_http_connection *connection, unsigned status,
                    const char *reason);
    /* May be NULL. A connection came. */
    void (*opened)(void *arg, struct mk_http_connection *connection);
    /* May be NULL. The connection goes away; what it was asked last may be unanswered. */
    void (*closed)(void *arg, struct mk_http_connection *connection);
    size_t state_size; /* bytes of the service's own per connection, zeroed at its start */
};

enum { MK_HTTP_DATE_LINE = 37 };

/* What the connections of one port share. */
struct mk_http_context {
    struct mk_loop *loop;
    const struct mk_http_service *service;
    void *arg;
    struct mk_http1_limits limits;
    struct mk_guard *guard;     /* NULL: all may come */
    enum mk_guard_pool pool;    /* which they take */
    struct mk_tls_context *tls; /* for connections that come; NULL: none. May change at any time */
    struct mk_list connections;
    struct mk_timeouts idle; /* between requests */
    struct mk_timeouts
        head; /* for a TLS handshake; from a request's first byte to its head's end */
    struct mk_timeouts body; /* while a body arrives, anew with each 64 KiB of it */
    struct mk_buf extra;     /* header lines of one response */
    bool stopping;
    uint64_t date_made;           /* loop time */
    char date[MK_HTTP_DATE_LINE]; /* "Date: ...\r\n" */
};

/* Returns 0 or -ENOMEM. */
int mk_http_context_init(struct mk_http_context *context, struct mk_loop *loop,
                         const struct mk_http_service *service, void *arg);
/* Lets the guard decide which clients come in, and how large and slow their requests may be. Before
 * the first. */
void mk_http_context_set_guard(struct mk_http_context *context, struct mk_guard *guard);
/* Its connections take places that are kept for them (MK_GUARD_RESERVED). Before the first. */
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
 * Answers the request at hand. `body` is copied; it is not sent in answer to HEAD. `extra` is whole
 * header lines, each with CRLF.
 */
void mk_http_respond(struct mk_http_connection *connection, unsigned status,
                     struct mk_slice content_type, struct mk_slice body, struct mk_slice extra);

/*
 * The same for a body that is written straight into the stream's output: `begin` returns the buf to
 * append the body to, and nothing else; `end` sends it, or takes it back and ends the connection
 * where `rc`, the error of writing it, is negative. `begin` returns NULL where nothing can be
 * answered any more; then there is no `end`.
 */
struct mk_buf *mk_http_respond_begin(struct mk_http_connection *connection, unsigned status,
                                     struct mk_slice content_type, struct mk_slice extra,
                                     struct mk_http1_open *open);
void mk_http_respond_end(struct mk_http_connection *connection, struct mk_http1_open *open, int rc);

/* The line "Date: ...", with its CRLF, for who writes a response itself; borrowed for now. */
struct mk_slice mk_http_connection_date(const struct mk_http_connection *connection);

/* From within `request`: gives the body away, as mk_http1_parser_take_body does. */
bool mk_http_connection_take_body(struct mk_http_connection *connection, struct mk_buf *body);

/* The service's own bytes. */
void *mk_http_connection_state(struct mk_http_connection *connection);

/* Whom it is from, and who counts what is refused; NULL where nobody guards. */
struct mk_guard_client *mk_http_connection_client(const struct mk_http_connection *connection);
struct mk_guard *mk_http_connection_guard(const struct mk_http_connection *connection);

/* Its port is being closed: it is answered once more, and nothing that stays may begin on it. */
bool mk_http_connection_stopping(const struct mk_http_connection *connection);

struct mk_stream *mk_http_connection_stream(const struct mk_http_connection *connection);

/* An answer to the request at hand can still be sent. */
bool mk_http_connection_may_respond(const struct mk_http_connection *connection);

/*
 * While a request is unanswered: the stream has been handed over to somebody else (a WebSocket),
 * who gets the bytes behind the request. `closed` is called, and the connection is gone when
 * `request` returns, or, where that has returned before, at once.
 */
void mk_http_connection_release(struct mk_http_connection *connection);

#endif
