/*
 * probe_aac: raw AAC (ISO 14496-3, 1.A.3.2): each frame has an ADTS header of 7 or 9 bytes. Nothing
 * gives the duration, so the frames are counted; beyond COUNTED of them the rest is estimated by
 * its bytes.
 */
#include "backend/sandbox/media/probe_private.h"

enum { COUNTED = 64 * 1024, SAMPLES = 1024 /* of a block */ };

struct frame {
    uint32_t rate;
    uint32_t size; /* bytes, its header included */
    uint32_t blocks;
};

static bool read_frame(struct sb_media_bytes content, uint64_t at, struct frame *frame)
{
    static const uint32_t rates[16] = { 96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                        22050, 16000, 12000, 11025, 8000,  7350 };
    if (!sb_media_there(content, at, 7) || (sb_media_be16(content, at) & 0xfff6) != 0xfff0)
        return false;
    frame->rate = rates[sb_media_byte(content, at + 2) >> 2 & 15];
    frame->size = sb_media_be32(content, at + 3) >> 13 & 0x1fff;
    frame->blocks = (sb_media_byte(content, at + 6) & 3) + 1;
    return frame->rate > 0 && frame->size >= (sb_media_byte(content, at + 1) & 1 ? 7 : 9);
}

bool sb_media_probe_aac(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    struct frame first, frame;
    uint64_t start = sb_media_id3_size(content), at = start, blocks = 0;
    if (!read_frame(content, at, &first))
        return false;
    /* Two headers in a row are no accident, nor is one that reaches exactly to the end. */
    uint64_t second = start + first.size;
    if (second != content.len && !read_frame(content, second, &frame))
        return false;
    (void)wrong; /* one that is cut is no AAC */
    info->content_type = "audio/aac";
    for (uint32_t i = 0;
         i < COUNTED && read_frame(content, at, &frame) && sb_media_there(content, at, frame.size);
         i++) {
        blocks += frame.blocks;
        at += frame.size;
    }
    if (read_frame(content, at, &frame) && sb_media_there(content, at, frame.size))
        sb_media_set_duration(info, blocks * SAMPLES * ((content.len - start) / 64),
                              first.rate * ((at - start) / 64));
    else
        sb_media_set_duration(info, blocks * SAMPLES, first.rate);
    return true;
}
