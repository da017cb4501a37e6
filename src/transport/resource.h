/*
 * resource: files of the backend, for all who have their URL (milky_host_resource_url): GET and
 * HEAD of /resource/TOKEN or /resource/TOKEN/NAME, on every port, without an access token.
 *
 * A file is sent a piece at a time, as fast as the peer takes it, and its connection ends with it.
 * One range of bytes may be asked for (RFC 9110, 14).
 */
#ifndef MK_TRANSPORT_RESOURCE_H
#define MK_TRANSPORT_RESOURCE_H

#include "web/http_connection.h"

#include <milky/backend.h>

/* The files that one server is sending. */
struct mk_resources {
    struct milky_backend *backend; /* without `resource`: there are none */
    struct mk_list streams;
    struct mk_timeouts stalled; /* for peers that take nothing */
};

/* Returns 0 or -ENOMEM. */
int mk_resources_init(struct mk_resources *resources, struct mk_loop *loop,
                      struct milky_backend *backend);
/* It must be idle. */
void mk_resources_fini(struct mk_resources *resources);

/* `path`, without a prefix, is one of these. */
bool mk_resources_match(const struct mk_resources *resources, struct mk_slice path);

/* The head of such a request: refuses it, or lets it go on. */
void mk_resources_head(struct mk_http_connection *connection,
                       const struct mk_http1_request *request);

/* The whole request: answers it, or takes the stream over. */
void mk_resources_request(struct mk_resources *resources, struct mk_http_connection *connection,
                          const struct mk_http1_request *request, struct mk_slice path);

/* What is being sent is sent; then it is idle. */
void mk_resources_abort(struct mk_resources *resources);
bool mk_resources_idle(const struct mk_resources *resources);

#endif
