/*
 * cache_put: PUT of a chunk or of a stream. The head is checked before the body is sent; each piece
 * of the body goes to the upload, which holds the connection while the disk is busy.
 */
#include "transport/cache_impl.h"

#include "base/error_text.h"
#include "base/hex.h"
#include "base/log.h"
#include "wire/url.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct mk_cache_put {
    struct mk_list node; /* in server->open */
    struct mk_cache_server *server;
    struct mk_http_connection *connection;
    struct mk_cache_put **slot; /* set to NULL when it ends */
    struct mk_cache_listener listener;
    struct mk_cache_upload *upload; /* NULL: it has ended */
    bool is_received;               /* the whole body */
    char id[MK_CACHE_ID];
};

static const struct mk_slice none = { 0 };

bool mk_cache_read_sha256(struct mk_slice text, uint8_t sha256[MK_CACHE_SHA256])
{
    if (text.len != 2 * MK_CACHE_SHA256)
        return false;
    for (size_t i = 0; i < MK_CACHE_SHA256; i++) {
        int high = mk_hex_digit(text.ptr[2 * i]), low = mk_hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        sha256[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

/* --- the head --- */

/* Of the header, or else of the query. Returns false for one that is malformed. */
static bool find_sha256(const struct mk_http1_request *request, uint8_t sha256[MK_CACHE_SHA256],
                        const uint8_t **found)
{
    struct mk_slice text = mk_http1_find(request, MK_SLICE("X-Content-SHA256"));
    *found = NULL;
    if (!text.ptr && !mk_url_query_find(request->query, MK_SLICE("sha256"), &text))
        return true;
    *found = sha256;
    return mk_cache_read_sha256(text, sha256);
}

/* "bytes FIRST-LAST/SIZE" or ".../\*". */
static bool read_range(struct mk_slice text, uint64_t size, struct mk_cache_part *part)
{
    static const struct mk_slice unit = { "bytes ", sizeof("bytes ") - 1 };
    uint64_t whole, last;
    if (!mk_slice_starts_with(text, unit))
        return false;
    text = mk_slice_from(text, unit.len);
    const char *dash = text.len > 0 ? memchr(text.ptr, '-', text.len) : NULL;
    const char *slash = dash ? memchr(dash, '/', text.len - (size_t)(dash - text.ptr)) : NULL;
    if (!slash)
        return false;
    struct mk_slice first = mk_slice_of(text.ptr, (size_t)(dash - text.ptr));
    struct mk_slice to = mk_slice_of(dash + 1, (size_t)(slash - dash - 1));
    struct mk_slice all = mk_slice_from(text, (size_t)(slash + 1 - text.ptr));
    bool is_known = mk_slice_eq(all, MK_SLICE("*"));
    if (!mk_cache_read_number(first, &part->from) || !mk_cache_read_number(to, &last) ||
        (!is_known && (!mk_cache_read_number(all, &whole) || whole != size)))
        return false;
    part->end = last + 1;
    return part->from <= last && last < size;
}

static bool is_encoded(const struct mk_http1_request *request)
{
    struct mk_slice encoding = mk_http1_find(request, MK_SLICE("Content-Encoding"));
    return encoding.len > 0 && !mk_slice_eq_nocase(encoding, MK_SLICE("identity"));
}

/* Finds the bytes of the resource that the body is. Returns NULL, or why it is refused (400). */
static const char *read_head(const struct mk_http1_request *request,
                             const struct mk_cached *resource, const uint64_t *chunk,
                             struct mk_cache_part *part, uint8_t sha256[MK_CACHE_SHA256])
{
    struct mk_cache_status status;
    struct mk_slice range = mk_http1_find(request, MK_SLICE("Content-Range"));
    mk_cached_status(resource, &status);
    *part = (struct mk_cache_part){ .end = status.size, .is_chunk = chunk != NULL };
    if (!find_sha256(request, sha256, &part->sha256))
        return "X-Content-SHA256 (or sha256 in the query): expected 64 hexadecimal digits";
    if (chunk && !part->sha256)
        return "a chunk needs its SHA-256: send X-Content-SHA256, or sha256 in the query";
    if (chunk && range.ptr)
        return "a chunk has no Content-Range: it has its place by its number";
    if (chunk) {
        part->from = *chunk * MK_CACHE_CHUNK;
        if (part->end - part->from > MK_CACHE_CHUNK)
            part->end = part->from + MK_CACHE_CHUNK;
    } else if (range.ptr && (mk_http1_count(request, MK_SLICE("Content-Range")) > 1 ||
                             !read_range(range, status.size, part))) {
        return "Content-Range: expected \"bytes FIRST-LAST/SIZE\" within the size";
    }
    return NULL;
}

static void refuse_length(struct mk_http_connection *connection, uint64_t got, uint64_t expected)
{
    char text[128];
    snprintf(text, sizeof(text), "the body has %" PRIu64 " bytes, expected %" PRIu64, got,
             expected);
    mk_http_answer_failure(connection, 400, text, none);
}

static void refuse_upload(struct mk_http_connection *connection, const struct mk_cached *resource,
                          int rc)
{
    struct mk_cache_status status;
    char text[128];
    mk_cached_status(resource, &status);
    if (rc == -EALREADY)
        mk_http_answer_failure(connection, 409,
                               "it is complete, or is being checked, and does not change any more",
                               none);
    else if (rc == -EBUSY)
        mk_http_answer_failure(connection, 503,
                               "this bot has as many uploads under way as it may: try again later",
                               MK_SLICE("Retry-After: 1\r\n"));
    else if (rc == -ERANGE) {
        snprintf(text, sizeof(text),
                 "bytes before that are missing: a stream goes on at offset %" PRIu64
                 " or before it",
                 status.offset);
        mk_http_answer_failure(connection, 409, text, none);
    } else {
        mk_http_answer_failure(connection, 500, "out of memory", none);
    }
}

/* --- the end --- */

static void free_put(struct mk_cache_put *put)
{
    *put->slot = NULL;
    mk_list_remove(&put->node);
    free(put);
}

/* The rest of the body is not wanted: the connection ends with the answer. */
static void fail(struct mk_cache_put *put, unsigned status, const char *text)
{
    struct mk_http_connection *connection = put->connection;
    if (!put->is_received)
        mk_http_connection_set_last(connection);
    free_put(put);
    mk_http_answer_failure(connection, status, text, none);
}

static void on_failed(struct mk_cache_put *put, int error)
{
    bool is_full = error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
    char text[160];
    mk_log_error("cache", "an upload cannot be stored: %s", "无法存储上传的内容：%s",
                 mk_error_text(-error));
    snprintf(text, sizeof(text), "it cannot be stored: %s", mk_error_text_in(MK_ENGLISH, -error));
    fail(put, is_full ? 507 : 500, text);
}

static void on_stored(struct mk_cache_put *put)
{
    struct mk_cache_server *server = put->server;
    struct mk_http_connection *connection = put->connection;
    struct mk_cached *resource =
        mk_cache_find(server->cache, server->self_id, mk_slice_str(put->id));
    free_put(put);
    if (resource)
        mk_cache_answer_status(connection, resource);
    else
        mk_cache_answer_unknown(connection);
}

static void on_ended(struct mk_cache_listener *listener, enum mk_cache_end end, int error)
{
    struct mk_cache_put *put = MK_CONTAINER_OF(listener, struct mk_cache_put, listener);
    put->upload = NULL;
    switch (end) {
    case MK_CACHE_STORED:
        on_stored(put);
        break;
    case MK_CACHE_WRONG_HASH:
        fail(put, 422, "the SHA-256 of the body is another one: nothing of it was kept");
        break;
    case MK_CACHE_WRONG_RESOURCE:
        fail(put, 422,
             "the SHA-256 of the whole is not the one that was announced: upload all of it again");
        break;
    case MK_CACHE_REPLACED:
        fail(put, 409, "another upload has taken the place of this one");
        break;
    case MK_CACHE_DESTROYED:
        fail(put, 404, "it was deleted");
        break;
    case MK_CACHE_FAILED:
        on_failed(put, error);
        break;
    }
}

static void on_room(struct mk_cache_listener *listener)
{
    mk_http_connection_go_on(MK_CONTAINER_OF(listener, struct mk_cache_put, listener)->connection);
}

void mk_cache_put_drop(struct mk_cache_put *put)
{
    if (!put)
        return;
    mk_cache_upload_leave(put->upload);
    free_put(put);
}

void mk_cache_server_stop(struct mk_cache_server *server)
{
    MK_LIST_FOR_EACH (node, &server->open) {
        struct mk_cache_put *put = MK_CONTAINER_OF(node, struct mk_cache_put, node);
        mk_cache_upload_leave(put->upload);
        fail(put, 503, "this server is stopping");
    }
}

/* --- a PUT --- */

void mk_cache_put_begin(struct mk_cache_server *server, struct mk_http_connection *connection,
                        const struct mk_http1_request *request, struct mk_cached *resource,
                        const uint64_t *chunk, struct mk_cache_put **slot)
{
    struct mk_cache_status status;
    struct mk_cache_part part;
    uint8_t sha256[MK_CACHE_SHA256];
    mk_cached_status(resource, &status);
    if (chunk && *chunk >= status.chunks) {
        mk_http_answer_failure(connection, 404, "there is no chunk of that number", none);
        return;
    }
    const char *wrong = read_head(request, resource, chunk, &part, sha256);
    if (wrong || is_encoded(request)) {
        mk_http_answer_failure(connection, wrong ? 400 : 415,
                               wrong ? wrong : "send the bytes as they are: no Content-Encoding",
                               none);
        return;
    }
    if (!request->chunked && request->content_length != part.end - part.from) {
        refuse_length(connection, request->content_length, part.end - part.from);
        return;
    }
    if (mk_http_answer_stopping(connection))
        return;
    struct mk_cache_put *put = calloc(1, sizeof(*put));
    int rc = -ENOMEM;
    if (put) {
        put->listener = (struct mk_cache_listener){ .room = on_room, .ended = on_ended };
        rc = mk_cache_upload_begin(resource, &part, &put->listener, &put->upload);
    }
    if (rc < 0) {
        free(put);
        refuse_upload(connection, resource, rc);
        return;
    }
    put->server = server;
    put->connection = connection;
    put->slot = slot;
    memcpy(put->id, status.id, sizeof(put->id));
    mk_list_push(&server->open, &put->node);
    *slot = put;
    mk_http_connection_stream_body(connection);
}

void mk_cache_server_piece(struct mk_cache_put *put, struct mk_slice piece)
{
    if (piece.len > mk_cache_upload_left(put->upload)) {
        mk_cache_upload_leave(put->upload);
        fail(put, 400, "the body is longer than it should be");
        return;
    }
    int rc = mk_cache_upload_add(put->upload, piece);
    if (rc == 0) {
        mk_http_connection_hold(put->connection);
    } else if (rc < 0) {
        mk_cache_upload_leave(put->upload);
        fail(put, 500, "out of memory");
    }
}

void mk_cache_put_finish(struct mk_cache_put *put)
{
    char text[160];
    uint64_t left = mk_cache_upload_left(put->upload);
    put->is_received = true;
    if (left == 0) {
        mk_cache_upload_finish(put->upload);
        return;
    }
    snprintf(text, sizeof(text),
             "the body ended %" PRIu64 " bytes before its end: ask for the status, and go on at "
             "its offset",
             left);
    mk_cache_upload_leave(put->upload);
    fail(put, 400, text);
}
