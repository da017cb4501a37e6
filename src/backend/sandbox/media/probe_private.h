/* probe_private: shared by the probe files alone. */
#ifndef SB_MEDIA_PROBE_PRIVATE_H
#define SB_MEDIA_PROBE_PRIVATE_H

#include "backend/sandbox/media/probe.h"

/* The part of a content that is in memory: all of it, or a piece of a file. */
struct sb_media_window {
    const char *bytes;
    uint64_t start; /* of `bytes` in the content */
    uint64_t len;
    int fd;         /* of the file, or -1 */
    char *piece;    /* memory for SB_MEDIA_WINDOW bytes of the file */
    int error;      /* 0, or the negative errno of a read that failed: then the bytes are zeros */
    uint32_t steps; /* from part to part: boxes, chunks, tags */
};
enum {
    SB_MEDIA_WINDOW = 16 * 1024,
    SB_MEDIA_STEPS = 1024 * 1024, /* the most: then the content counts as if it ended there */
};

/* Bytes of a content, which are read when they are looked at. */
struct sb_media_bytes {
    struct sb_media_window *window;
    uint64_t from; /* of them, in the content */
    uint64_t len;
};

/* Moves the window to `position`, which is in the content. */
void sb_media_window_move(struct sb_media_window *window, uint64_t position);

/*
 * Probes one format. Returns true when `content` is of it (then `info->content_type` is set), with
 * `*wrong` set when it is cut or contradicts itself.
 */
typedef bool sb_media_prober(struct sb_media_bytes content, struct sb_media_info *info,
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
sb_media_prober sb_media_probe_heif;
sb_media_prober sb_media_probe_tiff;
sb_media_prober sb_media_probe_aac;
sb_media_prober sb_media_probe_aiff;
sb_media_prober sb_media_probe_caf;
sb_media_prober sb_media_probe_ebml;
sb_media_prober sb_media_probe_flv;
sb_media_prober sb_media_probe_avi;
sb_media_prober sb_media_probe_ts;

/* What a content is that is none of them: "a ZIP archive". NULL: it is not known. */
const struct mk_phrase *sb_media_known_other(struct sb_media_bytes content);

/* The bytes of an ID3v2 tag, which MP3 and AAC may begin with; 0: there is none. */
uint64_t sb_media_id3_size(struct sb_media_bytes content);

/* Sets a duration of `units` at `per_second`, at least a second. */
void sb_media_set_duration(struct sb_media_info *info, uint64_t units, uint64_t per_second);

/* Returns false when one of them is 0 or does not fit. */
bool sb_media_set_size(struct sb_media_info *info, uint64_t width, uint64_t height);

/* To be asked before each part. Returns false after too many of them. */
static inline bool sb_media_step(struct sb_media_bytes s)
{
    return s.window->steps < SB_MEDIA_STEPS && ++s.window->steps > 0;
}

/* Returns a part, which must be in `s`. */
static inline struct sb_media_bytes sb_media_part(struct sb_media_bytes s, uint64_t at,
                                                  uint64_t len)
{
    return (struct sb_media_bytes){ s.window, s.from + at, len };
}

/* Returns true when there are `count` bytes at `at`: to be checked before the readers below. */
static inline bool sb_media_there(struct sb_media_bytes s, uint64_t at, uint64_t count)
{
    return at <= s.len && s.len - at >= count;
}

static inline uint32_t sb_media_byte(struct sb_media_bytes s, uint64_t at)
{
    struct sb_media_window *window = s.window;
    uint64_t position = s.from + at;
    if (position - window->start >= window->len)
        sb_media_window_move(window, position);
    return (unsigned char)window->bytes[position - window->start];
}

/* Returns true when the bytes at `at` are these. */
static inline bool sb_media_has(struct sb_media_bytes s, uint64_t at, struct mk_slice bytes)
{
    if (!sb_media_there(s, at, bytes.len))
        return false;
    for (size_t i = 0; i < bytes.len; i++)
        if (sb_media_byte(s, at + i) != (unsigned char)bytes.ptr[i])
            return false;
    return true;
}

static inline uint32_t sb_media_be16(struct sb_media_bytes s, uint64_t at)
{
    return sb_media_byte(s, at) << 8 | sb_media_byte(s, at + 1);
}

static inline uint32_t sb_media_be32(struct sb_media_bytes s, uint64_t at)
{
    return sb_media_be16(s, at) << 16 | sb_media_be16(s, at + 2);
}

static inline uint64_t sb_media_be64(struct sb_media_bytes s, uint64_t at)
{
    return (uint64_t)sb_media_be32(s, at) << 32 | sb_media_be32(s, at + 4);
}

static inline uint32_t sb_media_le16(struct sb_media_bytes s, uint64_t at)
{
    return sb_media_byte(s, at + 1) << 8 | sb_media_byte(s, at);
}

static inline uint32_t sb_media_le32(struct sb_media_bytes s, uint64_t at)
{
    return sb_media_le16(s, at + 2) << 16 | sb_media_le16(s, at);
}

static inline uint64_t sb_media_le64(struct sb_media_bytes s, uint64_t at)
{
    return (uint64_t)sb_media_le32(s, at + 4) << 32 | sb_media_le32(s, at);
}

#endif
