/*
 * resource: files of backends, for all who have their URL (milky_host_resource_url): GET and HEAD
 * of /resource/TOKEN or /resource/TOKEN/NAME, on every port, without an access token.
 *
 * A backend answers now or later (host/resource.h): with a file, which is sent a piece at a time
 * and ends its connection, with bytes, with another URL, or with a failure. One range of bytes may
 * be asked for. A connection asks for one thing at a time, and is answered in time.
 */
#ifndef MK_TRANSPORT_RESOURCE_H
#define MK_TRANSPORT_RESOURCE_H

#include "host/resource.h"
#include "transport/file_sending.h"
#include "web/http_connection.h"

/* Where files come from: embedded in its owner. */
struct mk_resource_source {
    bool offers;          /* there may be some */
    uint64_t patience_ms; /* for a backend's answer; at least 1 */
    void (*ask)(struct mk_resource_source *source, const char *token,
                struct mk_resource_request *request);
};

/* What one server is asked for. */
struct mk_resources {
    struct mk_resource_source *source; /* NULL: there are none */
    struct mk_timeouts late;           /* for backends */
    struct mk_file_sendings files;     /* that are on their way */
};

/* A request that waits for its backend. */
struct mk_resource_wait;

/* The source is borrowed. Returns 0 or -ENOMEM. */
int mk_resources_init(struct mk_resources *resources, struct mk_loop *loop,
                      struct mk_resource_source *source);
/* It must be idle, and no request may wait. */
void mk_resources_fini(struct mk_resources *resources);

/* `path`, without a prefix, is one of these. */
bool mk_resources_match(const struct mk_resources *resources, struct mk_slice path);

/* The head of such a request: refuses it, or lets it go on. */
void mk_resources_head(struct mk_http_connection *connection,
                       const struct mk_http1_request *request);

/*
 * The whole request: answers it, or takes the stream over, now or later. While it waits, `*wait` is
 * what it waits with, which the connection's end is to drop; it becomes NULL by itself.
 */
void mk_resources_request(struct mk_resources *resources, struct mk_http_connection *connection,
                          const struct mk_http1_request *request, struct mk_slice path,
                          struct mk_resource_wait **wait);
/* NULL is allowed. */
void mk_resource_wait_drop(struct mk_resource_wait *wait);

/* Ends what is being sent; then it is idle. */
void mk_resources_abort(struct mk_resources *resources);
bool mk_resources_idle(const struct mk_resources *resources);

#endif
