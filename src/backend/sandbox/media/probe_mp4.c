/*
 * probe_mp4: MP4 and MOV (ISO 14496-12): boxes in boxes. The box moov has all that is read here; it
 * may come before or after the frames.
 */
#include "backend/sandbox/media/probe_private.h"

/* --- damaged headers --- */

static const struct mk_phrase mp4_is_damaged = { "its MP4 header is cut or damaged",
                                                 "其 MP4 文件头不完整或已损坏" };
static const struct mk_phrase mp4_has_no_size = { "its MP4 header gives no size",
                                                  "其 MP4 文件头中没有尺寸" };

/* From the headers of the movie and its tracks. */
struct movie {
    uint64_t duration;
    uint32_t time_scale;
    uint32_t width; /* of the first video track */
    uint32_t height;
    bool has_header;
    bool has_video;
    bool has_audio;
};

/* The next box of `rest`: its four letters and what is in it. False at the end, or where it is cut.
 */
static bool next_box(struct sb_media_bytes *rest, struct sb_media_bytes *type,
                     struct sb_media_bytes *box)
{
    if (!sb_media_there(*rest, 0, 8))
        return false;
    uint64_t size = sb_media_be32(*rest, 0), head = 8;
    if (size == 1) {
        if (!sb_media_there(*rest, 0, 16))
            return false;
        size = sb_media_be64(*rest, 8);
        head = 16;
    } else if (size == 0) {
        size = rest->len; /* to the end */
    }
    if (size < head || size > rest->len)
        return false;
    *type = sb_media_part(*rest, 4, 4);
    *box = sb_media_part(*rest, head, size - head);
    *rest = sb_media_part(*rest, size, rest->len - size);
    return true;
}

static bool find_box(struct sb_media_bytes in, struct mk_slice wanted, struct sb_media_bytes *box)
{
    struct sb_media_bytes type;
    while (next_box(&in, &type, box))
        if (sb_media_has(type, 0, wanted))
            return true;
    return false;
}

static void read_movie_header(struct sb_media_bytes box, struct movie *movie)
{
    bool is_long = box.len > 0 && sb_media_byte(box, 0) == 1;
    if (!sb_media_there(box, 0, is_long ? 32 : 20))
        return;
    movie->time_scale = sb_media_be32(box, is_long ? 20 : 12);
    movie->duration = is_long ? sb_media_be64(box, 24) : sb_media_be32(box, 16);
    if (movie->duration == (is_long ? UINT64_MAX : UINT32_MAX))
        movie->duration = 0; /* unknown */
    movie->has_header = movie->time_scale > 0;
}

/* Sizes are fixed-point numbers: 16 bits before the point and 16 after it. */
static void read_track(struct sb_media_bytes track, struct movie *movie)
{
    struct sb_media_bytes header, media, handler;
    if (!find_box(track, MK_SLICE("mdia"), &media) || !find_box(media, MK_SLICE("hdlr"), &handler))
        return;
    if (sb_media_has(handler, 8, MK_SLICE("soun")))
        movie->has_audio = true;
    if (!sb_media_has(handler, 8, MK_SLICE("vide")) || movie->has_video)
        return;
    movie->has_video = true;
    if (!find_box(track, MK_SLICE("tkhd"), &header))
        return;
    uint64_t at = header.len > 0 && sb_media_byte(header, 0) == 1 ? 88 : 76;
    if (!sb_media_there(header, at, 8))
        return;
    movie->width = sb_media_be32(header, at) >> 16;
    movie->height = sb_media_be32(header, at + 4) >> 16;
}

/* A fragmented movie has its duration elsewhere, if at all. */
static void read_fragments(struct sb_media_bytes extends, struct movie *movie)
{
    struct sb_media_bytes header;
    if (movie->duration > 0 || !find_box(extends, MK_SLICE("mehd"), &header))
        return;
    bool is_long = header.len > 0 && sb_media_byte(header, 0) == 1;
    if (sb_media_there(header, 4, is_long ? 8 : 4))
        movie->duration = is_long ? sb_media_be64(header, 4) : sb_media_be32(header, 4);
}

static void read_movie(struct sb_media_bytes moov, struct movie *movie)
{
    struct sb_media_bytes type, box;
    while (next_box(&moov, &type, &box)) {
        if (sb_media_has(type, 0, MK_SLICE("mvhd")))
            read_movie_header(box, movie);
        else if (sb_media_has(type, 0, MK_SLICE("trak")))
            read_track(box, movie);
        else if (sb_media_has(type, 0, MK_SLICE("mvex")))
            read_fragments(box, movie);
    }
}

/* Images (HEIC, AVIF) are in the same boxes; they are not recognized. */
static bool is_picture(struct sb_media_bytes brand)
{
    static const char brands[][5] = {
        "heic", "heix", "hevc", "hevx", "mif1", "msf1", "avif", "avis"
    };
    for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++)
        if (sb_media_has(brand, 0, mk_slice_of(brands[i], 4)))
            return true;
    return false;
}

bool sb_media_probe_mp4(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    bool has_brand = sb_media_has(content, 4, MK_SLICE("ftyp")) && sb_media_there(content, 8, 4);
    bool is_old = sb_media_has(content, 4, MK_SLICE("moov")) ||
                  sb_media_has(content, 4, MK_SLICE("wide")) ||
                  sb_media_has(content, 4, MK_SLICE("mdat"));
    struct sb_media_bytes brand = sb_media_part(content, has_brand ? 8 : 0, has_brand ? 4 : 0);
    if ((!has_brand && !is_old) || is_picture(brand))
        return false;
    struct sb_media_bytes moov;
    struct movie movie = { 0 };
    if (find_box(content, MK_SLICE("moov"), &moov))
        read_movie(moov, &movie);
    else if (!has_brand)
        return false;
    if (movie.has_video)
        info->content_type =
            is_old || sb_media_has(brand, 0, MK_SLICE("qt  ")) ? "video/quicktime" : "video/mp4";
    else
        info->content_type = "audio/mp4";
    if (!movie.has_header || (!movie.has_video && !movie.has_audio))
        *wrong = &mp4_is_damaged;
    else if (movie.has_video && !sb_media_set_size(info, movie.width, movie.height))
        *wrong = &mp4_has_no_size;
    else
        sb_media_set_duration(info, movie.duration, movie.time_scale);
    return true;
}
