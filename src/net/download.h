/*
 * download: files by HTTP from servers that nobody vouches for, beside the loop. A thread of its
 * own runs libcurl and writes each body into the caller's file, so a server costs the loop nothing
 * but the end of its download, however it sends. The loop's side is not thread-safe: all functions
 * here belong to the loop's thread.
 *
 *   loop's thread                          the worker
 *     start   --(inbox, wake-up)-->          libcurl: all transfers in turn, bounded reads
 *     cancel  --(atomic flag, wake-up)-->    drops it
 *     done, released  <--(outbox, uv_async)--  it has ended; nothing of it is left
 *
 * URLs are taken as people copy them (net/web_url), those of redirects too. A 403 is answered once
 * with the same request and the URL's origin as Referer: many servers of pictures want one.
 *
 * The lock is held to move a download from one list to another, never while anything is called.
 *
 * All bytes of a server are bounded: those of the body by `body_limit`; those of heads,
 * informational responses, redirects and trailers by MK_DOWNLOAD_HEADS; and all that its sockets
 * have received, framing of chunks and TLS included, by mk_download_most_received.
 *
 * A lookup of a name cannot be interrupted: libcurl has a thread for each. So a download that is
 * cancelled or timed out while its name is looked up ends for its caller at once, but is released
 * only when the lookup has ended: a caller that bounds the downloads that are not released bounds
 * these threads too. mk_downloads_free leaves them to end by themselves.
 */
#ifndef MK_NET_DOWNLOAD_H
#define MK_NET_DOWNLOAD_H

#include "net/failure.h"
#include "net/loop.h"

enum {
    MK_DOWNLOAD_HEADS = 64 * 1024,
    MK_DOWNLOAD_MOST_SOCKETS = 64, /* of all downloads together; further ones fail */
};

/* Bytes that a server may send for a body of at most `body_limit`. */
static inline uint64_t mk_download_most_received(uint64_t body_limit)
{
    return body_limit < UINT64_MAX / 4 ? 2 * body_limit + 1024 * 1024 : UINT64_MAX;
}

struct mk_downloads;
struct mk_download;

/*
 * Loads libcurl at the first call, and starts the thread with the first download. Returns NULL when
 * out of memory, or without libcurl (logged).
 */
struct mk_downloads *mk_downloads_new(struct mk_loop *loop);
/*
 * Drops all downloads; none of their functions is called any more. Joins the thread, which ends at
 * once: it waits for no server and no lookup. May be called from within a `done`. NULL is allowed.
 */
struct mk_downloads *mk_downloads_free(struct mk_downloads *downloads);

struct mk_download_result {
    const struct mk_failure *failure; /* NULL: the server answered */
    unsigned status;                  /* of the last response; only a 2xx one has a body */
    int fd;                           /* the file, the caller's again */
    uint64_t size;                    /* bytes that were written into it */
};

struct mk_download_order {
    const char *url;            /* http or https, as people copy it */
    const char *const *headers; /* "Name: value" lines; NULL-terminated */
    uint32_t connect_ms;        /* to look up and to connect, each time */
    uint32_t timeout_ms;        /* for all of it, redirects included */
    unsigned redirects;         /* the most that are followed, to http and https only */
    uint64_t body_limit;        /* bytes; a longer body is an error */
    /*
     * Connect only to public addresses (mk_address_is_public), each checked when it is connected
     * to; never through a proxy, whose connections cannot be checked.
     */
    bool public_only;
    int fd; /* the file; the download's until `done`, and closed when it is cancelled */
    /* Called once unless it is cancelled. */
    void (*done)(void *arg, const struct mk_download_result *result);
    void *arg;
    /*
     * May be NULL. Called on the thread with `slot` before so many bytes are written. Returns 0, or
     * a negative errno to end the download.
     */
    int (*admit)(void *slot, uint64_t len);
    /* Called once, after `done` or after it was cancelled: its resources are free. */
    void (*released)(void *slot);
    void *slot; /* lives until it is released, or all downloads are freed */
};

/*
 * Starts a download. Neither function is called from within this one. Returns NULL when out of
 * memory or threads; then the file stays the caller's.
 */
struct mk_download *mk_download_start(struct mk_downloads *downloads,
                                      const struct mk_download_order *order);

/* Drops it: `done` will not be called. Not allowed after it was called. NULL is allowed. */
struct mk_download *mk_download_cancel(struct mk_download *download);

#endif
