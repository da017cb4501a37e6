/* http_connection_body: what arrives of bodies: kept ones are counted, others are passed on. */
#include "web/http_connection_impl.h"

/* --- kept ones --- */

bool mk_http_connection_count_received(struct mk_http_connection *connection, size_t bytes)
{
    struct mk_guard *guard = connection->context->guard;
    return mk_receiving_count(guard ? mk_guard_receiving(guard) : NULL, &connection->received,
                              bytes);
}

void mk_http_connection_refuse_rest(struct mk_http_connection *connection)
{
    struct mk_http_context *context = connection->context;
    connection->keep_alive = false;
    context->service->failure(context->arg, connection, 503,
                              "too many bytes of requests are arriving at this server: try again "
                              "later (limits.receiving_bytes)");
    connection->parser = mk_http1_parser_free(connection->parser);
    mk_http_connection_count_received(connection, 0);
}

/* --- those that are passed on in pieces --- */

void mk_http_connection_stream_body(struct mk_http_connection *connection)
{
    connection->streams = true;
    mk_http1_parser_stream_body(connection->parser);
}

void mk_http_connection_hold(struct mk_http_connection *connection)
{
    connection->held = true;
    mk_timeout_disarm(&connection->timeout);
    mk_stream_pause(connection->stream);
}

void mk_http_connection_go_on(struct mk_http_connection *connection)
{
    if (!connection->held)
        return;
    connection->held = false;
    if (connection->state != MK_HTTP_READING)
        return; /* the whole request has arrived, or it was answered */
    connection->progress = 0;
    mk_timeout_arm(&connection->context->body, &connection->timeout);
    mk_stream_resume(connection->stream);
}

void mk_http_connection_pass_piece(struct mk_http_connection *connection, struct mk_slice piece)
{
    struct mk_http_context *context = connection->context;
    mk_stream_worked(connection->stream, piece.len);
    context->service->piece(context->arg, connection, piece);
}
