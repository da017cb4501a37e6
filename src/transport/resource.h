/*
 * resource: serves files of backends to all clients that have the URL (milky_host_resource_url):
 * GET and HEAD of /resource/TOKEN or /resource/TOKEN/NAME, on every port, without an access token.
 *
 * A backend answers now or later (host/resource.h): with a file, which is sent in pieces and ends
 * its connection, with bytes, with another URL, or with a failure. A request may have one range of
 * bytes. A connection has one request at a time, which is answered within the time limit.
 */
#ifndef MK_TRANSPORT_RESOURCE_H
#define MK_TRANSPORT_RESOURCE_H

#include "host/resource.h"
#include "transport/file_sending.h"
#include "web/http_connection.h"

/* Provides files; embedded in its owner. */
struct mk_resource_source {
    bool offers;          /* whether there may be files */
    uint64_t patience_ms; /* the time limit of a backend's answer; at least 1 */
    void (*ask)(struct mk_resource_source *source, const char *token,
                struct mk_resource_request *request);
};

/* The resource requests of one server. */
struct mk_resources {
    struct mk_resource_source *source; /* NULL: no files */
    struct mk_timeouts late;           /* the time limits of backends' answers */
    struct mk_file_sendings files;     /* files being sent */
};

/* A request that waits for its backend. */
struct mk_resource_wait;

/* The source is borrowed. Returns 0 or -ENOMEM. */
int mk_resources_init(struct mk_resources *resources, struct mk_loop *loop,
                      struct mk_resource_source *source);
/* It must be idle, and no request may wait. */
void mk_resources_fini(struct mk_resources *resources);

/* Returns whether `path`, without the prefix, is a resource. */
bool mk_resources_match(const struct mk_resources *resources, struct mk_slice path);

/* Called at the head of such a request: refuses or accepts it. */
void mk_resources_head(struct mk_http_connection *connection,
                       const struct mk_http1_request *request, struct mk_slice origins);

/*
 * Called at the whole request: answers it, or takes over the stream, now or later. While the
 * request waits, `*wait` is set; if the connection ends, it must drop it. It becomes NULL when the
 * wait has ended.
 */
void mk_resources_request(struct mk_resources *resources, struct mk_http_connection *connection,
                          const struct mk_http1_request *request, struct mk_slice path,
                          struct mk_resource_wait **wait);
/* NULL is allowed. */
void mk_resource_wait_drop(struct mk_resource_wait *wait);

/* Aborts all sendings; then it is idle. */
void mk_resources_abort(struct mk_resources *resources);
bool mk_resources_idle(const struct mk_resources *resources);

#endif
