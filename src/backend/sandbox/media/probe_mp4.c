/*
 * probe_mp4: MP4 and MOV (ISO 14496-12): boxes in boxes. The box moov has all that is read here; it
 * may come before or after the frames. Where it gives no duration, see probe_fragments.
 */
#include "backend/sandbox/media/probe_boxes.h"

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
    struct sb_media_tracks tracks;
};

/* mvhd and mdhd begin with the same fields. All ones: the duration is unknown. */
static bool read_times(struct sb_media_bytes box, uint32_t *time_scale, uint64_t *duration)
{
    bool is_long = sb_media_box_version(box) == 1;
    if (!sb_media_there(box, 0, is_long ? 32 : 20))
        return false;
    *time_scale = sb_media_be32(box, is_long ? 20 : 12);
    *duration = is_long ? sb_media_be64(box, 24) : sb_media_be32(box, 16);
    if (*duration == (is_long ? UINT64_MAX : UINT32_MAX))
        *duration = 0;
    return *time_scale > 0;
}

/* Sizes are fixed-point numbers: 16 bits before the point and 16 after it. */
static void read_size(struct sb_media_bytes track_header, struct movie *movie)
{
    uint64_t at = sb_media_box_version(track_header) == 1 ? 88 : 76;
    if (!sb_media_there(track_header, at, 8))
        return;
    movie->width = sb_media_be32(track_header, at) >> 16;
    movie->height = sb_media_be32(track_header, at + 4) >> 16;
}

static void read_track(struct sb_media_bytes trak, struct movie *movie)
{
    struct sb_media_bytes header = { 0 }, media, media_header, handler;
    if (!sb_media_find_box(trak, MK_SLICE("mdia"), &media) ||
        !sb_media_find_box(media, MK_SLICE("hdlr"), &handler))
        return;
    bool has_header = sb_media_find_box(trak, MK_SLICE("tkhd"), &header);
    bool is_video = sb_media_has(handler, 8, MK_SLICE("vide"));
    if (has_header && is_video && !movie->has_video)
        read_size(header, movie);
    bool is_audio = sb_media_has(handler, 8, MK_SLICE("soun"));
    movie->has_video = movie->has_video || is_video;
    movie->has_audio = movie->has_audio || is_audio;
    struct sb_media_track track = { 0 };
    uint64_t id_at = has_header && sb_media_box_version(header) == 1 ? 20 : 12;
    if ((!is_video && !is_audio) || !has_header || !sb_media_there(header, id_at, 4) ||
        !sb_media_find_box(media, MK_SLICE("mdhd"), &media_header) ||
        !read_times(media_header, &track.time_scale, &track.duration) ||
        movie->tracks.count == SB_MEDIA_MOST_TRACKS)
        return;
    track.id = sb_media_be32(header, id_at);
    movie->tracks.track[movie->tracks.count++] = track;
}

/* A fragmented movie may have its duration here. */
static void read_extends(struct sb_media_bytes mvex, struct movie *movie)
{
    struct sb_media_bytes type, box;
    while (sb_media_next_box(&mvex, &type, &box)) {
        bool is_long = sb_media_box_version(box) == 1;
        if (sb_media_has(type, 0, MK_SLICE("trex")))
            sb_media_track_extends(box, &movie->tracks);
        else if (sb_media_has(type, 0, MK_SLICE("mehd")) && movie->duration == 0 &&
                 sb_media_there(box, 4, is_long ? 8 : 4))
            movie->duration = is_long ? sb_media_be64(box, 4) : sb_media_be32(box, 4);
    }
}

static void read_movie(struct sb_media_bytes moov, struct movie *movie)
{
    struct sb_media_bytes type, box, extends = { 0 };
    while (sb_media_next_box(&moov, &type, &box)) {
        if (sb_media_has(type, 0, MK_SLICE("mvhd")))
            movie->has_header = read_times(box, &movie->time_scale, &movie->duration);
        else if (sb_media_has(type, 0, MK_SLICE("trak")))
            read_track(box, movie);
        else if (sb_media_has(type, 0, MK_SLICE("mvex")))
            extends = box;
    }
    if (extends.window) /* it refers to tracks, and to the header */
        read_extends(extends, movie);
}

/* The duration, where the header of the movie gives none: of its longest track, or its fragments.
 */
static void find_duration(struct sb_media_bytes content, struct movie *movie)
{
    if (movie->duration > 0 || !movie->has_header)
        return;
    for (size_t i = 0; i < movie->tracks.count; i++) {
        const struct sb_media_track *track = &movie->tracks.track[i];
        if (movie->duration == 0 || (double)track->duration / track->time_scale >
                                        (double)movie->duration / movie->time_scale) {
            movie->duration = track->duration;
            movie->time_scale = track->time_scale;
        }
    }
    if (movie->duration == 0)
        movie->duration = sb_media_fragments(content, &movie->tracks, &movie->time_scale);
}

bool sb_media_probe_mp4(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    bool has_brand = sb_media_has(content, 4, MK_SLICE("ftyp")) && sb_media_there(content, 8, 4);
    bool is_old = sb_media_has(content, 4, MK_SLICE("moov")) ||
                  sb_media_has(content, 4, MK_SLICE("wide")) ||
                  sb_media_has(content, 4, MK_SLICE("mdat"));
    struct sb_media_bytes brand = sb_media_part(content, has_brand ? 8 : 0, has_brand ? 4 : 0);
    if (!has_brand && !is_old)
        return false;
    struct sb_media_bytes moov;
    struct movie movie = { 0 };
    if (sb_media_find_box(content, MK_SLICE("moov"), &moov))
        read_movie(moov, &movie);
    else if (!has_brand)
        return false;
    find_duration(content, &movie);
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
