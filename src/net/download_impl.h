/*
 * download_impl: internals shared by download.c (the thread, and what passes between it and the
 * loop), download_transfer.c (one transfer, on the thread), download_next.c (redirects) and
 * download_failure.c (the words of a failure).
 */
#ifndef MK_NET_DOWNLOAD_IMPL_H
#define MK_NET_DOWNLOAD_IMPL_H

#include "net/curl.h"
#include "net/download.h"
#include "net/tls.h"

#include <stdatomic.h>

/* Why a transfer was ended here and not by libcurl. */
enum mk_download_end {
    MK_DOWNLOAD_BY_LIBCURL,
    MK_DOWNLOAD_STATUS,    /* its status is a failure, so its body is of no use */
    MK_DOWNLOAD_FORBIDDEN, /* an address was not public */
    MK_DOWNLOAD_LONG_BODY,
    MK_DOWNLOAD_LONG_HEADS,
    MK_DOWNLOAD_LONG, /* too many bytes were received */
    MK_DOWNLOAD_CODING,
    MK_DOWNLOAD_DISK,
    MK_DOWNLOAD_CONNECT_TIME,
    MK_DOWNLOAD_TIME,
    /* After an answer that leads on, and that libcurl has no objection to: */
    MK_DOWNLOAD_MEMORY,
    MK_DOWNLOAD_REDIRECTS, /* too many */
    MK_DOWNLOAD_BAD_REDIRECT,
    MK_DOWNLOAD_REDIRECT_SCHEME,
};

/* A connection. Its owner may end first. */
struct mk_download_socket {
    int fd; /* -1: unused */
    struct mk_download *owner;
};

struct mk_download {
    struct mk_downloads *downloads;

    /* The loop's. */
    struct mk_list member; /* of all downloads */
    void (*done)(void *arg, const struct mk_download_result *result);
    void *arg;
    void (*released)(void *slot);
    void *slot;
    bool is_cancelled;

    atomic_bool cancelled; /* from the loop to the thread */

    /* Under the lock. */
    struct mk_list node;   /* in inbox; then the thread's, in active */
    struct mk_list report; /* in outbox, or in no list */
    bool has_ended;
    bool is_gone;

    /* Written before it is passed to the thread. */
    char *url; /* then the thread's: clean, and that of the last request */
    struct curl_slist *headers;
    uint32_t connect_ms, timeout_ms;
    unsigned redirects;
    uint64_t body_limit;
    bool public_only;
    int (*admit)(void *slot, uint64_t len);

    /* The thread's, until it has ended. */
    CURL *easy;
    int fd;
    char *piece; /* of the body: chunks may be of one byte each */
    size_t piece_len;
    uint64_t body_len;
    uint64_t heads_len;
    uint64_t closed_len;              /* received by sockets that are closed */
    uint64_t began_at, connecting_at; /* milliseconds */
    bool is_resolving;
    bool is_connected;
    bool is_over; /* has_ended, as the thread knows it */
    enum mk_download_end end;
    int error;         /* of the disk */
    char *location;    /* of the last answer, or NULL */
    unsigned followed; /* redirects */
    bool has_referer;

    /* The result: the thread's, then the loop's. */
    bool has_failed;
    struct mk_failure failure;
    unsigned status;
};

struct mk_downloads {
    struct mk_loop *loop;
    const struct mk_curl *curl;
    CURLM *multi;
    uv_async_t async;
    bool has_thread;
    bool freed; /* by a `done`; the memory is freed when that has returned */
    bool busy;  /* in a loop over reports */
    uv_thread_t thread;
    struct mk_list all; /* downloads that are not released */

    uv_mutex_t lock; /* of the members down to the next empty line */
    bool stopped;
    struct mk_list inbox;
    struct mk_list outbox;
    struct mk_download_socket sockets[MK_DOWNLOAD_MOST_SOCKETS]; /* the thread alone writes */

    /* The thread's. */
    struct mk_list active;
    struct mk_tls_roots *roots; /* made with the first TLS connection */
};

/* --- download_transfer.c; on the thread --- */

/* Adds it to the multi handle. Returns false with the failure set. */
bool mk_download_begin(struct mk_download *download);

/* Returns whether a limit of bytes or of time was reached; `download->end` is set then. */
bool mk_download_is_beyond(struct mk_download *download, uint64_t now);

/* Milliseconds until the next limit of time. */
uint64_t mk_download_patience(const struct mk_download *download, uint64_t now);

/* --- download_next.c; on the thread --- */

/* Makes the URL one that a server takes. Returns 0 or an error of mk_web_url_clean. */
int mk_download_clean_url(struct mk_download *download);

/* Takes note of a line of a head. */
void mk_download_note_header(struct mk_download *download, struct mk_slice line);

/*
 * After a request has ended: returns whether another one was sent, because of a redirect, or of a
 * 403 to a request without a Referer.
 */
bool mk_download_goes_on(struct mk_download *download, CURLcode code);

/* --- download_failure.c; on the thread --- */

/* Set the failure: by the end and libcurl's code, by an error of mk_download_clean_url. */
void mk_download_explain(struct mk_download *download, CURLcode code);
void mk_download_explain_url(struct mk_download *download, int error);

/* --- download_transfer.c again --- */

/* It has ended: writes the rest of the body, and sets status and failure. */
void mk_download_conclude(struct mk_download *download, CURLcode code);

/* Takes it out of the multi handle and frees what the thread has of it, but for the file. */
void mk_download_detach(struct mk_download *download);

#endif
