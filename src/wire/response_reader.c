/* response_reader: see the header. A head is read line by line, a body piece by piece. */
#include "wire/response_reader.h"

#include "wire/http1_private.h"
#include "wire/http_date.h"

#include <errno.h>

enum state { HEAD, LENGTH, CHUNKED, UNTIL_CLOSE };

/* Headers that were seen in a head. */
enum { NOTED_LENGTH = 1 << 0, NOTED_CODING = 1 << 1, NOTED_CLOSE = 1 << 2, NOTED_KEEP = 1 << 3 };

static const char version[] = "HTTP/1.";
static const size_t version_name = sizeof("HTTP/") - 1;

/* The heads of most responses fit; the memory of a line is kept for the next one up to this. */
enum { KEPT_LINE = 1024 };

static void begin_head(struct mk_response_reader *reader)
{
    reader->status = 0;
    reader->lines = 0;
    reader->noted = 0;
    reader->left = 0;
    reader->retry_after = MK_RESPONSE_NO_RETRY;
    reader->retry_at = MK_RESPONSE_NO_DATE;
    reader->date = MK_RESPONSE_NO_DATE;
}

void mk_response_reader_init(struct mk_response_reader *reader,
                             const struct mk_response_limits *limits, bool to_connect)
{
    *reader = (struct mk_response_reader){ .limits = *limits, .to_connect = to_connect };
    mk_buf_init(&reader->line, limits->head_bytes);
    mk_buf_init(&reader->body, (size_t)limits->body);
    begin_head(reader);
}

void mk_response_reader_fini(struct mk_response_reader *reader)
{
    mk_buf_fini(&reader->line);
    mk_buf_fini(&reader->body);
}

static int refuse(struct mk_response_reader *reader, enum mk_response_wrong wrong,
                  struct mk_slice seen)
{
    reader->wrong = wrong;
    reader->wrong_line = reader->lines;
    reader->seen_len = seen.len < MK_RESPONSE_SEEN ? seen.len : MK_RESPONSE_SEEN;
    if (reader->seen_len > 0)
        memcpy(reader->seen, seen.ptr, reader->seen_len);
    return MK_RESPONSE_BAD;
}

/* --- the head --- */

/*
 * Checks the first bytes of a status line as they arrive, since a server that does not speak HTTP
 * may never end a line. `input` is behind the bytes that were kept.
 */
static int check_version(struct mk_response_reader *reader, struct mk_slice input)
{
    size_t before = reader->line.len;
    for (size_t i = 0; i < input.len && before + i < sizeof(version) - 1; i++) {
        struct mk_slice seen = input;
        char whole[MK_RESPONSE_SEEN];
        if (input.ptr[i] == version[before + i])
            continue;
        if (before > 0) {
            seen.len = input.len < sizeof(whole) - before ? input.len : sizeof(whole) - before;
            memcpy(whole, reader->line.data, before);
            memcpy(whole + before, input.ptr, seen.len);
            seen = mk_slice_of(whole, before + seen.len);
        }
        if (before + i >= version_name)
            return refuse(reader, MK_RESPONSE_VERSION, seen);
        /* Records of TLS begin with their type; a server sends an alert or a handshake. */
        bool is_tls = before + i == 0 && (seen.ptr[0] == 0x15 || seen.ptr[0] == 0x16);
        return refuse(reader, is_tls ? MK_RESPONSE_IS_TLS : MK_RESPONSE_NOT_HTTP, seen);
    }
    return MK_RESPONSE_MORE;
}

/* "HTTP/1.1 200 OK" CRLF; many servers leave out the space where they have no phrase. */
static int take_status_line(struct mk_response_reader *reader, struct mk_slice line)
{
    const char *at = line.ptr + sizeof(version) - 1;
    const char *end = line.ptr + line.len - 2;
    unsigned status = 0;
    if (end - at < 1 || (*at != '0' && *at != '1') || (end - at > 1 && at[1] != ' '))
        return refuse(reader, MK_RESPONSE_VERSION, mk_slice_of(line.ptr, line.len - 2));
    reader->minor = (uint8_t)(*at - '0');
    at += 2;
    for (int i = 0; i < 3 && at < end && *at >= '0' && *at <= '9'; i++)
        status = status * 10 + (unsigned)(*at++ - '0');
    bool ends = at >= end || (*at == ' ' && mk_http1_text_end(at, end) == end);
    if (status < 100 || !ends)
        return refuse(reader, MK_RESPONSE_STATUS_LINE, mk_slice_of(line.ptr, line.len - 2));
    reader->status = status;
    return status == 101 && !reader->upgrades
               ? refuse(reader, MK_RESPONSE_SWITCHED, (struct mk_slice){ 0 })
               : MK_RESPONSE_MORE;
}

static bool read_number(struct mk_slice text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || *number > UINT64_MAX / 100)
            return false;
        *number = *number * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return text.len > 0;
}

