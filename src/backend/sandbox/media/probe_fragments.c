/*
 * probe_fragments: how long a fragmented MP4 is (ISO 14496-12, 8.8 and 8.16.3). Recorders that
 * cannot go back write a movie without a duration, and behind it fragments (moof) or an index of
 * them (sidx).
 */
#include "backend/sandbox/media/probe_boxes.h"

/* The flags of tfhd and trun that say which fields there are. */
enum {
    HEAD_DATA_OFFSET = 0x1,
    HEAD_DESCRIPTION = 0x2,
    HEAD_DURATION = 0x8,
    RUN_DATA_OFFSET = 0x1,
    RUN_FIRST_FLAGS = 0x4,
    RUN_DURATION = 0x100,
    RUN_SIZE = 0x200,
    RUN_FLAGS = 0x400,
    RUN_OFFSET = 0x800,
};

/* The indexes of one track. */
struct index_sum {
    bool has_any;
    bool is_whole; /* the first is an index of indexes */
    uint32_t track;
    uint32_t time_scale;
    uint64_t duration;
};

static void add_to(uint64_t *sum, uint64_t more)
{
    *sum = more > UINT64_MAX - *sum ? UINT64_MAX : *sum + more;
}

static struct sb_media_track *find_track(struct sb_media_tracks *tracks, uint32_t id)
{
    for (size_t i = 0; i < tracks->count; i++)
        if (tracks->track[i].id == id)
            return &tracks->track[i];
    return NULL;
}

void sb_media_track_extends(struct sb_media_bytes trex, struct sb_media_tracks *tracks)
{
    struct sb_media_track *track =
        sb_media_there(trex, 0, 16) ? find_track(tracks, sb_media_be32(trex, 4)) : NULL;
    if (track)
        track->sample_duration = sb_media_be32(trex, 12);
}

static void read_index(struct sb_media_bytes sidx, struct index_sum *sum)
{
    uint64_t at = sb_media_box_version(sidx) == 0 ? 20 : 28;
    if (!sb_media_there(sidx, at, 4) || sum->is_whole)
        return;
    uint32_t track = sb_media_be32(sidx, 4), time_scale = sb_media_be32(sidx, 8);
    if (time_scale == 0 || (sum->has_any && (track != sum->track || time_scale != sum->time_scale)))
        return;
    uint32_t count = sb_media_be16(sidx, at + 2);
    bool is_first = !sum->has_any;
    sum->has_any = true;
    sum->track = track;
    sum->time_scale = time_scale;
    for (at += 4; count > 0 && sb_media_there(sidx, at, 12) && sb_media_step(sidx); count--) {
        if (is_first && sb_media_byte(sidx, at) >> 7)
            sum->is_whole = true;
        add_to(&sum->duration, sb_media_be32(sidx, at + 4));
        at += 12;
    }
}

static void read_run(struct sb_media_bytes trun, uint32_t sample_duration,
                     struct sb_media_track *track)
{
    uint32_t flags = sb_media_box_flags(trun);
    if (!sb_media_there(trun, 4, 4))
        return;
    uint32_t count = sb_media_be32(trun, 4);
    if (!(flags & RUN_DURATION)) {
        add_to(&track->duration, (uint64_t)count * sample_duration);
        return;
    }
    uint64_t at = 8;
    at += flags & RUN_DATA_OFFSET ? 4 : 0;
    at += flags & RUN_FIRST_FLAGS ? 4 : 0;
    uint64_t size = 4;
    size += flags & RUN_SIZE ? 4 : 0;
    size += flags & RUN_FLAGS ? 4 : 0;
    size += flags & RUN_OFFSET ? 4 : 0;
    for (; count > 0 && sb_media_there(trun, at, 4) && sb_media_step(trun); count--) {
        add_to(&track->duration, sb_media_be32(trun, at));
        at += size;
    }
}

static void read_track_fragment(struct sb_media_bytes traf, struct sb_media_tracks *tracks)
{
    struct sb_media_bytes head, type, box;
    if (!sb_media_find_box(traf, MK_SLICE("tfhd"), &head) || !sb_media_there(head, 0, 8))
        return;
    struct sb_media_track *track = find_track(tracks, sb_media_be32(head, 4));
    if (!track)
        return;
    uint32_t flags = sb_media_box_flags(head), sample_duration = track->sample_duration;
    uint64_t at = 8;
    at += flags & HEAD_DATA_OFFSET ? 8 : 0;
    at += flags & HEAD_DESCRIPTION ? 4 : 0;
    if (flags & HEAD_DURATION && sb_media_there(head, at, 4))
        sample_duration = sb_media_be32(head, at);
    while (sb_media_next_box(&traf, &type, &box))
        if (sb_media_has(type, 0, MK_SLICE("trun")))
            read_run(box, sample_duration, track);
}

uint64_t sb_media_fragments(struct sb_media_bytes content, struct sb_media_tracks *tracks,
                            uint32_t *time_scale)
{
    struct index_sum sum = { 0 };
    struct sb_media_bytes type, box, part, inner = content;
    for (size_t i = 0; i < tracks->count; i++)
        tracks->track[i].duration = 0;
    while (sb_media_next_box(&content, &type, &box)) {
        if (sb_media_has(type, 0, MK_SLICE("sidx")))
            read_index(box, &sum);
        else if (sb_media_has(type, 0, MK_SLICE("moof")))
            for (inner = box; sb_media_next_box(&inner, &part, &box);)
                if (sb_media_has(part, 0, MK_SLICE("traf")))
                    read_track_fragment(box, tracks);
    }
    uint64_t duration = sum.duration;
    *time_scale = sum.time_scale;
    for (size_t i = 0; i < tracks->count; i++) {
        const struct sb_media_track *track = &tracks->track[i];
        if (track->time_scale > 0 && (duration == 0 || (double)track->duration / track->time_scale >
                                                           (double)duration / *time_scale)) {
            duration = track->duration;
            *time_scale = track->time_scale;
        }
    }
    return duration;
}
