/* probe_aiff: the duration of AIFF, AIFF-C and CAF: big-endian chunks. */
#include "backend/sandbox/media/probe_private.h"

static const struct mk_phrase aiff_is_damaged = { "its AIFF header is cut or damaged",
                                                  "其 AIFF 文件头不完整或已损坏" };
static const struct mk_phrase caf_is_damaged = { "its CAF header is cut or damaged",
                                                 "其 CAF 文件头不完整或已损坏" };

/* The whole part of a number of 80 bits; 0 for one below 1, or that does not fit. */
static uint64_t read_extended(struct sb_media_bytes in, uint64_t at)
{
    uint32_t exponent = sb_media_be16(in, at);
    uint64_t mantissa = sb_media_be64(in, at + 2);
    return exponent < 16383 || exponent > 16383 + 63 ? 0 : mantissa >> (16383 + 63 - exponent);
}

/* The chunk COMM has the number of frames, and the rate. */
bool sb_media_probe_aiff(struct sb_media_bytes content, struct sb_media_info *info,
                         const struct mk_phrase **wrong)
{
    if (!sb_media_has(content, 0, MK_SLICE("FORM")) ||
        (!sb_media_has(content, 8, MK_SLICE("AIFF")) &&
         !sb_media_has(content, 8, MK_SLICE("AIFC"))))
        return false;
    info->content_type = "audio/aiff";
    uint64_t rate = 0, frames = 0;
    for (uint64_t at = 12; sb_media_there(content, at, 8) && sb_media_step(content);) {
        uint64_t len = sb_media_be32(content, at + 4);
        if (sb_media_has(content, at, MK_SLICE("COMM")) && sb_media_there(content, at + 8, 18)) {
            frames = sb_media_be32(content, at + 10);
            rate = read_extended(content, at + 16);
            break;
        }
        at += 8 + len + len % 2;
    }
    if (rate == 0)
        *wrong = &aiff_is_damaged;
    else
        sb_media_set_duration(info, frames, rate);
    return true;
}

/* --- CAF --- */

struct description {
    double rate;
    uint32_t packet_bytes;  /* 0: they differ */
    uint32_t packet_frames; /* 0: they differ */
};

static void read_description(struct sb_media_bytes content, uint64_t at, struct description *is)
{
    uint64_t bits = sb_media_be64(content, at);
    memcpy(&is->rate, &bits, sizeof(is->rate));
    if (!(is->rate >= 1 && is->rate <= 1e9))
        is->rate = 0;
    is->packet_bytes = sb_media_be32(content, at + 16);
    is->packet_frames = sb_media_be32(content, at + 20);
}

/* The table of packets has the number of frames; without it all packets are of one size. */
bool sb_media_probe_caf(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    struct description is = { 0 };
    uint64_t frames = 0, data = 0;
    if (!sb_media_has(content, 0, MK_SLICE("caff\0\1")))
        return false;
    info->content_type = "audio/x-caf";
    for (uint64_t at = 8; sb_media_there(content, at, 12) && sb_media_step(content);) {
        uint64_t len = sb_media_be64(content, at + 4), left = content.len - (at + 12);
        bool is_data = sb_media_has(content, at, MK_SLICE("data"));
        len = is_data && len > left ? left : len; /* -1: to the end */
        if (sb_media_has(content, at, MK_SLICE("desc")) && sb_media_there(content, at + 12, 32))
            read_description(content, at + 12, &is);
        else if (sb_media_has(content, at, MK_SLICE("pakt")) &&
                 sb_media_there(content, at + 12, 24))
            frames = sb_media_be64(content, at + 20);
        else if (is_data && len > 4)
            data = len - 4; /* behind the number of its edit */
        if (len > left)
            break;
        at += 12 + len;
    }
    if (frames == 0 && is.packet_bytes > 0)
        frames = data / is.packet_bytes * is.packet_frames;
    if (is.rate < 1)
        *wrong = &caf_is_damaged;
    else
        sb_media_set_duration(info, frames & INT64_MAX, (uint64_t)is.rate);
    return true;
}