/* One number, or the same one several times (RFC 9112, 6.3). */
static bool note_length(struct mk_response_reader *reader, struct mk_slice value)
{
    struct mk_slice element;
    uint64_t length;
    bool found = false;
    while (mk_slice_next(&value, ',', &element)) {
        if (!read_number(element, &length))
            return false;
        if ((reader->noted & NOTED_LENGTH) && length != reader->left)
            return false;
        reader->noted |= NOTED_LENGTH;
        reader->left = length;
        found = true;
    }
    return found;
}

static void note_connection(struct mk_response_reader *reader, struct mk_slice value)
{
    struct mk_slice element;
    while (mk_slice_next(&value, ',', &element)) {
        if (mk_slice_eq_nocase(element, MK_SLICE("close")))
            reader->noted |= NOTED_CLOSE;
        else if (mk_slice_eq_nocase(element, MK_SLICE("keep-alive")))
            reader->noted |= NOTED_KEEP;
    }
}

/* RFC 9110, 10.2.3: seconds or a date. Anything else is as none. */
static void note_retry(struct mk_response_reader *reader, struct mk_slice value)
{
    int64_t at;
    bool is_number = value.len > 0;
    for (size_t i = 0; i < value.len; i++)
        is_number = is_number && value.ptr[i] >= '0' && value.ptr[i] <= '9';
    if (is_number) {
        uint64_t seconds;
        bool fits = read_number(value, &seconds) && seconds < MK_RESPONSE_RETRY_MAX;
        reader->retry_after = fits ? (int64_t)seconds : MK_RESPONSE_RETRY_MAX;
    } else if (mk_http_date_parse(value, &at)) {
        reader->retry_at = at;
    }
}

static int note_header(struct mk_response_reader *reader, const struct mk_http1_header *header)
{
    int64_t at;
    if (mk_slice_eq_nocase(header->name, MK_SLICE("Content-Length"))) {
        if (!note_length(reader, header->value))
            return refuse(reader, MK_RESPONSE_LENGTH, header->value);
    } else if (mk_slice_eq_nocase(header->name, MK_SLICE("Transfer-Encoding"))) {
        if ((reader->noted & NOTED_CODING) ||
            !mk_slice_eq_nocase(header->value, MK_SLICE("chunked")))
            return refuse(reader, MK_RESPONSE_CODING, header->value);
        reader->noted |= NOTED_CODING;
    } else if (mk_slice_eq_nocase(header->name, MK_SLICE("Connection"))) {
        note_connection(reader, header->value);
    } else if (mk_slice_eq_nocase(header->name, MK_SLICE("Retry-After"))) {
        note_retry(reader, header->value);
    } else if (mk_slice_eq_nocase(header->name, MK_SLICE("Date"))) {
        if (mk_http_date_parse(header->value, &at))
            reader->date = at;
    }
    return MK_RESPONSE_MORE;
}

static bool has_no_body(const struct mk_response_reader *reader)
{
    return reader->status == 204 || reader->status == 304 ||
           (reader->to_connect && reader->status / 100 == 2);
}

/* Called at the empty line. The order is that of RFC 9112, 6.3. */
static int end_head(struct mk_response_reader *reader)
{
    bool keeps = reader->minor == 1 || (reader->noted & NOTED_KEEP);
    if (reader->status < 200 && reader->status != 101) {
        if (++reader->interim > reader->limits.interim)
            return refuse(reader, MK_RESPONSE_MANY_INTERIM, (struct mk_slice){ 0 });
        begin_head(reader);
        return MK_RESPONSE_MORE;
    }
    reader->head_done = true;
    reader->keep_alive = keeps && !(reader->noted & NOTED_CLOSE);
    if (has_no_body(reader) || reader->status == 101)
        return MK_RESPONSE_END;
    if (reader->noted & NOTED_CODING) {
        /* With a length beside it, or in HTTP/1.0, the framing is not to be relied on. */
        if ((reader->noted & NOTED_LENGTH) || reader->minor == 0)
            reader->keep_alive = false;
        reader->state = CHUNKED;
    } else if (reader->noted & NOTED_LENGTH) {
        if (reader->left > reader->limits.body)
            return refuse(reader, MK_RESPONSE_LONG_BODY, (struct mk_slice){ 0 });
        reader->state = LENGTH;
        return reader->left == 0 ? MK_RESPONSE_END : MK_RESPONSE_MORE;
    } else {
        reader->keep_alive = false;
        reader->state = UNTIL_CLOSE;
    }
    return MK_RESPONSE_MORE;
}

