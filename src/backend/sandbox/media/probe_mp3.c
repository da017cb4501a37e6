/* probe_mp3: MPEG audio (ISO 11172-3, 13818-3): each frame has a header of 4 bytes. */
#include "backend/sandbox/media/probe_private.h"

/* --- damaged headers --- */

static const struct mk_phrase mp3_has_no_frame = { "there is no MP3 frame behind its ID3 tag",
                                                   "其中没有 MP3 帧" };

enum {
    SEARCH = 64 * 1024, /* bytes after an ID3 tag in which the first frame must begin */
};

struct frame {
    uint32_t bit_rate; /* per second */
    uint32_t sample_rate;
    uint32_t samples;
    uint32_t size;      /* bytes, its header included */
    uint32_t side_info; /* bytes between the header and where a Xing tag would be */
};

/*
 * Reads the header at `at`. Returns false when there is none. Free-format frames are not supported.
 */
static bool read_frame(struct sb_media_bytes content, uint64_t at, struct frame *frame)
{
    static const uint16_t kbit[2][3][15] = {
        { { 0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448 },
          { 0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384 },
          { 0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320 } },
        { { 0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256 },
          { 0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160 },
          { 0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160 } },
    };
    static const uint16_t rates[3] = { 44100, 48000, 32000 };
    static const uint8_t halvings[4] = { 2, 0, 1, 0 }; /* MPEG 2.5, none, 2, 1 */
    if (!sb_media_there(content, at, 4))
        return false;
    uint32_t head = sb_media_be32(content, at);
    uint32_t version = head >> 19 & 3, layer = 4 - (head >> 17 & 3);
    uint32_t rate_index = head >> 12 & 15, sample_index = head >> 10 & 3;
    if (head >> 21 != 0x7ff || version == 1 || layer == 4 || rate_index == 0 || rate_index == 15 ||
        sample_index == 3)
        return false;
    bool is_first = version == 3, is_mono = (head >> 6 & 3) == 3;
    frame->bit_rate = 1000u * kbit[!is_first][layer - 1][rate_index];
    frame->sample_rate = (uint32_t)rates[sample_index] >> halvings[version];
    frame->samples = layer == 1 ? 384 : layer == 3 && !is_first ? 576 : 1152;
    uint32_t slot = layer == 1 ? 4 : 1;
    frame->size =
        (frame->samples / 8 / slot * frame->bit_rate / frame->sample_rate + (head >> 9 & 1)) * slot;
    frame->side_info = is_first ? (is_mono ? 17 : 32) : (is_mono ? 9 : 17);
    return frame->size >= 4;
}

/* Two headers in a row are no accident; after the last frame is the end, or an ID3v1 tag. */
static bool is_start(struct sb_media_bytes content, uint64_t at, struct frame *frame)
{
    struct frame next;
    if (!read_frame(content, at, frame))
        return false;
    uint64_t end = at + frame->size;
    return end == content.len || sb_media_has(content, end, MK_SLICE("TAG")) ||
           read_frame(content, end, &next);
}

/* The number of frames that an encoder has noted in the first one, or 0. */
static uint32_t noted_frames(struct sb_media_bytes content, uint64_t at, const struct frame *frame)
{
    uint64_t xing = at + 4 + frame->side_info, vbri = at + 4 + 32;
    if ((sb_media_has(content, xing, MK_SLICE("Xing")) ||
         sb_media_has(content, xing, MK_SLICE("Info"))) &&
        sb_media_there(content, xing, 12) && (sb_media_be32(content, xing + 4) & 1))
        return sb_media_be32(content, xing + 8);
    if (sb_media_has(content, vbri, MK_SLICE("VBRI")) && sb_media_there(content, vbri, 18))
        return sb_media_be32(content, vbri + 14);
    return 0;
}

/* Its size has 7 bits a byte. */
uint64_t sb_media_id3_size(struct sb_media_bytes content)
{
    if (!sb_media_has(content, 0, MK_SLICE("ID3")) || !sb_media_there(content, 0, 10))
        return 0;
    uint64_t size = 0;
    for (uint64_t i = 6; i < 10; i++)
        size = size << 7 | (sb_media_byte(content, i) & 0x7f);
    return 10 + size + (sb_media_byte(content, 5) & 0x10 ? 10 : 0);
}

bool sb_media_probe_mp3(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    uint64_t tag = sb_media_id3_size(content);
    uint64_t at = tag;
    struct frame frame;
    bool found = is_start(content, at, &frame);
    if (!found && tag == 0)
        return false;
    info->content_type = "audio/mpeg";
    while (!found && at - tag < SEARCH && sb_media_there(content, at, 4))
        found = is_start(content, ++at, &frame);
    if (!found) {
        *wrong = &mp3_has_no_frame;
        return true;
    }
    uint64_t frames = noted_frames(content, at, &frame);
    if (frames > 0)
        sb_media_set_duration(info, frames * frame.samples, frame.sample_rate);
    else
        sb_media_set_duration(info, (content.len - at) * 8, frame.bit_rate);
    return true;
}
