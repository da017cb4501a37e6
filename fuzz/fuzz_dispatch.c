/*
 * fuzz_dispatch: any bytes as a message of a WebSocket, in both dialects, as the params of some
 * API, and as an operator's request. Every input gets exactly one reply, and it is JSON. It is the
 * same when the text is taken over and read in place; an echo comes back as it was given.
 *
 * The target answers with its params and with fields that make a result of many APIs.
 */
#include "base/json.h"
#include "fuzz.h"
#include "protocol/call.h"
#include "protocol/dispatch.h"
#include "protocol/reply.h"
#include "protocol/tables.h"

static const char fields[] =
    "{\"message_seq\":7,\"next_message_seq\":3,\"time\":1,\"friends\":[],\"groups\":[],\"members\":"
    "[],\"announcements\":[],\"files\":[],\"folders\":[],\"messages\":[],\"file_id\":\"f\","
    "\"folder_id\":\"d\",\"download_url\":\"u\",\"url\":\"u\",\"message\":{\"message_scene\":"
    "\"temp\",\"peer_id\":10001,\"message_seq\":7,\"sender_id\":10001,\"time\":1,\"segments\":[{"
    "\"type\":\"file\",\"data\":{\"file_id\":\"f\",\"file_name\":\"n\",\"file_size\":1}}]}}";

static void on_call(struct mk_call_target *target, struct mk_call *call)
{
    (void)target;
    yyjson_doc *doc = yyjson_read(fields, sizeof(fields) - 1, 0);
    yyjson_mut_val *data = yyjson_val_mut_copy(call->doc, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    yyjson_mut_obj_add_val(call->doc, data, "asked", call->params);
    mk_call_ok(call, data);
}

static unsigned replies;
static struct mk_buf said; /* the replies, one after the other */

static void check_json(const struct mk_buf *text)
{
    yyjson_doc *doc = yyjson_read(text->data, text->len, YYJSON_READ_NUMBER_AS_RAW);
    check(doc, "a reply that is no JSON");
    check(yyjson_is_str(yyjson_obj_get(yyjson_doc_get_root(doc), "status")) ||
              yyjson_is_obj(yyjson_obj_get(yyjson_doc_get_root(doc), "data")),
          "a reply with other fields");
    yyjson_doc_free(doc);
}

static void on_reply(struct mk_caller *caller, struct mk_call *call)
{
    (void)caller;
    struct mk_buf text;
    mk_buf_init(&text, SIZE_MAX);
    replies++;
    check(mk_reply_write(&text, call) == 0, "no reply");
    check_json(&text);
    mk_buf_reset(&text, SIZE_MAX);
    check(mk_reply_write_message(&text, call) == 0, "no reply as a message");
    check_json(&text);
    check(mk_buf_append_slice(&said, mk_buf_slice(&text)) == 0, "memory");
    mk_buf_fini(&text);
}

/* The echo of a message is in its reply, the same value. */
static void check_echo(struct mk_slice message)
{
    yyjson_doc *asked = mk_json_read(message, NULL, NULL);
    yyjson_doc *reply = mk_json_read(mk_buf_slice(&said), NULL, NULL);
    yyjson_val *root = yyjson_doc_get_root(asked), *echo = NULL;
    size_t index, count;
    yyjson_val *key, *value;
    if (yyjson_is_obj(root))
        yyjson_obj_foreach (root, index, count, key, value)
            if (yyjson_equals_str(key, "echo"))
                echo = value; /* the last one counts */
    yyjson_val *data = yyjson_obj_get(yyjson_doc_get_root(reply), "data");
    yyjson_val *back = yyjson_obj_get(data, "echo");
    check(!asked || (echo ? yyjson_equals(echo, back) : !back), "another echo");
    yyjson_doc_free(asked);
    yyjson_doc_free(reply);
}

/* The same text, taken over: the reply is the same. `action` NULL is a message. */
static void check_taking(struct mk_dispatch *dispatch, const struct mk_action *action,
                         enum mk_dialect dialect, struct mk_slice text, struct mk_caller *caller)
{
    struct mk_buf first = said, taken;
    mk_buf_init(&said, SIZE_MAX / 2);
    mk_buf_init(&taken, text.len);
    check(mk_buf_append_slice(&taken, text) == 0, "memory");
    if (action)
        mk_dispatch_request_take(dispatch, action, &taken, caller);
    else
        mk_dispatch_message_take(dispatch, dialect, &taken, caller);
    check(mk_slice_eq(mk_buf_slice(&first), mk_buf_slice(&said)), "in place another reply");
    mk_buf_fini(&first);
    mk_buf_reset(&said, SIZE_MAX);
}

static void ask(struct mk_dispatch *dispatch, enum mk_dialect dialect, struct mk_slice text,
                struct mk_caller *caller)
{
    mk_dispatch_message(dispatch, dialect, text, caller);
    check_echo(text);
    check_taking(dispatch, NULL, dialect, text, caller);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mk_call_target target = { .call = on_call, .control = on_call };
    struct mk_dispatch dispatch;
    struct mk_caller caller;
    char *copy = copy_of(data, size);
    struct mk_slice text = mk_slice_of(copy, size);
    mk_dispatch_init(&dispatch, &target, 10001000);
    mk_caller_init(&caller, on_reply);
    mk_buf_init(&said, SIZE_MAX / 2);
    replies = 0;
    ask(&dispatch, MK_DIALECT_DRAFT, text, &caller);
    ask(&dispatch, MK_DIALECT_NEWEST, text, &caller);
    const struct mk_action *action =
        &mk_dialects[MK_DIALECT_DRAFT].actions[size % mk_dialects[MK_DIALECT_DRAFT].action_count];
    mk_dispatch_request(&dispatch, action, text, &caller);
    check_taking(&dispatch, action, MK_DIALECT_DRAFT, text, &caller);
    mk_dispatch_control(&dispatch, MK_SLICE("x"), text, &caller);
    check(replies == 7 && caller.in_flight == 0, "not one reply each");
    mk_caller_fini(&caller);
    mk_dispatch_fini(&dispatch);
    mk_buf_fini(&said);
    free(copy);
    return 0;
}
