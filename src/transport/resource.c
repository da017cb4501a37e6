/* resource: see the header. */
#include "transport/resource.h"

#include "base/log.h"
#include "base/utf8.h"
#include "transport/http_answer.h"
#include "wire/url.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIECE = 256 * 1024,
    STALLED_MS = 60 * 1000,
    LONGEST_TOKEN = 256,
    LONGEST_NAME = 1024,
    LONGEST_LINES = 8 * 1024,
};

static const struct mk_slice folder = { "/resource/", sizeof("/resource/") - 1 };

/* A file on its way. */
struct sending {
    struct mk_list node;
    struct mk_resources *owner;
    struct mk_stream *stream;
    struct mk_timeout stalled;
    int fd;
    uint64_t at; /* what is to be read next */
    uint64_t end;
};

/* --- sending --- */

/* Reads the next piece into the output; at the end of the file the connection ends. */
static void send_piece(struct sending *sending)
{
    struct mk_buf *out = mk_stream_output(sending->stream);
    uint64_t left = sending->end - sending->at;
    size_t count = left < PIECE ? (size_t)left : PIECE;
    int rc = mk_buf_reserve(out, count);
    while (rc == 0 && count > 0) {
        ssize_t got = pread(sending->fd, out->data + out->len, count, (off_t)sending->at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) { /* shorter than it was */
            rc = got < 0 ? -errno : -EIO;
            break;
        }
        out->len += (size_t)got;
        sending->at += (uint64_t)got;
        count -= (size_t)got;
    }
    if (rc < 0) {
        mk_stream_abort(sending->stream, rc);
        return;
    }
    mk_timeout_arm(&sending->owner->stalled, &sending->stalled);
    mk_stream_wake(sending->stream);
    if (sending->at == sending->end)
        mk_stream_close(sending->stream);
}

static size_t on_read(void *owner, char *data, size_t len)
{
    (void)owner;
    (void)data;
    return len;
}

static void on_end(void *owner)
{
    (void)owner; /* it has asked all it wanted, and still wants the answer */
}

static void on_closed(void *owner, int error)
{
    struct sending *sending = owner;
    (void)error;
    mk_timeout_disarm(&sending->stalled);
    mk_list_remove(&sending->node);
    close(sending->fd);
    free(sending);
}

static void on_drained(void *owner)
{
    send_piece(owner);
}

static const struct mk_stream_events stream_events = {
    .read = on_read,
    .end = on_end,
    .closed = on_closed,
    .drained = on_drained,
};

static void on_stalled(struct mk_timeout *timeout)
{
    mk_stream_abort(MK_CONTAINER_OF(timeout, struct sending, stalled)->stream, -ETIMEDOUT);
}

/* --- ranges --- */

enum range { RANGE_ALL, RANGE_PART, RANGE_NONE };

static bool read_number(struct mk_slice text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || __builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(text.ptr[i] - '0'), number))
            return false;
    return text.len > 0;
}

/*
 * What "Range: bytes=..." asks for. A range of another kind, malformed, or of several parts is
 * passed over, as is one with a condition, or of a HEAD (RFC 9110, 14.2): then all is sent.
 */
static enum range read_range(const struct mk_http1_request *request, uint64_t size, uint64_t *from,
                             uint64_t *end)
{
    struct mk_slice range = mk_http1_find(request, MK_SLICE("Range"));
    static const struct mk_slice unit = { "bytes=", sizeof("bytes=") - 1 };
    *from = 0;
    *end = size;
    if (!mk_slice_eq(request->method, MK_SLICE("GET")) || !mk_slice_starts_with(range, unit) ||
        mk_http1_find(request, MK_SLICE("If-Range")).ptr)
        return RANGE_ALL;
    range = mk_slice_from(range, unit.len);
    const char *dash = range.len > 0 ? memchr(range.ptr, '-', range.len) : NULL;
    if (!dash)
        return RANGE_ALL;
    struct mk_slice first = mk_slice_of(range.ptr, (size_t)(dash - range.ptr));
    struct mk_slice last = mk_slice_from(range, first.len + 1);
    uint64_t a = 0, b = 0;
    if ((first.len > 0 && !read_number(first, &a)) || (last.len > 0 && !read_number(last, &b)) ||
        (first.len == 0 && last.len == 0) || (first.len > 0 && last.len > 0 && b < a))
        return RANGE_ALL;
    if (first.len == 0) { /* the last b bytes */
        *from = b < size ? size - b : 0;
        return b > 0 && size > 0 ? RANGE_PART : RANGE_NONE;
    }
    if (a >= size)
        return RANGE_NONE;
    *from = a;
    if (last.len > 0 && b < size - 1)
        *end = b + 1;
    return RANGE_PART;
}

