/* http_answer: see the header. */
#include "transport/http_answer.h"

#include "base/percent.h"
#include "protocol/reply.h"
#include "web/cors.h"

#include <stdio.h>
#include <stdlib.h>

enum { LONGEST_LINES = 2048 };

static const struct mk_slice json = { "application/json", sizeof("application/json") - 1 };

void mk_http_answer_failure_text(struct mk_http_connection *connection, unsigned status,
                                 struct mk_slice message, struct mk_slice extra)
{
    struct mk_http1_open open;
    struct mk_buf *out = mk_http_respond_begin(connection, status, json, extra, &open);
    if (out)
        mk_http_respond_end(connection, &open, mk_reply_write_failure(out, -(int)status, message));
}

void mk_http_answer_failure(struct mk_http_connection *connection, unsigned status,
                            const char *message, struct mk_slice extra)
{
    mk_http_answer_failure_text(connection, status, mk_slice_str(message), extra);
}

const struct mk_http_rules mk_http_rules_draft = {
    .wrong_token = 403,
    .media_type = 406,
    .malformed = 400,
};
const struct mk_http_rules mk_http_rules_1_x = {
    .wrong_token = 401,
    .media_type = 415,
    .malformed = 200,
};

/* Counts wrong credentials. Returns for how many seconds the client is blocked, or 0. */
static uint64_t count_wrong(struct mk_http_connection *connection,
                            const struct mk_http1_request *request)
{
    struct mk_guard_client *client = mk_http_connection_client(connection);
    if (!client)
        return 0;
    enum mk_guard_origin kind = mk_auth_may_be_page(request) ? MK_GUARD_PAGE : MK_GUARD_PROGRAM;
    uint64_t seconds = mk_guard_client_blocked(client, kind);
    mk_guard_client_failed(client, kind);
    return seconds;
}

/*
 * While an address is blocked each wrong token costs it a connection: a guess is as slow as a
 * handshake of TCP, and of TLS.
 */
static void refuse_blocked(struct mk_http_connection *connection, uint64_t seconds)
{
    char line[64];
    snprintf(line, sizeof(line), "Retry-After: %llu\r\n", (unsigned long long)seconds);
    mk_guard_count(mk_http_connection_guard(connection), MK_REFUSAL_BLOCKED);
    mk_http_connection_set_last(connection);
    mk_http_answer_failure(
        connection, 429,
        "the access token is wrong, and too many wrong credentials came from your address",
        mk_slice_str(line));
}

static void refuse(struct mk_http_connection *connection, enum mk_auth auth, enum mk_auth_from from,
                   const struct mk_http_rules *rules)
{
    static const enum mk_refusal kinds[] = {
        [MK_AUTH_MISSING] = MK_REFUSAL_MISSING,
        [MK_AUTH_WRONG] = MK_REFUSAL_WRONG,
        [MK_AUTH_FOREIGN] = MK_REFUSAL_FOREIGN,
    };
    unsigned status = auth == MK_AUTH_MISSING ? 401
                      : auth == MK_AUTH_WRONG ? rules->wrong_token
                                              : 403;
    struct mk_slice extra = { 0 };
    if (status == 401)
        extra = MK_SLICE("WWW-Authenticate: Bearer\r\n");
    mk_guard_count(mk_http_connection_guard(connection), kinds[auth]);
    mk_http_answer_failure(connection, status, mk_auth_explain(auth, from), extra);
}

bool mk_http_answer_page(struct mk_http_connection *connection,
                         const struct mk_http1_request *request, struct mk_slice origins)
{
    if (origins.len == 0)
        return false;
    struct mk_buf lines;
    mk_buf_init(&lines, LONGEST_LINES);
    bool is_preflight = mk_cors_is_preflight(origins, request);
    int rc = mk_cors_write(&lines, origins, request);
    if (rc == 0 && is_preflight)
        rc = mk_cors_write_preflight(&lines, request);
    if (rc == 0)
        rc = mk_http_connection_set_lines(connection, mk_buf_slice(&lines));
    mk_buf_fini(&lines);
    if (rc < 0)
        mk_http_answer_failure(connection, 500, "out of memory", (struct mk_slice){ 0 });
    else if (is_preflight)
        mk_http_respond(connection, 204, (struct mk_slice){ 0 }, (struct mk_slice){ 0 },
                        (struct mk_slice){ 0 });
    return rc < 0 || is_preflight;
}

bool mk_http_admit(struct mk_http_connection *connection, const struct mk_http1_request *request,
                   const struct mk_access *access, enum mk_auth_from from,
                   const struct mk_http_rules *rules)
{
    if (mk_http_answer_page(connection, request, access->origins))
        return false;
    enum mk_auth auth = mk_auth_check(request, access, from);
    if (auth == MK_AUTH_OK)
        return true;
    uint64_t seconds = auth == MK_AUTH_WRONG ? count_wrong(connection, request) : 0;
    if (seconds > 0)
        refuse_blocked(connection, seconds);
    else
        refuse(connection, auth, from, rules);
    return false;
}

