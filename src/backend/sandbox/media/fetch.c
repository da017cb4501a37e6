/* clang-format off */
/*
 * fetch: one URI becomes a file with its hashes, beside the loop.
 *
 *   file://, base64://  -> a thread copies or decodes into a file --.
 *                                                                   +-> a thread hashes and probes -> done
 *   http://, https://   -> libcurl, piece by piece into a file -----'
 *
 * A thread touches its own fetch and nothing else. Only a few work at a time: libuv resolves names
 * in the same pool.
 */
/* clang-format on */
#include "backend/sandbox/media/private.h"
#include "base/digest.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "net/http_client.h"

#include <errno.h>
#include <fcntl.h>
#include <milky/version.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    MOST_THREADS = 2,
    MOST_DOWNLOADS = 16,
    MOST_REDIRECTS = 5,
    CONNECT_MS = 10 * 1000,
    PIECE = 256 * 1024,
    LONGEST_URL = 8 * 1024,
};

void sb_media_problem(struct sb_media_problem *problem, enum sb_media_problem_kind kind,
                      const char *en, const char *zh, ...)
{
    va_list args;
    va_start(args, zh);
    problem->kind = kind;
    vsnprintf(problem->text, sizeof(problem->text), mk_tr_in(problem->language, en, zh), args);
    va_end(args);
    problem->text[mk_utf8_valid_prefix(mk_slice_str(problem->text))] = '\0'; /* it may be cut */
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
    int rc = sb_media_quota_add(fetch, len);
    if (rc < 0)
        return rc;
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

/* Adds a part of the file to a digest, a piece at a time. */
static int hash_part(struct sb_media_fetch *fetch, struct mk_digest *digest, uint64_t from,
                     uint64_t len)
{
    char *piece = malloc(PIECE);
    int rc = piece ? 0 : -ENOMEM;
    while (rc == 0 && len > 0) {
        ssize_t got = pread(fetch->fd, piece, len < PIECE ? (size_t)len : PIECE, (off_t)from);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            rc = got < 0 ? -errno : -EIO;
            break;
        }
        mk_digest_add(digest, mk_slice_of(piece, (size_t)got));
        from += (uint64_t)got;
        len -= (uint64_t)got;
    }
    free(piece);
    return rc;
}

static int hash(struct sb_media_fetch *fetch)
{
    uint8_t out[MK_SHA256_LEN];
    struct mk_digest *digest = mk_digest_sha256();
    int rc = hash_part(fetch, digest, 0, fetch->size);
    int ended = mk_digest_end(digest, out);
    mk_hex_write(out, MK_SHA256_LEN, fetch->media.id);
    return rc < 0 ? rc : ended;
}

/* spec/README.md: the SHA-1 of a sample and the length. All of it up to 30 MiB, else three runs. */
static int tri_hash(struct sb_media_fetch *fetch)
{
    static const uint64_t run = 10 * 1024 * 1024;
    uint64_t size = fetch->size;
    uint8_t out[MK_SHA1_LEN];
    char length[8];
    struct mk_digest *digest = mk_digest_sha1();
    int rc;
    if (size <= 3 * run) {
        rc = hash_part(fetch, digest, 0, size);
    } else {
        rc = hash_part(fetch, digest, 0, run);
        if (rc == 0)
            rc = hash_part(fetch, digest, size / 2 - run / 2, run);
        if (rc == 0)
            rc = hash_part(fetch, digest, size - run, run);
    }
    for (unsigned i = 0; i < sizeof(length); i++)
        length[i] = (char)(size >> 8 * i);
    mk_digest_add(digest, mk_slice_of(length, sizeof(length)));
    int ended = mk_digest_end(digest, out);
    mk_hex_write(out, MK_SHA1_LEN, fetch->media.tri_sha1);
    return rc < 0 ? rc : ended;
}

static int look_at(struct sb_media_fetch *fetch)
{
    fetch->media.size = fetch->size;
    return sb_media_probe_file(fetch->fd, fetch->size, &fetch->media.info, &fetch->media.wrong);
}

/*
 * The name that mkostemp gave says nothing. The new one begins with the id, so that after a loss of
 * power a start finds the content even if the move was lost.
 */
