/* call_media: see the header. */
#include "backend/sandbox/turn/call_media.h"

#include "backend/sandbox/media/private.h"
#include "base/error_text.h"
#include "base/json_path.h"

#include <errno.h>
#include <stdlib.h>

enum { LONGEST_PATH = 160, DEEPEST = 64 };

/* One URI of a call. */
struct sb_media_item {
    struct sb_media_fetch fetch;
    struct sb_call_media *owner;
    struct mk_table_entry by_text; /* in owner->by_text */
    struct sb_media_blob *blob;    /* NULL: the world has the content already */
    bool is_fetching;
    bool is_wanted; /* the handler uses it */
};

struct sb_call_media {
    struct mk_table_entry entry; /* in sandbox->media_calls, while it fetches */
    struct sb_sandbox *sandbox;
    struct sb_call call; /* its id is 0 in sb_call_media_fetch_now */
    sb_call_media_run *run;
    yyjson_mut_val *params;
    struct sb_media_item *items;
    size_t count;
    struct mk_table by_text; /* items, by the address of the URI's text */
    size_t left;             /* still being fetched, and one while a start or an end goes on */
    bool failed;
    bool cancelled; /* its call has ended: the params are freed */
};

/* --- finding --- */

struct search {
    struct sb_media_item *items;
    size_t count, room, most;
    int error;
    const char *text; /* whose path is looked for, where `path` is not NULL */
    char *path;       /* of LONGEST_PATH bytes: "message[0].data.uri" */
};

static bool is_uri_key(yyjson_mut_val *key)
{
    static const char *const keys[] = { "uri", "thumb_uri", "image_uri", "file_uri" };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (yyjson_mut_equals_str(key, keys[i]))
            return true;
    return false;
}

static void add(struct search *search, yyjson_mut_val *uri, const struct mk_json_path *at)
{
    if (search->path) {
        if (yyjson_mut_get_str(uri) == search->text)
            mk_json_path_copy(search->path, LONGEST_PATH, at);
        return;
    }
    if (search->count == search->room) {
        size_t room = search->room ? search->room * 2 : 4;
        struct sb_media_item *items = realloc(search->items, room * sizeof(*items));
        if (!items) {
            search->error = -ENOMEM;
            return;
        }
        search->items = items;
        search->room = room;
    }
    struct sb_media_item *item = &search->items[search->count++];
    *item = (struct sb_media_item){ .fetch.uri = mk_slice_of(yyjson_mut_get_str(uri),
                                                             yyjson_mut_get_len(uri)) };
}

static void scan(struct search *search, yyjson_mut_val *value, const struct mk_json_path *up,
                 unsigned depth)
{
    struct mk_json_path at = { .up = up };
    size_t index, max;
    yyjson_mut_val *key, *inner;
    if (depth == DEEPEST || search->error || search->count > search->most)
        return;
    if (yyjson_mut_is_obj(value)) {
        yyjson_mut_obj_foreach (value, index, max, key, inner) {
            at.name = mk_slice_of(yyjson_mut_get_str(key), yyjson_mut_get_len(key));
            if (yyjson_mut_is_ctn(inner))
                scan(search, inner, &at, depth + 1);
            else if (yyjson_mut_is_str(inner) && is_uri_key(key))
                add(search, inner, &at);
        }
    } else if (yyjson_mut_is_arr(value)) {
        yyjson_mut_arr_foreach (value, index, max, inner) {
            at.index = index;
            if (yyjson_mut_is_ctn(inner))
                scan(search, inner, &at, depth + 1);
        }
    }
}

/* Where the URI is in the params; "" where the handler has taken it out. */
static const char *path_of(const struct sb_media_item *item, char path[LONGEST_PATH])
{
    struct search search = { .most = SIZE_MAX, .text = item->fetch.uri.ptr, .path = path };
    path[0] = '\0';
    scan(&search, item->owner->params, NULL, 0);
    return path;
}

/* --- fetching --- */

