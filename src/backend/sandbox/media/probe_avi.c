/*
 * probe_avi: AVI, chunks in lists of RIFF. The list hdrl, which comes first, has a header of the
 * movie, and one of each stream: that one counts all frames where the file is in parts (OpenDML).
 */
#include "backend/sandbox/media/probe_private.h"

static const struct mk_phrase avi_is_damaged = { "its AVI header is cut or damaged",
                                                 "其 AVI 文件头不完整或已损坏" };

struct movie {
    bool has_header;
    uint32_t width;
    uint32_t height;
    uint64_t frame_us; /* microseconds of a frame */
    uint64_t frames;
    uint64_t length, rate, scale; /* of the first video stream */
};

/* The next chunk of `rest`; one that is cut is as long as what is left. */
static bool next_chunk(struct sb_media_bytes *rest, struct sb_media_bytes *type,
                       struct sb_media_bytes *chunk)
{
    if (!sb_media_there(*rest, 0, 8) || !sb_media_step(*rest))
        return false;
    uint64_t size = sb_media_le32(*rest, 4), left = rest->len - 8;
    *type = sb_media_part(*rest, 0, 4);
    *chunk = sb_media_part(*rest, 8, size < left ? size : left);
    uint64_t whole = 8 + size + size % 2;
    *rest = whole < rest->len ? sb_media_part(*rest, whole, rest->len - whole)
                              : sb_media_part(*rest, rest->len, 0);
    return true;
}

/* Returns whether a chunk is the list `name`, and what is in it. */
static bool is_list(struct sb_media_bytes type, struct sb_media_bytes chunk, struct mk_slice name,
                    struct sb_media_bytes *list)
{
    if (!sb_media_has(type, 0, MK_SLICE("LIST")) || !sb_media_has(chunk, 0, name))
        return false;
    *list = sb_media_part(chunk, 4, chunk.len - 4);
    return true;
}

static void read_stream(struct sb_media_bytes strl, struct movie *movie)
{
    struct sb_media_bytes type, chunk;
    while (next_chunk(&strl, &type, &chunk))
        if (sb_media_has(type, 0, MK_SLICE("strh")) && sb_media_there(chunk, 0, 36) &&
            sb_media_has(chunk, 0, MK_SLICE("vids")) && movie->rate == 0) {
            movie->scale = sb_media_le32(chunk, 20);
            movie->rate = sb_media_le32(chunk, 24);
            movie->length = sb_media_le32(chunk, 32);
        }
}

static void read_headers(struct sb_media_bytes hdrl, struct movie *movie)
{
    struct sb_media_bytes type, chunk, list;
    while (next_chunk(&hdrl, &type, &chunk))
        if (sb_media_has(type, 0, MK_SLICE("avih")) && sb_media_there(chunk, 0, 40)) {
            movie->has_header = true;
            movie->frame_us = sb_media_le32(chunk, 0);
            movie->frames = sb_media_le32(chunk, 16);
            movie->width = sb_media_le32(chunk, 32);
            movie->height = sb_media_le32(chunk, 36);
        } else if (is_list(type, chunk, MK_SLICE("strl"), &list)) {
            read_stream(list, movie);
        }
}

bool sb_media_probe_avi(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    if (!sb_media_has(content, 0, MK_SLICE("RIFF")) || !sb_media_has(content, 8, MK_SLICE("AVI ")))
        return false;
    info->content_type = "video/x-msvideo";
    struct movie movie = { 0 };
    struct sb_media_bytes rest = sb_media_part(content, 12, content.len - 12), type, chunk, list;
    while (!movie.has_header && next_chunk(&rest, &type, &chunk))
        if (is_list(type, chunk, MK_SLICE("hdrl"), &list))
            read_headers(list, &movie);
    uint64_t us = movie.frame_us * movie.frames;
    if (movie.rate > 0 && movie.length * movie.scale / movie.rate > us / 1000000)
        us = movie.length * movie.scale / movie.rate * 1000000 +
             movie.length * movie.scale % movie.rate * 1000000 / movie.rate;
    if (!movie.has_header || !sb_media_set_size(info, movie.width, movie.height))
        *wrong = &avi_is_damaged;
    else
        sb_media_set_duration(info, us, 1000000);
    return true;
}
