/*
 * event_filter: which events a transport sends (the keys `events` and `own_messages` of the
 * configuration). A filter does not change; it is shared by all that use it, and counted.
 */
#ifndef MK_PROTOCOL_EVENT_FILTER_H
#define MK_PROTOCOL_EVENT_FILTER_H

#include "protocol/event.h"

#include <milky/milky.h>

struct mk_event_filter;

/* Passes everything, also own messages. It is not counted: for mk_hub_replay alone. */
extern const struct mk_event_filter mk_event_filter_all;

/*
 * Makes the filter of a transport, for a configuration that has been checked. `*filter` becomes
 * NULL for the usual one, which passes all events but the bot's own messages. Returns 0 or -ENOMEM.
 */
int mk_event_filter_new(const struct milky_events *events, bool own_messages,
                        const struct mk_event_filter **filter);

/* One more user of it. NULL is allowed in all of these. */
const struct mk_event_filter *mk_event_filter_ref(const struct mk_event_filter *filter);
void mk_event_filter_unref(const struct mk_event_filter *filter);

/* Returns whether both pass the same events. */
bool mk_event_filter_eq(const struct mk_event_filter *a, const struct mk_event_filter *b);

/* A number that differs where the filters do, for comparing configurations; 0 for NULL. */
uint64_t mk_event_filter_hash(const struct mk_event_filter *filter);

/* Returns whether the filter passes messages of the bot itself. */
bool mk_event_filter_wants_own(const struct mk_event_filter *filter);

/* Returns whether a checked event is to be sent. */
bool mk_event_filter_passes(const struct mk_event_filter *filter, const struct mk_event *event);

#endif
