/*
 * lws: the same service on libwebsockets, in the way of its examples: HTTP calls, WebSocket calls
 * on "/", and an event for all clients from each message on "/trigger".
 */
#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <yyjson.h>

enum { EVENT = 350, LONGEST_BODY = 4096 };

static const char http_answer[] =
    "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"uin\":10001000,\"nickname\":\"Milky 10001000\"}}";
static const char call_answer[] =
    "{\"post_type\":\"action_response\",\"self_id\":10001000,\"data\":{\"status\":\"ok\","
    "\"retcode\":0,\"data\":{\"uin\":10001000,\"nickname\":\"Milky "
    "10001000\"},\"echo\":\"12345678\"}}";

struct session {
    bool triggers;
    unsigned answers; /* that it waits for */
    uint64_t events;  /* that it was sent */
    size_t body_len;
    char body[LONGEST_BODY];
};

static uint64_t events;

static bool is_json(const char *text, size_t len)
{
    yyjson_doc *doc = yyjson_read(text, len, 0);
    yyjson_doc_free(doc);
    return doc != NULL;
}

static int answer_http(struct lws *wsi, const struct session *session)
{
    uint8_t buffer[LWS_PRE + 1024];
    uint8_t *start = buffer + LWS_PRE;
    uint8_t *at = start;
    uint8_t *end = buffer + sizeof(buffer);
    size_t len = sizeof(http_answer) - 1;
    if (!is_json(session->body, session->body_len) ||
        lws_add_http_common_headers(wsi, 200, "application/json", len, &at, end) ||
        lws_finalize_write_http_header(wsi, start, &at, end))
        return 1;
    memcpy(start, http_answer, len);
    if (lws_write(wsi, start, len, LWS_WRITE_HTTP_FINAL) < 0)
        return 1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
    struct session *session = user;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        session->body_len = 0;
        return 0;
    case LWS_CALLBACK_HTTP_BODY:
        if (session->body_len + len > sizeof(session->body))
            return 1;
        memcpy(session->body + session->body_len, in, len);
        session->body_len += len;
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return answer_http(wsi, session);
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}

static int write_text(struct lws *wsi, const char *text, size_t len)
{
    static uint8_t buffer[LWS_PRE + 1024];
    memcpy(buffer + LWS_PRE, text, len);
    return lws_write(wsi, buffer + LWS_PRE, len, LWS_WRITE_TEXT) < (int)len ? -1 : 0;
}

/* One message for each time that the socket is writable. */
static int on_writable(struct lws *wsi, struct session *session)
{
    static char event[EVENT];
    int rc = 0;
    if (session->answers > 0) {
        session->answers--;
        rc = session->triggers ? write_text(wsi, "ok", 2)
                               : write_text(wsi, call_answer, sizeof(call_answer) - 1);
    } else if (!session->triggers && session->events < events) {
        session->events++;
        memset(event, 'x', sizeof(event));
        rc = write_text(wsi, event, sizeof(event));
    }
    if (session->answers > 0 || (!session->triggers && session->events < events))
        lws_callback_on_writable(wsi);
    return rc;
}

static int on_message(struct lws *wsi, struct session *session, const char *text, size_t len)
{
    session->answers++;
    lws_callback_on_writable(wsi);
    if (!session->triggers)
        return is_json(text, len) ? 0 : -1;
    events++;
    lws_callback_on_writable_all_protocol(lws_get_context(wsi), lws_get_protocol(wsi));
    return 0;
}

static int on_websocket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len)
{
    struct session *session = user;
    char path[32] = "";
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI);
        session->triggers = strcmp(path, "/trigger") == 0;
        session->answers = 0;
        session->events = events;
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return on_message(wsi, session, in, len);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return on_writable(wsi, session);
    default:
        return 0;
    }
}

int main(int argc, char **argv)
{
    static const struct lws_protocols http_protocols[] = {
        { .name = "http", .callback = on_http, .per_session_data_size = sizeof(struct session) },
        { 0 },
    };
    static const struct lws_protocols websocket_protocols[] = {
        { .name = "ws", .callback = on_websocket, .per_session_data_size = sizeof(struct session) },
        { 0 },
    };
    bool http = argc > 2 && strcmp(argv[2], "http") == 0;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context_creation_info info = {
        .port = argc > 1 ? atoi(argv[1]) : 8080,
        .iface = "127.0.0.1",
        .protocols = http ? http_protocols : websocket_protocols,
        .keepalive_timeout = 60,
        .options = LWS_SERVER_OPTION_DISABLE_IPV6,
    };
    struct lws_context *context = lws_create_context(&info);
    if (!context)
        return 1;
    printf("ready\n");
    fflush(stdout);
    while (lws_service(context, 0) >= 0) {
    }
    lws_context_destroy(context);
    return 0;
}
