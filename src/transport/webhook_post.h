/*
 * webhook_post: the request that a webhook makes of an event: its headers, signed where a secret is
 * set. For the webhook itself, and for dead letters that are posted once more.
 */
#ifndef MK_TRANSPORT_WEBHOOK_POST_H
#define MK_TRANSPORT_WEBHOOK_POST_H

#include "net/http_client.h"

#include <stdint.h>

enum { MK_WEBHOOK_HEADERS = 4 };

/* Where to, and what is the same for each event. Everything in it is the target's own. */
struct mk_webhook_target {
    struct mk_http_client *http; /* borrowed */
    uint64_t self_id;
    char *url;
    char *secret; /* to sign with, or NULL */
    char *headers[MK_WEBHOOK_HEADERS];
    struct mk_tls_files tls;
    char *tls_texts[3]; /* what it points to */
};

/* Copies the texts; an empty token or secret is none. Returns 0 or -ENOMEM; fini in any case. */
int mk_webhook_target_init(struct mk_webhook_target *target, struct mk_http_client *http,
                           uint64_t self_id, struct mk_slice url, struct mk_slice token,
                           struct mk_slice secret, const struct mk_tls_files *tls);
void mk_webhook_target_fini(struct mk_webhook_target *target);

struct mk_webhook_event {
    uint64_t number;
    struct mk_slice json; /* borrowed until `done` */
    uint64_t gap_from;    /* events before it that are lost; 0: none are */
    uint64_t gap_to;
};

/* Starts a post; as mk_http_client_post. NULL when out of memory. */
struct mk_http_request *
mk_webhook_post(const struct mk_webhook_target *target, const struct mk_webhook_event *event,
                void (*done)(void *arg, const struct mk_http_response *response), void *arg);

#endif
