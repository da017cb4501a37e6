/*
 * media_fetch: see media_private.h.
 *
 *   file://, base64://  -> a thread copies or decodes into a file -.
 *   http://, https://   -> libcurl, piece by piece into a file ----+-> a thread hashes and looks ->
 * done
 *
 * A thread touches its own fetch and nothing else. Only a few work at a time: the pool is also
 * where libuv looks names up.
 */
#include "backend/sandbox/media_private.h"
#include "base/digest.h"
#include "net/http_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    MOST_THREADS = 2,
    MOST_DOWNLOADS = 16,
    MOST_REDIRECTS = 5,
    CONNECT_MS = 10 * 1000,
    LONGEST_URL = 8 * 1024,
};

void mk_media_problem(struct mk_media_problem *problem, int retcode, const char *chinese,
                      const char *english, ...)
{
    va_list args;
    va_start(args, english);
    problem->retcode = retcode;
    snprintf(problem->chinese, sizeof(problem->chinese), "%s", chinese);
    vsnprintf(problem->english, sizeof(problem->english), english, args);
    va_end(args);
}

/* --- the file --- */

static bool make_file(struct mk_media_fetch *fetch)
{
    int rc = asprintf(&fetch->path, "%s/XXXXXX", fetch->store->incoming);
    if (rc < 0)
        fetch->path = NULL;
    fetch->fd = fetch->path ? mkostemp(fetch->path, O_CLOEXEC) : -1;
    if (fetch->fd >= 0)
        return true;
    mk_media_problem_of_disk(&fetch->problem, fetch->path ? -errno : -ENOMEM);
    free(fetch->path);
    fetch->path = NULL;
    return false;
}

static int write_all(void *arg, const void *data, size_t len)
{
    struct mk_media_fetch *fetch = arg;
    const char *at = data;
    fetch->size += len;
    while (len > 0) {
        ssize_t count = write(fetch->fd, at, len);
        if (count < 0 && errno != EINTR)
            return -errno;
        if (count > 0) {
            at += count;
            len -= (size_t)count;
        }
    }
    return 0;
}

/* --- on a thread --- */

/* spec/README.md: the SHA-1 of a sample and the length. All of it up to 30 MiB, else three runs. */
static int tri_sha1(struct mk_slice content, char text[2 * MK_SHA1_LEN + 1])
{
    static const size_t run = 10 * 1024 * 1024;
    uint8_t length[8], digest[MK_SHA1_LEN];
    for (size_t i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)content.len >> 8 * i);
    struct mk_slice pieces[4] = { content };
    size_t count = 1;
    if (content.len > 3 * run) {
        pieces[0] = mk_slice_of(content.ptr, run);
        pieces[1] = mk_slice_of(content.ptr + (content.len / 2 - run / 2), run);
        pieces[2] = mk_slice_of(content.ptr + (content.len - run), run);
        count = 3;
    }
    pieces[count++] = mk_slice_of((const char *)length, sizeof(length));
    int rc = mk_sha1(pieces, count, digest);
    mk_hex_write(digest, sizeof(digest), text);
    return rc;
}

static int look_at(struct mk_media_fetch *fetch, struct mk_slice content)
{
    uint8_t digest[MK_SHA256_LEN];
    struct mk_media *media = &fetch->media;
    int rc = mk_sha256(&content, 1, digest);
    if (rc == 0)
        rc = tri_sha1(content, media->tri_sha1);
    mk_hex_write(digest, sizeof(digest), media->id);
    media->size = content.len;
    media->wrong = mk_media_probe(content, &media->info);
    return rc;
}

/* The file is complete: it goes to the disk and is looked at. */
static void seal(struct mk_media_fetch *fetch)
{
    if (fetch->size == 0) {
        mk_media_problem(&fetch->problem, MK_SANDBOX_BAD_MEDIA, "内容为空", "it is empty");
        return;
    }
    int rc = fetch->rules->durable && fsync(fetch->fd) < 0 ? -errno : 0;
    void *map =
        rc == 0 ? mmap(NULL, fetch->size, PROT_READ, MAP_PRIVATE, fetch->fd, 0) : MAP_FAILED;
    if (rc == 0 && map == MAP_FAILED)
        rc = -errno;
    if (rc == 0) {
        rc = look_at(fetch, mk_slice_of(map, fetch->size));
        munmap(map, fetch->size);
    }
    if (rc < 0)
        mk_media_problem_of_disk(&fetch->problem, rc);
}

static bool has_scheme(struct mk_slice uri, struct mk_slice scheme)
{
    return uri.len >= scheme.len && mk_slice_eq_nocase(mk_slice_of(uri.ptr, scheme.len), scheme);
}

static bool is_http(struct mk_slice uri)
{
    return has_scheme(uri, MK_SLICE("http://")) || has_scheme(uri, MK_SLICE("https://"));
}

static void work(uv_work_t *request)
{
    struct mk_media_fetch *fetch = MK_CONTAINER_OF(request, struct mk_media_fetch, work);
    bool good = !fetch->problem.retcode && !atomic_load(&fetch->abandoned);
    if (good && !is_http(fetch->uri)) {
        good = make_file(fetch) &&
               (has_scheme(fetch->uri, MK_SLICE("file://")) ? mk_media_read_file
                                                            : mk_media_read_base64)(
                   fetch->rules, fetch->uri, &fetch->abandoned, write_all, fetch, &fetch->problem);
    }
    if (good && !atomic_load(&fetch->abandoned))
        seal(fetch);
}

/* --- on the loop --- */

