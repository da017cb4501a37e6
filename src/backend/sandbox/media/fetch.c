/* clang-format off */
/*
 * fetch: one URI becomes a file with its hashes, beside the loop.
 *
 *   file://, base64://  -> a thread copies or decodes into a file --.
 *   cache://            -> a thread links or copies the upload -----+-> a thread hashes and probes -> done
 *   http://, https://   -> the thread of downloads, into a file ----'
 *
 * A thread touches its own fetch and nothing else; the loop writes no content. A fetch waits for its
 * turn in queue.h. One that is abandoned while it waits or is downloaded ends at once; one that a
 * thread works on, after a piece.
 */
/* clang-format on */
#include "backend/sandbox/media/private.h"
#include "base/utf8.h"
#include "base/write_all.h"
#include "net/download.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <milky/version.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOST_REDIRECTS = 5,
    CONNECT_MS = 10 * 1000,
    LONGEST_URL = 8 * 1024,
    LONGEST_CACHE_URI = 256,
    LONGEST_FILE_URI = 3 * PATH_MAX + 32, /* each byte of the path may be escaped */
};

void sb_media_problem(struct sb_media_problem *problem, enum sb_media_problem_kind kind,
                      const char *en, const char *zh, ...)
{
    va_list args;
    va_start(args, zh);
    free(problem->text);
    problem->kind = kind;
    if (vasprintf(&problem->text, mk_tr_in(problem->language, en, zh), args) < 0)
        problem->text = NULL;
    va_end(args);
    if (problem->text && strlen(problem->text) >= SB_MEDIA_PROBLEM)
        problem->text[mk_utf8_valid_prefix(mk_slice_of(problem->text, SB_MEDIA_PROBLEM - 1))] =
            '\0';
}

const char *sb_media_problem_text(const struct sb_media_problem *problem)
{
    return problem->text ? problem->text : mk_tr_in(problem->language, "out of memory", "内存不足");
}

/* --- the file --- */

static bool make_file(struct sb_media_fetch *fetch)
{
    int rc = asprintf(&fetch->path, "%s/XXXXXX", fetch->store->incoming);
    if (rc < 0)
        fetch->path = NULL;
    fetch->fd = fetch->path ? mkostemp(fetch->path, O_CLOEXEC) : -1;
    if (fetch->fd >= 0)
        return true;
    sb_media_problem_of_disk(&fetch->problem, fetch->path ? -errno : -ENOMEM);
    free(fetch->path);
    fetch->path = NULL;
    return false;
}

static int write_all(void *arg, const void *data, size_t len)
{
    struct sb_media_fetch *fetch = arg;
    const char *at = data;
    int rc = sb_media_quota_add(fetch->store, &fetch->amount, len);
    if (rc < 0) {
        sb_media_quota_refuse(fetch);
        return rc;
    }
    fetch->size += len;
    return mk_write_all(fetch->fd, at, len);
}

/* --- on a thread --- */

static bool has_scheme(struct mk_slice uri, struct mk_slice scheme)
{
    return uri.len >= scheme.len && mk_slice_eq_nocase(mk_slice_of(uri.ptr, scheme.len), scheme);
}

static bool is_cached(struct mk_slice uri)
{
    return has_scheme(uri, MK_SLICE("cache://"));
}

static bool is_http(struct mk_slice uri)
{
    return has_scheme(uri, MK_SLICE("http://")) || has_scheme(uri, MK_SLICE("https://"));
}

static bool adopt(struct sb_media_fetch *fetch)
{
    struct stat status;
    int rc = fstat(fetch->cached, &status) < 0 ? -errno : 0;
    uint64_t size = rc == 0 ? (uint64_t)status.st_size : 0;
    if (size > fetch->rules->max_bytes) {
        sb_media_problem_too_large(&fetch->problem, fetch->rules->max_bytes);
        return false;
    }
    if (rc == 0 && sb_media_quota_add(fetch->store, &fetch->amount, size) < 0) {
        sb_media_quota_refuse(fetch);
        return false;
    }
    if (rc == 0)
        rc = sb_media_adopt_file(fetch->cached, fetch->path, &fetch->fd, &fetch->reading);
    fetch->size = size;
    if (rc < 0)
        sb_media_problem_of_disk(&fetch->problem, rc);
    return rc == 0;
}

