/*
 * resource: a client's request for a file of a backend, under a URL of milky_host_resource_url, and
 * the backend's answer, which may come at once, later, or never.
 *
 *   transport/resource -> mk_host_ask_resource: assigns a number -> backend->resource
 *   backend -> milky_resource_fd, ...: finds the request -> request->answered
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

/* The backend's answer, unchecked; all of it is borrowed. */
struct mk_resource_answer {
    enum mk_resource_kind kind;
    int fd;           /* a function that takes it sets this to -1; else it is closed */
    unsigned status;  /* of a failure */
    const char *text; /* the content type, the URL or the message; or NULL */
    struct mk_slice bytes;
};

/* A request, embedded in the requester. It must not move while it is open. */
struct mk_resource_request {
    struct milky_host *host; /* of the backend; NULL: not open */
    uint64_t number;         /* the backend's identifier of it */
    /*
     * Receives the answer, once, from within mk_host_ask_resource or later; the request is no
     * longer open. Returns 0, or a negative errno for an invalid answer, which is returned to the
     * backend.
     */
    int (*answered)(struct mk_resource_request *request, struct mk_resource_answer *answer);
};

/*
 * Asks the backend. Answers itself if the backend serves no files, or when out of memory. `host`
 * may be NULL: the backend does not exist.
 */
void mk_host_ask_resource(struct milky_host *host, const char *token,
                          struct mk_resource_request *request);

/* Withdraws it, open or not: the backend's answer will be refused. */
void mk_resource_request_drop(struct mk_resource_request *request);

#endif