/* `line` ends with LF. */
static int take_line(struct mk_response_reader *reader, struct mk_slice line)
{
    struct mk_http1_header header;
    struct mk_http1_error error;
    if (line.len < 2 || line.ptr[line.len - 2] != '\r')
        return refuse(reader, MK_RESPONSE_LINE_END, mk_slice_of(line.ptr, line.len - 1));
    if (reader->lines == 0) {
        int status = take_status_line(reader, line);
        reader->lines++;
        return status;
    }
    if (line.len == 2)
        return end_head(reader);
    if (reader->lines > reader->limits.header_count)
        return refuse(reader, MK_RESPONSE_MANY_HEADERS, (struct mk_slice){ 0 });
    const char *end = line.ptr + line.len;
    if (mk_http1_header_line(line.ptr, end, &header, &error) != end)
        return refuse(reader, MK_RESPONSE_HEADER, mk_slice_of(line.ptr, line.len - 2));
    int status = note_header(reader, &header);
    reader->lines++;
    return status;
}

static int feed_head(struct mk_response_reader *reader, struct mk_slice input, size_t *taken)
{
    const char *lf = memchr(input.ptr, '\n', input.len);
    size_t len = lf ? (size_t)(lf - input.ptr) + 1 : input.len;
    struct mk_slice line = mk_slice_of(input.ptr, len);
    *taken = len;
    if (reader->lines == 0) {
        int status = check_version(reader, line);
        if (status != MK_RESPONSE_MORE)
            return status;
    }
    if (len > reader->limits.head_bytes - reader->head_bytes)
        return refuse(reader, MK_RESPONSE_LONG_HEAD, (struct mk_slice){ 0 });
    reader->head_bytes += (uint32_t)len;
    if (!lf || reader->line.len > 0) {
        int rc = mk_buf_append_slice(&reader->line, line);
        if (rc < 0)
            return -ENOMEM;
        line = mk_buf_slice(&reader->line);
    }
    if (!lf)
        return MK_RESPONSE_MORE;
    int status = take_line(reader, line);
    mk_buf_reset(&reader->line, KEPT_LINE);
    return status;
}

/* --- the body --- */

static int take_body(struct mk_response_reader *reader, struct mk_slice data)
{
    int rc = mk_buf_append_slice(&reader->body, data);
    if (rc == -ENOBUFS)
        return refuse(reader, MK_RESPONSE_LONG_BODY, (struct mk_slice){ 0 });
    return rc < 0 ? rc : MK_RESPONSE_MORE;
}

static int feed_length(struct mk_response_reader *reader, struct mk_slice input, size_t *taken)
{
    *taken = input.len < reader->left ? input.len : (size_t)reader->left;
    int status = take_body(reader, mk_slice_of(input.ptr, *taken));
    reader->left -= *taken;
    return status == MK_RESPONSE_MORE && reader->left == 0 ? MK_RESPONSE_END : status;
}

static int refuse_chunk(struct mk_response_reader *reader, struct mk_slice taken)
{
    static const enum mk_response_wrong wrong[] = {
        [MK_HTTP1_CHUNKS_WRONG_SIZE] = MK_RESPONSE_CHUNK_SIZE,
        [MK_HTTP1_CHUNKS_WRONG_END] = MK_RESPONSE_CHUNK_END,
        [MK_HTTP1_CHUNKS_WRONG_TRAILER] = MK_RESPONSE_TRAILER,
        [MK_HTTP1_CHUNKS_LONG_EXTRA] = MK_RESPONSE_LONG_EXTRA,
    };
    return refuse(reader, wrong[reader->chunks.wrong],
                  mk_slice_of(taken.ptr + taken.len - 1, 1)); /* the first wrong byte */
}

static int feed_chunked(struct mk_response_reader *reader, struct mk_slice input, size_t *taken)
{
    struct mk_slice data;
    switch (mk_http1_chunks_feed(&reader->chunks, input, taken, &data)) {
    case MK_HTTP1_CHUNKS_DATA:
        return take_body(reader, data);
    case MK_HTTP1_CHUNKS_END:
        return MK_RESPONSE_END;
    case MK_HTTP1_CHUNKS_BAD:
        return refuse_chunk(reader, mk_slice_of(input.ptr, *taken));
    default:
        return MK_RESPONSE_MORE;
    }
}

static int feed_some(struct mk_response_reader *reader, struct mk_slice input, size_t *taken)
{
    switch (reader->state) {
    case HEAD:
        return feed_head(reader, input, taken);
    case LENGTH:
        return feed_length(reader, input, taken);
    case CHUNKED:
        return feed_chunked(reader, input, taken);
    default:
        *taken = input.len;
        return take_body(reader, input);
    }
}

int mk_response_reader_feed(struct mk_response_reader *reader, struct mk_slice input,
                            size_t *consumed)
{
    size_t at = 0;
    int status = MK_RESPONSE_MORE;
    while (status == MK_RESPONSE_MORE && at < input.len) {
        size_t taken = 0;
        status = feed_some(reader, mk_slice_from(input, at), &taken);
        at += taken;
    }
    reader->received += at;
    *consumed = at;
    return status;
}

bool mk_response_reader_end(const struct mk_response_reader *reader)
{
    return reader->state == UNTIL_CLOSE;
}
