/* probe_audio: the duration of WAV, Ogg, FLAC, AMR and SILK. */
#include "backend/sandbox/media/probe_private.h"

/* --- damaged headers --- */

static const struct mk_phrase wav_is_damaged = { "its WAV header is cut or damaged",
                                                 "其 WAV 文件头不完整或已损坏" };
static const struct mk_phrase ogg_is_damaged = { "its Ogg header is cut or damaged",
                                                 "其 Ogg 文件头不完整或已损坏" };
static const struct mk_phrase flac_is_damaged = { "its FLAC header is cut or damaged",
                                                  "其 FLAC 文件头不完整或已损坏" };
static const struct mk_phrase flac_has_no_rate = { "its FLAC header gives no rate",
                                                   "其 FLAC 文件头中没有采样率" };
static const struct mk_phrase amr_has_no_frame = { "there is no AMR frame in it",
                                                   "其中没有 AMR 帧" };
static const struct mk_phrase silk_has_no_frame = { "there is no SILK frame in it",
                                                    "其中没有 SILK 帧" };

/* RIFF: the duration is the size of the data chunk divided by the byte rate. */
bool sb_media_probe_wav(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    if (!sb_media_has(content, 0, MK_SLICE("RIFF")) || !sb_media_has(content, 8, MK_SLICE("WAVE")))
        return false;
    info->content_type = "audio/wav";
    uint32_t byte_rate = 0;
    for (uint64_t at = 12; sb_media_there(content, at, 8) && sb_media_step(content);) {
        uint64_t len = sb_media_le32(content, at + 4);
        if (sb_media_has(content, at, MK_SLICE("fmt ")) && sb_media_there(content, at + 8, 16))
            byte_rate = sb_media_le32(content, at + 16);
        if (sb_media_has(content, at, MK_SLICE("data"))) {
            uint64_t rest = content.len - (at + 8);
            if (byte_rate == 0)
                break;
            sb_media_set_duration(info, len < rest ? len : rest, byte_rate);
            return true;
        }
        at += 8 + len + len % 2;
    }
    *wrong = &wav_is_damaged;
    return true;
}

/* --- Ogg --- */

enum { OGG_PAGE = 27, OGG_LAST = 65307 }; /* the least and the most bytes of a page */

/* The time at the end of the last page of this stream: found from the end. 0: there is none. */
static uint64_t last_granule(struct sb_media_bytes content, uint32_t serial)
{
    uint64_t stop = content.len > 2 * OGG_LAST ? content.len - 2 * OGG_LAST : 0;
    for (uint64_t at = content.len; at-- > stop;) {
        if (sb_media_byte(content, at) != 'O' || !sb_media_there(content, at, OGG_PAGE) ||
            !sb_media_has(content, at, MK_SLICE("OggS\0")))
            continue;
        uint64_t granule = sb_media_le64(content, at + 6);
        if (sb_media_le32(content, at + 14) == serial && granule != UINT64_MAX)
            return granule;
    }
    return 0;
}

/* RFC 3533. The first packet says which codec it is; video in Ogg is not recognized. */
bool sb_media_probe_ogg(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    if (!sb_media_has(content, 0, MK_SLICE("OggS\0")))
        return false;
    info->content_type = "audio/ogg";
    *wrong = &ogg_is_damaged;
    if (!sb_media_there(content, 0, OGG_PAGE))
        return true;
    uint64_t packet = OGG_PAGE + sb_media_byte(content, 26);
    uint64_t rate = 0, skipped = 0;
    if (sb_media_has(content, packet, MK_SLICE("OpusHead")) &&
        sb_media_there(content, packet, 19)) {
        rate = 48000; /* RFC 7845, 4: whatever the rate of the source was */
        skipped = sb_media_le16(content, packet + 10);
    } else if (sb_media_has(content, packet, MK_SLICE("\x01vorbis")) &&
               sb_media_there(content, packet, 30)) {
        rate = sb_media_le32(content, packet + 12);
    } else if (sb_media_there(content, packet, 8)) {
        *wrong = NULL;
        return false; /* another codec */
    }
    if (rate == 0)
        return true;
    uint64_t end = last_granule(content, sb_media_le32(content, 14));
    sb_media_set_duration(info, end > skipped ? end - skipped : 0, rate);
    *wrong = NULL;
    return true;
}

/* RFC 9639, 8.2: the first block holds the rate (20 bits) and the number of samples (36 bits). */
bool sb_media_probe_flac(struct sb_media_bytes content, struct sb_media_info *info,
                         const struct mk_phrase **wrong)
{
    if (!sb_media_has(content, 0, MK_SLICE("fLaC")))
        return false;
    info->content_type = "audio/flac";
    if (!sb_media_there(content, 0, 42) || (sb_media_be32(content, 4) & 0x7fffffff) != 34) {
        *wrong = &flac_is_damaged;
        return true;
    }
    uint64_t bits = sb_media_be64(content, 18);
    uint64_t rate = bits >> 44;
    if (rate == 0)
        *wrong = &flac_has_no_rate;
    else
        sb_media_set_duration(info, bits & 0xfffffffff, rate);
    return true;
}

/* --- voices: frames of 20 ms each --- */

enum { FRAMES_A_SECOND = 50 };

/* RFC 4867, 5.3: a byte gives the length of the frame after it. */
bool sb_media_probe_amr(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    static const int16_t narrow[16] = {
        12, 13, 15, 17, 19, 20, 26, 31, 5, -1, -1, -1, -1, -1, -1, 0
    };
    static const int16_t wide[16] = { 17, 23, 32, 36, 40, 46, 50, 58, 60, 5, -1, -1, -1, -1, 0, 0 };
    bool is_wide = sb_media_has(content, 0, MK_SLICE("#!AMR-WB\n"));
    if (!is_wide && !sb_media_has(content, 0, MK_SLICE("#!AMR\n")))
        return false;
    info->content_type = is_wide ? "audio/amr-wb" : "audio/amr";
    const int16_t *sizes = is_wide ? wide : narrow;
    uint64_t frames = 0;
    for (uint64_t at = is_wide ? 9 : 6; at < content.len; frames++) {
        int size = sizes[sb_media_byte(content, at) >> 3 & 15];
        if (size < 0 || !sb_media_there(content, at + 1, (uint64_t)size))
            break;
        at += 1 + (uint64_t)size;
    }
    if (frames == 0)
        *wrong = &amr_has_no_frame;
    else
        sb_media_set_duration(info, frames, FRAMES_A_SECOND);
    return true;
}

/*
 * Two bytes give the length of the packet after them. QQ puts a byte before all; others end with
 * FFFF.
 */
bool sb_media_probe_silk(struct sb_media_bytes content, struct sb_media_info *info,
                         const struct mk_phrase **wrong)
{
    bool is_qq = sb_media_has(content, 0, MK_SLICE("\x02#!SILK_V3"));
    if (!is_qq && !sb_media_has(content, 0, MK_SLICE("#!SILK_V3")))
        return false;
    info->content_type = "audio/silk";
    uint64_t frames = 0;
    for (uint64_t at = is_qq ? 10 : 9; sb_media_there(content, at, 2); frames++) {
        uint32_t len = sb_media_le16(content, at);
        if (len > INT16_MAX || !sb_media_there(content, at + 2, len))
            break;
        at += 2 + (uint64_t)len;
    }
    if (frames == 0)
        *wrong = &silk_has_no_frame;
    else
        sb_media_set_duration(info, frames, FRAMES_A_SECOND);
    return true;
}
