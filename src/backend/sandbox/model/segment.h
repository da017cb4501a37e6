/*
 * segment: translates the segments that a sender writes (OutgoingSegment) into those that all
 * others read (IncomingSegment): looks up names, resolves replies and forwards, checks rights. It
 * writes nothing but the rows of forwards.
 */
#ifndef SB_MODEL_SEGMENT_H
#define SB_MODEL_SEGMENT_H

#include "backend/sandbox/model/message.h"
#include "backend/sandbox/turn/limits.h"
#include "base/buf.h"

enum {
    SB_MESSAGE_MAX_BYTES = 256 * 1024,  /* of its JSON */
    SB_FORWARD_MAX_BYTES = 1024 * 1024, /* of what the replies in a forward quote */
};

/* A forward whose row is not written yet. */
struct sb_forward {
    struct sb_forward *next;
    uint64_t id;
    size_t len;
    char *json; /* IncomingForwardedMessage array */
};

/* What QQ counts in one message (segment_admit.c). */
struct sb_admit {
    yyjson_mut_val *alone;        /* the segment that stands alone; NULL: none */
    enum sb_limit_id alone_limit; /* of what is beside it */
    uint64_t chars, bytes;        /* of text */
    uint64_t images, quotes;
    uint64_t weight;
};

/* A message that is being composed. Zero it, set the first four, and end with sb_compose_fini. */
struct sb_compose {
    struct sb_request *request;
    const struct sb_conversation *conversation; /* as the sender sees it */
    uint64_t role;                              /* of the sender, in a group */
    unsigned depth;                             /* the number of forwards around it */
    const struct mk_json_path *path;            /* of the segments, then of the one at work */
    struct sb_admit admit;
    size_t quoted;             /* bytes of the messages that its replies quote, so far, ... */
    size_t quoted_in_forwards; /* ... and of those that replies in its forwards do */
    bool has_content;          /* there is something but empty text */
    bool has_dropped;          /* a segment was left out */
    bool has_media;            /* there is a segment with a URL, also in a reply */
    bool has_sticker;
    bool mentions_all;
    bool is_unsigned; /* it is a light_app that only its sender sees */
    struct sb_forward *forwards;
};

/*
 * Translates a whole message. `*incoming` is made in the request's document.
 * Returns 0, SB_REFUSED or -ENOMEM, -EIO.
 */
int sb_compose_message(struct sb_compose *compose, yyjson_mut_val *outgoing,
                       yyjson_mut_val **incoming);

/*
 * For segment.c, of each message: begins to count. A segment may go on: returns 0, SB_REFUSED, or
 * SB_DROPPED, as the next ones do.
 */
void sb_admit_begin(struct sb_compose *compose, yyjson_mut_val *outgoing);
int sb_admit_segment(struct sb_compose *compose, yyjson_mut_val *segment);
int sb_admit_text(struct sb_compose *compose, struct mk_slice text);
int sb_admit_image(struct sb_compose *compose);
void sb_admit_mention(struct sb_compose *compose);
void sb_admit_quote(struct sb_compose *compose);
int sb_admit_end(struct sb_compose *compose);

/* A face's number (up to 3 digits), and the decimal code point of an emoji. */
bool sb_face_is_known(struct mk_slice id);
bool sb_emoji_is_known(struct mk_slice id);

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
