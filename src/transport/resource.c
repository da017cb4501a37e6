/* resource: see the header. */
#include "transport/resource.h"

#include "base/percent.h"
#include "base/utf8.h"
#include "protocol/text.h"
#include "transport/http_answer.h"
#include "transport/range.h"
#include "wire/url.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    LONGEST_TOKEN = 256,
    LONGEST_NAME = 1024,
    LONGEST_TYPE = 256,
    LONGEST_URL = 4096,
    LONGEST_LINES = 8 * 1024,
    LONGEST_MESSAGE = 4096,
    MAX_BYTES = 32 * 1024 * 1024,
};

static const struct mk_slice folder = { "/resource/", sizeof("/resource/") - 1 };

struct mk_resource_wait {
    struct mk_resource_request request;
    struct mk_resources *owner;
    struct mk_http_connection *connection;
    struct mk_resource_wait **slot; /* the connection's pointer to it */
    struct mk_timeout late;
    struct mk_range range;
    bool head_only;
    size_t name_len;
    char name[]; /* as in the URL */
};

static struct mk_slice name_of(const struct mk_resource_wait *wait)
{
    return mk_slice_of(wait->name, wait->name_len);
}

/* --- header lines --- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

/* `; filename="..."; filename*=UTF-8''...` (RFC 6266), for old and for new clients. */
static int write_name(struct mk_buf *out, struct mk_slice escaped)
{
    struct mk_buf name;
    mk_buf_init(&name, LONGEST_NAME);
    int rc = 0;
    if (escaped.len > 0 && mk_percent_decode(&name, escaped) == 0 && name.len > 0 &&
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

/* Content to send, whole or in part. */
struct content {
    struct mk_slice type;
    uint64_t size;
    uint64_t from, end; /* the requested part */
};

static int write_lines(struct mk_buf *out, const struct mk_resource_wait *wait,
                       const struct content *content)
{
    bool is_shown = mk_slice_starts_with(content->type, MK_SLICE("image/")) ||
                    mk_slice_starts_with(content->type, MK_SLICE("audio/")) ||
                    mk_slice_starts_with(content->type, MK_SLICE("video/"));
    int rc = mk_buf_printf(out,
                           "Accept-Ranges: bytes\r\nX-Content-Type-Options: nosniff\r\n"
                           "Cache-Control: private, max-age=7200\r\nContent-Disposition: %s",
                           is_shown ? "inline" : "attachment");
    if (rc == 0)
        rc = write_name(out, name_of(wait));
    if (rc == 0)
        rc = mk_buf_append_slice(out, MK_SLICE("\r\n"));
    if (rc == 0 && wait->range.is_part)
        rc = mk_buf_printf(out, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
                           content->from, content->end - 1, content->size);
    return rc;
}

/* Reads a type, which must be valid in a header line; NULL is the default type. */
static bool read_type(const char *text, struct mk_slice *type)
{
    *type = mk_slice_str(text ? text : "application/octet-stream");
    for (size_t i = 0; i < type->len; i++)
        if (type->ptr[i] < ' ' || type->ptr[i] > '~')
            return false;
    return type->len < LONGEST_TYPE && memchr(type->ptr, '/', type->len);
}

/* --- answering --- */

/* Fills in the requested part. Returns false if it is empty, after it has answered that. */
static bool choose(struct mk_resource_wait *wait, struct content *content)
{
    char line[64];
    if (mk_range_resolve(&wait->range, content->size, &content->from, &content->end))
        return true;
    snprintf(line, sizeof(line), "Content-Range: bytes */%" PRIu64 "\r\n", content->size);
    mk_http_answer_failure(wait->connection, 416, "the file is shorter", mk_slice_str(line));
    return false;
}

static int write_head(struct mk_buf *out, struct mk_resource_wait *wait,
                      const struct content *content)
{
    struct mk_buf lines;
    mk_buf_init(&lines, LONGEST_LINES);
    int rc = write_lines(&lines, wait, content);
    if (rc == 0)
        rc = mk_buf_append_slice(&lines, mk_http_connection_lines(wait->connection));
    if (rc == 0)
        rc = mk_http1_write_head(out, wait->range.is_part ? 206 : 200, content->type,
                                 content->end - content->from, false, mk_buf_slice(&lines));
    mk_buf_fini(&lines);
    return rc;
}

/* Takes over the stream and the descriptor. */
static int answer_file(struct mk_resource_wait *wait, struct mk_resource_answer *answer)
{
    struct stat status;
    struct content content;
    int flags = fcntl(answer->fd, F_GETFL);
    if (flags < 0 || fstat(answer->fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || (flags & O_ACCMODE) == O_WRONLY ||
        !read_type(answer->text, &content.type))
        return -EINVAL;
    content.size = (uint64_t)status.st_size;
    if (!choose(wait, &content))
        return 0;
    struct mk_stream *stream = mk_http_connection_stream(wait->connection);
    struct mk_buf *out = mk_stream_output(stream);
    size_t before = out->len;
    int rc = write_head(out, wait, &content);
    if (rc == 0)
        rc = mk_file_sending_start(&wait->owner->files, stream, answer->fd,
                                   wait->head_only ? content.end : content.from, content.end);
    if (rc < 0) {
        out->len = before;
        return rc;
    }
    answer->fd = -1;
    mk_http_connection_release(wait->connection);
    return 0;
}

static int answer_bytes(struct mk_resource_wait *wait, const struct mk_resource_answer *answer)
{
    struct content content = { .size = answer->bytes.len };
    struct mk_buf lines;
    if (!read_type(answer->text, &content.type))
        return -EINVAL;
    if (content.size > MAX_BYTES)
        return -EFBIG;
    if (!choose(wait, &content))
        return 0;
    mk_buf_init(&lines, LONGEST_LINES);
    int rc = write_lines(&lines, wait, &content);
    size_t len = (size_t)(content.end - content.from);
    if (rc == 0)
        mk_http_respond(wait->connection, wait->range.is_part ? 206 : 200, content.type,
                        mk_slice_of(answer->bytes.ptr + content.from, len), mk_buf_slice(&lines));
    mk_buf_fini(&lines);
    return rc;
}

/* http, https, or a path of this server; without characters that would end the header line. */
static bool is_location(struct mk_slice url)
{
    struct mk_url parts;
    if (url.len == 0 || url.len > LONGEST_URL)
        return false;
    for (size_t i = 0; i < url.len; i++)
        if (url.ptr[i] <= ' ' || url.ptr[i] > '~')
            return false;
    if (url.ptr[0] == '/')
        return url.len == 1 || (url.ptr[1] != '/' && url.ptr[1] != '\\');
    return !mk_url_parse(url, &parts) && (parts.scheme.ptr[0] | 0x20) == 'h';
}

static int answer_redirect(struct mk_resource_wait *wait, const struct mk_resource_answer *answer)
{
    struct mk_slice url = mk_slice_str(answer->text);
    struct mk_buf line;
    if (!is_location(url))
        return -EINVAL;
    mk_buf_init(&line, LONGEST_LINES);
    int rc = mk_buf_printf(&line, "Location: %.*s\r\n", (int)url.len, url.ptr);
    if (rc == 0)
        mk_http_respond(wait->connection, 302, MK_SLICE("text/plain"), MK_SLICE(""),
                        mk_buf_slice(&line));
    mk_buf_fini(&line);
    return rc;
}

static int answer_failure(struct mk_resource_wait *wait, const struct mk_resource_answer *answer)
{
    struct mk_buf text;
    mk_buf_init(&text, LONGEST_MESSAGE);
    bool is_failure = answer->status >= 400 && answer->status <= 599;
    int rc = mk_text_write_repaired(&text, mk_slice_str(answer->text));
    if (rc == 0)
        rc = mk_buf_append_char(&text, '\0');
    mk_http_answer_failure(wait->connection, is_failure ? answer->status : 500,
                           rc == 0 ? text.data : "", (struct mk_slice){ 0 });
    mk_buf_fini(&text);
    return is_failure ? 0 : -EINVAL;
}

static int answer_with(struct mk_resource_wait *wait, struct mk_resource_answer *answer)
{
    int rc = -EINVAL;
    switch (answer->kind) {
    case MK_RESOURCE_FD:
        rc = answer_file(wait, answer);
        break;
    case MK_RESOURCE_BYTES:
        rc = answer_bytes(wait, answer);
        break;
    case MK_RESOURCE_REDIRECT:
        rc = answer_redirect(wait, answer);
        break;
    case MK_RESOURCE_FAIL:
        return answer_failure(wait, answer);
    }
    if (rc < 0)
        mk_http_answer_failure(wait->connection, 500, "the resource cannot be read",
                               (struct mk_slice){ 0 });
    return rc;
}

/* --- waiting --- */

static void wait_free(struct mk_resource_wait *wait)
{
    *wait->slot = NULL;
    mk_timeout_disarm(&wait->late);
    free(wait);
}

static int on_answered(struct mk_resource_request *request, struct mk_resource_answer *answer)
{
    struct mk_resource_wait *wait = MK_CONTAINER_OF(request, struct mk_resource_wait, request);
    *wait->slot = NULL; /* its connection may end in here */
    mk_timeout_disarm(&wait->late);
    int rc = mk_http_connection_may_respond(wait->connection) ? answer_with(wait, answer) : 0;
    free(wait);
    return rc;
}

static void on_late(struct mk_timeout *timeout)
{
    struct mk_resource_wait *wait = MK_CONTAINER_OF(timeout, struct mk_resource_wait, late);
    struct mk_http_connection *connection = wait->connection;
    mk_resource_wait_drop(wait);
    mk_http_answer_failure(connection, 504, "the resource did not come in time",
                           (struct mk_slice){ 0 });
}

void mk_resource_wait_drop(struct mk_resource_wait *wait)
{
    if (!wait)
        return;
    mk_resource_request_drop(&wait->request);
    wait_free(wait);
}

/* --- asking --- */

bool mk_resources_match(const struct mk_resources *resources, struct mk_slice path)
{
    return resources->source && resources->source->offers && mk_slice_starts_with(path, folder);
}

void mk_resources_head(struct mk_http_connection *connection,
                       const struct mk_http1_request *request, struct mk_slice origins)
{
    if (mk_http_answer_page(connection, request, origins))
        return;
    if (!mk_slice_eq(request->method, MK_SLICE("GET")) &&
        !mk_slice_eq(request->method, MK_SLICE("HEAD")))
        mk_http_answer_failure(connection, 405, "use GET or HEAD for a resource",
                               MK_SLICE("Allow: GET, HEAD\r\n"));
}

/* "/TOKEN" or "/TOKEN/NAME" behind the folder. */
static bool split_path(struct mk_slice path, char token[LONGEST_TOKEN], struct mk_slice *name)
{
    struct mk_slice rest = mk_slice_from(path, folder.len);
    const char *slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
    size_t len = slash ? (size_t)(slash - rest.ptr) : rest.len;
    *name = mk_slice_from(rest, len + 1);
    if (len == 0 || len >= LONGEST_TOKEN)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_plain(rest.ptr[i]))
            return false;
    memcpy(token, rest.ptr, len);
    token[len] = '\0';
    return true;
}

static struct mk_resource_wait *wait_new(struct mk_resources *resources,
                                         struct mk_http_connection *connection,
                                         const struct mk_http1_request *request,
                                         struct mk_slice name, struct mk_resource_wait **slot)
{
    struct mk_resource_wait *wait = malloc(sizeof(*wait) + name.len);
    if (!wait)
        return NULL;
    *wait = (struct mk_resource_wait){
        .request = { .answered = on_answered },
        .owner = resources,
        .connection = connection,
        .slot = slot,
        .head_only = mk_slice_eq(request->method, MK_SLICE("HEAD")),
        .name_len = name.len,
    };
    if (name.len > 0)
        memcpy(wait->name, name.ptr, name.len);
    mk_range_read(&wait->range, request);
    mk_timeout_init(&wait->late);
    mk_timeout_arm(&resources->late, &wait->late);
    *slot = wait;
    return wait;
}

void mk_resources_request(struct mk_resources *resources, struct mk_http_connection *connection,
                          const struct mk_http1_request *request, struct mk_slice path,
                          struct mk_resource_wait **slot)
{
    struct mk_slice name;
    char token[LONGEST_TOKEN];
    if (!split_path(path, token, &name)) {
        mk_http_answer_failure(connection, 404, MK_RESOURCE_UNKNOWN, (struct mk_slice){ 0 });
        return;
    }
    struct mk_resource_wait *wait = wait_new(resources, connection, request, name, slot);
    if (wait)
        resources->source->ask(resources->source, token, &wait->request);
    else
        mk_http_answer_failure(connection, 500, "out of memory", (struct mk_slice){ 0 });
}

/* --- life --- */

int mk_resources_init(struct mk_resources *resources, struct mk_loop *loop,
                      struct mk_resource_source *source)
{
    resources->source = source;
    int rc = mk_timeouts_init(&resources->late, loop, source ? source->patience_ms : 1, on_late);
    if (rc < 0)
        return rc;
    rc = mk_file_sendings_init(&resources->files, loop);
    if (rc < 0)
        mk_timeouts_fini(&resources->late);
    return rc;
}

void mk_resources_fini(struct mk_resources *resources)
{
    mk_timeouts_fini(&resources->late);
    mk_file_sendings_fini(&resources->files);
}

void mk_resources_abort(struct mk_resources *resources)
{
    mk_file_sendings_abort(&resources->files);
}

bool mk_resources_idle(const struct mk_resources *resources)
{
    return mk_file_sendings_idle(&resources->files);
}