static void start_queued(struct mk_media_store *store);

static void end(struct mk_media_fetch *fetch)
{
    struct mk_media_store *store = fetch->store;
    if (atomic_load(&fetch->abandoned) && !fetch->problem.retcode)
        mk_media_problem(&fetch->problem, MILKY_INTERNAL, "已放弃", "it was given up");
    if (fetch->fd >= 0)
        close(fetch->fd);
    fetch->fd = -1;
    fetch->done(fetch);
    start_queued(store);
}

static void on_worked(uv_work_t *request, int status)
{
    struct mk_media_fetch *fetch = MK_CONTAINER_OF(request, struct mk_media_fetch, work);
    (void)status;
    fetch->store->threads--;
    end(fetch);
}

static int on_body(void *arg, const char *data, size_t len)
{
    return write_all(arg, data, len);
}

static void on_downloaded(void *arg, const struct mk_http_response *response)
{
    struct mk_media_fetch *fetch = arg;
    fetch->download = NULL;
    fetch->store->downloads--;
    if (response->too_long)
        mk_media_problem_too_large(&fetch->problem, fetch->rules->max_bytes);
    else if (response->error)
        mk_media_problem(&fetch->problem, MK_SANDBOX_NO_CONTENT, "下载失败",
                         "it cannot be downloaded: %s", response->error);
    else if (response->status < 200 || response->status > 299)
        mk_media_problem(&fetch->problem, MK_SANDBOX_NO_CONTENT, "下载失败",
                         "it cannot be downloaded: its server answered %u", response->status);
    if (fetch->problem.retcode) {
        end(fetch);
        return;
    }
    mk_list_push(&fetch->store->queued, &fetch->node);
    start_queued(fetch->store);
}

/* False when it cannot be begun; then the problem is set. */
static bool download(struct mk_media_fetch *fetch)
{
    static const char *const headers[] = { "User-Agent: milky/" MILKY_VERSION, NULL };
    struct mk_media_store *store = fetch->store;
    if (!store->http)
        store->http = mk_http_client_new(mk_loop_of(store->loop));
    char *url = store->http ? mk_slice_dup(fetch->uri) : NULL;
    if (url && make_file(fetch)) {
        struct mk_http_get get = {
            .url = url,
            .headers = headers,
            .connect_ms = CONNECT_MS,
            .timeout_ms = store->timeout_ms,
            .redirects = MOST_REDIRECTS,
            .body_limit = fetch->rules->max_bytes,
            .public_only = !store->allow_private,
            .body = on_body,
            .done = on_downloaded,
            .arg = fetch,
        };
        fetch->download = mk_http_client_get(store->http, &get);
    }
    free(url);
    if (!fetch->download && !fetch->problem.retcode)
        mk_media_problem_of_disk(&fetch->problem, -ENOMEM);
    store->downloads += fetch->download != NULL;
    return fetch->download != NULL;
}

/* To a thread, which also ends what cannot be begun: so `done` never comes from within a start. */
static void to_thread(struct mk_media_fetch *fetch)
{
    uv_queue_work(fetch->store->loop, &fetch->work, work,
                  on_worked); /* fails without `work` alone */
    fetch->store->threads++;
}

static bool wants_download(const struct mk_media_fetch *fetch)
{
    return is_http(fetch->uri) && !fetch->path && !fetch->problem.retcode &&
           !atomic_load(&fetch->abandoned);
}

static void start_queued(struct mk_media_store *store)
{
    MK_LIST_FOR_EACH (node, &store->queued) {
        struct mk_media_fetch *fetch = MK_CONTAINER_OF(node, struct mk_media_fetch, node);
        bool has_room = wants_download(fetch) ? store->downloads < MOST_DOWNLOADS
                                              : store->threads < MOST_THREADS;
        if (!has_room)
            continue;
        mk_list_remove(&fetch->node);
        if (!wants_download(fetch) || !download(fetch))
            to_thread(fetch);
    }
}

static void check_uri(struct mk_media_fetch *fetch)
{
    struct mk_slice uri = fetch->uri;
    if (is_http(uri) && (uri.len > LONGEST_URL || memchr(uri.ptr, '\0', uri.len)))
        mk_media_problem(&fetch->problem, MK_SANDBOX_BAD_URI, "URL 不合法", "it is no valid URL");
    else if (!is_http(uri) && !has_scheme(uri, MK_SLICE("file://")) &&
             !has_scheme(uri, MK_SLICE("base64://")))
        mk_media_problem(&fetch->problem, MK_SANDBOX_BAD_URI,
                         "应为 file://、http(s):// 或 base64:// 地址",
                         "it must be a file://, http(s):// or base64:// URI");
}

void mk_media_fetch_start(struct mk_media_fetch *fetch)
{
    fetch->fd = -1;
    fetch->rules = &fetch->store->rules;
    mk_list_init(&fetch->node);
    check_uri(fetch);
    mk_list_push(&fetch->store->queued, &fetch->node);
    start_queued(fetch->store);
}

void mk_media_fetch_abandon(struct mk_media_fetch *fetch)
{
    atomic_store(&fetch->abandoned, true);
    if (fetch->download) {
        fetch->download = mk_http_request_cancel(fetch->download);
        fetch->store->downloads--;
        to_thread(fetch);
    }
    start_queued(fetch->store);
}

void mk_media_fetch_fini(struct mk_media_fetch *fetch)
{
    if (fetch->path)
        unlink(fetch->path);
    free(fetch->path);
    fetch->path = NULL;
}
