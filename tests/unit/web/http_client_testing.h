/* http_client_testing: a client, its requests, and one scripted server, for tests of http_client.
 */
#ifndef MK_TESTS_HTTP_CLIENT_TESTING_H
#define MK_TESTS_HTTP_CLIENT_TESTING_H

#include "raw_server.h"
#include "web/http_client.h"

static struct mk_loop loop;
static struct raw_server server;
static struct mk_web_client *client;

static inline int setup(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    if (mk_loop_init(&loop, NULL) < 0)
        return -1;
    raw_server_init(&server, &loop);
    client = mk_web_client_new(&loop, NULL);
    return client ? 0 : -1;
}

static inline int teardown(void **state)
{
    (void)state;
    client = mk_web_client_free(client);
    raw_server_fini(&server);
    mk_loop_fini(&loop);
    alarm(0);
    return 0;
}

struct result {
    int dones;
    unsigned status;
    uint64_t retry_after;
    struct mk_failure failure;
    struct mk_buf body;
    struct mk_web_request *request;
    struct mk_web_request *cancels; /* in `done` */
    const char *again;              /* URL of the next request in `done` */
    bool frees;                     /* the client, in `done` */
};

static bool posting;

static inline void result_init(struct result *result)
{
    *result = (struct result){ 0 };
    mk_buf_init(&result->body, 1 << 26);
}

static inline void post_to(const char *url, struct mk_slice body, uint32_t timeout_ms,
                           struct result *result);

static inline void on_done(void *arg, const struct mk_web_response *response)
{
    struct result *result = arg;
    const char *again = result->again;
    assert_false(posting);
    result->dones++;
    result->status = response->status;
    result->retry_after = response->retry_after;
    result->failure = response->failure ? *response->failure : (struct mk_failure){ 0 };
    result->body.len = 0;
    mk_buf_append_slice(&result->body, response->body);
    result->again = NULL;
    if (again)
        post_to(again, MK_SLICE("again"), 5000, result);
    mk_web_request_cancel(result->cancels);
    if (result->frees)
        client = mk_web_client_free(client);
}

static struct mk_tls_context *client_tls; /* of the next requests; or NULL */

static inline void post_to(const char *url, struct mk_slice body, uint32_t timeout_ms,
                           struct result *result)
{
    static const char *const headers[] = { "Content-Type: application/json", "X-Self-ID: 42",
                                           NULL };
    const struct mk_web_post post = {
        .url = url,
        .headers = headers,
        .body = body,
        .tls = client_tls,
        .timeout_ms = timeout_ms,
        .response_limit = 1000,
        .done = on_done,
        .arg = result,
    };
    posting = true;
    result->request = mk_web_client_post(client, &post);
    posting = false;
    assert_non_null(result->request);
}

/* Starts a post to the server, and waits for the request. Returns it. */
static inline const char *ask(const char *scheme, const char *path, struct result *result)
{
    char url[256];
    mk_buf_fini(&result->body);
    result_init(result);
    if (server.peer.stream)
        server.peer.in.len = 0;
    post_to(raw_server_url(&server, scheme, path, url), MK_SLICE("{}"), 5000, result);
    TURN_UNTIL(&loop, result->dones == 1 ||
                          (server.peer.stream && server.peer.in.len >= 2 &&
                           memcmp(server.peer.in.data + server.peer.in.len - 2, "{}", 2) == 0));
    return result->dones == 1 ? "" : raw_server_request(&server);
}

static inline void await(struct result *result)
{
    TURN_UNTIL(&loop, result->dones == 1);
}

#endif
