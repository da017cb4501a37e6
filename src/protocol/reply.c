/* reply: writes envelopes as bytes. See the header. */
#include "protocol/reply.h"

#include "base/json.h"
#include "protocol/call.h"

#include <errno.h>

static int write_ok(struct mk_buf *out, const struct mk_call *call)
{
    int rc = mk_buf_append_slice(out, MK_SLICE("\"status\":\"ok\",\"retcode\":0,\"data\":"));
    if (rc == 0 && call->data)
        return mk_json_write(out, call->data);
    return rc == 0 ? mk_buf_append_slice(out, MK_SLICE("{}")) : rc;
}

static int write_failure(struct mk_buf *out, const struct mk_call *call)
{
    int rc = mk_buf_printf(out, "\"status\":\"failed\",\"retcode\":%d,\"message\":", call->retcode);
    return rc == 0 ? mk_json_write_string(out, call->message) : rc;
}

/* Appends the members of the envelope but `echo`, and reserves room for `more` bytes. */
static int write_members(struct mk_buf *out, struct mk_call *call, size_t more)
{
    size_t before = out->len;
    int rc = call->retcode == 0 ? write_ok(out, call) : write_failure(out, call);
    if (rc == -EINVAL && call->retcode == 0) {
        out->len = before;
        mk_call_invalidate_result(call);
        rc = write_failure(out, call);
    }
    return rc == 0 ? mk_buf_reserve(out, more) : rc;
}

int mk_reply_write(struct mk_buf *out, struct mk_call *call)
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

int mk_reply_write_message(struct mk_buf *out, struct mk_call *call)
{
    const struct mk_dispatch *dispatch = call->dispatch;
    const struct mk_slice echo = MK_SLICE(",\"echo\":");
    const struct mk_slice end = MK_SLICE("}}");
    size_t before = out->len;
    int rc = mk_buf_append(out, dispatch->head, dispatch->head_len);
    if (rc == 0)
        rc = write_members(out, call, echo.len + call->echo.len + end.len);
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
    struct mk_call call = { .retcode = retcode, .message = message };
    return mk_reply_write(out, &call);
}
