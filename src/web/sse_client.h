/*
 * sse_client: a client of Server-Sent Events over HTTP or HTTPS: sends the request
 * (web/http_exchange), and reads one stream of events to its end (wire/sse_parser). It does not
 * reconnect: the owner does, with mk_sse_client_last_id and mk_sse_client_retry.
 */
#ifndef MK_WEB_SSE_CLIENT_H
#define MK_WEB_SSE_CLIENT_H

#include "net/failure.h"
#include "net/tls_context.h"
#include "wire/sse_parser.h"
#include "wire/url.h"

struct mk_sse_client_options {
    const struct mk_url *url;      /* borrowed until it is opened or closed, as all below */
    const char *token;             /* as "Authorization: Bearer TOKEN"; NULL: none */
    struct mk_slice extra;         /* whole header lines with CRLF */
    struct mk_slice last_event_id; /* as "Last-Event-ID"; empty: none */
    struct mk_tls_context *tls;    /* as in mk_connect_options */
    uint32_t connect_ms;
    uint32_t answer_ms; /* from the request to the end of the answer's head */
    uint32_t idle_ms;   /* the longest time without a byte (comments count); 0: no limit */
    size_t most;        /* bytes of a line, and of an event's data */
};

struct mk_sse_client;

/* Callbacks of the owner, which may cancel the client in each of them. */
struct mk_sse_client_events {
    /* May be NULL. The server has answered 200 with a stream of events. */
    void (*opened)(void *owner);
    void (*event)(void *owner, const struct mk_sse_event *event);
    /*
     * The client has ended, and is freed when this returns; never called from within a function
     * that the owner calls. A regular end of the stream is MK_FAILURE_CLOSED, an answer with
     * another status than 200 is MK_FAILURE_STATUS. After a 204 a client must not reconnect.
     */
    void (*closed)(void *owner, const struct mk_failure *failure);
};

/* Starts. Returns NULL when out of memory; then nothing is called. */
struct mk_sse_client *mk_sse_client_start(struct mk_loop *loop,
                                          const struct mk_sse_client_options *options,
                                          const struct mk_sse_client_events *events, void *owner);

/*
 * Ends it: `closed` will not be called. Not allowed after it was called. NULL is allowed; returns
 * NULL.
 */
struct mk_sse_client *mk_sse_client_cancel(struct mk_sse_client *client);

/*
 * The last id of the stream, for `last_event_id` of the next connection; the given one where no
 * event had an id. May be called in `closed`. Borrowed until the next event.
 */
struct mk_slice mk_sse_client_last_id(const struct mk_sse_client *client);

/* The wait before reconnecting that the server requests, in ms; MK_SSE_NO_RETRY: none. */
int64_t mk_sse_client_retry(const struct mk_sse_client *client);

#endif
