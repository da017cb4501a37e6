/* http_server: see the header. */
#include "transport/http_server.h"

#include "protocol/text.h"

enum { LONGEST_NAME = 256, LONGEST_PROBLEM = 512 };

/* `path` is "/name", nearly always without escapes: then nothing has to be decoded. */
static const struct mk_action *find_action(enum mk_dialect dialect, struct mk_slice path)
{
    const struct mk_action *action = mk_action_find(dialect, mk_slice_from(path, 1));
    if (action)
        return action;
    struct mk_buf name;
    mk_buf_init(&name, LONGEST_NAME);
    if (mk_http_path_name(path, &name))
        action = mk_action_find(dialect, mk_buf_slice(&name));
    mk_buf_fini(&name);
    return action;
}

/* Answers with the message of a WebSocket's answer to the same call, if the path is a name. */
static void answer_unknown(struct mk_http_connection *connection, struct mk_slice path)
{
    struct mk_buf name, problem;
    mk_buf_init(&name, LONGEST_NAME);
    mk_buf_init(&problem, LONGEST_PROBLEM);
    struct mk_slice text = MK_SLICE("there is no such API");
    if (mk_http_path_name(path, &name) &&
        mk_buf_append_slice(&problem, MK_SLICE("unknown API \"")) == 0 &&
        mk_text_write_truncated(&problem, mk_buf_slice(&name)) == 0 &&
        mk_buf_append_char(&problem, '"') == 0)
        text = mk_buf_slice(&problem);
    mk_http_answer_failure_text(connection, 404, text, (struct mk_slice){ 0 });
    mk_buf_fini(&name);
    mk_buf_fini(&problem);
}

void mk_http_server_head(const struct mk_http_server *server, struct mk_http_server_state *state,
                         const struct mk_http1_request *request, struct mk_slice path)
{
    struct mk_http_connection *connection = state->caller.connection;
    static const struct mk_slice prefix_1_x = { "/api/", sizeof("/api/") - 1 };
    bool is_1_x = mk_slice_starts_with(path, prefix_1_x);
    const struct mk_http_rules *rules = is_1_x ? &mk_http_rules_1_x : &mk_http_rules_draft;
    if (!mk_http_admit(connection, request, &server->access, MK_AUTH_HEADER, rules))
        return;
    state->caller.rules = rules;
    if (is_1_x)
        state->action = find_action(server->dialect_1_x, mk_slice_from(path, prefix_1_x.len - 1));
    else
        state->action = find_action(server->dialect, path);
    if (!state->action) {
        mk_dispatch_unknown(server->dispatch);
        answer_unknown(connection, is_1_x ? mk_slice_from(path, prefix_1_x.len - 1) : path);
        return;
    }
    if (!mk_slice_eq(request->method, MK_SLICE("POST"))) {
        mk_http_answer_failure(connection, 405, "an API is called with POST",
                               MK_SLICE("Allow: POST\r\n"));
        return;
    }
    const char *error = mk_http_media_type_error(request);
    if (error)
        mk_http_answer_failure(connection, rules->media_type, error, (struct mk_slice){ 0 });
}

void mk_http_server_request(const struct mk_http_server *server, struct mk_http_server_state *state,
                            const struct mk_http1_request *request)
{
    struct mk_buf body;
    if (mk_http_connection_take_body(state->caller.connection, &body))
        mk_dispatch_request_take(server->dispatch, state->action, &body, &state->caller.caller);
    else
        mk_dispatch_request(server->dispatch, state->action, request->body, &state->caller.caller);
}
