/* control: see the header. */
#include "transport/control.h"

#include "transport/http_answer.h"

#include <errno.h>
#include <stdlib.h>

/* A world to be loaded may be large, with its pictures. */
enum { MAX_BODY = 256 * 1024 * 1024, LONGEST_LIST = 4096 };

struct mk_control {
    struct mk_http_port port;
    struct mk_control_targets targets;
    struct mk_access access; /* borrowed */
};

/* Finds the target of a request by the first part of its path; the rest is the action. */
static struct mk_dispatch *target_of(const struct mk_control *control, struct mk_slice path,
                                     struct mk_slice *action)
{
    const struct mk_control_targets *targets = &control->targets;
    struct mk_slice name = mk_slice_from(path, 1);
    const char *slash = name.len > 0 ? memchr(name.ptr, '/', name.len) : NULL;
    struct mk_dispatch *dispatch;
    const char *known;
    if (!slash)
        return NULL;
    *action = mk_slice_from(name, (size_t)(slash - name.ptr) + 1);
    name.len = (size_t)(slash - name.ptr);
    if (action->len > 0 && action->ptr[action->len - 1] == '/')
        action->len--;
    for (size_t i = 0; (dispatch = targets->find(targets->arg, i, &known)); i++)
        if (mk_slice_eq(name, mk_slice_str(known)))
            return dispatch;
    return NULL;
}

static void answer_unknown(const struct mk_control *control, struct mk_http_connection *connection)
{
    const struct mk_control_targets *targets = &control->targets;
    const char *name, *next;
    struct mk_buf text;
    mk_buf_init(&text, LONGEST_LIST);
    mk_buf_append_slice(&text, MK_SLICE("only "));
    for (size_t i = 0; targets->find(targets->arg, i, &name); i++) {
        bool is_last = !targets->find(targets->arg, i + 1, &next);
        mk_buf_printf(&text, "%s/%s/:action", i == 0 ? "" : is_last ? " and " : ", ", name);
    }
    mk_buf_append_slice(&text, MK_SLICE(" are served here"));
    int rc = mk_buf_append_char(&text, '\0');
    mk_http_answer_failure(connection, 404, rc == 0 ? text.data : "not served here",
                           (struct mk_slice){ 0 });
    mk_buf_fini(&text);
}

static void on_head(void *arg, struct mk_http_connection *connection,
                    const struct mk_http1_request *request)
{
    const struct mk_control *control = arg;
    const char *error = mk_http_media_type_error(request);
    struct mk_slice action = { 0 };
    if (!mk_http_admit(connection, request, &control->access, MK_AUTH_HEADER, &mk_http_rules_draft))
        return;
    if (!target_of(control, request->path, &action))
        answer_unknown(control, connection);
    else if (!mk_slice_eq(request->method, MK_SLICE("POST")))
        mk_http_answer_failure(connection, 405, "an action is called with POST",
                               MK_SLICE("Allow: POST\r\n"));
    else if (error)
        mk_http_answer_failure(connection, 415, error, (struct mk_slice){ 0 });
}

static void on_request(void *arg, struct mk_http_connection *connection,
                       const struct mk_http1_request *request)
{
    struct mk_control *control = arg;
    struct mk_http_caller *caller = mk_http_connection_state(connection);
    struct mk_slice action = { 0 };
    struct mk_dispatch *target = target_of(control, request->path, &action);
    if (target)
        mk_dispatch_control(target, action, request->body, &caller->caller);
    else /* a reload has removed it while the body arrived */
        answer_unknown(control, connection);
}

static void on_opened(void *arg, struct mk_http_connection *connection)
{
    (void)arg;
    mk_http_caller_init(mk_http_connection_state(connection), connection);
}

static void on_closed(void *arg, struct mk_http_connection *connection)
{
    (void)arg;
    mk_http_caller_fini(mk_http_connection_state(connection));
}

static const struct mk_http_service service = {
    .head = on_head,
    .request = on_request,
    .failure = mk_http_answer_bad,
    .opened = on_opened,
    .closed = on_closed,
    .state_size = sizeof(struct mk_http_caller),
};

int mk_control_open(struct mk_loop *loop, const struct mk_address *address,
                    const struct mk_access *access, struct mk_guard *guard,
                    const struct mk_control_targets *targets, struct mk_control **result)
{
    struct mk_control *control = calloc(1, sizeof(*control));
    int rc = -ENOMEM;
    if (control)
        rc = mk_http_port_init(&control->port, loop, address, &service, control, guard);
    if (rc < 0) {
        free(control);
        return rc;
    }
    mk_http_context_use_reserved(&control->port.connections);
    control->port.connections.limits.body = MAX_BODY;
    control->targets = *targets;
    control->access = *access;
    rc = mk_http_port_listen(&control->port);
    if (rc < 0) {
        mk_control_free(control);
        return rc;
    }
    *result = control;
    return 0;
}

struct mk_control *mk_control_free(struct mk_control *control)
{
    if (!control)
        return NULL;
    mk_http_port_fini(&control->port);
    free(control);
    return NULL;
}

struct mk_http_port *mk_control_port(struct mk_control *control)
{
    return &control->port;
}