static int give_name(struct sb_media_fetch *fetch)
{
    const char *incoming = fetch->store->incoming;
    char *path;
    if (asprintf(&path, "%s/%s.%s", incoming, fetch->media.id, strrchr(fetch->path, '/') + 1) < 0)
        return -ENOMEM;
    if (rename(fetch->path, path) < 0) {
        int error = errno;
        free(path);
        return -error;
    }
    free(fetch->path);
    fetch->path = path;
    return fetch->rules->durable ? sb_media_sync_folder(incoming) : 0;
}

/* The file is complete: flushes it, names and probes it. */
static void seal(struct sb_media_fetch *fetch)
{
    if (fetch->size == 0) {
        sb_media_problem(&fetch->problem, SB_PROBLEM_EMPTY, "it is empty", "内容为空");
        return;
    }
    int rc = fetch->rules->durable && fsync(fetch->fd) < 0 ? -errno : 0;
    if (rc == 0)
        rc = hash(fetch);
    if (rc == 0)
        rc = tri_hash(fetch);
    if (rc == 0)
        rc = look_at(fetch);
    if (rc == 0)
        rc = give_name(fetch);
    if (rc < 0)
        sb_media_problem_of_disk(&fetch->problem, rc);
}

static bool has_scheme(struct mk_slice uri, struct mk_slice scheme)
{
    return uri.len >= scheme.len && mk_slice_eq_nocase(mk_slice_of(uri.ptr, scheme.len), scheme);
}

static bool is_http(struct mk_slice uri)
{
    return has_scheme(uri, MK_SLICE("http://")) || has_scheme(uri, MK_SLICE("https://"));
}

/* A thread that forgets a fetch sees that it is being read, or that it will not be. */
static bool read_source(struct sb_media_fetch *fetch)
{
    bool good = false;
    atomic_store(&fetch->reads_uri, true);
    if (!atomic_load(&fetch->abandoned)) {
        bool is_file = has_scheme(fetch->uri, MK_SLICE("file://"));
        good = (is_file ? sb_media_read_file : sb_media_read_base64)(
            fetch->rules, fetch->uri, &fetch->abandoned, write_all, fetch, &fetch->problem);
    }
    atomic_store(&fetch->reads_uri, false);
    return good;
}

static void work(uv_work_t *request)
{
    struct sb_media_fetch *fetch = MK_CONTAINER_OF(request, struct sb_media_fetch, work);
    bool good = !fetch->problem.kind && !atomic_load(&fetch->abandoned);
    if (good && !fetch->is_http)
        good = make_file(fetch) && read_source(fetch);
    if (good && !atomic_load(&fetch->abandoned))
        seal(fetch);
}

/* --- on the loop --- */

static void start_queued(struct sb_media_store *store);

static void end(struct sb_media_fetch *fetch)
{
    struct sb_media_store *store = fetch->store;
    if (atomic_load(&fetch->abandoned) && !fetch->problem.kind)
        sb_media_problem(&fetch->problem, SB_PROBLEM_INTERNAL, "it was given up", "已放弃");
    if (fetch->fd >= 0)
        close(fetch->fd);
    fetch->fd = -1;
    fetch->done(fetch);
    start_queued(store);
}

static void on_worked(uv_work_t *request, int status)
{
    struct sb_media_fetch *fetch = MK_CONTAINER_OF(request, struct sb_media_fetch, work);
    (void)status;
    fetch->store->threads--;
    end(fetch);
}

static int on_body(void *arg, const char *data, size_t len)
{
    return write_all(arg, data, len);
}

/* Longer than it said, or longer than there is room for. */
static void too_long(struct sb_media_fetch *fetch)
{
    uint64_t most = fetch->rules->max_bytes;
    if (sb_media_quota_room(fetch) + fetch->charged >= most ||
        sb_media_quota_admit(fetch, most - fetch->charged))
        sb_media_problem_too_large(&fetch->problem, most);
}

static uint64_t longest_body(const struct sb_media_fetch *fetch)
{
    uint64_t room = sb_media_quota_room(fetch);
    return room < fetch->rules->max_bytes ? room : fetch->rules->max_bytes;
}

static void on_downloaded(void *arg, const struct mk_http_response *response)
{
    struct sb_media_fetch *fetch = arg;
    fetch->download = NULL;
    fetch->store->downloads--;
    const struct mk_failure *failure = response->failure;
    if (fetch->problem.kind)
        ; /* there was no room for more */
    else if (failure && failure->kind == MK_FAILURE_TOO_LONG)
        too_long(fetch);
    else if (failure)
        sb_media_problem(&fetch->problem, SB_PROBLEM_CONTENT, "it cannot be downloaded: %s",
                         "下载失败：%s",
                         mk_tr_in(fetch->problem.language, failure->en, failure->zh));
    else if (response->status < 200 || response->status > 299)
        sb_media_problem(&fetch->problem, SB_PROBLEM_CONTENT,
                         "it cannot be downloaded: its server answered %u",
                         "下载失败：服务器应答 %u", response->status);
    mk_list_push(&fetch->store->queued, &fetch->node); /* also to end it: see to_thread */
    start_queued(fetch->store);
}

