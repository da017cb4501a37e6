/*
 * probe_heif: HEIC and AVIF (ISO 23008-12): the primary item and its properties, in the boxes of
 * MP4. Where no item is the primary one, the largest is taken: others are thumbnails or tiles.
 */
#include "backend/sandbox/media/probe_boxes.h"

static const struct mk_phrase heif_is_damaged = { "its HEIC or AVIF header is cut or damaged",
                                                  "其 HEIC 或 AVIF 文件头不完整或已损坏" };

/* What the properties of an image say. */
struct picture {
    uint32_t width;
    uint32_t height;
    bool is_turned; /* by a quarter */
};

/* The content type of a brand, or NULL. */
static const char *type_of(struct sb_media_bytes brand)
{
    static const struct {
        const char *brand, *type;
    } brands[] = {
        { "avif", "image/avif" }, { "avis", "image/avif" }, { "heic", "image/heic" },
        { "heix", "image/heic" }, { "heim", "image/heic" }, { "heis", "image/heic" },
        { "hevc", "image/heic" }, { "hevx", "image/heic" }, { "hevm", "image/heic" },
        { "hevs", "image/heic" },
    };
    for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++)
        if (sb_media_has(brand, 0, mk_slice_of(brands[i].brand, 4)))
            return brands[i].type;
    return NULL;
}

/* By the major brand; "mif1" and "msf1" leave it to the others, of which there may be many. */
static const char *find_type(struct sb_media_bytes content)
{
    enum { MOST_BRANDS = 64 };
    struct sb_media_bytes rest = content, type, box;
    if (!sb_media_has(content, 4, MK_SLICE("ftyp")) || !sb_media_there(content, 8, 4))
        return NULL;
    struct sb_media_bytes major = sb_media_part(content, 8, 4);
    if (type_of(major))
        return type_of(major);
    if (!sb_media_has(major, 0, MK_SLICE("mif1")) && !sb_media_has(major, 0, MK_SLICE("msf1")))
        return NULL;
    if (!sb_media_next_box(&rest, &type, &box))
        return "image/heif";
    for (uint64_t at = 8; at < 8 + 4 * MOST_BRANDS && sb_media_there(box, at, 4); at += 4)
        if (type_of(sb_media_part(box, at, 4)))
            return type_of(sb_media_part(box, at, 4));
    return "image/heif";
}

static void take_property(struct sb_media_bytes type, struct sb_media_bytes box,
                          struct picture *picture)
{
    if (sb_media_has(type, 0, MK_SLICE("ispe")) && sb_media_there(box, 0, 12)) {
        picture->width = sb_media_be32(box, 4);
        picture->height = sb_media_be32(box, 8);
    } else if (sb_media_has(type, 0, MK_SLICE("irot")) && box.len > 0) {
        picture->is_turned = sb_media_byte(box, 0) & 1;
    }
}

/* `index` counts from 1. */
static void take_indexed(struct sb_media_bytes properties, uint32_t index, struct picture *picture)
{
    struct sb_media_bytes type, box;
    for (uint32_t i = 1; i <= index && sb_media_next_box(&properties, &type, &box); i++)
        if (i == index)
            take_property(type, box, picture);
}

/* Takes the properties of one item from its list of associations. */
static void take_associated(struct sb_media_bytes ipma, struct sb_media_bytes properties,
                            uint32_t item, struct picture *picture)
{
    uint64_t id_size = sb_media_box_version(ipma) == 0 ? 2 : 4;
    uint64_t index_size = sb_media_box_flags(ipma) & 1 ? 2 : 1;
    uint32_t entries = sb_media_there(ipma, 4, 4) ? sb_media_be32(ipma, 4) : 0;
    uint64_t at = 8;
    for (; entries > 0 && sb_media_there(ipma, at, id_size + 1) && sb_media_step(ipma); entries--) {
        uint32_t id = id_size == 2 ? sb_media_be16(ipma, at) : sb_media_be32(ipma, at);
        uint32_t count = sb_media_byte(ipma, at + id_size);
        at += id_size + 1;
        for (; count > 0 && sb_media_there(ipma, at, index_size); count--) {
            if (id == item)
                take_indexed(properties,
                             index_size == 2 ? sb_media_be16(ipma, at) & 0x7fff
                                             : sb_media_byte(ipma, at) & 0x7f,
                             picture);
            at += index_size;
        }
    }
}

static void take_largest(struct sb_media_bytes properties, struct picture *picture)
{
    struct sb_media_bytes type, box;
    while (sb_media_next_box(&properties, &type, &box)) {
        struct picture other = { 0 };
        take_property(type, box, &other);
        if ((uint64_t)other.width * other.height > (uint64_t)picture->width * picture->height)
            *picture = other;
    }
}

static void read_meta(struct sb_media_bytes meta, struct picture *picture)
{
    struct sb_media_bytes primary, iprp, properties, ipma;
    meta = sb_media_part(meta, 4, meta.len - 4);
    if (!sb_media_find_box(meta, MK_SLICE("iprp"), &iprp) ||
        !sb_media_find_box(iprp, MK_SLICE("ipco"), &properties))
        return;
    if (sb_media_find_box(meta, MK_SLICE("pitm"), &primary) && sb_media_there(primary, 0, 8) &&
        sb_media_find_box(iprp, MK_SLICE("ipma"), &ipma))
        take_associated(ipma, properties,
                        sb_media_box_version(primary) == 0 ? sb_media_be16(primary, 4)
                                                           : sb_media_be32(primary, 4),
                        picture);
    if (picture->width == 0)
        take_largest(properties, picture);
}

bool sb_media_probe_heif(struct sb_media_bytes content, struct sb_media_info *info,
                         const struct mk_phrase **wrong)
{
    const char *type = find_type(content);
    struct picture picture = { 0 };
    struct sb_media_bytes meta;
    if (!type)
        return false;
    info->content_type = type;
    if (sb_media_find_box(content, MK_SLICE("meta"), &meta) && meta.len >= 4)
        read_meta(meta, &picture);
    uint32_t width = picture.is_turned ? picture.height : picture.width;
    uint32_t height = picture.is_turned ? picture.width : picture.height;
    if (!sb_media_set_size(info, width, height))
        *wrong = &heif_is_damaged;
    return true;
}
