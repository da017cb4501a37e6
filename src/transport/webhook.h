/*
 * webhook: the draft's WebHook: posts each event to one URL, in order, one at a time, and executes
 * the calls that the response brings.
 *
 * An event counts as delivered with any 2xx. A timeout, a connection error, 5xx, 408, 425 and 429
 * (with Retry-After) are tried again, with growing waits, and what came later waits behind it. With
 * a journal, a third time any other 4xx sets the event aside as a dead letter, and the webhook's
 * place survives a restart: every event is delivered at least once. Other webhooks are not delayed
 * by any of this.
 *
 * Each request carries X-Milky-Delivery, the event's number, the same for every try; and, where a
 * secret is set, the three headers of Standard Webhooks.
 */
#ifndef MK_TRANSPORT_WEBHOOK_H
#define MK_TRANSPORT_WEBHOOK_H

#include "transport/transport.h"

/* Its URL is also the name of its cursor, and of its dead letters. */
extern const struct mk_transport_class mk_webhook_class;

#endif