/* Returns false, with the problem set, when it cannot begin. */
static bool download(struct sb_media_fetch *fetch)
{
    static const char *const headers[] = { "User-Agent: milky/" MILKY_VERSION, NULL };
    struct sb_media_store *store = fetch->store;
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
            .body_limit = longest_body(fetch),
            .public_only = !store->allow_private,
            .body = on_body,
            .done = on_downloaded,
            .arg = fetch,
        };
        fetch->download = mk_http_client_get(store->http, &get);
    }
    free(url);
    if (!fetch->download && !fetch->problem.kind)
        sb_media_problem_of_disk(&fetch->problem, -ENOMEM);
    store->downloads += fetch->download != NULL;
    return fetch->download != NULL;
}

/*
 * Hands the fetch to a thread, also when it has failed: so `done` is never called from within a
 * start.
 */
static void to_thread(struct sb_media_fetch *fetch)
{
    uv_queue_work(fetch->store->loop, &fetch->work, work,
                  on_worked); /* fails without `work` alone */
    fetch->store->threads++;
}

static bool wants_download(const struct sb_media_fetch *fetch)
{
    return fetch->is_http && !fetch->path && !fetch->problem.kind &&
           !atomic_load(&fetch->abandoned);
}

static void start_queued(struct sb_media_store *store)
{
    MK_LIST_FOR_EACH (node, &store->queued) {
        struct sb_media_fetch *fetch = MK_CONTAINER_OF(node, struct sb_media_fetch, node);
        bool has_room = wants_download(fetch) ? store->downloads < MOST_DOWNLOADS
                                              : store->threads < MOST_THREADS;
        if (!has_room)
            continue;
        mk_list_remove(&fetch->node);
        if (!wants_download(fetch) || !download(fetch))
            to_thread(fetch);
    }
}

static void check_uri(struct sb_media_fetch *fetch)
{
    struct mk_slice uri = fetch->uri;
    if (fetch->is_http && (uri.len > LONGEST_URL || memchr(uri.ptr, '\0', uri.len)))
        sb_media_problem(&fetch->problem, SB_PROBLEM_URI, "it is not a valid URL", "URL 不合法");
    else if (!fetch->is_http && !has_scheme(uri, MK_SLICE("file://")) &&
             !has_scheme(uri, MK_SLICE("base64://")))
        sb_media_problem(&fetch->problem, SB_PROBLEM_URI,
                         "it must be a file://, http(s):// or base64:// URI",
                         "应为 file://、http(s):// 或 base64:// 地址");
}

void sb_media_fetch_start(struct sb_media_fetch *fetch)
{
    fetch->fd = -1;
    fetch->rules = &fetch->store->rules;
    fetch->is_http = is_http(fetch->uri);
    mk_list_init(&fetch->node);
    check_uri(fetch);
    fetch->media.owner = fetch->self_id;
    if (!fetch->problem.kind)
        sb_media_quota_begin(fetch);
    mk_list_push(&fetch->store->queued, &fetch->node);
    start_queued(fetch->store);
}

void sb_media_fetch_abandon(struct sb_media_fetch *fetch)
{
    atomic_store(&fetch->abandoned, true);
    if (fetch->download) {
        fetch->download = mk_http_request_cancel(fetch->download);
        fetch->store->downloads--;
        to_thread(fetch);
    }
    start_queued(fetch->store);
}

/* A thread checks after each piece whether it is to go on, so this waits for one piece at most. */
void sb_media_fetch_forget(struct sb_media_fetch *fetch)
{
    sb_media_fetch_abandon(fetch);
    while (atomic_load(&fetch->reads_uri))
        sched_yield();
    fetch->uri = (struct mk_slice){ 0 };
}

void sb_media_fetch_fini(struct sb_media_fetch *fetch)
{
    sb_media_quota_end(fetch);
    if (fetch->path)
        unlink(fetch->path);
    free(fetch->path);
    fetch->path = NULL;
}
