/* probe_private: shared by the probe files alone. */
#ifndef SB_MEDIA_PROBE_PRIVATE_H
#define SB_MEDIA_PROBE_PRIVATE_H

#include "backend/sandbox/media/probe.h"

/*
 * Probes one format. Returns true when `content` is of it (then `info->content_type` is set), with
 * `*wrong` set when it is cut or contradicts itself.
 */
typedef bool sb_media_prober(struct mk_slice content, struct sb_media_info *info,
                             const struct mk_phrase **wrong);

sb_media_prober sb_media_probe_png;
sb_media_prober sb_media_probe_jpeg;
sb_media_prober sb_media_probe_gif;
sb_media_prober sb_media_probe_webp;
sb_media_prober sb_media_probe_bmp;
sb_media_prober sb_media_probe_wav;
sb_media_prober sb_media_probe_mp3;
sb_media_prober sb_media_probe_ogg;
sb_media_prober sb_media_probe_flac;
sb_media_prober sb_media_probe_amr;
sb_media_prober sb_media_probe_silk;
sb_media_prober sb_media_probe_mp4;

/* Sets a duration of `units` at `per_second`, at least a second. */
void sb_media_set_duration(struct sb_media_info *info, uint64_t units, uint64_t per_second);

/* Returns false when one of them is 0 or does not fit. */
bool sb_media_set_size(struct sb_media_info *info, uint64_t width, uint64_t height);

/* Returns true when the bytes at `at` are these. */
static inline bool sb_media_has(struct mk_slice s, uint64_t at, struct mk_slice bytes)
{
    return at <= s.len && s.len - at >= bytes.len && memcmp(s.ptr + at, bytes.ptr, bytes.len) == 0;
}

/* Returns true when there are `count` bytes at `at`: to be checked before the readers below. */
static inline bool sb_media_there(struct mk_slice s, uint64_t at, uint64_t count)
{
    return at <= s.len && s.len - at >= count;
}

static inline uint32_t sb_media_byte(struct mk_slice s, uint64_t at)
{
    return (unsigned char)s.ptr[at];
}

static inline uint32_t sb_media_be16(struct mk_slice s, uint64_t at)
{
    return sb_media_byte(s, at) << 8 | sb_media_byte(s, at + 1);
}

static inline uint32_t sb_media_be32(struct mk_slice s, uint64_t at)
{
    return sb_media_be16(s, at) << 16 | sb_media_be16(s, at + 2);
}

static inline uint64_t sb_media_be64(struct mk_slice s, uint64_t at)
{
    return (uint64_t)sb_media_be32(s, at) << 32 | sb_media_be32(s, at + 4);
}

static inline uint32_t sb_media_le16(struct mk_slice s, uint64_t at)
{
    return sb_media_byte(s, at + 1) << 8 | sb_media_byte(s, at);
}

static inline uint32_t sb_media_le32(struct mk_slice s, uint64_t at)
{
    return sb_media_le16(s, at + 2) << 16 | sb_media_le16(s, at);
}

static inline uint64_t sb_media_le64(struct mk_slice s, uint64_t at)
{
    return (uint64_t)sb_media_le32(s, at + 4) << 32 | sb_media_le32(s, at);
}

#endif
