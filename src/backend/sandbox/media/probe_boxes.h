/* probe_boxes: boxes of ISO 14496-12, which MP4, MOV, HEIC and AVIF are made of. */
#ifndef SB_MEDIA_PROBE_BOXES_H
#define SB_MEDIA_PROBE_BOXES_H

#include "backend/sandbox/media/probe_private.h"

/*
 * The next box of `rest`: its four letters and what is in it. False at the end, where it is cut, or
 * after too many steps.
 */
bool sb_media_next_box(struct sb_media_bytes *rest, struct sb_media_bytes *type,
                       struct sb_media_bytes *box);

bool sb_media_find_box(struct sb_media_bytes in, struct mk_slice wanted,
                       struct sb_media_bytes *box);

/* The version of a box that has one, or 0; and its 24 flags. */
static inline uint32_t sb_media_box_version(struct sb_media_bytes box)
{
    return box.len >= 4 ? sb_media_byte(box, 0) : 0;
}

static inline uint32_t sb_media_box_flags(struct sb_media_bytes box)
{
    return box.len >= 4 ? sb_media_be32(box, 0) & 0xffffff : 0;
}

/* --- fragments --- */

enum { SB_MEDIA_MOST_TRACKS = 16 };

struct sb_media_track {
    uint32_t id;
    uint32_t time_scale;
    uint32_t sample_duration; /* of samples that do not say theirs */
    uint64_t duration;        /* 0: unknown */
};

struct sb_media_tracks {
    struct sb_media_track track[SB_MEDIA_MOST_TRACKS];
    size_t count;
};

/*
 * The duration of a fragmented movie whose header does not say it: by its indexes (sidx), or by the
 * samples of its fragments (trun), whichever is longer. Returns units, 0 where there are none.
 */
uint64_t sb_media_fragments(struct sb_media_bytes content, struct sb_media_tracks *tracks,
                            uint32_t *time_scale);

/* Reads a box trex of `mvex`. */
void sb_media_track_extends(struct sb_media_bytes trex, struct sb_media_tracks *tracks);

#endif
