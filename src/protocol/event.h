/* event: writes events in their envelopes, in any dialect. */
#ifndef MK_PROTOCOL_EVENT_H
#define MK_PROTOCOL_EVENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "protocol/schema.h"

#include <yyjson.h>

enum mk_envelope {
    MK_ENVELOPE_BARE,    /* the event itself: webhooks, and every connection of 1.x */
    MK_ENVELOPE_WRAPPED, /* {"post_type":"event","self_id":N,"data":EVENT}: WebSockets, the draft */
    /* The same two with "number" at their end, for clients that replay events. */
    MK_ENVELOPE_BARE_NUMBERED,
    MK_ENVELOPE_WRAPPED_NUMBERED,
};

/* An event from the backend, in the newest 1.x. */
struct mk_event {
    const struct mk_event_type *type;
    uint64_t self_id;
    uint64_t number; /* counts the events of a bot, from 1 */
    uint64_t time;   /* seconds since 1970 */
    yyjson_mut_val *data;
    struct mk_slice json; /* the data as JSON if that was made already, else empty */
    bool is_kept;         /* its backend keeps it until the journal is flushed */
};

/*
 * Returns 0, or -EINVAL (logged) when the data is not of the event's type. An event is checked
 * once, when it is emitted or read from the journal; other functions rely on it.
 */
int mk_event_check(const struct mk_event *event);

/*
 * Appends the event as JSON. The bare event is {"time","event_type","data"} in the draft and
 * {"time","self_id","event_type","data"} in 1.x. `arena` holds the translated data. The event must
 * have been checked, and be in the dialect (mk_event_type_is_in). Returns 0, -EINVAL where JSON
 * cannot hold it, -ENOMEM, -ENOBUFS.
 */
int mk_event_write(struct mk_buf *out, const struct mk_event *event, enum mk_dialect dialect,
                   enum mk_envelope envelope, struct mk_arena *arena);

#endif
