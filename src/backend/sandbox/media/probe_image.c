/* probe_image: the width and height of images, from their headers. */
#include "backend/sandbox/media/probe_private.h"

/* --- damaged headers --- */

static const struct mk_phrase png_is_damaged = { "its PNG header is cut or damaged",
                                                 "其 PNG 文件头不完整或已损坏" };
static const struct mk_phrase png_has_no_size = { "its PNG header gives no size",
                                                  "其 PNG 文件头中没有尺寸" };
static const struct mk_phrase jpeg_has_no_size = { "its JPEG header gives no size",
                                                   "其 JPEG 文件头中没有尺寸" };
static const struct mk_phrase jpeg_is_damaged = { "its JPEG header is cut or damaged",
                                                  "其 JPEG 文件头不完整或已损坏" };
static const struct mk_phrase gif_is_cut = { "its GIF header is cut", "其 GIF 文件头不完整" };
static const struct mk_phrase gif_has_no_size = { "its GIF header gives no size",
                                                  "其 GIF 文件头中没有尺寸" };
static const struct mk_phrase webp_is_cut = { "its WebP header is cut", "其 WebP 文件头不完整" };
static const struct mk_phrase webp_is_damaged = { "its WebP header is damaged",
                                                  "其 WebP 文件头已损坏" };
static const struct mk_phrase bmp_is_damaged = { "its BMP header is cut or damaged",
                                                 "其 BMP 文件头不完整或已损坏" };

/* PNG, 11.2.1: the header chunk comes first. */
bool sb_media_probe_png(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    if (!sb_media_has(content, 0, MK_SLICE("\x89PNG\r\n\x1a\n")))
        return false;
    info->content_type = "image/png";
    if (!sb_media_there(content, 8, 25) || !sb_media_has(content, 12, MK_SLICE("IHDR")) ||
        sb_media_be32(content, 8) != 13)
        *wrong = &png_is_damaged;
    else if (!sb_media_set_size(info, sb_media_be32(content, 16), sb_media_be32(content, 20)))
        *wrong = &png_has_no_size;
    return true;
}

/* A start of frame (ITU T.81, B.2.2); C4, C8 and CC are other markers. */
static bool is_frame_marker(uint32_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* Skips segments (EXIF with its thumbnail is one of them) until a frame starts. */
bool sb_media_probe_jpeg(struct sb_media_bytes content, struct sb_media_info *info,
                         const struct mk_phrase **wrong)
{
    if (!sb_media_has(content, 0, MK_SLICE("\xff\xd8\xff")))
        return false;
    info->content_type = "image/jpeg";
    for (uint64_t at = 2; sb_media_there(content, at, 4) && sb_media_step(content);) {
        uint32_t marker = sb_media_byte(content, at + 1);
        if (sb_media_byte(content, at) != 0xff || marker == 0xd9 || marker == 0xda)
            break;
        if (marker == 0xff) { /* filling */
            at++;
            continue;
        }
        if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
            at += 2;
            continue;
        }
        uint32_t len = sb_media_be16(content, at + 2);
        if (is_frame_marker(marker) && len >= 8 && sb_media_there(content, at, 9)) {
            if (!sb_media_set_size(info, sb_media_be16(content, at + 7),
                                   sb_media_be16(content, at + 5)))
                *wrong = &jpeg_has_no_size;
            return true;
        }
        if (len < 2)
            break;
        at += 2 + (uint64_t)len;
    }
    *wrong = &jpeg_is_damaged;
    return true;
}

bool sb_media_probe_gif(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    if (!sb_media_has(content, 0, MK_SLICE("GIF87a")) &&
        !sb_media_has(content, 0, MK_SLICE("GIF89a")))
        return false;
    info->content_type = "image/gif";
    if (!sb_media_there(content, 0, 13))
        *wrong = &gif_is_cut;
    else if (!sb_media_set_size(info, sb_media_le16(content, 6), sb_media_le16(content, 8)))
        *wrong = &gif_has_no_size;
    return true;
}

/* The first chunk has the size: lossy (RFC 6386, 9.1), lossless, or extended (RFC 9649). */
bool sb_media_probe_webp(struct sb_media_bytes content, struct sb_media_info *info,
                         const struct mk_phrase **wrong)
{
    if (!sb_media_has(content, 0, MK_SLICE("RIFF")) || !sb_media_has(content, 8, MK_SLICE("WEBP")))
        return false;
    info->content_type = "image/webp";
    uint64_t width = 0, height = 0;
    if (!sb_media_there(content, 12, 18)) {
        *wrong = &webp_is_cut;
        return true;
    }
    if (sb_media_has(content, 12, MK_SLICE("VP8 ")) &&
        sb_media_has(content, 23, MK_SLICE("\x9d\x01\x2a"))) {
        width = sb_media_le16(content, 26) & 0x3fff;
        height = sb_media_le16(content, 28) & 0x3fff;
    } else if (sb_media_has(content, 12, MK_SLICE("VP8L")) && sb_media_byte(content, 20) == 0x2f) {
        uint32_t bits = sb_media_le32(content, 21);
        width = (bits & 0x3fff) + 1;
        height = (bits >> 14 & 0x3fff) + 1;
    } else if (sb_media_has(content, 12, MK_SLICE("VP8X"))) {
        width = (sb_media_le32(content, 24) & 0xffffff) + 1;
        height = (sb_media_le32(content, 26) >> 8) + 1;
    }
    if (!sb_media_set_size(info, width, height))
        *wrong = &webp_is_damaged;
    return true;
}

/* Many texts begin with "BM", so the size of the second header must be one that exists. */
bool sb_media_probe_bmp(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    static const uint8_t header_sizes[] = { 12, 16, 40, 52, 56, 64, 108, 124 };
    bool known = false;
    if (!sb_media_has(content, 0, MK_SLICE("BM")) || !sb_media_there(content, 0, 18))
        return false;
    uint32_t size = sb_media_le32(content, 14);
    for (size_t i = 0; i < sizeof(header_sizes); i++)
        known = known || size == header_sizes[i];
    if (!known)
        return false;
    info->content_type = "image/bmp";
    uint64_t width = 0, height = 0;
    if (size == 12 && sb_media_there(content, 0, 26)) {
        width = sb_media_le16(content, 18);
        height = sb_media_le16(content, 20);
    } else if (sb_media_there(content, 0, 26)) {
        width = sb_media_le32(content, 18);
        uint32_t rows = sb_media_le32(content, 22);
        height = rows > INT32_MAX ? 0 - rows : rows; /* negative: rows from top to bottom */
    }
    if (!sb_media_set_size(info, width, height))
        *wrong = &bmp_is_damaged;
    return true;
}
