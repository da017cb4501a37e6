/* cache: see the header. Here are the paths, and the requests without an upload. */
#include "transport/cache_impl.h"

#include "base/json.h"
#include "protocol/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LONGEST_ORDER = 64 * 1024, /* bytes of the body of an announcement */
    MOST_VALUES = 1000,        /* of its JSON */
    MOST_LISTED = 1024,        /* missing chunks in an answer */
    RETRY_SECONDS = 1,
};

static const struct mk_slice folder = { "/cache", sizeof("/cache") - 1 };
static const struct mk_slice none = { 0 };

/* --- paths --- */

bool mk_cache_read_number(struct mk_slice text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || __builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(text.ptr[i] - '0'), number))
            return false;
    return text.len > 0;
}

struct target {
    enum { ALL, RESOURCE, CHUNK, NOTHING } kind;
    struct mk_slice id;
    uint64_t chunk;
};

static struct target read_path(struct mk_slice path)
{
    struct target target = { .kind = ALL };
    struct mk_slice rest = mk_slice_from(path, folder.len + 1);
    if (rest.len == 0)
        return target;
    const char *slash = memchr(rest.ptr, '/', rest.len);
    target.kind = RESOURCE;
    target.id = slash ? mk_slice_of(rest.ptr, (size_t)(slash - rest.ptr)) : rest;
    rest = mk_slice_from(rest, target.id.len + 1);
    if (rest.len == 0)
        return target;
    target.kind = mk_cache_read_number(rest, &target.chunk) ? CHUNK : NOTHING;
    return target;
}

bool mk_cache_server_match(const struct mk_cache_server *server, struct mk_slice path)
{
    return server->cache && mk_slice_starts_with(path, folder) &&
           (path.len == folder.len || path.ptr[folder.len] == '/');
}

/* --- answers --- */

void mk_cache_answer_unknown(struct mk_http_connection *connection)
{
    mk_http_answer_failure(connection, 404,
                           "there is no such cache_id: it never was, was deleted or used up, got "
                           "nothing for too long, or is another bot's",
                           none);
}

static int write_missing(struct mk_buf *out, const struct mk_cached *resource, uint64_t chunks)
{
    int rc = mk_buf_append_slice(out, MK_SLICE(",\"missing_chunks\":["));
    uint64_t chunk = mk_cached_next_missing(resource, 0);
    for (unsigned i = 0; rc == 0 && i < MOST_LISTED && chunk < chunks; i++) {
        rc = mk_buf_printf(out, "%s%" PRIu64, i > 0 ? "," : "", chunk);
        chunk = mk_cached_next_missing(resource, chunk + 1);
    }
    return rc == 0 ? mk_buf_append_char(out, ']') : rc;
}

static int write_status(struct mk_buf *out, const struct mk_cached *resource)
{
    struct mk_cache_status status;
    mk_cached_status(resource, &status);
    int rc = mk_buf_printf(out,
                           "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"cache_id\":\"%s\","
                           "\"uri\":\"cache://%s\",\"name\":",
                           status.id, status.id);
    if (rc == 0)
        rc = mk_json_write_string(out, mk_slice_str(status.name));
    if (rc == 0)
        rc = mk_buf_printf(out,
                           ",\"size\":%" PRIu64 ",\"lifetime\":\"%s\",\"complete\":%s,"
                           "\"received\":%" PRIu64 ",\"offset\":%" PRIu64 ",\"chunk_size\":%" PRIu64
                           ",\"chunk_count\":%" PRIu64 ",\"missing_chunk_count\":%" PRIu64,
                           status.size, status.once ? "once" : "until_stop",
                           status.is_complete ? "true" : "false", status.received, status.offset,
                           MK_CACHE_CHUNK, status.chunks, status.missing);
    if (rc == 0)
        rc = write_missing(out, resource, status.chunks);
    return rc == 0 ? mk_buf_append_slice(out, MK_SLICE("}}")) : rc;
}

void mk_cache_answer_status(struct mk_http_connection *connection, const struct mk_cached *resource)
{
    struct mk_http1_open open;
    struct mk_buf *out =
        mk_http_respond_begin(connection, 200, MK_SLICE("application/json"), none, &open);
    if (out)
        mk_http_respond_end(connection, &open, write_status(out, resource));
}