static bool read_source(struct sb_media_fetch *fetch)
{
    if (fetch->cached >= 0)
        return adopt(fetch);
    if (fetch->path_uri)
        return sb_media_read_file(fetch->rules, mk_slice_str(fetch->path_uri), &fetch->reading,
                                  write_all, fetch, &fetch->problem);
    return sb_media_read_base64(fetch->rules, fetch->uri, &fetch->reading, write_all, fetch,
                                &fetch->problem);
}

static void work(uv_work_t *request)
{
    struct sb_media_fetch *fetch = MK_CONTAINER_OF(request, struct sb_media_fetch, work);
    bool good = !fetch->problem.kind && !atomic_load(&fetch->reading.abandoned);
    if (good && !fetch->is_http)
        good = make_file(fetch) && read_source(fetch);
    if (good && !atomic_load(&fetch->reading.abandoned))
        sb_media_seal(fetch);
}

/* --- on the loop --- */

static void start_next(struct sb_media_store *store);

static void wait_for(struct sb_media_fetch *fetch, enum sb_media_place place)
{
    fetch->stage = SB_FETCH_WAITS;
    sb_media_queue_wait(&fetch->store->queue, &fetch->waiter, fetch->self_id, place);
}

static void close_cached(struct sb_media_fetch *fetch)
{
    if (fetch->cached >= 0)
        close(fetch->cached);
    fetch->cached = -1;
}

static void end(struct sb_media_fetch *fetch)
{
    if (atomic_load(&fetch->reading.abandoned) && !fetch->problem.kind)
        sb_media_problem(&fetch->problem, SB_PROBLEM_INTERNAL, "it was given up", "已放弃");
    if (fetch->fd >= 0)
        close(fetch->fd);
    fetch->fd = -1;
    close_cached(fetch);
    fetch->stage = SB_FETCH_ENDED;
    fetch->done(fetch);
}

static void on_worked(uv_work_t *request, int status)
{
    struct sb_media_fetch *fetch = MK_CONTAINER_OF(request, struct sb_media_fetch, work);
    struct sb_media_store *store = fetch->store;
    (void)status;
    sb_media_queue_give_back(fetch->waiter.lane, SB_MEDIA_THREAD);
    end(fetch);
    start_next(store);
}

/* Longer than it said, or longer than there is room for. */
static void too_long(struct sb_media_fetch *fetch)
{
    uint64_t most = fetch->rules->max_bytes;
    if (sb_media_quota_room(fetch) + fetch->amount.bytes >= most ||
        sb_media_quota_admit(fetch, most - fetch->amount.bytes))
        sb_media_problem_too_large(&fetch->problem, most);
}

static uint64_t longest_body(const struct sb_media_fetch *fetch)
{
    uint64_t room = sb_media_quota_room(fetch);
    return room < fetch->rules->max_bytes ? room : fetch->rules->max_bytes;
}

static void take_back(struct sb_media_fetch *fetch)
{
    fetch->amount = fetch->slot->amount;
    fetch->slot->amount = (struct sb_media_amount){ 0 };
    fetch->slot = NULL;
}

void sb_media_slot_free(struct sb_media_slot *slot)
{
    sb_media_quota_end(slot->store, &slot->amount);
    mk_list_remove(&slot->node);
    free(slot);
}

static void on_downloaded(void *arg, const struct mk_download_result *result)
{
    struct sb_media_fetch *fetch = arg;
    const struct mk_failure *failure = result->failure;
    fetch->download = NULL;
    fetch->fd = result->fd;
    fetch->size = result->size;
    take_back(fetch);
    if (failure && failure->error == -EDQUOT)
        sb_media_quota_refuse(fetch);
    else if (failure && failure->kind == MK_FAILURE_TOO_LONG)
        too_long(fetch);
    else if (failure)
        sb_media_problem(&fetch->problem, SB_PROBLEM_CONTENT, "it cannot be downloaded: %s",
                         "下载失败：%s",
                         mk_tr_in(fetch->problem.language, failure->en, failure->zh));
    else if (result->status < 200 || result->status > 299)
        sb_media_problem(&fetch->problem, SB_PROBLEM_CONTENT,
                         "it cannot be downloaded: its server answered %u",
                         "下载失败：服务器应答 %u", result->status);
    if (fetch->problem.kind) {
        end(fetch);
        return;
    }
    wait_for(fetch, SB_MEDIA_THREAD);
    start_next(fetch->store);
}

