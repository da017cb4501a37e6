/* webhook_post: see the header. */
#include "transport/webhook_post.h"

#include "base/buf.h"
#include "base/clock.h"
#include "wire/webhook_signature.h"

#include <errno.h>
#include <milky/version.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LONGEST_RESPONSE = 16 * 1024 * 1024,
    LONGEST_HEADERS = 8 * 1024,
    EVENT_HEADERS = 5,
};

static char *header_line(const char *name, struct mk_slice value)
{
    struct mk_buf line;
    mk_buf_init(&line, LONGEST_HEADERS);
    int rc = mk_buf_printf(&line, "%s%.*s", name, (int)value.len, value.ptr);
    char *copy = rc == 0 ? mk_slice_dup(mk_buf_slice(&line)) : NULL;
    mk_buf_fini(&line);
    return copy;
}

static int make_headers(struct mk_webhook_target *target, struct mk_slice token)
{
    char self_id[24];
    snprintf(self_id, sizeof(self_id), "%llu", (unsigned long long)target->self_id);
    size_t count = 0;
    target->headers[count++] = mk_slice_dup(MK_SLICE("Content-Type: application/json"));
    target->headers[count++] = header_line("X-Self-ID: ", mk_slice_str(self_id));
    target->headers[count++] = mk_slice_dup(MK_SLICE("User-Agent: milky/" MILKY_VERSION));
    if (token.len > 0)
        target->headers[count++] = header_line("Authorization: Bearer ", token);
    for (size_t i = 0; i < count; i++)
        if (!target->headers[i])
            return -ENOMEM;
    return 0;
}

int mk_webhook_target_init(struct mk_webhook_target *target, struct mk_web_client *http,
                           uint64_t self_id, struct mk_slice url, struct mk_slice token,
                           struct mk_slice secret, struct mk_tls_context *tls, uint64_t timeout_s)
{
    *target = (struct mk_webhook_target){ .http = http, .self_id = self_id, .tls = tls };
    target->timeout_ms = (uint32_t)(timeout_s * 1000);
    target->url = mk_slice_dup(url);
    target->secret = secret.len > 0 ? mk_slice_dup(secret) : NULL;
    if (!target->url || (secret.len > 0 && !target->secret))
        return -ENOMEM;
    return make_headers(target, token);
}

void mk_webhook_target_fini(struct mk_webhook_target *target)
{
    for (size_t i = 0; i < MK_WEBHOOK_HEADERS; i++)
        free(target->headers[i]);
    mk_tls_context_free(target->tls);
    free(target->secret);
    free(target->url);
    *target = (struct mk_webhook_target){ 0 };
}

/* Adds the headers of an event after the fixed ones. Their text is in `text`. */
static int add_event_headers(const struct mk_webhook_target *target,
                             const struct mk_webhook_event *event, const char **headers,
                             struct mk_buf *text)
{
    unsigned long long number = event->number, self_id = target->self_id;
    char id[64];
    size_t offsets[EVENT_HEADERS], count = 0;
    snprintf(id, sizeof(id), "evt_%llu_%llu", self_id, number);
    offsets[count++] = text->len;
    int rc = mk_buf_printf(text, "X-Milky-Delivery: %llu%c", number, 0);
    if (rc == 0 && event->gap_from > 0) {
        offsets[count++] = text->len;
        rc = mk_buf_printf(text, "X-Milky-Gap: %llu-%llu%c", (unsigned long long)event->gap_from,
                           (unsigned long long)event->gap_to, 0);
    }
    if (rc == 0 && target->secret) {
        char signature[MK_SIGNATURE_LEN];
        uint64_t now = mk_clock_real_ms() / 1000;
        rc = mk_webhook_sign(mk_slice_str(target->secret), id, now, event->json, signature);
        offsets[count++] = text->len;
        if (rc == 0)
            rc = mk_buf_printf(text, "webhook-id: %s%c", id, 0);
        offsets[count++] = text->len;
        if (rc == 0)
            rc = mk_buf_printf(text, "webhook-timestamp: %llu%c", (unsigned long long)now, 0);
        offsets[count++] = text->len;
        if (rc == 0)
            rc = mk_buf_printf(text, "webhook-signature: %s%c", signature, 0);
    }
    for (size_t i = 0; i < count && rc == 0; i++)
        headers[i] = text->data + offsets[i];
    return rc;
}

struct mk_web_request *
mk_webhook_post(const struct mk_webhook_target *target, const struct mk_webhook_event *event,
                void (*done)(void *arg, const struct mk_web_response *response), void *arg)
{
    const char *headers[MK_WEBHOOK_HEADERS + EVENT_HEADERS + 1] = { 0 };
    struct mk_web_request *request = NULL;
    struct mk_buf text;
    size_t fixed = 0;
    mk_buf_init(&text, LONGEST_HEADERS);
    while (fixed < MK_WEBHOOK_HEADERS && target->headers[fixed]) {
        headers[fixed] = target->headers[fixed];
        fixed++;
    }
    struct mk_web_post post = {
        .url = target->url,
        .headers = headers,
        .body = event->json,
        .tls = target->tls,
        .timeout_ms = target->timeout_ms,
        .response_limit = LONGEST_RESPONSE,
        .done = done,
        .arg = arg,
    };
    if (add_event_headers(target, event, headers + fixed, &text) == 0)
        request = mk_web_client_post(target->http, &post);
    mk_buf_fini(&text);
    return request;
}
