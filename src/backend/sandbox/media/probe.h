/* clang-format off */
/*
 * probe: what a content is, and its size or duration, from its headers alone, without decoding.
 * All reads are bounds-checked; names and declared types are ignored.
 *
 *   images   PNG, JPEG, GIF, WebP, BMP, HEIC, AVIF, TIFF
 *   audio    WAV, MP3, AAC, Ogg (Opus, Vorbis), FLAC, AMR, SILK (also QQ's own), M4A, AIFF, CAF,
 *            and WebM, Matroska, FLV, MPEG-TS without video
 *   video    MP4, MOV, WebM, Matroska, FLV, AVI, MPEG-TS
 */
/* clang-format on */
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
    uint32_t width; /* pixels, of images and videos, else 0; 0 where the headers of FLV or MPEG-TS
                       do not have it */
    uint32_t height;
    uint32_t duration;             /* seconds, rounded, at least 1; of audio and videos, else 0 */
    const struct mk_phrase *other; /* of others: what it is ("text"), NULL if that is not known */
};

/*
 * Probes a whole content. Returns NULL; or the reason, a clause, when it begins as one of the
 * formats above but its header is cut or contradicts itself: then `info` is as for others.
 */
const struct mk_phrase *sb_media_probe(struct mk_slice content, struct sb_media_info *info);

/*
 * The same for the first `size` bytes of a file. Of a large one it reads only a few pieces, unless
 * its frames have to be counted (AMR, SILK, AAC, or a movie that does not say its duration).
 * Returns 0 with `*wrong` set, or a negative errno: -EIO for a file that is shorter. It blocks.
 */
int sb_media_probe_file(int fd, uint64_t size, struct sb_media_info *info,
                        const struct mk_phrase **wrong);

/* The info of a content type in the table above; SB_MEDIA_OTHER for any other. */
void sb_media_info_of(const char *content_type, size_t len, struct sb_media_info *info);

#endif
