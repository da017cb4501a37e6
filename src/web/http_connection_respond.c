/* http_connection_respond: the responses of a connection: their heads and their order. */
#include "base/clock.h"
#include "web/http_connection_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* RFC 9110, 6.6.1: a server with a clock sends Date. Made at most once a second. */
static struct mk_slice date_line(struct mk_http_context *context)
{
    uint64_t now = mk_loop_now(context->loop);
    if (context->date[0] == '\0' || now - context->date_made >= 1000) {
        time_t seconds = (time_t)(mk_clock_real_ms() / 1000);
        struct tm utc;
        char line[MK_HTTP_DATE_LINE + 1];
        gmtime_r(&seconds, &utc);
        strftime(line, sizeof(line), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
        memcpy(context->date, line, sizeof(context->date));
        context->date_made = now;
    }
    return mk_slice_of(context->date, sizeof(context->date));
}

void mk_http_connection_clear_lines(struct mk_http_connection *connection)
{
    free(connection->lines);
    connection->lines = NULL;
}

int mk_http_connection_set_lines(struct mk_http_connection *connection, struct mk_slice lines)
{
    mk_http_connection_clear_lines(connection);
    if (lines.len == 0)
        return 0;
    connection->lines = mk_slice_dup(lines);
    return connection->lines ? 0 : -ENOMEM;
}

/* The date, the lines of this response, and `extra`; almost always only the date. */
static struct mk_slice join_lines(struct mk_http_connection *connection, struct mk_slice extra,
                                  bool says_keep_alive)
{
    struct mk_http_context *context = connection->context;
    struct mk_slice date = date_line(context);
    if (extra.len == 0 && !says_keep_alive && !connection->lines)
        return date;
    struct mk_buf *lines = &context->extra;
    mk_buf_reset(lines, lines->cap);
    if (mk_buf_append_slice(lines, date) < 0 ||
        mk_buf_append_slice(lines, mk_slice_str(connection->lines)) < 0 ||
        mk_buf_append_slice(lines, extra) < 0 ||
        (says_keep_alive && mk_buf_append_slice(lines, MK_SLICE("Connection: keep-alive\r\n")) < 0))
        return date;
    return mk_buf_slice(lines);
}

static struct mk_slice extra_lines(struct mk_http_connection *connection, struct mk_slice extra)
{
    return join_lines(connection, extra, connection->http10 && connection->keep_alive);
}

struct mk_slice mk_http_connection_lines(struct mk_http_connection *connection)
{
    return join_lines(connection, (struct mk_slice){ 0 }, false);
}

static void read_next_request(struct mk_http_connection *connection)
{
    bool was_waiting = connection->state == MK_HTTP_BUSY && !connection->in_read;
    connection->state = MK_HTTP_READING;
    if (!was_waiting)
        return;
    mk_timeout_arm(&connection->context->idle, &connection->timeout);
    mk_stream_resume(connection->stream);
}

bool mk_http_connection_may_respond(const struct mk_http_connection *connection)
{
    return connection->state == MK_HTTP_READING || connection->state == MK_HTTP_BUSY;
}

/*
 * Returns false if no response can be sent any more. After a 426 a connection of HTTP/1.0, which
 * has no Upgrade, ends.
 */
static bool may_respond(struct mk_http_connection *connection, unsigned status)
{
    if (connection->context->stopping || (connection->http10 && status == 426))
        connection->keep_alive = false;
    return mk_http_connection_may_respond(connection);
}

static void responded(struct mk_http_connection *connection)
{
    mk_stream_wake(connection->stream);
    connection->answered = true;
    mk_http_connection_clear_lines(connection);
    if (!connection->keep_alive)
        mk_http_connection_close(connection);
    else
        read_next_request(connection);
}

struct mk_buf *mk_http_respond_begin(struct mk_http_connection *connection, unsigned status,
                                     struct mk_slice content_type, struct mk_slice extra,
                                     struct mk_http1_open *open)
{
    if (!may_respond(connection, status))
        return NULL;
    struct mk_buf *out = mk_stream_output(connection->stream);
    int rc = mk_http1_begin_response(out, status, content_type, connection->keep_alive,
                                     extra_lines(connection, extra), open);
    if (rc == 0)
        return out;
    mk_http_connection_abort(connection, rc);
    return NULL;
}

void mk_http_respond_end(struct mk_http_connection *connection, struct mk_http1_open *open, int rc)
{
    struct mk_buf *out = mk_stream_output(connection->stream);
    if (rc == 0)
        rc = mk_http1_end_response(out, open);
    if (rc < 0) {
        out->len = open->begin;
        mk_http_connection_abort(connection, rc);
        return;
    }
    if (connection->head_only)
        out->len = open->body;
    responded(connection);
}

void mk_http_respond(struct mk_http_connection *connection, unsigned status,
                     struct mk_slice content_type, struct mk_slice body, struct mk_slice extra)
{
    if (!may_respond(connection, status))
        return;
    struct mk_buf *out = mk_stream_output(connection->stream);
    uint64_t len = status == 204 ? MK_HTTP1_NO_LENGTH : body.len; /* RFC 9110, 8.6 */
    int rc = mk_http1_write_head(out, status, content_type, len, connection->keep_alive,
                                 extra_lines(connection, extra));
    if (rc == 0 && !connection->head_only)
        rc = mk_buf_append_slice(out, body);
    if (rc < 0) {
        mk_http_connection_abort(connection, rc);
        return;
    }
    responded(connection);
}
