/*
 * fuzz_dispatch: any bytes as a message of a WebSocket, in both dialects, as the params of some
 * API, and as an operator's request. Whatever comes in, exactly one reply goes out, and it is JSON.
 *
 * The backend answers with what it was asked and with fields that make a result of many APIs.
 */
#include "protocol/dispatch.h"
#include "protocol/reply.h"
#include "protocol/tables.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char fields[] =
    "{\"message_seq\":7,\"next_message_seq\":3,\"time\":1,\"friends\":[],\"groups\":[],\"members\":"
    "[],\"announcements\":[],\"files\":[],\"folders\":[],\"messages\":[],\"file_id\":\"f\","
    "\"folder_id\":\"d\",\"download_url\":\"u\",\"url\":\"u\",\"message\":{\"message_scene\":"
    "\"temp\",\"peer_id\":10001,\"message_seq\":7,\"sender_id\":10001,\"time\":1,\"segments\":[{"
    "\"type\":\"file\",\"data\":{\"file_id\":\"f\",\"file_name\":\"n\",\"file_size\":1}}]}}";

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void on_call(struct milky_backend *backend, struct milky_call *call)
{
    (void)backend;
    yyjson_doc *doc = yyjson_read(fields, sizeof(fields) - 1, 0);
    yyjson_mut_val *data = yyjson_val_mut_copy(milky_call_doc(call), yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    yyjson_mut_obj_add_val(milky_call_doc(call), data, "asked", milky_call_params(call));
    milky_call_ok(call, data);
}

static unsigned replies;

static void check_json(const struct mk_buf *text)
{
    yyjson_doc *doc = yyjson_read(text->data, text->len, YYJSON_READ_NUMBER_AS_RAW);
    check(doc, "a reply that is no JSON");
    check(yyjson_is_str(yyjson_obj_get(yyjson_doc_get_root(doc), "status")) ||
              yyjson_is_obj(yyjson_obj_get(yyjson_doc_get_root(doc), "data")),
          "a reply of another shape");
    yyjson_doc_free(doc);
}

static void on_reply(struct mk_caller *caller, const struct milky_call *call)
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
    mk_buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct milky_backend backend = { .name = "echo", .call = on_call, .control = on_call };
    struct mk_slice text = { (const char *)data, size };
    struct mk_dispatch dispatch;
    struct mk_caller caller;
    mk_dispatch_init(&dispatch, &backend, 10001000);
    mk_caller_init(&caller, on_reply);
    replies = 0;
    mk_dispatch_message(&dispatch, MK_DIALECT_DRAFT, text, &caller);
    mk_dispatch_message(&dispatch, MK_DIALECT_1_2, text, &caller);
    mk_dispatch_control(&dispatch, MK_SLICE("x"), text, &caller);
    const struct mk_action *action = &mk_actions_draft[size % mk_action_count_draft];
    mk_dispatch_request(&dispatch, action, text, &caller);
    check(replies == 4 && caller.in_flight == 0, "not one reply each");
    mk_caller_fini(&caller);
    mk_dispatch_fini(&dispatch);
    return 0;
}
