/* download: see the header. The thread, and what passes between it and the loop. */
#include "net/download_impl.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONGEST_WAIT_MS = 60 * 1000 };

/* --- on the thread --- */

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* It has ended; or nothing of it is left, and the thread does not touch it again. */
static void report(struct mk_download *download, bool is_gone)
{
    struct mk_downloads *downloads = download->downloads;
    download->is_over = true;
    uv_mutex_lock(&downloads->lock);
    download->has_ended = true;
    download->is_gone = is_gone;
    if (mk_list_empty(&download->report))
        mk_list_push(&downloads->outbox, &download->report);
    uv_mutex_unlock(&downloads->lock);
    uv_async_send(&downloads->async);
}

static void drop(struct mk_download *download)
{
    mk_download_detach(download);
    mk_list_remove(&download->node);
    report(download, true);
}

/* Ends it for its caller; a lookup of a name, which cannot be interrupted, goes on. */
static void end(struct mk_download *download, CURLcode code)
{
    if (atomic_load(&download->cancelled)) {
        close(download->fd);
        download->fd = -1;
    } else {
        mk_download_conclude(download, code);
    }
    if (download->is_resolving)
        report(download, false);
    else
        drop(download);
}

/* libcurl has ended it. */
static void finish(struct mk_download *download, CURLcode code)
{
    download->is_resolving = false;
    if (download->is_over)
        drop(download);
    else if (!mk_download_goes_on(download, code))
        end(download, code);
}

static void begin_new(struct mk_downloads *downloads)
{
    struct mk_list inbox;
    uv_mutex_lock(&downloads->lock);
    mk_list_take(&inbox, &downloads->inbox);
    uv_mutex_unlock(&downloads->lock);
    MK_LIST_FOR_EACH (it, &inbox) {
        struct mk_download *download = MK_CONTAINER_OF(it, struct mk_download, node);
        mk_list_remove(it);
        mk_list_push(&downloads->active, it);
        download->began_at = download->connecting_at = now_ms();
        if (!mk_download_begin(download))
            drop(download);
    }
}

/* Ends those that were cancelled, or that have reached a limit. Returns the time to wait. */
static uint64_t check(struct mk_downloads *downloads)
{
    uint64_t now = now_ms(), wait = LONGEST_WAIT_MS;
    MK_LIST_FOR_EACH (it, &downloads->active) {
        struct mk_download *download = MK_CONTAINER_OF(it, struct mk_download, node);
        bool is_cancelled = atomic_load(&download->cancelled);
        if (!download->is_over && (is_cancelled || mk_download_is_beyond(download, now)))
            end(download, CURLE_ABORTED_BY_CALLBACK);
        else if (!download->is_over && mk_download_patience(download, now) < wait)
            wait = mk_download_patience(download, now);
    }
    return wait;
}

static void read_results(struct mk_downloads *downloads)
{
    CURLMsg *message;
    int left;
    while ((message = downloads->curl->multi_info_read(downloads->multi, &left))) {
        struct mk_download *download = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        downloads->curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &download);
        finish(download, code);
    }
}

static bool is_stopped(struct mk_downloads *downloads)
{
    uv_mutex_lock(&downloads->lock);
    bool stopped = downloads->stopped;
    uv_mutex_unlock(&downloads->lock);
    return stopped;
}

/*
 * One step performs each transfer once, and libcurl reads a bounded number of bytes of each, so
 * none of them delays the others by more than that.
 */
static void work(void *arg)
{
    struct mk_downloads *downloads = arg;
    const struct mk_curl *curl = downloads->curl;
    int running;
    while (!is_stopped(downloads)) {
        begin_new(downloads);
        CURLMcode code = curl->multi_perform(downloads->multi, &running);
        read_results(downloads);
        if (code != CURLM_OK) /* out of memory; libcurl does not report for which transfer */
            MK_LIST_FOR_EACH (it, &downloads->active)
                finish(MK_CONTAINER_OF(it, struct mk_download, node), CURLE_OUT_OF_MEMORY);
        uint64_t wait = check(downloads);
        curl->multi_poll(downloads->multi, NULL, 0, (int)wait, NULL);
    }
}

/* --- on the loop --- */

static void download_free(struct mk_download *download)
{
    mk_list_remove(&download->member);
    mk_list_remove(&download->node);
    mk_list_remove(&download->report);
    mk_download_detach(download);
    if (download->fd >= 0)
        close(download->fd);
    download->downloads->curl->slist_free_all(download->headers);
    free(download->url);
    free(download->location);
    free(download);
}

static void on_closed(uv_handle_t *handle)
{
    free(MK_CONTAINER_OF((uv_async_t *)handle, struct mk_downloads, async));
}

/* The thread has ended. */
static void destroy(struct mk_downloads *downloads)
{
    MK_LIST_FOR_EACH (it, &downloads->all)
        download_free(MK_CONTAINER_OF(it, struct mk_download, member));
    downloads->curl->multi_cleanup(downloads->multi);
    mk_tls_roots_free(downloads->roots);
    uv_mutex_destroy(&downloads->lock);
    uv_close((uv_handle_t *)&downloads->async, on_closed);
}

/* Only a loop that has downloads waits for their ends. */
static void keep_awake(struct mk_downloads *downloads)
{
    if (mk_list_empty(&downloads->all))
        uv_unref((uv_handle_t *)&downloads->async);
    else
        uv_ref((uv_handle_t *)&downloads->async);
}

static void call_done(struct mk_download *download)
{
    void (*done)(void *, const struct mk_download_result *) = download->done;
    struct mk_download_result result = { .failure =
                                             download->has_failed ? &download->failure : NULL,
                                         .status = download->has_failed ? 0 : download->status,
                                         .fd = download->fd,
                                         .size = download->body_len };
    download->done = NULL;
    download->fd = -1;
    done(download->arg, &result);
}

