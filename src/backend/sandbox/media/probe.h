/*
 * media_probe: what a content is and how large or long, by its headers alone: no I/O, no decoding.
 * Everything is bounds-checked; no name and no declared type is believed.
 *
 *   images   PNG, JPEG, GIF, WebP, BMP
 *   audio    WAV, MP3, Ogg (Opus, Vorbis), FLAC, AMR, SILK (QQ's voices too), M4A
 *   video    MP4, MOV
 */
#ifndef SB_MEDIA_PROBE_H
#define SB_MEDIA_PROBE_H

#include "base/language.h"
#include "base/slice.h"

#include <stdint.h>

enum sb_media_kind { SB_MEDIA_OTHER, SB_MEDIA_IMAGE, SB_MEDIA_AUDIO, SB_MEDIA_VIDEO };

struct sb_media_info {
    enum sb_media_kind kind;
    const char *content_type; /* "image/png"; "application/octet-stream" for others. A literal */
    const char *extension;    /* "png"; "bin" for others. A literal */
    uint32_t width;           /* pixels, of images and videos, else 0 */
    uint32_t height;
    uint32_t duration; /* seconds, rounded, at least 1; of audio and videos, else 0 */
};

/*
 * Looks at a whole content; of a large one only a few pages are touched, but where the format has
 * its frames to be counted (AMR, SILK). Returns NULL; or, where it begins as one of the formats
 * above but its header is cut or contradicts itself, what is wrong, as a clause: then `info` is as
 * for others.
 */
const struct mk_phrase *sb_media_probe(struct mk_slice content, struct sb_media_info *info);

/* What a content type of the table above was found as; others are SB_MEDIA_OTHER's. */
void sb_media_info_of(const char *content_type, size_t len, struct sb_media_info *info);

#endif
