/*
 * fuzz_webhook: any bytes as the response to a webhook, as a secret to sign with and as an id of
 * the draft. A response is no call, and nothing is executed, or every call in it is executed once,
 * in order, whether replies come at once or later; a signature is the right HMAC; an id that was
 * parsed is composed again as it was.
 *
 * Up to the first LF: a secret, and an id; the rest is the response.
 */
#include "base/base64.h"
#include "base/json.h"
#include "fuzz.h"
#include "protocol/call.h"
#include "protocol/pattern.h"
#include "transport/webhook_calls.h"
#include "wire/webhook_signature.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

/* --- the response --- */

static struct mk_call *waiting[1024];
static size_t waiting_count, asked, done_count;
static bool later;
static struct mk_buf order; /* of the called actions */

static void on_call(struct mk_call_target *target, struct mk_call *call)
{
    (void)target;
    asked++;
    mk_buf_printf(&order, "%s ", call->name);
    if (later && waiting_count < sizeof(waiting) / sizeof(waiting[0]))
        waiting[waiting_count++] = call;
    else
        mk_call_fail(call, -1, "no");
}

static void on_done(struct mk_webhook_calls *calls)
{
    check(!calls->doc, "done, and still there");
    done_count++;
}

/* Runs a response; false when it is no call. The called actions are in `order`. */
static bool run(struct mk_slice body, bool reply_later, enum mk_dialect dialect)
{
    struct mk_call_target target = { .call = on_call };
    struct mk_dispatch dispatch;
    struct mk_webhook_calls calls = {
        .dispatch = &dispatch, .dialect = dialect, .name = "webhook", .done = on_done
    };
    asked = done_count = waiting_count = 0;
    later = reply_later;
    mk_buf_reset(&order, SIZE_MAX);
    mk_dispatch_init(&dispatch, &target, 10001000);
    mk_webhook_calls_init(&calls);
    int rc = mk_webhook_calls_run(&calls, body);
    for (size_t i = 0; i < waiting_count; i++) {
        check(waiting_count == i + 1, "the next one did not wait");
        mk_call_fail(waiting[i], -1, "no");
    }
    check(rc == 0 || rc == 1, "status");
    check(done_count == (rc == 0), "done once");
    check(rc == 0 || asked == 0, "no call, and yet something was asked");
    mk_webhook_calls_fini(&calls);
    check(dispatch.in_flight == 0, "a call without a reply");
    mk_dispatch_fini(&dispatch);
    return rc == 0;
}

static void check_response(struct mk_slice body, enum mk_dialect dialect)
{
    struct mk_buf first;
    mk_buf_init(&first, SIZE_MAX / 2);
    mk_buf_init(&order, SIZE_MAX / 2);
    bool is_call = run(body, false, dialect);
    check(mk_buf_append_slice(&first, mk_buf_slice(&order)) == 0, "memory");
    check(run(body, true, dialect) == is_call, "a call or none");
    check(mk_slice_eq(mk_buf_slice(&first), mk_buf_slice(&order)), "another order");
    mk_buf_fini(&first);
    mk_buf_fini(&order);
}

/* --- the signature --- */

/* The key of a secret; false where it is invalid. */
static bool key_of(struct mk_slice secret, uint8_t *key, size_t *len)
{
    if (mk_slice_starts_with(secret, MK_SLICE("whsec_")))
        return mk_base64_decode(mk_slice_from(secret, 6), key, len) && *len > 0;
    memcpy(key, secret.ptr, secret.len);
    *len = secret.len;
    return true;
}

static void check_signature(struct mk_slice secret, struct mk_slice body)
{
    char signature[MK_SIGNATURE_LEN], expected[64];
    uint8_t key[512], digest[32];
    size_t key_len = 0;
    if (secret.len == 0 || secret.len > sizeof(key))
        return;
    int rc = mk_webhook_sign(secret, "msg_1", 1700000000, body, signature);
    check(rc == 0 || rc == -EINVAL, "status");
    check((rc == 0) == key_of(secret, key, &key_len), "a secret or none");
    if (rc < 0)
        return;
    struct mk_buf message;
    mk_buf_init(&message, SIZE_MAX / 2);
    check(mk_buf_append_slice(&message, MK_SLICE("msg_1.1700000000.")) == 0 &&
              mk_buf_append_slice(&message, body) == 0,
          "memory");
    unsigned len = sizeof(digest);
    HMAC(EVP_sha256(), key, (int)key_len, (unsigned char *)message.data, message.len, digest, &len);
    EVP_EncodeBlock((unsigned char *)expected, digest, (int)sizeof(digest));
    check(strncmp(signature, "v1,", 3) == 0 && strcmp(signature + 3, expected) == 0,
          "another signature");
    mk_buf_fini(&message);
}

/* --- ids --- */

/* Where two patterns begin alike, both may match. */
static void check_pattern(const struct mk_pattern *pattern, struct mk_slice id)
{
    struct mk_conversation unknown = { MK_SCENE_NONE, 0 };
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    struct mk_arena arena;
    struct mk_slice written = { 0 };
    mk_arena_init(&arena);
    bool has_peer = false;
    for (size_t i = 0; i < pattern->count; i++)
        has_peer = has_peer || pattern->parts[i].kind == MK_PART_CONVERSATION;
    int rc = mk_pattern_read(pattern, id, unknown, doc, object);
    check(rc == 0 || rc == MK_PATTERN_OTHER, "status");
    check(rc == 0 || yyjson_mut_obj_size(object) == 0, "something of another pattern");
    if (rc == 0 && !has_peer) {
        check(mk_pattern_write(pattern, object, unknown, &arena, &written) == 0, "not written");
        check(mk_slice_eq(written, id), "another id");
    }
    mk_arena_fini(&arena);
    yyjson_mut_doc_free(doc);
}

static void check_id(struct mk_slice id)
{
    for (size_t i = 0; i < mk_dialects[MK_DIALECT_DRAFT].action_count; i++)
        for (size_t j = 0; j < mk_dialects[MK_DIALECT_DRAFT].actions[i].route_count; j++)
            check_pattern(&mk_dialects[MK_DIALECT_DRAFT].actions[i].routes[j].pattern, id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = copy_of(data, size);
    struct mk_slice input = mk_slice_of(copy, size);
    struct mk_slice first = take_until(&input, '\n');
    check_response(input, size % 2 ? MK_DIALECT_DRAFT : MK_DIALECT_NEWEST);
    check_signature(first, input);
    check_id(first);
    free(copy);
    return 0;
}