static const int retcodes[] = {
    [SB_PROBLEM_URI] = SB_BAD_URI,
    [SB_PROBLEM_CONTENT] = SB_NO_CONTENT,
    [SB_PROBLEM_TOO_LARGE] = SB_MEDIA_TOO_LARGE,
    [SB_PROBLEM_EMPTY] = SB_BAD_MEDIA,
    [SB_PROBLEM_FULL] = SB_MEDIA_FULL,
    [SB_PROBLEM_INTERNAL] = MILKY_INTERNAL,
};

static void free_call(struct sb_call_media *media)
{
    mk_table_fini(&media->by_text);
    for (size_t i = 0; i < media->count; i++) {
        sb_media_store_release(media->sandbox->media, media->items[i].blob);
        sb_media_fetch_fini(&media->items[i].fetch);
    }
    free(media->items);
    free(media);
}

void sb_call_media_done(struct sb_call_media *media)
{
    if (media)
        free_call(media);
}

/* The first URI that failed, not one that was abandoned because of that. */
static const struct sb_media_item *first_bad(const struct sb_call_media *media)
{
    const struct sb_media_item *bad = &media->items[0];
    for (size_t i = media->count; i-- > 0;)
        if (media->items[i].fetch.problem.kind &&
            !atomic_load(&media->items[i].fetch.reading.abandoned))
            bad = &media->items[i];
    return bad;
}

static void fail(struct sb_call_media *media)
{
    struct milky_host *host = media->sandbox->host;
    const struct sb_media_item *bad = first_bad(media);
    const struct sb_media_problem *problem = &bad->fetch.problem;
    char path[LONGEST_PATH];
    milky_call_fail(host, media->call.id, retcodes[problem->kind],
                    mk_tr_in(problem->language, "%s: %s", "%s：%s"), path_of(bad, path),
                    sb_media_problem_text(problem));
    free_call(media);
}

/* One thing less to wait for. Returns whether it was the last one. */
static bool count_down(struct sb_call_media *media)
{
    if (--media->left > 0)
        return false;
    mk_table_remove(&media->sandbox->media_calls, &media->entry);
    return true;
}

/* The same; after the last one the call goes on. */
static void settle(struct sb_call_media *media)
{
    if (!count_down(media) || !media->call.id)
        return; /* without an id: of sb_call_media_fetch_now, which waits */
    if (media->cancelled)
        free_call(media);
    else if (media->failed)
        fail(media);
    else
        media->run(media->sandbox, &media->call, media);
}

/* An abandoned one may end at once, but is never the last: `except` is not settled yet. */
static void abandon_others(struct sb_call_media *media, const struct sb_media_item *except)
{
    for (size_t i = 0; i < media->count; i++)
        if (media->items[i].is_fetching && &media->items[i] != except)
            sb_media_fetch_abandon(&media->items[i].fetch);
}

static void on_fetched(struct sb_media_fetch *fetch)
{
    struct sb_media_item *item = MK_CONTAINER_OF(fetch, struct sb_media_item, fetch);
    struct sb_call_media *media = item->owner;
    struct sb_media_store *store = media->sandbox->media;
    if (!fetch->problem.kind && !media->failed) {
        int rc = sb_media_store_take(store, fetch, &item->blob);
        if (rc < 0)
            sb_media_problem_of_disk(&fetch->problem, rc);
    }
    item->is_fetching = false;
    if (fetch->problem.kind && !media->failed) {
        media->failed = true;
        abandon_others(media, item);
    }
    settle(media);
}

/* Takes over the URIs that were found. `language`: of the reasons why one cannot be fetched. */
static struct sb_call_media *media_new(struct sb_sandbox *sandbox, yyjson_mut_val *params,
                                       const struct search *search, enum mk_language language)
{
    struct sb_call_media *media = calloc(1, sizeof(*media));
    if (!media)
        return NULL;
    *media = (struct sb_call_media){
        .sandbox = sandbox, .params = params, .items = search->items, .count = search->count
    };
    mk_table_init(&media->by_text, 0);
    for (size_t i = 0; i < media->count; i++) {
        struct sb_media_item *item = &media->items[i];
        item->owner = media;
        item->fetch.store = sandbox->media;
        item->fetch.done = on_fetched;
        item->fetch.problem.language = language;
        mk_table_add(&media->by_text, &item->by_text, (uintptr_t)item->fetch.uri.ptr);
    }
    return media;
}

