/*
 * event: the envelopes that an event goes out in, in either dialect.
 */
#ifndef MK_PROTOCOL_EVENT_H
#define MK_PROTOCOL_EVENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "protocol/schema.h"

#include <yyjson.h>

enum mk_envelope {
    MK_ENVELOPE_BARE,    /* the event itself: webhooks, and every connection of 1.x */
    MK_ENVELOPE_WRAPPED, /* {"post_type":"event","self_id":N,"data":EVENT}: WebSockets, the draft */
};

/* Something that happened, as the backend told it; in 1.2. */
struct mk_event {
    const struct mk_event_type *type;
    uint64_t self_id;
    uint64_t time; /* seconds since 1970 */
    yyjson_mut_val *data;
};

/*
 * Appends the event as JSON. The bare event is {"time","event_type","data"} in the draft and
 * {"time","self_id","event_type","data"} in 1.2. `arena` holds what the translation makes.
 * Returns 0, -EINVAL when the data is not of the event's type, -ENOMEM, -ENOBUFS.
 */
int mk_event_write(struct mk_buf *out, const struct mk_event *event, enum mk_dialect dialect,
                   enum mk_envelope envelope, struct mk_arena *arena);

#endif
