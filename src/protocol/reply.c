/* reply: envelopes, put together as bytes. See the header. */
#include "protocol/reply.h"

#include "base/json.h"
#include "protocol/call.h"

/* Appends what stands between the braces, `echo` aside. */
static int write_members(struct mk_buf *out, const struct milky_call *call)
{
    if (call->retcode == 0) {
        int rc = mk_buf_append_slice(out, MK_SLICE("\"status\":\"ok\",\"retcode\":0,\"data\":"));
        return rc < 0 ? rc : mk_buf_append_slice(out, call->data);
    }
    int rc = mk_buf_printf(out, "\"status\":\"failed\",\"retcode\":%d,\"message\":", call->retcode);
    return rc < 0 ? rc : mk_json_write_string(out, call->message);
}

int mk_reply_write(struct mk_buf *out, const struct milky_call *call)
{
    size_t before = out->len;
    int rc = mk_buf_append_char(out, '{');
    if (rc == 0)
        rc = write_members(out, call);
    if (rc == 0)
        rc = mk_buf_append_char(out, '}');
    if (rc < 0)
        out->len = before;
    return rc;
}

static int write_message(struct mk_buf *out, const struct milky_call *call)
{
    int rc = mk_buf_append_slice(out, MK_SLICE("{\"post_type\":\"action_response\",\"self_id\":"));
    if (rc == 0)
        rc = mk_buf_append_u64(out, call->dispatch->self_id);
    if (rc == 0)
        rc = mk_buf_append_slice(out, MK_SLICE(",\"data\":{"));
    if (rc == 0)
        rc = write_members(out, call);
    if (rc == 0 && call->echo.len > 0) {
        rc = mk_buf_append_slice(out, MK_SLICE(",\"echo\":"));
        if (rc == 0)
            rc = mk_buf_append_slice(out, call->echo);
    }
    return rc == 0 ? mk_buf_append_slice(out, MK_SLICE("}}")) : rc;
}

int mk_reply_write_message(struct mk_buf *out, const struct milky_call *call)
{
    size_t before = out->len;
    int rc = write_message(out, call);
    if (rc < 0)
        out->len = before;
    return rc;
}

int mk_reply_write_failure(struct mk_buf *out, int retcode, struct mk_slice message)
{
    const struct milky_call call = { .retcode = retcode, .message = message };
    return mk_reply_write(out, &call);
}
