/*
 * resource: files of the backend, for all who have their URL (milky_host_resource_url): GET and
 * HEAD of /resource/TOKEN or /resource/TOKEN/NAME, on every port, without an access token.
 *
 * A file is sent a piece at a time, as fast as the peer takes it, and its connection ends with it.
 * One range of bytes may be asked for (RFC 9110, 14).
 */
#ifndef MK_TRANSPORT_RESOURCE_H
#define MK_TRANSPORT_RESOURCE_H

#include "host/resource.h"
#include "web/http_connection.h"

/* Where files come from: embedded in its owner. */
struct mk_resource_source {
    bool offers; /* there may be some */
    /* Fills the answer, which is to be finished in any case. */
    void (*ask)(struct mk_resource_source *source, const char *token,
                struct mk_resource_answer *answer);
};

/* The files that one server is sending. */
struct mk_resources {
    struct mk_resource_source *source; /* NULL: there are none */
    struct mk_list streams;
    struct mk_timeouts stalled; /* for peers that take nothing */
};

/* The source is borrowed. Returns 0 or -ENOMEM. */
int mk_resources_init(struct mk_resources *resources, struct mk_loop *loop,
                      struct mk_resource_source *source);
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
