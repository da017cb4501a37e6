/*
 * segment: translates the segments that a sender writes (OutgoingSegment) into those that all
 * others read (IncomingSegment): looks up names, resolves replies and forwards, checks rights. It
 * writes nothing but the rows of forwards.
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

/* A forward whose row is not written yet. */
struct sb_forward {
    struct sb_forward *next;
    uint64_t id;
    size_t len;
    char *json; /* IncomingForwardedMessage array */
};

/* A message that is being composed. Zero it, set the first three, and end with sb_compose_fini. */
struct sb_compose {
    struct sb_request *request;
    const struct sb_conversation *conversation; /* as the sender sees it */
    uint64_t role;                              /* of the sender, in a group */
    unsigned depth;                             /* the number of forwards around it */
    size_t chars;                               /* of text so far */
    size_t quoted;             /* bytes of the messages that its replies quote, so far, ... */
    size_t quoted_in_forwards; /* ... and of those that replies in its forwards do */
    bool has_content;          /* there is something but empty text */
    bool has_media;            /* there is a segment with a URL, also in a reply */
    bool has_sticker;
    struct sb_forward *forwards;
};

/*
 * Translates a whole message. `*incoming` is made in the request's document.
 * Returns 0, SB_REFUSED or -ENOMEM, -EIO.
 */
int sb_compose_message(struct sb_compose *compose, yyjson_mut_val *outgoing,
                       yyjson_mut_val **incoming);

/* Composes a segment `forward`: its data into `to`. For segment.c. */
int sb_compose_forward(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);

/* The same for a segment with media (segment_media.c). */
int sb_compose_image(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);
int sb_compose_record(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);
int sb_compose_video(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);

/* Appends a message as one line of plain text, cut where it does not fit. */
void sb_segments_preview(struct mk_buf *out, yyjson_mut_val *incoming);

/* Writes the rows of its forwards. Inside the transaction. Returns 0 or -errno. */
int sb_compose_write(struct sb_compose *compose);

void sb_compose_fini(struct sb_compose *compose);

#endif