static void answer_room(const struct mk_cache_server *server, struct mk_http_connection *connection)
{
    struct mk_cache_room room = mk_cache_room(server->cache, server->self_id);
    struct mk_http1_open open;
    struct mk_buf *out =
        mk_http_respond_begin(connection, 200, MK_SLICE("application/json"), none, &open);
    if (!out)
        return;
    int rc = mk_buf_printf(out,
                           "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"chunk_size\":%" PRIu64
                           ",\"max_bytes\":%" PRIu64 ",\"used_bytes\":%" PRIu64
                           ",\"max_count\":%d,\"count\":%u,\"max_uploads\":%d}}",
                           MK_CACHE_CHUNK, room.most, room.used, MK_CACHE_OF_BOT, room.count,
                           MK_CACHE_UPLOADS);
    mk_http_respond_end(connection, &open, rc);
}

static void answer_empty(struct mk_http_connection *connection)
{
    struct mk_http1_open open;
    struct mk_buf *out =
        mk_http_respond_begin(connection, 200, MK_SLICE("application/json"), none, &open);
    if (out)
        mk_http_respond_end(
            connection, &open,
            mk_buf_append_slice(out, MK_SLICE("{\"status\":\"ok\",\"retcode\":0,\"data\":{}}")));
}

/* --- announcing --- */

static struct mk_slice text_of(yyjson_val *value)
{
    return mk_slice_of(yyjson_get_str(value), yyjson_get_len(value));
}

/* A member that is there, and not null. */
static yyjson_val *member(yyjson_val *root, const char *name)
{
    yyjson_val *value = yyjson_obj_get(root, name);
    return yyjson_is_null(value) ? NULL : value;
}

/* Returns NULL, or what is wrong with it. */
static const char *read_order(yyjson_val *root, struct mk_cache_order *order,
                              uint8_t sha256[MK_CACHE_SHA256])
{
    yyjson_val *size = member(root, "size"), *name = member(root, "name");
    yyjson_val *hash = member(root, "sha256"), *lifetime = member(root, "lifetime");
    bool is_negative = false;
    if (!yyjson_is_obj(root))
        return "expected an object: {\"size\": BYTES, \"name\": ..., \"sha256\": ..., "
               "\"lifetime\": ...}";
    if (!size || !mk_json_integer(size, &is_negative, &order->size) || is_negative ||
        order->size == 0)
        return "size: expected the number of bytes, an integer from 1";
    if (name && !yyjson_is_str(name))
        return "name: expected a string";
    order->name = text_of(name);
    if (order->name.len > MK_CACHE_NAME_MAX ||
        (order->name.len > 0 && memchr(order->name.ptr, '\0', order->name.len)))
        return "name: expected at most 255 bytes, without NUL";
    if (hash && (!yyjson_is_str(hash) || !mk_cache_read_sha256(text_of(hash), sha256)))
        return "sha256: expected 64 hexadecimal digits";
    order->sha256 = hash ? sha256 : NULL;
    if (lifetime && !yyjson_equals_str(lifetime, "once") &&
        !yyjson_equals_str(lifetime, "until_stop"))
        return "lifetime: expected \"once\" or \"until_stop\"";
    order->once = !lifetime || yyjson_equals_str(lifetime, "once");
    return NULL;
}

static void refuse_order(const struct mk_cache_server *server,
                         struct mk_http_connection *connection, int rc)
{
    struct mk_cache_room room = mk_cache_room(server->cache, server->self_id);
    char text[256];
    if (rc < 0) {
        mk_http_answer_failure(connection, 500,
                               rc == -ENOMEM ? "out of memory"
                                             : "the folder for uploads cannot be made: the log of "
                                               "milky has the reason",
                               none);
        return;
    }
    if (rc == MK_CACHE_TOO_LARGE)
        snprintf(text, sizeof(text),
                 "size: at most %" PRIu64 " bytes (limits.cache_bytes_per_bot, limits.cache_bytes)",
                 room.most);
    else if (rc == MK_CACHE_TOO_MANY)
        snprintf(text, sizeof(text),
                 "this bot has %u uploads, the most that it may have: delete one", room.count);
    else if (rc == MK_CACHE_BOT_FULL)
        snprintf(text, sizeof(text),
                 "the uploads of this bot would be more than %" PRIu64
                 " bytes (limits.cache_bytes_per_bot): it has %" PRIu64 "; delete some",
                 room.most, room.used);
    else
        snprintf(text, sizeof(text),
                 "the uploads of all bots take all room there is "
                 "(limits.cache_bytes): try again later");
    mk_http_answer_failure(connection, rc == MK_CACHE_TOO_LARGE ? 413 : 507, text, none);
}

