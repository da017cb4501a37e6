/*
 * http_connection_impl: internals shared by http_connection.c (reading, and the life of a
 * connection), http_connection_body.c (bodies) and http_connection_respond.c (responses).
 */
#ifndef MK_WEB_HTTP_CONNECTION_IMPL_H
#define MK_WEB_HTTP_CONNECTION_IMPL_H

#include "web/http_connection.h"

/* States of a connection. */
enum {
    MK_HTTP_READING,  /* waits for a request, or reads one */
    MK_HTTP_BUSY,     /* a request is complete and not yet answered */
    MK_HTTP_CLOSING,  /* reads no more */
    MK_HTTP_RELEASED, /* the stream has another owner */
};

struct mk_http_connection {
    struct mk_list node;
    struct mk_http_context *context;
    struct mk_stream *stream;
    struct mk_guard_client *client;
    struct mk_http1_parser *parser;
    struct mk_timeout timeout;
    struct mk_handshake handshake;
    struct mk_waiter waiter;
    uint32_t heads;    /* of requests, complete */
    uint32_t idle_for; /* `heads` at the last call of may_end */
    char *lines;       /* header lines of the response to the current request, or NULL */
    size_t progress;   /* bytes of a body since its timeout was last armed */
    size_t received;   /* bytes of a body that is kept (web/receiving.h) */
    uint8_t state;
    bool in_read;    /* on_read is on the stack */
    bool in_body;    /* between head and request */
    bool keeps_body; /* which is neither refused nor dropped */
    bool streams;    /* the body is passed on in pieces */
    bool held;       /* the service takes no more of it for now */
    bool answered;   /* the current request was answered */
    bool keep_alive; /* after the response to the current request */
    bool http10;
    bool head_only;   /* the request is a HEAD */
    bool handshaking; /* its TLS handshake is not done */
    _Alignas(max_align_t) char service_state[];
};

/* Ends a connection: after its output is sent, or at once. */
void mk_http_connection_close(struct mk_http_connection *connection);
void mk_http_connection_abort(struct mk_http_connection *connection, int error);

/* Drops the header lines of the current response. */
void mk_http_connection_clear_lines(struct mk_http_connection *connection);

/* --- bodies (http_connection_body.c) --- */

/* Counts `bytes` of a body that is kept. Returns false where all connections have too many. */
bool mk_http_connection_count_received(struct mk_http_connection *connection, size_t bytes);
/* Frees what has arrived at once: the connection may linger until its client has read this. */
void mk_http_connection_refuse_rest(struct mk_http_connection *connection);
/* It counts as work of the turn, so that others are served between two pieces. */
void mk_http_connection_pass_piece(struct mk_http_connection *connection, struct mk_slice piece);

#endif
