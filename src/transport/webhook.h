/*
 * webhook: the draft's WebHook: posts each event to one URL, in order, one at a time, and executes
 * the calls that the response brings.
 *
 * An event counts as delivered with any 2xx. Everything else is tried again, with growing waits,
 * and what came later waits behind it. Other webhooks are not delayed by that.
 */
#ifndef MK_TRANSPORT_WEBHOOK_H
#define MK_TRANSPORT_WEBHOOK_H

#include "hub/hub.h"
#include "net/http_client.h"
#include "protocol/dispatch.h"

struct mk_webhook;

/*
 * `http` is shared by all webhooks and must outlive them; the texts are copied. An empty token
 * sends none. Returns NULL when memory is out.
 */
struct mk_webhook *mk_webhook_new(struct mk_loop *loop, struct mk_http_client *http,
                                  struct mk_slice url, struct mk_slice token,
                                  enum mk_dialect dialect, struct mk_dispatch *dispatch,
                                  struct mk_hub *hub);
/* What is under way is dropped. NULL is allowed. */
struct mk_webhook *mk_webhook_free(struct mk_webhook *webhook);

/* Events from here on are delivered. Returns 0 or -ENOMEM. */
int mk_webhook_start(struct mk_webhook *webhook);

/* Delivers what there is without trying anything twice; then it is idle. */
void mk_webhook_stop(struct mk_webhook *webhook);
void mk_webhook_abort(struct mk_webhook *webhook);
bool mk_webhook_idle(const struct mk_webhook *webhook);

#endif
