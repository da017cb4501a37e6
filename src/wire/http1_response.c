/* http1_response: heads of responses: writes our own, parses those of other servers. */
#include "wire/http1_private.h"

static const struct {
    unsigned status;
    const char *phrase;
} phrases[] = {
    { 100, "Continue" },
    { 101, "Switching Protocols" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 206, "Partial Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
};

const char *mk_http1_phrase(unsigned status)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "";
}

static void put_status_line(struct mk_buf *out, unsigned status, struct mk_slice phrase)
{
    char digits[3] = { (char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
                       (char)('0' + status % 10) };
    mk_buf_put(out, MK_SLICE("HTTP/1.1 "));
    mk_buf_put(out, mk_slice_of(digits, sizeof(digits)));
    mk_buf_put(out, MK_SLICE(" "));
    mk_buf_put(out, phrase);
    mk_buf_put(out, MK_SLICE("\r\n"));
}

/* The constant parts of a head, and the twenty digits that a length can have. */
enum {
    FIXED = sizeof("HTTP/1.1 200 \r\nContent-Type: \r\nContent-Length: \r\n"
                   "Connection: close, Upgrade\r\n\r\n") +
            20
};

static void put_type(struct mk_buf *out, struct mk_slice content_type)
{
    if (content_type.len == 0)
        return;
    mk_buf_put(out, MK_SLICE("Content-Type: "));
    mk_buf_put(out, content_type);
    mk_buf_put(out, MK_SLICE("\r\n"));
}

/* Upgrade, which a 426 has (RFC 9110, 15.5.22), is to be named in Connection (7.8). */
static void put_rest(struct mk_buf *out, unsigned status, bool keep_alive, struct mk_slice extra)
{
    if (status == 426)
        mk_buf_put(out, keep_alive ? MK_SLICE("Connection: Upgrade\r\n")
                                   : MK_SLICE("Connection: close, Upgrade\r\n"));
    else if (!keep_alive)
        mk_buf_put(out, MK_SLICE("Connection: close\r\n"));
    mk_buf_put(out, extra);
    mk_buf_put(out, MK_SLICE("\r\n"));
}

static struct mk_slice phrase_of(unsigned status)
{
    return status == 200 ? MK_SLICE("OK") : mk_slice_str(mk_http1_phrase(status));
}

int mk_http1_write_head(struct mk_buf *out, unsigned status, struct mk_slice content_type,
                        uint64_t content_length, bool keep_alive, struct mk_slice extra)
{
    struct mk_slice phrase = phrase_of(status);
    int rc = mk_buf_reserve(out, FIXED + phrase.len + content_type.len + extra.len);
    if (rc < 0)
        return rc;
    put_status_line(out, status, phrase);
    put_type(out, content_type);
    if (content_length != MK_HTTP1_NO_LENGTH) {
        mk_buf_put(out, MK_SLICE("Content-Length: "));
        mk_buf_append_u64(out, content_length);
        mk_buf_put(out, MK_SLICE("\r\n"));
    }
    put_rest(out, status, keep_alive, extra);
    return 0;
}

/* Most bodies have a length of three digits: then nothing has to be moved. */
enum { USUAL_DIGITS = 3 };

int mk_http1_begin_response(struct mk_buf *out, unsigned status, struct mk_slice content_type,
                            bool keep_alive, struct mk_slice extra, struct mk_http1_open *open)
{
    struct mk_slice phrase = phrase_of(status);
    size_t before = out->len;
    int rc = mk_buf_reserve(out, FIXED + phrase.len + content_type.len + extra.len);
    if (rc < 0)
        return rc;
    put_status_line(out, status, phrase);
    put_type(out, content_type);
    mk_buf_put(out, MK_SLICE("Content-Length: "));
    size_t length = out->len;
    mk_buf_put(out, MK_SLICE("000\r\n"));
    put_rest(out, status, keep_alive, extra);
    *open = (struct mk_http1_open){ .begin = before, .length = length, .body = out->len };
    return 0;
}

int mk_http1_end_response(struct mk_buf *out, struct mk_http1_open *open)
{
    char digits[20];
    size_t count = 0;
    uint64_t left = out->len - open->body;
    do {
        digits[sizeof(digits) - ++count] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (count != USUAL_DIGITS) {
        int rc = mk_buf_reserve(
            out, count); /* more than enough: the usual digits are reserved already */
        if (rc < 0)
            return rc;
        char *behind = out->data + open->length + USUAL_DIGITS;
        memmove(out->data + open->length + count, behind, out->len - open->length - USUAL_DIGITS);
        out->len = out->len - USUAL_DIGITS + count;
        open->body = open->body - USUAL_DIGITS + count;
    }
    memcpy(out->data + open->length, digits + sizeof(digits) - count, count);
    return 0;
}

/* "HTTP/1.1 101 Switching Protocols" CRLF. Returns the position behind it, NULL when malformed. */
static const char *read_status_line(const char *at, const char *end, unsigned *status)
{
    if (end - at < 15 || memcmp(at, "HTTP/1.", 7) != 0 || (at[7] != '0' && at[7] != '1') ||
        at[8] != ' ' || at[12] != ' ')
        return NULL;
    unsigned value = 0;
    for (size_t i = 9; i < 12; i++) {
        if (at[i] < '0' || at[i] > '9')
            return NULL;
        value = value * 10 + (unsigned)(at[i] - '0');
    }
    at = mk_http1_text_end(at + 13, end);
    if (value < 100 || end - at < 2 || at[0] != '\r' || at[1] != '\n')
        return NULL;
    *status = value;
    return at + 2;
}

/* `end` is behind the empty line. */
static bool read_response(const char *at, const char *end, struct mk_http1_response *response)
{
    const struct mk_http1_limits *limits = &mk_http1_default_limits;
    const char *begin = at;
    at = read_status_line(at, end, &response->status);
    if (!at || (size_t)(at - begin) > (size_t)limits->request_line + 2 ||
        (size_t)(end - 2 - at) > limits->header_bytes)
        return false;
    response->header_count = 0;
    while (at < end - 2) {
        struct mk_http1_error error;
        struct mk_http1_header *header = &response->headers[response->header_count];
        if (response->header_count == limits->header_count)
            return false;
        at = mk_http1_header_line(at, end, header, &error);
        if (!at)
            return false;
        response->header_count++;
    }
    return true;
}

int mk_http1_read_response(struct mk_slice input, struct mk_http1_response *response,
                           size_t *consumed)
{
    static const char prefix[] = "HTTP/1.";
    const struct mk_http1_limits *limits = &mk_http1_default_limits;
    size_t most = (size_t)limits->request_line + limits->header_bytes + 4;
    size_t compared = input.len < strlen(prefix) ? input.len : strlen(prefix);
    if (compared > 0 && memcmp(input.ptr, prefix, compared) != 0)
        return MK_HTTP1_BAD;
    size_t searched = input.len < most ? input.len : most;
    const char *empty = searched > 0 ? memmem(input.ptr, searched, "\r\n\r\n", 4) : NULL;
    if (!empty)
        return input.len < most ? MK_HTTP1_NEED_MORE : MK_HTTP1_BAD;
    const char *end = empty + 4;
    if (!read_response(input.ptr, end, response))
        return MK_HTTP1_BAD;
    *consumed = (size_t)(end - input.ptr);
    return MK_HTTP1_HEAD;
}

struct mk_slice mk_http1_response_find(const struct mk_http1_response *response,
                                       struct mk_slice name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (mk_slice_eq_nocase(response->headers[i].name, name))
            return response->headers[i].value;
    return (struct mk_slice){ 0 };
}