static void announce(struct mk_cache_server *server, struct mk_http_connection *connection,
                     struct mk_slice body)
{
    struct mk_arena arena;
    struct mk_cached *resource;
    uint8_t sha256[MK_CACHE_SHA256];
    struct mk_cache_order order = { .self_id = server->self_id };
    yyjson_read_err error = { .code = YYJSON_READ_SUCCESS, .msg = NULL };
    if (body.len > LONGEST_ORDER || !mk_json_has_at_most(body, MOST_VALUES)) {
        mk_http_answer_failure(connection, 413, "an announcement has at most 64 KiB", none);
        return;
    }
    mk_arena_init(&arena);
    yyjson_alc alc = mk_json_alc(&arena);
    yyjson_doc *doc = mk_json_read(body, &alc, &error);
    const char *wrong = doc ? read_order(yyjson_doc_get_root(doc), &order, sha256)
                            : "the body is not JSON in UTF-8";
    int rc = wrong ? 0 : mk_cache_announce(server->cache, &order, &resource);
    mk_arena_fini(&arena);
    if (wrong)
        mk_http_answer_failure(connection, 400, wrong, none);
    else if (rc != 0)
        refuse_order(server, connection, rc);
    else
        mk_cache_answer_status(connection, resource);
}

/* --- requests --- */

static bool is_method(const struct mk_http1_request *request, const char *name)
{
    return mk_slice_eq(request->method, mk_slice_str(name));
}

static bool is_get(const struct mk_http1_request *request)
{
    return is_method(request, "GET") || is_method(request, "HEAD");
}

static void refuse_method(struct mk_http_connection *connection, const char *allowed)
{
    char line[64], text[64];
    snprintf(line, sizeof(line), "Allow: %s\r\n", allowed);
    snprintf(text, sizeof(text), "use one of these here: %s", allowed);
    mk_http_answer_failure(connection, 405, text, mk_slice_str(line));
}

/* At /cache itself. */
static void head_of_all(struct mk_http_connection *connection,
                        const struct mk_http1_request *request)
{
    if (is_get(request))
        return;
    if (!is_method(request, "POST")) {
        refuse_method(connection, "GET, HEAD, POST");
        return;
    }
    const char *error = mk_http_media_type_error(request);
    if (error)
        mk_http_answer_failure(connection, 415, error, none);
    else if (request->content_length > LONGEST_ORDER)
        mk_http_answer_failure(connection, 413, "an announcement has at most 64 KiB", none);
}

void mk_cache_server_head(struct mk_cache_server *server, struct mk_http_connection *connection,
                          const struct mk_http1_request *request, struct mk_slice path,
                          struct mk_cache_put **put)
{
    struct target target = read_path(path);
    if (!mk_http_admit(connection, request, &server->access, MK_AUTH_HEADER, &mk_http_rules_1_x))
        return;
    if (server->is_refused) {
        mk_http_answer_failure(connection, 501, "the backend of this bot takes no uploads", none);
        return;
    }
    if (target.kind == ALL) {
        head_of_all(connection, request);
        return;
    }
    struct mk_cached *resource = mk_cache_find(server->cache, server->self_id, target.id);
    if (target.kind == NOTHING || !resource)
        mk_cache_answer_unknown(connection);
    else if (is_method(request, "PUT"))
        mk_cache_put_begin(server, connection, request, resource,
                           target.kind == CHUNK ? &target.chunk : NULL, put);
    else if (target.kind == CHUNK)
        refuse_method(connection, "PUT");
    else if (!is_get(request) && !is_method(request, "DELETE"))
        refuse_method(connection, "GET, HEAD, PUT, DELETE");
}

void mk_cache_server_request(struct mk_cache_server *server, struct mk_http_connection *connection,
                             const struct mk_http1_request *request, struct mk_slice path,
                             struct mk_cache_put *put)
{
    struct target target = read_path(path);
    if (put) {
        mk_cache_put_finish(put);
        return;
    }
    if (target.kind == ALL && is_get(request)) {
        answer_room(server, connection);
        return;
    }
    if (target.kind == ALL) {
        announce(server, connection, request->body);
        return;
    }
    struct mk_cached *resource = mk_cache_find(server->cache, server->self_id, target.id);
    if (!resource) {
        mk_cache_answer_unknown(connection); /* since its head has arrived */
    } else if (is_get(request)) {
        mk_cache_answer_status(connection, resource);
    } else {
        mk_cached_destroy(resource);
        answer_empty(connection);
    }
}

void mk_cache_server_init(struct mk_cache_server *server, struct mk_cache *cache, uint64_t self_id)
{
    *server = (struct mk_cache_server){ .cache = cache, .self_id = self_id };
    mk_list_init(&server->open);
}
