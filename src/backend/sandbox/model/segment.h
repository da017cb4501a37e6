/*
 * segment: what a sender writes (OutgoingSegment) becomes what everybody reads (IncomingSegment).
 * Names are looked up, replies and forwards resolved, rights checked. Nothing is written.
 */
#ifndef SB_MODEL_SEGMENT_H
#define SB_MODEL_SEGMENT_H

#include "backend/sandbox/model/message.h"
#include "base/buf.h"

enum {
    SB_MESSAGE_MAX_CHARS = 5000,       /* of text in one message, as in QQ */
    SB_MESSAGE_MAX_BYTES = 256 * 1024, /* of its JSON */
    SB_FORWARD_MAX_BYTES = 1024 * 1024,
    SB_FORWARD_MAX_MESSAGES = 100,
    SB_FORWARD_MAX_DEPTH = 3, /* forwards in forwards */
};

/* A row of the table `forward`, still to be written. */
struct sb_forward {
    struct sb_forward *next;
    uint64_t id;
    size_t len;
    char *json; /* IncomingForwardedMessage array */
};

/* A message in the making. Zero it, set the first three, and end with sb_compose_fini. */
struct sb_compose {
    struct sb_request *request;
    const struct sb_conversation *conversation; /* as the sender sees it */
    uint64_t role;                              /* of the sender, in a group */
    unsigned depth;                             /* how many forwards are around */
    size_t chars;                               /* of text so far */
    size_t quoted;             /* bytes of the messages that its replies quote, so far, ... */
    size_t quoted_in_forwards; /* ... and of those that replies in its forwards do */
    bool has_content;          /* something else than empty text has come */
    bool has_media;            /* a segment with a URL, be it in a reply */
    bool has_sticker;
    struct sb_forward *forwards;
};

/*
 * Translates a whole message. `*incoming` is made in the request's document.
 * Returns 0, SB_REFUSED or -ENOMEM, -EIO.
 */
int sb_compose_message(struct sb_compose *compose, yyjson_mut_val *outgoing,
                       yyjson_mut_val **incoming);

/* One segment `forward`: its data into `to`. For segment.c. */
int sb_compose_forward(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);

/* One segment with media, likewise (media_segment.c). */
int sb_compose_image(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);
int sb_compose_record(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);
int sb_compose_video(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);

/* Appends a message as one line of plain text, as much of it as fits. */
void sb_segments_preview(struct mk_buf *out, yyjson_mut_val *incoming);

/* Writes the rows of its forwards, inside the transaction. */
int sb_compose_write(struct sb_compose *compose);

void sb_compose_fini(struct sb_compose *compose);

#endif