/* Nothing is fetched for a call with a URI that cannot be one. Its caller settles it. */
static void start(struct sb_call_media *media)
{
    mk_table_add(&media->sandbox->media_calls, &media->entry, media->call.id);
    media->left = 1;
    for (size_t i = 0; i < media->count && !media->failed; i++)
        media->failed = !sb_media_fetch_check(&media->items[i].fetch);
    for (size_t i = 0; i < media->count && !media->failed; i++) {
        struct sb_media_item *item = &media->items[i];
        item->is_fetching = true;
        item->fetch.self_id = media->call.self_id;
        item->fetch.call = media->call.id;
        media->left++;
        sb_media_fetch_start(&item->fetch);
    }
}

bool sb_call_media_prepare(struct sb_sandbox *sandbox, const struct sb_call *call,
                           sb_call_media_run *run)
{
    struct milky_host *host = sandbox->host;
    struct search search = { .most =
                                 call->self_id ? SB_CALL_MOST_URIS : SB_CALL_MOST_URIS_OF_WORLD };
    scan(&search, call->params, NULL, 0);
    if (search.count == 0 && !search.error)
        return false;
    enum mk_language language = sb_language(sandbox);
    bool is_too_many = search.count > search.most;
    int rc = search.error;
    if (rc == 0 && !is_too_many)
        rc = sb_media_store_make(sandbox->media);
    struct sb_call_media *media =
        rc == 0 && !is_too_many ? media_new(sandbox, call->params, &search, language) : NULL;
    if (media) {
        media->call = *call;
        media->run = run;
        start(media);
        settle(media);
        return true;
    }
    if (rc == 0 && is_too_many)
        milky_call_fail(
            host, call->id, SB_BAD_URI,
            mk_tr_in(language, "a call has at most %zu URIs", "一次调用最多 %zu 个 URI"),
            search.most);
    else
        milky_call_fail(host, call->id, MILKY_INTERNAL,
                        mk_tr_in(language, "media cannot be prepared: %s", "无法准备媒体：%s"),
                        mk_error_text_in(language, rc < 0 ? -rc : ENOMEM));
    free(search.items);
    return true;
}

bool sb_call_media_cancel(struct sb_sandbox *sandbox, uint64_t call)
{
    struct mk_table_entry *entry = mk_table_find(&sandbox->media_calls, call, NULL);
    struct sb_call_media *media =
        entry ? MK_CONTAINER_OF(entry, struct sb_call_media, entry) : NULL;
    if (!media || media->cancelled)
        return false;
    media->failed = media->cancelled = true;
    media->left++;
    for (size_t i = 0; i < media->count; i++)
        if (media->items[i].is_fetching)
            sb_media_fetch_forget(&media->items[i].fetch);
    settle(media);
    return true;
}

int sb_call_media_fetch_now(struct sb_request *request, yyjson_mut_val *params)
{
    struct sb_sandbox *sandbox = request->sandbox;
    struct search search = { .most = SB_CALL_MOST_URIS_OF_WORLD };
    scan(&search, params, NULL, 0);
    if (search.count == 0 && !search.error)
        return 0;
    int rc = search.error ? search.error : sb_media_store_make(sandbox->media);
    struct sb_call_media *media =
        rc == 0 ? media_new(sandbox, params, &search, sb_request_language(request)) : NULL;
    if (!media) {
        free(search.items);
        return rc < 0 ? rc : -ENOMEM;
    }
    request->media = media;
    start(media);
    count_down(media);
    while (media->left > 0)
        uv_run(sandbox->media->loop, UV_RUN_ONCE);
    if (!media->failed)
        return 0;
    const struct sb_media_item *bad = first_bad(media);
    const struct sb_media_problem *problem = &bad->fetch.problem;
    char path[LONGEST_PATH];
    return sb_refuse(request, retcodes[problem->kind], "%s: %s", "%s：%s", path_of(bad, path),
                     sb_media_problem_text(problem));
}

