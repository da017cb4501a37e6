/*
 * http1_feed: feeds an input to an HTTP/1.1 parser in every way and writes its results into one
 * log:
 *
 *   head GET /a?x=1 host=h.example 1.1 keep [Host: h.example|...]
 *   done GET /a?x=1 host=h.example 1.1 keep [Host: h.example|...] <body>
 *   bad 400
 *
 * Include it after cmocka.h.
 */
#ifndef MK_TESTS_HTTP1_FEED_H
#define MK_TESTS_HTTP1_FEED_H

#include "feed.h"
#include "wire/http1.h"

#include <stdio.h>

struct http1_run {
    struct mk_http1_parser *parser;
    struct mk_buf log;
    bool skip_body;
};

static inline void http1_log_request(struct mk_buf *log, const struct mk_http1_request *request)
{
    mk_buf_printf(log, "%.*s %.*s", (int)request->method.len, request->method.ptr,
                  (int)request->path.len, request->path.ptr);
    if (request->query.ptr)
        mk_buf_printf(log, "?%.*s", (int)request->query.len, request->query.ptr);
    mk_buf_printf(log, " host=%.*s 1.%u", (int)request->host.len, request->host.ptr,
                  request->minor);
    mk_buf_printf(log, "%s%s%s", request->keep_alive ? " keep" : "",
                  request->chunked ? " chunked" : "",
                  request->upgrade_websocket ? " websocket" : "");
    if (request->content_length > 0)
        mk_buf_printf(log, " length=%llu", (unsigned long long)request->content_length);
    mk_buf_printf(log, " [");
    for (size_t i = 0; i < request->header_count; i++) {
        const struct mk_http1_header *header = &request->headers[i];
        mk_buf_printf(log, "%s%.*s: %.*s", i > 0 ? "|" : "", (int)header->name.len,
                      header->name.ptr, (int)header->value.len, header->value.ptr);
    }
    mk_buf_printf(log, "]");
}

static inline void http1_log(struct http1_run *run, int status)
{
    const struct mk_http1_request *request = mk_http1_parser_request(run->parser);
    const struct mk_http1_error *error = mk_http1_parser_error(run->parser);
    if (status == MK_HTTP1_HEAD) {
        mk_buf_printf(&run->log, "head ");
        http1_log_request(&run->log, request);
        mk_buf_append_char(&run->log, '\n');
        assert_int_equal(request->body.len, 0);
    } else if (status == MK_HTTP1_REQUEST) {
        mk_buf_printf(&run->log, "done ");
        http1_log_request(&run->log, request);
        mk_buf_append_slice(&run->log, MK_SLICE(" <"));
        mk_buf_append_slice(&run->log, request->body);
        mk_buf_append_slice(&run->log, MK_SLICE(">\n"));
        assert_true(mk_http1_parser_idle(run->parser));
    } else if (status == MK_HTTP1_BAD) {
        assert_true(error->reason[0] != '\0');
        mk_buf_printf(&run->log, "bad %u\n", error->status);
    }
}

/* Takes one piece as the transport does; false when the connection is at its end. */
static inline bool http1_take(void *self, char *data, size_t len)
{
    struct http1_run *run = self;
    size_t at = 0;
    for (;;) {
        size_t consumed = SIZE_MAX;
        int status = mk_http1_parser_feed(run->parser, data + at, len - at, &consumed);
        assert_true(status > 0);
        assert_true(consumed <= len - at);
        at += consumed;
        http1_log(run, status);
        if (status == MK_HTTP1_HEAD && run->skip_body)
            mk_http1_parser_skip_body(run->parser);
        if (status == MK_HTTP1_BAD) {
            assert_int_equal(mk_http1_parser_feed(run->parser, "x", 1, &consumed), MK_HTTP1_BAD);
            assert_int_equal(consumed, 0);
            return false;
        }
        if (status == MK_HTTP1_NEED_MORE) {
            assert_int_equal(at, len);
            return true;
        }
    }
}

/* Fills `run->log` by feeding in the given way; the flags of `run` were set by the caller. */
static inline void http1_feed_once(struct http1_run *run, const struct mk_http1_limits *limits,
                                   struct mk_slice input, unsigned mode)
{
    mk_buf_init(&run->log, (size_t)64 << 20);
    run->parser = mk_http1_parser_new(limits);
    assert_non_null(run->parser);
    feed(input, mode, http1_take, run);
    run->parser = mk_http1_parser_free(run->parser);
}

/*
 * Feeds in every way, fails the test unless all logs are the same, and returns the log (to be
 * freed).
 */
static inline char *http1_feed_limited(const struct mk_http1_limits *limits, struct mk_slice input,
                                       bool skip_body)
{
    struct http1_run whole = { .skip_body = skip_body };
    http1_feed_once(&whole, limits, input, FEED_WHOLE);
    for (unsigned mode = FEED_WHOLE; mode < FEED_MODES; mode++) {
        struct http1_run run = { .skip_body = skip_body };
        http1_feed_once(&run, limits, input, mode);
        if (!mk_slice_eq(mk_buf_slice(&run.log), mk_buf_slice(&whole.log)))
            fail_msg("mode %u of <%.*s>\ntold:\n%.*s\nwhole:\n%.*s", mode, (int)input.len,
                     input.ptr, (int)run.log.len, run.log.data, (int)whole.log.len, whole.log.data);
        mk_buf_fini(&run.log);
    }
    char *log = mk_slice_dup(mk_buf_slice(&whole.log));
    assert_non_null(log);
    mk_buf_fini(&whole.log);
    return log;
}

static inline char *http1_feed(struct mk_slice input)
{
    return http1_feed_limited(&mk_http1_default_limits, input, false);
}

static inline void http1_expect(struct mk_slice input, const char *expected)
{
    char *log = http1_feed(input);
    if (strcmp(log, expected) != 0)
        fail_msg("<%.*s>\ntold:\n%s\nexpected:\n%s", (int)input.len, input.ptr, log, expected);
    free(log);
}

#endif
