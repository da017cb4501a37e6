/* operations: see the header. */
#include "transport/operations.h"

#include "base/error_text.h"
#include "transport/http_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_TEXT = 64 * 1024 * 1024, KEPT_TEXT = 256 * 1024, MAX_WORDS = 64 * 1024 };

struct mk_operations {
    struct mk_http_port port;
    struct mk_operations_source source;
    struct mk_access access; /* borrowed */
    struct mk_buf text;
};

static void answer_text(struct mk_http_connection *connection, unsigned status,
                        struct mk_slice text)
{
    mk_http_respond(connection, status, MK_SLICE("text/plain; charset=utf-8"), text,
                    MK_SLICE("Cache-Control: no-store\r\n"));
}

static void answer_ready(const struct mk_operations *operations,
                         struct mk_http_connection *connection)
{
    struct mk_buf words;
    mk_buf_init(&words, MAX_WORDS);
    bool is_ready = operations->source.ready(operations->source.arg, &words);
    answer_text(connection, is_ready ? 200 : 503, mk_buf_slice(&words));
    mk_buf_fini(&words);
}

static void answer_metrics(struct mk_operations *operations, struct mk_http_connection *connection)
{
    struct mk_buf *text = &operations->text;
    int rc = operations->source.metrics(operations->source.arg, text);
    if (rc == 0)
        mk_http_respond(connection, 200, MK_SLICE("text/plain; version=0.0.4; charset=utf-8"),
                        mk_buf_slice(text), MK_SLICE("Cache-Control: no-store\r\n"));
    else
        mk_http_answer_failure(connection, 500, mk_error_text_in(MK_ENGLISH, -rc),
                               (struct mk_slice){ 0 });
    mk_buf_reset(text, KEPT_TEXT);
}

static void on_head(void *arg, struct mk_http_connection *connection,
                    const struct mk_http1_request *request)
{
    const struct mk_operations *operations = arg;
    if (mk_slice_eq(request->path, MK_SLICE("/metrics"))) {
        if (!mk_http_admit(connection, request, &operations->access, MK_AUTH_HEADER,
                           &mk_http_rules_draft))
            return;
    } else if (!mk_slice_eq(request->path, MK_SLICE("/healthz")) &&
               !mk_slice_eq(request->path, MK_SLICE("/readyz"))) {
        if (!mk_http_answer_page(connection, request, operations->access.origins))
            mk_http_answer_failure(connection, 404, "here are /healthz, /readyz and /metrics",
                                   (struct mk_slice){ 0 });
        return;
    } else if (!mk_http_admit_anyone(connection, request, operations->access.origins)) {
        return;
    }
    if (!mk_slice_eq(request->method, MK_SLICE("GET")) &&
        !mk_slice_eq(request->method, MK_SLICE("HEAD")))
        mk_http_answer_failure(connection, 405, "use GET", MK_SLICE("Allow: GET, HEAD\r\n"));
}

static void on_request(void *arg, struct mk_http_connection *connection,
                       const struct mk_http1_request *request)
{
    struct mk_operations *operations = arg;
    if (mk_slice_eq(request->path, MK_SLICE("/metrics"))) {
        answer_metrics(operations, connection);
    } else if (mk_slice_eq(request->path, MK_SLICE("/readyz"))) {
        answer_ready(operations, connection);
    } else {
        answer_text(connection, 200, MK_SLICE("ok\n"));
    }
}

static const struct mk_http_service service = {
    .head = on_head,
    .request = on_request,
    .failure = mk_http_answer_bad,
};

int mk_operations_open(struct mk_loop *loop, const struct mk_address *address,
                       const struct mk_access *access, struct mk_guard *guard,
                       const struct mk_operations_source *source, struct mk_operations **result)
{
    struct mk_operations *operations = calloc(1, sizeof(*operations));
    int rc = -ENOMEM;
    if (operations)
        rc = mk_http_port_init(&operations->port, loop, address, &service, operations, guard);
    if (rc < 0) {
        free(operations);
        return rc;
    }
    mk_http_context_use_reserved(&operations->port.connections);
    operations->source = *source;
    operations->access = *access;
    mk_buf_init(&operations->text, MAX_TEXT);
    rc = mk_http_port_listen(&operations->port);
    if (rc < 0) {
        mk_operations_free(operations);
        return rc;
    }
    *result = operations;
    return 0;
}

struct mk_operations *mk_operations_free(struct mk_operations *operations)
{
    if (!operations)
        return NULL;
    mk_http_port_fini(&operations->port);
    mk_buf_fini(&operations->text);
    free(operations);
    return NULL;
}

struct mk_http_port *mk_operations_port(struct mk_operations *operations)
{
    return &operations->port;
}