/* --- what handlers see --- */

static struct sb_media_item *find_item(struct sb_request *request, yyjson_mut_val *uri)
{
    const char *text = yyjson_mut_get_str(uri);
    struct mk_table_entry *entry =
        text && request->media ? mk_table_find(&request->media->by_text, (uintptr_t)text, NULL)
                               : NULL;
    return entry ? MK_CONTAINER_OF(entry, struct sb_media_item, by_text) : NULL;
}

const struct sb_media *sb_request_media(struct sb_request *request, yyjson_mut_val *uri)
{
    struct sb_media_item *item = find_item(request, uri);
    if (!item)
        return NULL;
    item->is_wanted = true;
    return &item->fetch.media;
}

/* By kind. */
static const struct mk_phrase kind_names[] = {
    { "a file", "文件" },
    { "a picture (PNG, JPEG, GIF, WebP, BMP, HEIC, AVIF, TIFF)",
      "图片（PNG、JPEG、GIF、WebP、BMP、HEIC、AVIF、TIFF）" },
    { "a sound (WAV, MP3, AAC, Ogg, FLAC, AMR, SILK, M4A, AIFF, CAF, WebM, Matroska)",
      "音频（WAV、MP3、AAC、Ogg、FLAC、AMR、SILK、M4A、AIFF、CAF、WebM、Matroska）" },
    { "a video (MP4, MOV, WebM, Matroska, AVI, FLV, MPEG-TS)",
      "视频（MP4、MOV、WebM、Matroska、AVI、FLV、MPEG-TS）" },
};
static const struct mk_phrase found_names[] = {
    { "a file", "文件" }, { "a picture", "图片" }, { "a sound", "音频" }, { "a video", "视频" }
};

static const char *phrase(struct sb_request *request, const struct mk_phrase *phrase)
{
    return mk_tr_in(sb_request_language(request), phrase->en, phrase->zh);
}

int sb_request_media_kind(struct sb_request *request, yyjson_mut_val *uri, unsigned kinds)
{
    struct sb_media_item *item = find_item(request, uri);
    if (!item)
        return sb_refuse(request, SB_BAD_URI, "a URI is missing", "缺少 URI");
    const struct sb_media *media = &item->fetch.media;
    char path[LONGEST_PATH];
    if (kinds & 1u << media->info.kind)
        return 0;
    unsigned wanted = 1;
    while (wanted < SB_MEDIA_VIDEO && !(kinds & 1u << wanted))
        wanted++;
    const struct mk_phrase *wrong = media->wrong, *found = &found_names[media->info.kind];
    if (wrong)
        return sb_refuse(request, SB_BAD_MEDIA, "%s is damaged: %s", "%s 的内容已损坏：%s",
                         path_of(item, path), phrase(request, wrong));
    const char *name = phrase(request, &kind_names[wanted]);
    if (media->info.kind == SB_MEDIA_OTHER)
        found = media->info.other;
    if (!found)
        return sb_refuse(request, SB_BAD_MEDIA, "%s: this format is not known; it should be %s",
                         "%s：不认识这种格式；应为%s", path_of(item, path), name);
    return sb_refuse(request, SB_BAD_MEDIA, "%s is not %s: it is %s", "%s 的内容不是%s，而是%s",
                     path_of(item, path), name, phrase(request, found));
}

int sb_call_media_record(struct sb_request *request)
{
    struct sb_call_media *media = request->media;
    int rc = 0;
    for (size_t i = 0; media && rc == 0 && i < media->count; i++) {
        struct sb_media_item *item = &media->items[i];
        if (item->is_wanted)
            rc = sb_media_store_record(media->sandbox->media, &item->fetch.media, item->blob);
    }
    return rc;
}

/* --- the end --- */

void sb_call_media_drain(struct sb_sandbox *sandbox)
{
    while (sandbox->media_calls.count > 0) /* threads still use their memory */
        uv_run(sandbox->media->loop, UV_RUN_ONCE);
}