static struct mk_download *next_report(struct mk_downloads *downloads, bool *is_gone)
{
    struct mk_download *download = NULL;
    uv_mutex_lock(&downloads->lock);
    if (!mk_list_empty(&downloads->outbox)) {
        download = MK_CONTAINER_OF(downloads->outbox.next, struct mk_download, report);
        mk_list_remove(&download->report);
        *is_gone = download->is_gone;
    }
    uv_mutex_unlock(&downloads->lock);
    return download;
}

static void on_reports(uv_async_t *async)
{
    struct mk_downloads *downloads = MK_CONTAINER_OF(async, struct mk_downloads, async);
    struct mk_download *download;
    bool is_gone;
    downloads->busy = true;
    while (!downloads->freed && (download = next_report(downloads, &is_gone))) {
        if (download->done)
            call_done(download);
        if (!is_gone || downloads->freed)
            continue;
        void (*released)(void *) = download->released;
        void *slot = download->slot;
        download_free(download);
        released(slot);
    }
    downloads->busy = false;
    if (downloads->freed)
        destroy(downloads);
    else
        keep_awake(downloads);
}

struct mk_downloads *mk_downloads_new(struct mk_loop *loop)
{
    const char *error;
    const struct mk_curl *curl = mk_curl_load(&error);
    if (!curl) {
        mk_log_error("download", "libcurl is missing: %s", "缺少 libcurl：%s", error);
        return NULL;
    }
    struct mk_downloads *downloads = calloc(1, sizeof(*downloads));
    if (!downloads)
        return NULL;
    downloads->loop = loop;
    downloads->curl = curl;
    mk_list_init(&downloads->all);
    mk_list_init(&downloads->inbox);
    mk_list_init(&downloads->outbox);
    mk_list_init(&downloads->active);
    for (size_t i = 0; i < MK_DOWNLOAD_MOST_SOCKETS; i++)
        downloads->sockets[i].fd = -1;
    downloads->multi = curl->multi_init();
    bool has_lock = downloads->multi && uv_mutex_init(&downloads->lock) == 0;
    if (has_lock && uv_async_init(loop->uv, &downloads->async, on_reports) == 0) {
        keep_awake(downloads);
        return downloads;
    }
    if (has_lock)
        uv_mutex_destroy(&downloads->lock);
    if (downloads->multi)
        curl->multi_cleanup(downloads->multi);
    free(downloads);
    return NULL;
}

/*
 * So that a step that a server keeps busy has nothing left to read. Without SO_LINGER the kernel
 * would keep a connection that is shut down and then closed until the server has read our end.
 */
static void abort_connection(int fd)
{
    const struct linger at_once = { .l_onoff = 1 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    shutdown(fd, SHUT_RDWR);
}

static void stop(struct mk_downloads *downloads)
{
    uv_mutex_lock(&downloads->lock);
    downloads->stopped = true;
    for (size_t i = 0; i < MK_DOWNLOAD_MOST_SOCKETS; i++)
        if (downloads->sockets[i].fd >= 0)
            abort_connection(downloads->sockets[i].fd);
    uv_mutex_unlock(&downloads->lock);
    downloads->curl->multi_wakeup(downloads->multi);
    uv_thread_join(&downloads->thread);
}

struct mk_downloads *mk_downloads_free(struct mk_downloads *downloads)
{
    if (!downloads)
        return NULL;
    if (downloads->has_thread)
        stop(downloads);
    downloads->freed = true;
    if (!downloads->busy)
        destroy(downloads);
    return NULL;
}

static bool copy_headers(struct mk_download *download, const char *const *lines)
{
    for (; lines && *lines; lines++) {
        struct curl_slist *list =
            download->downloads->curl->slist_append(download->headers, *lines);
        if (!list)
            return false;
        download->headers = list;
    }
    return true;
}

static struct mk_download *download_new(struct mk_downloads *downloads,
                                        const struct mk_download_order *order)
{
    struct mk_download *download = calloc(1, sizeof(*download));
    if (!download)
        return NULL;
    *download = (struct mk_download){
        .downloads = downloads,
        .done = order->done,
        .arg = order->arg,
        .released = order->released,
        .slot = order->slot,
        .url = strdup(order->url),
        .connect_ms = order->connect_ms,
        .timeout_ms = order->timeout_ms,
        .redirects = order->redirects,
        .body_limit = order->body_limit,
        .public_only = order->public_only,
        .admit = order->admit,
        .fd = -1,
    };
    mk_list_init(&download->node);
    mk_list_init(&download->report);
    mk_list_init(&download->member);
    if (download->url && copy_headers(download, order->headers))
        return download;
    download_free(download);
    return NULL;
}

struct mk_download *mk_download_start(struct mk_downloads *downloads,
                                      const struct mk_download_order *order)
{
    struct mk_download *download = download_new(downloads, order);
    if (!download)
        return NULL;
    if (!downloads->has_thread)
        downloads->has_thread = uv_thread_create(&downloads->thread, work, downloads) == 0;
    if (!downloads->has_thread) {
        download_free(download);
        return NULL;
    }
    download->fd = order->fd;
    mk_list_push(&downloads->all, &download->member);
    uv_mutex_lock(&downloads->lock);
    mk_list_push(&downloads->inbox, &download->node);
    uv_mutex_unlock(&downloads->lock);
    downloads->curl->multi_wakeup(downloads->multi);
    keep_awake(downloads);
    return download;
}

struct mk_download *mk_download_cancel(struct mk_download *download)
{
    if (!download)
        return NULL;
    download->done = NULL;
    atomic_store(&download->cancelled, true);
    download->downloads->curl->multi_wakeup(download->downloads->multi);
    return NULL;
}