/* The fetch may have ended long before. */
static void on_released(void *arg)
{
    struct sb_media_slot *slot = arg;
    struct sb_media_store *store = slot->store;
    sb_media_queue_give_back(slot->lane, SB_MEDIA_DOWNLOAD);
    sb_media_slot_free(slot);
    start_next(store);
}

/* On the thread of downloads. */
static int admit(void *arg, uint64_t len)
{
    struct sb_media_slot *slot = arg;
    return sb_media_quota_add(slot->store, &slot->amount, len);
}

/* Makes the slot, which counts for the fetch until the download has ended. */
static bool take_slot(struct sb_media_fetch *fetch)
{
    struct sb_media_slot *slot = calloc(1, sizeof(*slot));
    if (!slot)
        return false;
    slot->store = fetch->store;
    slot->lane = fetch->waiter.lane;
    slot->amount = fetch->amount;
    fetch->amount = (struct sb_media_amount){ 0 };
    fetch->slot = slot;
    mk_list_push(&fetch->store->slots, &slot->node);
    return true;
}

/* Returns false, with the problem set, when it cannot begin. */
static bool download(struct sb_media_fetch *fetch)
{
    /* Servers of pictures refuse what does not look like a browser. */
    static const char *const headers[] = {
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/138.0.0.0 Safari/537.36 milky/" MILKY_VERSION,
        NULL
    };
    struct sb_media_store *store = fetch->store;
    if (!store->downloads)
        store->downloads = mk_downloads_new(mk_loop_of(store->loop));
    char *url = store->downloads ? mk_slice_dup(fetch->uri) : NULL;
    uint64_t longest = longest_body(fetch);
    if (url && make_file(fetch) && take_slot(fetch)) {
        struct mk_download_order order = {
            .url = url,
            .headers = headers,
            .connect_ms = CONNECT_MS,
            .timeout_ms = store->timeout_ms,
            .redirects = MOST_REDIRECTS,
            .body_limit = longest,
            .public_only = !store->allow_private,
            .fd = fetch->fd,
            .done = on_downloaded,
            .arg = fetch,
            .released = on_released,
            .admit = admit,
            .slot = fetch->slot,
        };
        fetch->download = mk_download_start(store->downloads, &order);
    }
    free(url);
    if (fetch->download)
        fetch->fd = -1; /* its own now */
    else if (fetch->slot) {
        struct sb_media_slot *slot = fetch->slot;
        take_back(fetch);
        sb_media_slot_free(slot);
    }
    if (!fetch->download && !fetch->problem.kind)
        sb_media_problem_of_disk(&fetch->problem, -ENOMEM);
    return fetch->download != NULL;
}

/* A failed start ends on a thread: so `done` is never called from within a start. */
static void start_download(struct sb_media_fetch *fetch)
{
    fetch->stage = SB_FETCH_DOWNLOADS;
    if (download(fetch))
        return;
    sb_media_queue_give_back(fetch->waiter.lane, SB_MEDIA_DOWNLOAD);
    wait_for(fetch, SB_MEDIA_THREAD);
}

/* The upload stays what it is while the call is open. */
static void open_cached(struct sb_media_fetch *fetch)
{
    struct milky_host *host = fetch->store->host;
    char *uri = fetch->call ? mk_slice_dup(fetch->uri) : NULL;
    int fd = uri ? milky_call_cached(host, fetch->call, uri) : fetch->call ? -ENOMEM : -ENOENT;
    free(uri);
    fetch->cached = fd;
    if (fd == -ENOENT)
        sb_media_problem(&fetch->problem, SB_PROBLEM_URI,
                         "this bot has no such upload: cache://ID has the cache_id of POST /cache; "
                         "perhaps it was deleted, dropped, or used up (lifetime: once)",
                         "此 Bot 没有这个上传内容：cache://ID 中应为 POST /cache 返回的 cache_id；"
                         "它可能已删除、被丢弃，或已用过（lifetime 为 once）");
    else if (fd == -EAGAIN)
        sb_media_problem(&fetch->problem, SB_PROBLEM_URI,
                         "this upload is not complete: GET /cache/ID says what is missing",
                         "该上传尚未完成：GET /cache/ID 会给出缺少的部分");
    else if (fd == -EBUSY)
        sb_media_problem(&fetch->problem, SB_PROBLEM_URI,
                         "another call is using this upload, which is for one use (lifetime: once)",
                         "另一个调用正在使用该上传内容，它只能使用一次（lifetime 为 once）");
    else if (fd < 0)
        sb_media_problem_of_disk(&fetch->problem, fd);
}