/* --- answering --- */

/* "/TOKEN" or "/TOKEN/NAME" behind the folder. */
static bool split_path(struct mk_slice path, char token[LONGEST_TOKEN], struct mk_slice *name)
{
    struct mk_slice rest = mk_slice_from(path, folder.len);
    const char *slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
    size_t len = slash ? (size_t)(slash - rest.ptr) : rest.len;
    *name = mk_slice_from(rest, len + 1);
    if (len == 0 || len >= LONGEST_TOKEN)
        return false;
    memcpy(token, rest.ptr, len);
    token[len] = '\0';
    return true;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

/* `; filename="..."; filename*=UTF-8''...` (RFC 6266), for old clients and for others. */
static int write_name(struct mk_buf *out, struct mk_slice escaped)
{
    struct mk_buf name;
    mk_buf_init(&name, LONGEST_NAME);
    int rc = 0;
    if (escaped.len > 0 && mk_url_decode(&name, escaped) == 0 && name.len > 0 &&
        mk_utf8_valid_prefix(mk_buf_slice(&name)) == name.len) {
        rc = mk_buf_append_slice(out, MK_SLICE("; filename=\""));
        for (size_t i = 0; rc == 0 && i < name.len; i++)
            if (((unsigned char)name.data[i] & 0xc0) != 0x80)
                rc = mk_buf_append_char(out, is_plain(name.data[i]) ? name.data[i] : '_');
        if (rc == 0)
            rc = mk_buf_append_slice(out, MK_SLICE("\"; filename*=UTF-8''"));
        for (size_t i = 0; rc == 0 && i < name.len; i++)
            rc = is_plain(name.data[i])
                     ? mk_buf_append_char(out, name.data[i])
                     : mk_buf_printf(out, "%%%02X", (unsigned)(unsigned char)name.data[i]);
    }
    mk_buf_fini(&name);
    return rc;
}

static int write_head(struct mk_buf *out, struct mk_slice date,
                      const struct mk_resource_answer *resource, struct mk_slice name,
                      enum range range, const struct sending *sending, uint64_t size)
{
    struct mk_slice type = mk_slice_str(resource->text);
    bool is_shown = mk_slice_starts_with(type, MK_SLICE("image/")) ||
                    mk_slice_starts_with(type, MK_SLICE("audio/")) ||
                    mk_slice_starts_with(type, MK_SLICE("video/"));
    struct mk_buf lines;
    mk_buf_init(&lines, LONGEST_LINES);
    int rc = mk_buf_printf(&lines,
                           "Accept-Ranges: bytes\r\nX-Content-Type-Options: nosniff\r\n"
                           "Cache-Control: private, max-age=7200\r\nContent-Disposition: %s",
                           is_shown ? "inline" : "attachment");
    if (rc == 0)
        rc = write_name(&lines, name);
    if (rc == 0)
        rc = mk_buf_append_slice(&lines, MK_SLICE("\r\n"));
    if (rc == 0)
        rc = mk_buf_append_slice(&lines, date);
    if (rc == 0 && range == RANGE_PART)
        rc = mk_buf_printf(&lines, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
                           sending->at, sending->end - 1, size);
    if (rc == 0)
        rc = mk_http1_write_head(out, range == RANGE_PART ? 206 : 200, type,
                                 sending->end - sending->at, false, mk_buf_slice(&lines));
    mk_buf_fini(&lines);
    return rc;
}

/* Takes the stream over, and the descriptor. On failure nothing was done. */
static int begin(struct mk_resources *resources, struct mk_http_connection *connection,
                 const struct mk_http1_request *request, struct mk_resource_answer *resource,
                 struct mk_slice name)
{
    struct stat status;
    if (fstat(resource->fd, &status) < 0)
        return -errno;
    uint64_t size = (uint64_t)status.st_size;
    struct mk_stream *stream = mk_http_connection_stream(connection);
    uint64_t from, end;
    enum range range = read_range(request, size, &from, &end);
    if (range == RANGE_NONE) {
        char line[64];
        snprintf(line, sizeof(line), "Content-Range: bytes */%" PRIu64 "\r\n", size);
        mk_http_answer_failure(connection, 416, "the file is shorter", mk_slice_str(line));
        return 0;
    }
    struct sending *sending = malloc(sizeof(*sending));
    if (!sending)
        return -ENOMEM;
    *sending = (struct sending){
        .owner = resources, .stream = stream, .fd = resource->fd, .at = from, .end = end
    };
    int rc = write_head(mk_stream_output(stream), mk_http_connection_date(connection), resource,
                        name, range, sending, size);
    if (rc < 0) {
        free(sending);
        return rc;
    }
    resource->fd = -1;
    if (mk_slice_eq(request->method, MK_SLICE("HEAD")))
        sending->at = sending->end;
    mk_timeout_init(&sending->stalled);
    mk_list_push(&resources->streams, &sending->node);
    mk_stream_hand_over(stream, &stream_events, sending);
    mk_http_connection_release(connection);
    send_piece(sending);
    return 0;
}

bool mk_resources_match(const struct mk_resources *resources, struct mk_slice path)
{
    return resources->source && resources->source->offers && mk_slice_starts_with(path, folder);
}

void mk_resources_head(struct mk_http_connection *connection,
                       const struct mk_http1_request *request)
{
    if (!mk_slice_eq(request->method, MK_SLICE("GET")) &&
        !mk_slice_eq(request->method, MK_SLICE("HEAD")))
        mk_http_answer_failure(connection, 405, "a resource is asked for with GET or HEAD",
                               MK_SLICE("Allow: GET, HEAD\r\n"));
}

static void redirect(struct mk_http_connection *connection, const char *url)
{
    struct mk_buf line;
    mk_buf_init(&line, LONGEST_LINES);
    bool is_plain_url = strpbrk(url, "\r\n") == NULL;
    if (is_plain_url && mk_buf_printf(&line, "Location: %s\r\n", url) == 0)
        mk_http_respond(connection, 302, MK_SLICE("text/plain"), MK_SLICE(""), mk_buf_slice(&line));
    else
        mk_http_answer_failure(connection, 500, "the resource has no proper URL",
                               (struct mk_slice){ 0 });
    mk_buf_fini(&line);
}

static void answer(struct mk_resources *resources, struct mk_http_connection *connection,
                   const struct mk_http1_request *request, struct mk_slice name,
                   struct mk_resource_answer *resource)
{
    switch (resource->kind) {
    case MK_RESOURCE_FD:
        if (begin(resources, connection, request, resource, name) == 0)
            return;
        break;
    case MK_RESOURCE_BYTES:
        mk_http_respond(connection, 200, mk_slice_str(resource->text),
                        mk_slice_of(resource->bytes, resource->len),
                        MK_SLICE("X-Content-Type-Options: nosniff\r\n"));
        return;
    case MK_RESOURCE_REDIRECT:
        redirect(connection, resource->text);
        return;
    case MK_RESOURCE_FAIL:
        mk_http_answer_failure(connection, resource->status, resource->text,
                               (struct mk_slice){ 0 });
        return;
    case MK_RESOURCE_NONE:
        break;
    }
    mk_http_answer_failure(connection, 500, "the resource cannot be read", (struct mk_slice){ 0 });
}

void mk_resources_request(struct mk_resources *resources, struct mk_http_connection *connection,
                          const struct mk_http1_request *request, struct mk_slice path)
{
    struct mk_slice name;
    char token[LONGEST_TOKEN];
    if (!split_path(path, token, &name)) {
        mk_http_answer_failure(connection, 404, MK_RESOURCE_UNKNOWN, (struct mk_slice){ 0 });
        return;
    }
    struct mk_resource_answer resource = { .fd = -1 };
    resources->source->ask(resources->source, token, &resource);
    answer(resources, connection, request, name, &resource);
    mk_resource_answer_fini(&resource);
}

/* --- life --- */

int mk_resources_init(struct mk_resources *resources, struct mk_loop *loop,
                      struct mk_resource_source *source)
{
    resources->source = source;
    mk_list_init(&resources->streams);
    return mk_timeouts_init(&resources->stalled, loop, STALLED_MS, on_stalled);
}

void mk_resources_fini(struct mk_resources *resources)
{
    mk_timeouts_fini(&resources->stalled);
}

void mk_resources_abort(struct mk_resources *resources)
{
    MK_LIST_FOR_EACH (node, &resources->streams)
        mk_stream_abort(MK_CONTAINER_OF(node, struct sending, node)->stream, 0);
}

bool mk_resources_idle(const struct mk_resources *resources)
{
    return mk_list_empty(&resources->streams);
}
