/* reply: envelopes, put together as bytes. See the header. */
#include "protocol/reply.h"

#include "base/json.h"
#include "protocol/call.h"

enum { LONGEST_U64 = 20 };

/* Appends what stands between the braces, `echo` aside, and leaves room for `more` bytes. */
static int write_members(struct mk_buf *out, const struct mk_call *call, size_t more)
{
    const struct mk_slice ok = MK_SLICE("\"status\":\"ok\",\"retcode\":0,\"data\":");
    if (call->retcode == 0) {
        int rc = mk_buf_reserve(out, ok.len + call->data.len + more);
        if (rc == 0) {
            mk_buf_put(out, ok);
            mk_buf_put(out, call->data);
        }
        return rc;
    }
    int rc = mk_buf_printf(out, "\"status\":\"failed\",\"retcode\":%d,\"message\":", call->retcode);
    if (rc == 0)
        rc = mk_json_write_string(out, call->message);
    return rc == 0 ? mk_buf_reserve(out, more) : rc;
}

int mk_reply_write(struct mk_buf *out, const struct mk_call *call)
{
    size_t before = out->len;
    int rc = mk_buf_append_char(out, '{');
    if (rc == 0)
        rc = write_members(out, call, 1);
    if (rc == 0)
        mk_buf_put(out, MK_SLICE("}"));
    else
        out->len = before;
    return rc;
}

int mk_reply_write_message(struct mk_buf *out, const struct mk_call *call)
{
    const struct mk_slice head = MK_SLICE("{\"post_type\":\"action_response\",\"self_id\":");
    const struct mk_slice data = MK_SLICE(",\"data\":{");
    const struct mk_slice echo = MK_SLICE(",\"echo\":");
    const struct mk_slice end = MK_SLICE("}}");
    size_t before = out->len;
    int rc = mk_buf_reserve(out, head.len + LONGEST_U64 + data.len);
    if (rc == 0) {
        mk_buf_put(out, head);
        mk_buf_append_u64(out, call->dispatch->self_id);
        mk_buf_put(out, data);
        rc = write_members(out, call, echo.len + call->echo.len + end.len);
    }
    if (rc < 0) {
        out->len = before;
        return rc;
    }
    if (call->echo.len > 0) {
        mk_buf_put(out, echo);
        mk_buf_put(out, call->echo);
    }
    mk_buf_put(out, end);
    return 0;
}

int mk_reply_write_failure(struct mk_buf *out, int retcode, struct mk_slice message)
{
    const struct mk_call call = { .retcode = retcode, .message = message };
    return mk_reply_write(out, &call);
}