static void start_work(struct sb_media_fetch *fetch)
{
    fetch->stage = SB_FETCH_WORKS;
    if (has_scheme(fetch->uri, MK_SLICE("file://"))) {
        fetch->path_uri = mk_slice_dup(fetch->uri);
        if (!fetch->path_uri)
            sb_media_problem_of_disk(&fetch->problem, -ENOMEM);
    }
    uv_queue_work(fetch->store->loop, &fetch->work, work,
                  on_worked); /* fails without `work` alone */
}

static void start_next(struct sb_media_store *store)
{
    struct sb_media_waiter *waiter;
    while ((waiter = sb_media_queue_next(&store->queue, SB_MEDIA_DOWNLOAD)))
        start_download(MK_CONTAINER_OF(waiter, struct sb_media_fetch, waiter));
    while ((waiter = sb_media_queue_next(&store->queue, SB_MEDIA_THREAD)))
        start_work(MK_CONTAINER_OF(waiter, struct sb_media_fetch, waiter));
}

bool sb_media_fetch_check(struct sb_media_fetch *fetch)
{
    struct mk_slice uri = fetch->uri;
    bool is_file = has_scheme(uri, MK_SLICE("file://"));
    if (is_http(uri) && (uri.len > LONGEST_URL || memchr(uri.ptr, '\0', uri.len)))
        sb_media_problem(&fetch->problem, SB_PROBLEM_URI, "it is not a valid URL", "URL 不合法");
    else if (is_file && uri.len > LONGEST_FILE_URI)
        sb_media_problem(&fetch->problem, SB_PROBLEM_URI, "the path is too long", "路径过长");
    else if (is_cached(uri) && uri.len > LONGEST_CACHE_URI)
        sb_media_problem(&fetch->problem, SB_PROBLEM_URI, "it is not a valid cache:// URI",
                         "cache:// 地址不合法");
    else if (!is_http(uri) && !is_file && !is_cached(uri) &&
             !has_scheme(uri, MK_SLICE("base64://")))
        sb_media_problem(&fetch->problem, SB_PROBLEM_URI,
                         "it must be a file://, http(s)://, cache:// or base64:// URI",
                         "应为 file://、http(s)://、cache:// 或 base64:// 地址");
    return !fetch->problem.kind;
}

void sb_media_fetch_start(struct sb_media_fetch *fetch)
{
    fetch->fd = fetch->cached = -1;
    fetch->rules = &fetch->store->rules;
    fetch->is_http = is_http(fetch->uri);
    fetch->media.owner = fetch->self_id;
    sb_media_quota_begin(fetch);
    if (is_cached(fetch->uri) && !fetch->problem.kind)
        open_cached(fetch);
    bool downloads = fetch->is_http && !fetch->problem.kind;
    wait_for(fetch, downloads ? SB_MEDIA_DOWNLOAD : SB_MEDIA_THREAD);
    start_next(fetch->store);
}

/* Content that a thread reads or hashes is not interrupted: the fetch ends with it. */
void sb_media_fetch_abandon(struct sb_media_fetch *fetch)
{
    atomic_store(&fetch->reading.abandoned, true);
    if (fetch->stage == SB_FETCH_WAITS)
        sb_media_queue_leave(&fetch->waiter);
    else if (fetch->stage == SB_FETCH_DOWNLOADS)
        fetch->download = mk_download_cancel(fetch->download);
    else
        return;
    end(fetch);
}

/* A thread decodes some kilobytes at a time, and writes while it does not read the URI. */
void sb_media_fetch_forget(struct sb_media_fetch *fetch)
{
    bool works = fetch->stage == SB_FETCH_WORKS;
    if (works) {
        atomic_store(&fetch->reading.abandoned, true);
        while (atomic_load(&fetch->reading.reads_uri))
            sched_yield();
        fetch->uri = (struct mk_slice){ 0 };
    } else {
        sb_media_fetch_abandon(fetch);
    }
}

void sb_media_fetch_fini(struct sb_media_fetch *fetch)
{
    sb_media_quota_end(fetch->store, &fetch->amount);
    if (fetch->path)
        unlink(fetch->path);
    free(fetch->path);
    fetch->path = NULL;
    free(fetch->path_uri);
    fetch->path_uri = NULL;
    free(fetch->problem.text);
    fetch->problem.text = NULL;
}
