/* sse: one field per line. Data without line breaks, the usual case, is copied in one piece. */
#include "wire/sse.h"

/* The first `c` at or behind `from`, or `end`. */
static const char *find(const char *from, const char *end, char c)
{
    const char *at = from < end ? memchr(from, c, (size_t)(end - from)) : NULL;
    return at ? at : end;
}

static int write_field(struct mk_buf *out, struct mk_slice name, struct mk_slice value)
{
    int rc = mk_buf_reserve(out, name.len + value.len + 3);
    if (rc < 0)
        return rc;
    rc = mk_buf_append_slice(out, name);
    if (rc == 0)
        rc = mk_buf_append_slice(out, MK_SLICE(": "));
    if (rc == 0)
        rc = mk_buf_append_slice(out, value);
    if (rc == 0)
        rc = mk_buf_append_char(out, '\n');
    return rc;
}

static int write_data(struct mk_buf *out, struct mk_slice data)
{
    const char *at = data.ptr ? data.ptr : "";
    const char *end = at + data.len;
    const char *cr = find(at, end, '\r');
    const char *lf = find(at, end, '\n');
    for (;;) {
        const char *stop = cr < lf ? cr : lf;
        int rc = write_field(out, MK_SLICE("data"), mk_slice_of(at, (size_t)(stop - at)));
        if (rc < 0 || stop == end)
            return rc;
        at = stop + 1;
        if (stop == cr) {
            if (at < end && lf == at)
                at++; /* CRLF is one line break */
            cr = find(at, end, '\r');
        }
        if (lf < at)
            lf = find(at, end, '\n');
    }
}

static int write_id(struct mk_buf *out, uint64_t id)
{
    int rc = mk_buf_append_slice(out, MK_SLICE("id: "));
    if (rc == 0)
        rc = mk_buf_append_u64(out, id);
    if (rc == 0)
        rc = mk_buf_append_char(out, '\n');
    return rc;
}

int mk_sse_write_message(struct mk_buf *out, uint64_t id, struct mk_slice event,
                         struct mk_slice data)
{
    size_t before = out->len;
    int rc = 0;
    if (id != 0)
        rc = write_id(out, id);
    if (rc == 0 && event.len > 0)
        rc = write_field(out, MK_SLICE("event"), event);
    if (rc == 0)
        rc = write_data(out, data);
    if (rc == 0)
        rc = mk_buf_append_char(out, '\n');
    if (rc < 0)
        out->len = before;
    return rc;
}

int mk_sse_write_comment(struct mk_buf *out, struct mk_slice text)
{
    int rc = mk_buf_reserve(out, text.len + 4);
    if (rc < 0)
        return rc;
    rc = mk_buf_append_slice(out, MK_SLICE(": "));
    if (rc == 0)
        rc = mk_buf_append_slice(out, text);
    if (rc == 0)
        rc = mk_buf_append_slice(out, MK_SLICE("\n\n"));
    return rc;
}
