/*
 * protocol_fixture: one bot with a target that records calls and answers with the prepared result,
 * and a caller that records replies.
 */
#ifndef PROTOCOL_FIXTURE_H
#define PROTOCOL_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/call.h"
#include "protocol/dispatch.h"
#include "protocol/reply.h"

#include <milky/json.h>

enum { SELF_ID = 10001000 };

struct fixture {
    struct mk_call_target target;
    struct mk_dispatch dispatch;
    struct mk_caller caller;

    const char *result;      /* JSON of the answer; NULL: none */
    bool later;              /* keep the call in `pending` instead of answering */
    struct mk_call *pending; /* the last one kept */

    unsigned calls;  /* that reached the target */
    char action[64]; /* of the last one */
    char *params;    /* of the last one, as JSON */

    unsigned replies;
    enum mk_outcome outcome;
    int retcode;
    struct mk_buf body;    /* the last reply, as HTTP has it */
    struct mk_buf message; /* and as a WebSocket has it */
};

static inline void answer(struct mk_call *call, const char *result)
{
    yyjson_mut_val *data = NULL;
    if (result) {
        yyjson_doc *doc = yyjson_read(result, strlen(result), YYJSON_READ_NUMBER_AS_RAW);
        assert_non_null(doc);
        data = yyjson_val_mut_copy(call->doc, yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
    }
    mk_call_ok(call, data);
}

static inline void on_call(struct mk_call_target *target, struct mk_call *call)
{
    struct fixture *f = (struct fixture *)target; /* its first member */
    f->calls++;
    strcpy(f->action, call->name);
    free(f->params);
    f->params = yyjson_mut_val_write(call->params, 0, NULL);
    if (f->later)
        f->pending = call;
    else
        answer(call, f->result);
}

static inline void on_reply(struct mk_caller *caller, struct mk_call *call)
{
    struct fixture *f = (struct fixture *)((char *)caller - offsetof(struct fixture, caller));
    f->replies++;
    f->body.len = f->message.len = 0;
    assert_int_equal(mk_reply_write(&f->body, call), 0);
    assert_int_equal(mk_buf_append_char(&f->body, '\0'), 0);
    assert_int_equal(mk_reply_write_message(&f->message, call), 0);
    assert_int_equal(mk_buf_append_char(&f->message, '\0'), 0);
    f->outcome = mk_call_outcome(call);
    f->retcode = mk_call_retcode(call);
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->target.call = on_call;
    mk_dispatch_init(&f->dispatch, &f->target, SELF_ID);
    mk_caller_init(&f->caller, on_reply);
    mk_buf_init(&f->body, 64 << 20);
    mk_buf_init(&f->message, 64 << 20);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    mk_caller_fini(&f->caller);
    mk_dispatch_fini(&f->dispatch);
    mk_buf_fini(&f->body);
    mk_buf_fini(&f->message);
    free(f->params);
    free(f);
    return 0;
}

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* One HTTP request. Returns the body of the reply. */
static inline const char *request_bytes(struct fixture *f, enum mk_dialect dialect,
                                        const char *action, struct mk_slice body)
{
    const struct mk_action *found = mk_action_find(dialect, mk_slice_str(action));
    assert_non_null(found);
    mk_dispatch_request(&f->dispatch, found, body, &f->caller);
    return f->body.data;
}

static inline const char *request(struct fixture *f, enum mk_dialect dialect, const char *action,
                                  const char *body)
{
    return request_bytes(f, dialect, action, mk_slice_str(body));
}

/* Equal as JSON, whatever the order of fields; numbers must be written alike. */
static inline void assert_json(const char *got, const char *expected)
{
    yyjson_doc *a = yyjson_read(got, strlen(got), YYJSON_READ_NUMBER_AS_RAW);
    yyjson_doc *b = yyjson_read(expected, strlen(expected), YYJSON_READ_NUMBER_AS_RAW);
    if (!a || !b || !yyjson_equals(yyjson_doc_get_root(a), yyjson_doc_get_root(b)))
        fail_msg("got      %s\nexpected %s", got, expected);
    yyjson_doc_free(a);
    yyjson_doc_free(b);
}

/* The request is refused as malformed with exactly this message. */
static inline void assert_malformed(struct fixture *f, enum mk_dialect dialect, const char *action,
                                    const char *body, const char *message)
{
    unsigned calls = f->calls;
    const char *reply = request(f, dialect, action, body);
    yyjson_doc *doc = yyjson_read(reply, strlen(reply), 0);
    assert_non_null(doc);
    yyjson_val *root = yyjson_doc_get_root(doc);
    assert_string_equal(yyjson_get_str(yyjson_obj_get(root, "message")), message);
    assert_int_equal(yyjson_get_int(yyjson_obj_get(root, "retcode")), MILKY_MALFORMED);
    assert_int_equal(f->outcome, MK_OUTCOME_MALFORMED);
    assert_int_equal(f->calls, calls);
    yyjson_doc_free(doc);
}

/* The request reaches the target as exactly this action with these params. */
static inline void assert_asks(struct fixture *f, enum mk_dialect dialect, const char *action,
                               const char *body, const char *asked, const char *params)
{
    unsigned calls = f->calls;
    const char *reply = request(f, dialect, action, body);
    if (f->calls != calls + 1)
        fail_msg("%s %s: %s", action, body, reply);
    assert_string_equal(f->action, asked);
    assert_json(f->params, params);
}

#endif
