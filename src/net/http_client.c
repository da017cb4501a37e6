/*
 * http_client: runs libcurl's multi interface on libuv's polls and timers. http_request.c handles
 * single requests.
 */
#include "net/http_client_impl.h"

#include "base/log.h"
#include "net/stream_impl.h"

#include <errno.h>
#include <stdlib.h>

enum { IDLE_CONNECTIONS = 256 };

/* A socket of libcurl's. */
struct watch {
    uv_poll_t poll;
    struct mk_http_client *client;
    curl_socket_t fd;
    int interest;
};

/* --- libcurl on libuv --- */

static void destroy(struct mk_http_client *client);

static void read_results(struct mk_http_client *client)
{
    CURLMsg *message;
    int left;
    client->busy = true;
    while (!client->freed && (message = client->curl->multi_info_read(client->multi, &left))) {
        struct mk_http_request *request = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        client->curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        mk_http_request_complete(request, code);
    }
    client->busy = false;
    if (client->freed)
        destroy(client);
}

/*
 * Called when libcurl could not continue for lack of memory. It does not report which transfers are
 * affected, and those would never end, so all of them fail. Requests that are started meanwhile are
 * behind them in the list.
 */
static void fail_all(struct mk_http_client *client)
{
    size_t count = 0;
    MK_LIST_FOR_EACH (it, &client->active)
        count++;
    client->busy = true;
    for (; count > 0 && !client->freed && !mk_list_empty(&client->active); count--)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes the first one off the list */
        mk_http_request_complete(MK_CONTAINER_OF(client->active.next, struct mk_http_request, node),
                                 CURLE_OUT_OF_MEMORY);
    client->busy = false;
    if (client->freed)
        destroy(client);
}

static void act(struct mk_http_client *client, curl_socket_t fd, int flags)
{
    int running;
    bool is_lost =
        client->curl->multi_socket_action(client->multi, fd, flags, &running) != CURLM_OK;
    if (is_lost)
        fail_all(client);
    else
        read_results(client);
}

static void on_timer(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timer(CURLM *multi, long ms, void *arg)
{
    struct mk_http_client *client = arg;
    (void)multi;
    if (ms < 0)
        mk_timer_stop(client->timer);
    else
        mk_timer_start(client->timer, (uint64_t)ms);
    return 0;
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = MK_CONTAINER_OF(poll, struct watch, poll);
    struct mk_http_client *client = watch->client;
    int flags = 0;
    if (status < 0) {
        /* An error stops the watch, but libcurl may need more than one event. */
        uv_poll_start(&watch->poll, watch->interest, on_socket);
        flags = CURL_CSELECT_ERR;
    }
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(client, watch->fd, flags);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(MK_CONTAINER_OF((uv_poll_t *)handle, struct watch, poll));
}

static struct watch *watch_new(struct mk_http_client *client, curl_socket_t fd)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return NULL;
    if (uv_poll_init_socket(client->loop->uv, &watch->poll, fd) < 0) {
        free(watch);
        return NULL;
    }
    watch->client = client;
    watch->fd = fd;
    client->curl->multi_assign(client->multi, fd, watch);
    return watch;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    struct mk_http_client *client = arg;
    struct watch *watch = assigned;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch)
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        client->curl->multi_assign(client->multi, fd, NULL);
        return 0;
    }
    if (!watch)
        watch = watch_new(client, fd);
    if (!watch)
        return -1; /* ends the transfer */
    watch->interest =
        (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&watch->poll, watch->interest, on_socket);
    return 0;
}

/* --- the client --- */

static void destroy(struct mk_http_client *client)
{
    MK_LIST_FOR_EACH (it, &client->spare)
        mk_http_request_free(MK_CONTAINER_OF(it, struct mk_http_request, node));
    client->curl->multi_cleanup(client->multi);
    mk_timer_free(client->timer);
    free(client);
}

struct mk_http_client *mk_http_client_new(struct mk_loop *loop)
{
    const char *error;
    const struct mk_curl *curl = mk_curl_load(&error);
    if (!curl) {
        mk_log_error("http_client", "libcurl is missing: %s", "缺少 libcurl：%s", error);
        return NULL;
    }
    struct mk_http_client *client = calloc(1, sizeof(*client));
    if (client) {
        client->loop = loop;
        client->streams = mk_streams_of(loop);
        client->curl = curl;
        mk_list_init(&client->active);
        mk_list_init(&client->spare);
        client->multi = curl->multi_init();
        client->timer = mk_timer_new(loop, on_timer, client);
    }
    if (!client || !client->streams || !client->multi || !client->timer) {
        if (client)
            destroy(client);
        return NULL;
    }
    curl->multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl->multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl->multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl->multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl->multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
    return client;
}

struct mk_http_client *mk_http_client_free(struct mk_http_client *client)
{
    if (!client)
        return NULL;
    MK_LIST_FOR_EACH (it, &client->active) {
        struct mk_http_request *request = MK_CONTAINER_OF(it, struct mk_http_request, node);
        client->curl->multi_remove_handle(client->multi, request->easy);
        mk_http_request_free(request);
    }
    client->freed = true;
    if (!client->busy)
        destroy(client);
    return NULL;
}
