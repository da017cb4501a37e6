/* http_client: the client, and the text of a request. http_request.c makes the exchange. */
#include "web/http_client_impl.h"

#include "web/http_exchange.h"

#include <errno.h>
#include <stdlib.h>

/* --- the client --- */

struct mk_web_client *mk_web_client_new(struct mk_loop *loop, const struct mk_proxy_texts *proxies)
{
    struct mk_web_client *client = calloc(1, sizeof(*client));
    if (!client)
        return NULL;
    client->loop = loop;
    mk_list_init(&client->active);
    mk_list_init(&client->ending);
    int rc = mk_http_pool_init(&client->pool, loop);
    if (rc == 0) {
        rc = mk_proxies_init(&client->proxies, proxies);
        if (rc < 0)
            return mk_web_client_free(client);
        return client;
    }
    free(client);
    return NULL;
}

struct mk_web_client *mk_web_client_free(struct mk_web_client *client)
{
    if (!client)
        return NULL;
    while (!mk_list_empty(&client->active))
        mk_web_request_free(MK_CONTAINER_OF(client->active.next, struct mk_web_request, node));
    MK_LIST_FOR_EACH (it, &client->ending) {
        struct mk_web_request *request = MK_CONTAINER_OF(it, struct mk_web_request, node);
        request->client = NULL;
        mk_list_remove(&request->node);
    }
    mk_http_pool_fini(&client->pool);
    mk_proxies_fini(&client->proxies);
    free(client);
    return NULL;
}

void mk_web_client_close_idle(struct mk_web_client *client)
{
    if (client)
        mk_http_pool_clear(&client->pool);
}

/* --- the text of a request --- */

static int write_line(struct mk_buf *out, struct mk_slice name, struct mk_slice value)
{
    int rc = mk_buf_reserve(out, name.len + value.len + 2);
    if (rc < 0)
        return rc;
    mk_buf_put(out, name);
    mk_buf_put(out, value);
    mk_buf_put(out, MK_SLICE("\r\n"));
    return 0;
}

/* Appends the lines, and the Authorization of the URL where they have none. */
static int write_headers(struct mk_buf *out, const struct mk_url *url, const char *const *lines)
{
    const struct mk_slice authorization = MK_SLICE("Authorization: ");
    bool authorized = url->userinfo.len == 0;
    int rc = 0;
    for (; lines && *lines && rc == 0; lines++) {
        struct mk_slice line = mk_slice_str(*lines);
        size_t compared = authorization.len - 1; /* without the space */
        authorized = authorized || (line.len >= compared &&
                                    mk_slice_eq_nocase(mk_slice_of(line.ptr, compared),
                                                       mk_slice_of(authorization.ptr, compared)));
        rc = write_line(out, line, MK_SLICE(""));
    }
    if (authorized || rc < 0)
        return rc;
    char *credentials = mk_http_basic(url->userinfo);
    rc = credentials ? write_line(out, authorization, mk_slice_str(credentials)) : -ENOMEM;
    free(credentials);
    return rc;
}

static int write_proxy_authorization(struct mk_buf *out, const struct mk_proxy *proxy)
{
    if (!proxy->authorization)
        return 0;
    return write_line(out, MK_SLICE("Proxy-Authorization: "), mk_slice_str(proxy->authorization));
}

/* The absolute form for a proxy (RFC 9112, 3.2.2); with TLS the proxy is behind a tunnel. */
static int write_target(struct mk_buf *out, const struct mk_web_request *request)
{
    int rc = 0;
    if (request->proxy && !request->url.tls) {
        rc = mk_buf_append_slice(out, MK_SLICE("http://"));
        if (rc == 0)
            rc = mk_http_exchange_host(out, &request->url);
    }
    return rc == 0 ? mk_url_write_target(out, &request->url, NULL, (struct mk_slice){ 0 }) : rc;
}

