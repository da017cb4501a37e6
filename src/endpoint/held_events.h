/*
 * held_events: the events that webhooks are trying to deliver, at an operator's request: skipped,
 * so that they become dead letters at once, or tried again after a pause.
 */
#ifndef MK_ENDPOINT_HELD_EVENTS_H
#define MK_ENDPOINT_HELD_EVENTS_H

#include "protocol/call.h"

struct milky_endpoint;

/*
 * `params` is {"skip": true}, or a URL instead of true, and perhaps a "self_id". Without a URL it
 * is the only webhook that fails or is paused.
 */
void mk_held_events_skip(struct milky_endpoint *endpoint, struct mk_call *call);
/* The same with "resume"; without a URL it is all that are paused. */
void mk_held_events_resume(struct milky_endpoint *endpoint, struct mk_call *call);

#endif