bool mk_http_admit_anyone(struct mk_http_connection *connection,
                          const struct mk_http1_request *request, struct mk_slice origins)
{
    if (mk_http_answer_page(connection, request, origins))
        return false;
    if (!mk_auth_is_elsewhere(request) ||
        mk_cors_lists(origins, mk_http1_find(request, MK_SLICE("Origin"))))
        return true;
    refuse(connection, MK_AUTH_FOREIGN, MK_AUTH_HEADER, &mk_http_rules_draft);
    return false;
}

/*
 * Answers with the reply to a call: 200, or another status if the call did not reach the backend.
 */
static void answer_call(struct mk_http_connection *connection, struct mk_call *call,
                        const struct mk_http_rules *rules)
{
    unsigned status = 200;
    if (mk_call_outcome(call) == MK_OUTCOME_MALFORMED)
        status = rules->malformed;
    else if (mk_call_outcome(call) == MK_OUTCOME_UNKNOWN)
        status = 404;
    else if (mk_call_outcome(call) == MK_OUTCOME_BUSY)
        status = 503;
    struct mk_http1_open open;
    struct mk_buf *out =
        mk_http_respond_begin(connection, status, json, (struct mk_slice){ 0 }, &open);
    if (out)
        mk_http_respond_end(connection, &open, mk_reply_write(out, call));
}

bool mk_http_answer_stopping(struct mk_http_connection *connection)
{
    if (!mk_http_connection_stopping(connection))
        return false;
    mk_http_answer_failure(connection, 503, "this server is stopping", (struct mk_slice){ 0 });
    return true;
}

void mk_http_answer_bad(void *arg, struct mk_http_connection *connection, unsigned status,
                        const char *reason)
{
    (void)arg;
    mk_http_answer_failure(connection, status, reason, (struct mk_slice){ 0 });
}

static void on_reply(struct mk_caller *base, struct mk_call *call)
{
    struct mk_http_caller *caller = MK_CONTAINER_OF(base, struct mk_http_caller, caller);
    answer_call(caller->connection, call, caller->rules);
}

void mk_http_caller_init(struct mk_http_caller *caller, struct mk_http_connection *connection)
{
    mk_caller_init(&caller->caller, on_reply);
    caller->connection = connection;
    caller->rules = &mk_http_rules_draft;
}

void mk_http_caller_fini(struct mk_http_caller *caller)
{
    mk_caller_fini(&caller->caller);
}

/* Returns a parameter's value without quotes. */
static struct mk_slice unquoted(struct mk_slice value)
{
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        return mk_slice_of(value.ptr + 1, value.len - 2);
    return value;
}

/* The headers that describe a body, found in one pass. */
struct content {
    struct mk_slice type, encoding;
    unsigned types, encodings;
};

static struct content content_of(const struct mk_http1_request *request)
{
    const struct mk_slice type = MK_SLICE("Content-Type"), encoding = MK_SLICE("Content-Encoding");
    struct content content = { 0 };
    for (size_t i = 0; i < request->header_count; i++) {
        const struct mk_http1_header *header = &request->headers[i];
        if (header->name.len == type.len && mk_slice_eq_nocase(header->name, type)) {
            content.type = header->value;
            content.types++;
        } else if (header->name.len == encoding.len && mk_slice_eq_nocase(header->name, encoding)) {
            content.encoding = header->value;
            content.encodings++;
        }
    }
    return content;
}

/* Bodies are not decompressed, so that a small body cannot become a large one. */
static bool is_encoded(const struct content *content)
{
    return content->encodings > 1 || (content->encoding.len > 0 &&
                                      !mk_slice_eq_nocase(content->encoding, MK_SLICE("identity")));
}

const char *mk_http_media_type_error(const struct mk_http1_request *request)
{
    const struct content content = content_of(request);
    struct mk_slice rest = content.type, part = { 0 };
    if (content.types == 0)
        return "the header Content-Type is missing: send application/json";
    if (content.types > 1)
        return "there is more than one header Content-Type";
    if (is_encoded(&content))
        return "the Content-Encoding is not supported: send the JSON as it is";
    if (mk_slice_eq(content.type, MK_SLICE("application/json")))
        return NULL; /* the usual case */
    if (!mk_slice_next(&rest, ';', &part) ||
        !mk_slice_eq_nocase(part, MK_SLICE("application/json")))
        return "the Content-Type is not supported: send application/json";
    while (mk_slice_next(&rest, ';', &part)) {
        struct mk_slice charset = MK_SLICE("charset=");
        if (part.len < charset.len ||
            !mk_slice_eq_nocase(mk_slice_of(part.ptr, charset.len), charset))
            continue;
        struct mk_slice value = unquoted(mk_slice_from(part, charset.len));
        if (!mk_slice_eq_nocase(value, MK_SLICE("utf-8")) &&
            !mk_slice_eq_nocase(value, MK_SLICE("utf8")))
            return "the charset is not supported: everything is UTF-8";
    }
    return NULL;
}

bool mk_http_path_name(struct mk_slice path, struct mk_buf *name)
{
    path = mk_slice_from(path, 1);
    if (path.len > 0 && path.ptr[path.len - 1] == '/')
        path.len--;
    return mk_percent_decode(name, path) == 0;
}
