/* probe_tiff: the width and height of TIFF and BigTIFF, from the directory of the first image. */
#include "backend/sandbox/media/probe_private.h"

static const struct mk_phrase tiff_is_damaged = { "its TIFF header is cut or damaged",
                                                  "其 TIFF 文件头不完整或已损坏" };

enum { TAG_WIDTH = 256, TAG_HEIGHT = 257, TYPE_SHORT = 3, TYPE_LONG = 4, TYPE_LONG8 = 16 };

struct order {
    struct sb_media_bytes content;
    bool is_big; /* the first byte is the highest */
};

static uint32_t read16(const struct order *order, uint64_t at)
{
    return order->is_big ? sb_media_be16(order->content, at) : sb_media_le16(order->content, at);
}

static uint32_t read32(const struct order *order, uint64_t at)
{
    return order->is_big ? sb_media_be32(order->content, at) : sb_media_le32(order->content, at);
}

static uint64_t read64(const struct order *order, uint64_t at)
{
    return order->is_big ? sb_media_be64(order->content, at) : sb_media_le64(order->content, at);
}

/* A value within its entry. */
static uint64_t read_value(const struct order *order, uint32_t type, uint64_t at)
{
    return type == TYPE_SHORT   ? read16(order, at)
           : type == TYPE_LONG  ? read32(order, at)
           : type == TYPE_LONG8 ? read64(order, at)
                                : 0;
}

bool sb_media_probe_tiff(struct sb_media_bytes content, struct sb_media_info *info,
                         const struct mk_phrase **wrong)
{
    struct order order = { content, sb_media_has(content, 0, MK_SLICE("MM\0")) };
    bool is_long =
        sb_media_has(content, 0, MK_SLICE("II+\0")) || sb_media_has(content, 0, MK_SLICE("MM\0+"));
    if (!is_long && !sb_media_has(content, 0, MK_SLICE("II*\0")) &&
        !sb_media_has(content, 0, MK_SLICE("MM\0*")))
        return false;
    info->content_type = "image/tiff";
    *wrong = &tiff_is_damaged;
    if (!sb_media_there(content, 0, is_long ? 16 : 8))
        return true;
    uint64_t at = is_long ? read64(&order, 8) : read32(&order, 4);
    uint64_t entry = is_long ? 20 : 12, value = is_long ? 12 : 8, head = is_long ? 8 : 2;
    if (!sb_media_there(content, at, head))
        return true;
    uint64_t count = is_long ? read64(&order, at) : read16(&order, at);
    uint64_t width = 0, height = 0;
    for (at += head; count > 0 && sb_media_there(content, at, entry) && sb_media_step(content);
         count--, at += entry) {
        uint32_t tag = read16(&order, at), type = read16(&order, at + 2);
        bool fits = type != TYPE_LONG8 || is_long;
        if (tag == TAG_WIDTH && fits)
            width = read_value(&order, type, at + value);
        else if (tag == TAG_HEIGHT && fits)
            height = read_value(&order, type, at + value);
    }
    if (sb_media_set_size(info, width, height))
        *wrong = NULL;
    return true;
}
