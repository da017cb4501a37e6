/*
 * webhook_post: makes the request for an event: its headers, and its signature if a secret is set.
 * For webhooks, and for reposted dead letters.
 */
#ifndef MK_TRANSPORT_WEBHOOK_POST_H
#define MK_TRANSPORT_WEBHOOK_POST_H

#include "web/http_client.h"

#include <stdint.h>

enum { MK_WEBHOOK_HEADERS = 4 };

/* The receiver, and the settings for all events. It owns all its contents. */
struct mk_webhook_target {
    struct mk_web_client *http; /* borrowed */
    uint64_t self_id;
    char *url;
    char *secret; /* for signatures, or NULL */
    char *headers[MK_WEBHOOK_HEADERS];
    struct mk_tls_context *tls; /* or NULL */
    uint32_t timeout_ms;        /* of the whole exchange of a post */
};

/*
 * Copies the texts, and takes `tls` over, which may be NULL; an empty token or secret means none.
 * Returns 0 or -ENOMEM; fini must follow in any case.
 */
int mk_webhook_target_init(struct mk_webhook_target *target, struct mk_web_client *http,
                           uint64_t self_id, struct mk_slice url, struct mk_slice token,
                           struct mk_slice secret, struct mk_tls_context *tls, uint64_t timeout_s);
void mk_webhook_target_fini(struct mk_webhook_target *target);

struct mk_webhook_event {
    uint64_t number;
    struct mk_slice json; /* borrowed until `done` */
    uint64_t gap_from;    /* lost events before it; 0: none */
    uint64_t gap_to;
};

/* Starts a post; as mk_web_client_post. NULL when out of memory. */
struct mk_web_request *
mk_webhook_post(const struct mk_webhook_target *target, const struct mk_webhook_event *event,
                void (*done)(void *arg, const struct mk_web_response *response), void *arg);

#endif
