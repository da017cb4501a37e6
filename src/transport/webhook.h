/*
 * webhook: the draft's WebHook: posts each event to one URL, in order, one at a time, and executes
 * the calls that the response brings.
 *
 * An event counts as delivered with any 2xx. A timeout, a connection error, 5xx, 408, 425 and 429
 * (with Retry-After) are tried again, with growing waits, and what came later waits behind it. With
 * a journal, a third time any other 4xx sets the event aside as a dead letter, and where the
 * webhook stands survives a restart: every event is delivered at least once. Other webhooks are not
 * delayed by any of this.
 *
 * Each request carries X-Milky-Delivery, the event's number, the same for every try; and, where a
 * secret is set, the three headers of Standard Webhooks.
 */
#ifndef MK_TRANSPORT_WEBHOOK_H
#define MK_TRANSPORT_WEBHOOK_H

#include "hub/hub.h"
#include "net/http_client.h"
#include "protocol/dispatch.h"
#include "transport/health.h"
#include "transport/webhook_repost.h"

struct mk_webhook;

struct mk_webhook_config {
    struct mk_slice url;    /* http or https; also the name of its cursor */
    struct mk_slice token;  /* empty: none is sent */
    struct mk_slice secret; /* to sign with, "whsec_" and base64 or any text; empty: not signed */
    enum mk_dialect dialect;
    struct mk_tls_files tls;
};

/*
 * `http` is shared by all webhooks and must outlive them; the configuration is copied. Returns NULL
 * when memory is out.
 */
struct mk_webhook *mk_webhook_new(struct mk_loop *loop, struct mk_http_client *http,
                                  const struct mk_webhook_config *config,
                                  struct mk_dispatch *dispatch, struct mk_hub *hub);
/* From the next request on: the token, the secret and the TLS of `fresh`, which has the same URL.
 */
void mk_webhook_adopt(struct mk_webhook *webhook, struct mk_webhook *fresh);

/* What is under way is dropped. NULL is allowed. */
struct mk_webhook *mk_webhook_free(struct mk_webhook *webhook);

/* Delivers what is not delivered yet, and what comes. Returns 0, -ENOMEM or what the journal says.
 */
int mk_webhook_start(struct mk_webhook *webhook);
bool mk_webhook_started(const struct mk_webhook *webhook);

/* Delivers what there is without trying anything twice; then it is idle. */
void mk_webhook_stop(struct mk_webhook *webhook);
void mk_webhook_abort(struct mk_webhook *webhook);
bool mk_webhook_idle(const struct mk_webhook *webhook);

/* It delivers to exactly this URL, under which its dead letters lie. */
bool mk_webhook_is_at(const struct mk_webhook *webhook, struct mk_slice url);

/*
 * Posts the event of this number once more, beside its deliveries, and tells the asker how that
 * went, later. Returns 0; 1 when the event is not in the journal any more; -EBUSY when it does so
 * already or is stopping; -ENOMEM.
 */
int mk_webhook_post_again(struct mk_webhook *webhook, uint64_t number,
                          const struct mk_repost_asker *asker);

/* How it is doing; texts are borrowed until the next turn. */
void mk_webhook_report(const struct mk_webhook *webhook, struct mk_remote_report *report);

#endif
