/*
 * segment: what a sender writes (OutgoingSegment) becomes what everybody reads (IncomingSegment).
 * Names are looked up, replies and forwards resolved, rights checked. Nothing is written.
 */
#ifndef MK_SANDBOX_SEGMENT_H
#define MK_SANDBOX_SEGMENT_H

#include "backend/sandbox/message.h"
#include "base/buf.h"

enum {
    MK_MESSAGE_MAX_CHARS = 5000,       /* of text in one message, as in QQ */
    MK_MESSAGE_MAX_BYTES = 256 * 1024, /* of its JSON */
    MK_FORWARD_MAX_BYTES = 1024 * 1024,
    MK_FORWARD_MAX_MESSAGES = 100,
    MK_FORWARD_MAX_DEPTH = 3, /* forwards in forwards */
};

/* A row of the table `forward`, still to be written. */
struct mk_forward {
    struct mk_forward *next;
    uint64_t id;
    size_t len;
    char *json; /* IncomingForwardedMessage array */
};

/* A message in the making. Zero it, set the first three, and end with mk_compose_fini. */
struct mk_compose {
    struct mk_request *request;
    const struct mk_place *place; /* as the sender sees it */
    uint64_t role;                /* of the sender, in a group */
    unsigned depth;               /* how many forwards are around */
    size_t chars;                 /* of text so far */
    size_t quoted;                /* bytes of the messages that its replies quote, so far, ... */
    size_t quoted_in_forwards;    /* ... and of those that replies in its forwards do */
    bool has_content;             /* something else than empty text has come */
    bool has_media;               /* a segment with a URL, be it in a reply */
    bool has_sticker;
    struct mk_forward *forwards;
};

/*
 * Translates a whole message. `*incoming` is made in the request's document.
 * Returns 0, MK_REFUSED or -ENOMEM, -EIO.
 */
int mk_compose_message(struct mk_compose *compose, yyjson_mut_val *outgoing,
                       yyjson_mut_val **incoming);

/* One segment `forward`: its data into `to`. For segment.c. */
int mk_compose_forward(struct mk_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);

/* One segment with media, likewise (media_segment.c). */
int mk_compose_image(struct mk_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);
int mk_compose_record(struct mk_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);
int mk_compose_video(struct mk_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);

/* Appends a message as one line of plain text, as much of it as fits. */
void mk_segments_preview(struct mk_buf *out, yyjson_mut_val *incoming);

/* Writes the rows of its forwards, inside the transaction. */
int mk_compose_write(struct mk_compose *compose);

void mk_compose_fini(struct mk_compose *compose);

#endif
