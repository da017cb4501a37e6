/*
 * webhook: the draft's WebHook: posts each event to one URL, in order, one at a time, and executes
 * the calls in the response.
 *
 * Any 2xx acknowledges an event. After a timeout, a connection error, 5xx, 408, 425 and 429 (with
 * Retry-After) it is posted again, with growing waits, while later events wait. With a journal, the
 * third answer with any other 4xx makes the event a dead letter, and the webhook's cursor survives
 * a restart: every event is delivered at least once. Other webhooks are not delayed.
 *
 * Each request carries X-Milky-Delivery, the event's number, the same for every try; and, if a
 * secret is set, the three headers of Standard Webhooks.
 */
#ifndef MK_TRANSPORT_WEBHOOK_H
#define MK_TRANSPORT_WEBHOOK_H

#include "transport/transport.h"

/* Its URL is also the name of its cursor, and of its dead letters. */
extern const struct mk_transport_class mk_webhook_class;

#endif