int mk_web_write_head(struct mk_web_request *request, const char *const *headers)
{
    struct mk_buf *out = &request->head;
    int rc = mk_buf_append_slice(out, MK_SLICE("POST "));
    if (rc == 0)
        rc = write_target(out, request);
    if (rc == 0)
        rc = mk_buf_append_slice(out, MK_SLICE(" HTTP/1.1\r\nHost: "));
    if (rc == 0)
        rc = mk_http_exchange_host(out, &request->url);
    if (rc == 0)
        rc = mk_buf_append_slice(out, MK_SLICE("\r\nAccept: */*\r\n"));
    if (rc == 0)
        rc = write_headers(out, &request->url, headers);
    if (rc == 0 && request->proxy && !request->url.tls)
        rc = write_proxy_authorization(out, request->proxy);
    if (rc == 0)
        rc = mk_buf_append_slice(out, MK_SLICE("Content-Length: "));
    if (rc == 0)
        rc = mk_buf_append_u64(out, request->body.len);
    return rc == 0 ? mk_buf_append_slice(out, MK_SLICE("\r\n\r\n")) : rc;
}

int mk_web_write_connect(const struct mk_web_request *request, struct mk_buf *out)
{
    const struct mk_slice host = request->url.authority_host;
    int rc = mk_buf_printf(out, "CONNECT %.*s:%u HTTP/1.1\r\nHost: %.*s:%u\r\n", (int)host.len,
                           host.ptr, request->url.port, (int)host.len, host.ptr, request->url.port);
    if (rc == 0)
        rc = write_proxy_authorization(out, request->proxy);
    return rc == 0 ? mk_buf_append_slice(out, MK_SLICE("\r\n")) : rc;
}

/* --- starting --- */

/* Returns 0 or -ENOMEM. Another mistake is the request's failure. */
static int prepare(struct mk_web_request *request, const struct mk_web_post *post)
{
    request->text = mk_slice_dup(mk_slice_str(post->url));
    if (!request->text)
        return -ENOMEM;
    const char *wrong = mk_url_parse(mk_slice_str(request->text), &request->url);
    if (!wrong && !mk_slice_eq_nocase(request->url.scheme, MK_SLICE("http")) &&
        !mk_slice_eq_nocase(request->url.scheme, MK_SLICE("https")))
        wrong = mk_tr("the scheme must be http or https", "协议必须是 http 或 https");
    if (wrong) {
        request->doomed = true;
        mk_failure_set(&request->failure, MK_FAILURE_PROTOCOL, "the URL is malformed: %s",
                       "URL 格式错误：%s", wrong);
        return 0;
    }
    request->proxy = mk_proxies_find(&request->client->proxies, &request->url);
    if (request->proxy && request->proxy->wrong) {
        request->doomed = true;
        mk_http_failure_no_proxy(&request->failure, request->proxy->wrong);
        return 0;
    }
    int rc = mk_web_write_head(request, post->headers);
    if (rc == -ENOBUFS) {
        request->doomed = true;
        mk_failure_set(&request->failure, MK_FAILURE_TOO_LONG,
                       "the head of the request is longer than %d bytes", "请求的头部超过 %d 字节",
                       MK_WEB_HEAD_MAX);
        return 0;
    }
    return rc;
}

struct mk_web_request *mk_web_client_post(struct mk_web_client *client,
                                          const struct mk_web_post *post)
{
    struct mk_web_request *request = calloc(1, sizeof(*request));
    if (!request)
        return NULL;
    mk_list_init(&request->node);
    mk_list_push(&client->active, &request->node);
    request->client = client;
    request->done = post->done;
    request->arg = post->arg;
    request->timeout_ms = post->timeout_ms;
    request->response_limit = post->response_limit;
    request->body = post->body;
    request->tls = post->tls ? mk_tls_context_ref(post->tls) : NULL;
    mk_buf_init(&request->head, MK_WEB_HEAD_MAX);
    int rc = prepare(request, post);
    if (rc == 0)
        rc = mk_web_request_begin(request);
    if (rc == 0)
        return request;
    mk_web_request_free(request);
    return NULL;
}
