/*
 * resource: a file of a backend, asked for by a client under a URL of milky_host_resource_url, and
 * the backend's answer, which may come at once, later, or never.
 *
 *   transport/resource -> mk_host_ask_resource: gives it a number -> backend->resource
 *   backend -> milky_resource_fd, ...: whose number is this? -> request->answered
 */
#ifndef MK_HOST_RESOURCE_H
#define MK_HOST_RESOURCE_H

#include "base/slice.h"

#include <stdint.h>

struct milky_host;

enum mk_resource_kind {
    MK_RESOURCE_FD,
    MK_RESOURCE_BYTES,
    MK_RESOURCE_REDIRECT,
    MK_RESOURCE_FAIL,
};

/* The message of 404. */
#define MK_RESOURCE_UNKNOWN "there is no such resource, or its URL has expired"

/* As the backend gave it: nothing of it was looked at yet, and all of it is borrowed. */
struct mk_resource_answer {
    enum mk_resource_kind kind;
    int fd;           /* who takes it puts -1 in its place; else it is closed */
    unsigned status;  /* of a failure */
    const char *text; /* the content type, the URL or the message; or NULL */
    struct mk_slice bytes;
};

/* A request, embedded in whoever asks. It stays where it is while it is open. */
struct mk_resource_request {
    struct milky_host *host; /* whose backend is asked; NULL: it is not open */
    uint64_t number;         /* what the backend knows it by */
    /*
     * Gets the answer: once, from within mk_host_ask_resource or later; the request is not open any
     * more. Returns 0, or a negative errno, which the backend gets, for an answer that no client
     * can be given.
     */
    int (*answered)(struct mk_resource_request *request, struct mk_resource_answer *answer);
};

/* Asks the backend. Where it serves no files, or out of memory, it is answered here. NULL is a
 * backend that is not there. */
void mk_host_ask_resource(struct milky_host *host, const char *token,
                          struct mk_resource_request *request);

/* Takes it back, open or not: its answer will be refused. */
void mk_resource_request_drop(struct mk_resource_request *request);

#endif
