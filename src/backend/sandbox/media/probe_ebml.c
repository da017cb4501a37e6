/*
 * probe_ebml: WebM and Matroska (RFC 8794, RFC 9559): elements in elements. Recorders that cannot
 * go back (those of browsers) give neither a duration nor the sizes of their elements: then the
 * times of the blocks are read.
 */
#include "backend/sandbox/media/probe_private.h"

static const struct mk_phrase webm_is_damaged = { "its WebM or Matroska header is cut or damaged",
                                                  "其 WebM 或 Matroska 文件头不完整或已损坏" };

enum {
    EBML = 0x1a45dfa3,
    DOC_TYPE = 0x4282,
    SEGMENT = 0x18538067,
    INFO = 0x1549a966,
    TIME_SCALE = 0x2ad7b1,
    DURATION = 0x4489,
    TRACKS = 0x1654ae6b,
    TRACK = 0xae,
    TRACK_TYPE = 0x83,
    VIDEO = 0xe0,
    WIDTH = 0xb0,
    HEIGHT = 0xba,
    CLUSTER = 0x1f43b675,
    CLUSTER_TIME = 0xe7,
    BLOCK_GROUP = 0xa0,
    BLOCK = 0xa1,
    BLOCK_DURATION = 0x9b,
    SIMPLE_BLOCK = 0xa3,
};

struct element {
    uint32_t id;
    bool is_open; /* its size is unknown: it ends where its parent does */
    struct sb_media_bytes body;
};

struct movie {
    double duration;     /* ticks; 0: unknown */
    uint64_t time_scale; /* nanoseconds of a tick */
    uint64_t last;       /* the end of the last block, in ticks */
    uint64_t cluster;    /* the time of this cluster */
    uint64_t block;      /* of the block of this group */
    uint32_t width;
    uint32_t height;
    bool has_video;
    bool has_audio;
};

/* A number whose first byte gives its length, with that mark or without. Returns its length, or 0.
 */
static unsigned read_number(struct sb_media_bytes in, uint64_t at, bool with_mark, uint64_t *number)
{
    unsigned len = 1;
    if (!sb_media_there(in, at, 1))
        return 0;
    uint32_t first = sb_media_byte(in, at);
    while (len <= 8 && !(first & 0x100u >> len))
        len++;
    if (len > 8 || !sb_media_there(in, at, len))
        return 0;
    *number = with_mark ? first : first & ((0x100u >> len) - 1);
    for (unsigned i = 1; i < len; i++)
        *number = *number << 8 | sb_media_byte(in, at + i);
    return len;
}

/* The next element of `rest`. One that is cut is as long as what is left. */
static bool next_element(struct sb_media_bytes *rest, struct element *element)
{
    uint64_t id, size;
    unsigned id_len = read_number(*rest, 0, true, &id);
    unsigned size_len = id_len > 0 ? read_number(*rest, id_len, false, &size) : 0;
    if (size_len == 0 || id_len > 4 || !sb_media_step(*rest))
        return false;
    uint64_t head = id_len + size_len, left = rest->len - head;
    element->id = (uint32_t)id;
    element->is_open = size == (UINT64_C(1) << 7 * size_len) - 1;
    element->body = sb_media_part(*rest, head, size < left ? size : left);
    *rest = sb_media_part(*rest, head + element->body.len, left - element->body.len);
    return element->is_open || size <= left || id == SEGMENT || id == CLUSTER;
}

static uint64_t read_unsigned(struct sb_media_bytes body)
{
    uint64_t number = 0;
    for (uint64_t i = 0; i < body.len && i < 8; i++)
        number = number << 8 | sb_media_byte(body, i);
    return number;
}

/* Not a number, an infinite or a negative one: 0. */
static double read_float(struct sb_media_bytes body)
{
    double number = 0;
    if (body.len == 4) {
        uint32_t bits = sb_media_be32(body, 0);
        float small;
        memcpy(&small, &bits, sizeof(small));
        number = (double)small;
    } else if (body.len == 8) {
        uint64_t bits = sb_media_be64(body, 0);
        memcpy(&number, &bits, sizeof(number));
    }
    return number > 0 && number <= 1e18 ? number : 0;
}

static void read_info(struct sb_media_bytes info, struct movie *movie)
{
    struct element element;
    while (next_element(&info, &element))
        if (element.id == TIME_SCALE && element.body.len > 0)
            movie->time_scale = read_unsigned(element.body);
        else if (element.id == DURATION)
            movie->duration = read_float(element.body);
}

static void read_track(struct sb_media_bytes track, struct movie *movie)
{
    enum { IS_VIDEO = 1, IS_AUDIO = 2 };
    struct element element, of_video;
    uint64_t type = 0, width = 0, height = 0;
    while (next_element(&track, &element)) {
        if (element.id == TRACK_TYPE)
            type = read_unsigned(element.body);
        while (element.id == VIDEO && next_element(&element.body, &of_video)) {
            if (of_video.id == WIDTH)
                width = read_unsigned(of_video.body);
            else if (of_video.id == HEIGHT)
                height = read_unsigned(of_video.body);
        }
    }
    if (type == IS_VIDEO && !movie->has_video && width <= INT32_MAX && height <= INT32_MAX) {
        movie->width = (uint32_t)width;
        movie->height = (uint32_t)height;
    }
    movie->has_video = movie->has_video || type == IS_VIDEO;
    movie->has_audio = movie->has_audio || type == IS_AUDIO;
}

static void read_tracks(struct sb_media_bytes tracks, struct movie *movie)
{
    struct element element;
    while (next_element(&tracks, &element))
        if (element.id == TRACK)
            read_track(element.body, movie);
}

/* A block begins with the number of its track and its time after that of its cluster. */
static void read_block(struct sb_media_bytes block, struct movie *movie)
{
    uint64_t track;
    unsigned len = read_number(block, 0, false, &track);
    if (len == 0 || !sb_media_there(block, len, 2))
        return;
    uint64_t after = sb_media_be16(block, len);
    after = after >= 0x8000 ? 0 : after; /* before its cluster */
    movie->block = movie->cluster + after;
    movie->last = movie->block > movie->last ? movie->block : movie->last;
}

/* What is in clusters. They may be open, so all that is in them comes as if beside them. */
static void read_of_cluster(const struct element *element, struct movie *movie)
{
    struct element part;
    struct sb_media_bytes group = element->body;
    if (element->id == CLUSTER_TIME) {
        movie->cluster = read_unsigned(element->body) & INT64_MAX;
    } else if (element->id == SIMPLE_BLOCK) {
        read_block(element->body, movie);
    } else if (element->id == BLOCK_GROUP) {
        while (next_element(&group, &part)) {
            if (part.id == BLOCK)
                read_block(part.body, movie);
            uint64_t end = movie->block + (read_unsigned(part.body) & INT32_MAX);
            if (part.id == BLOCK_DURATION && end > movie->last)
                movie->last = end;
        }
    }
}

static void read_segment(struct sb_media_bytes rest, struct movie *movie)
{
    struct element element;
    while (next_element(&rest, &element)) {
        bool is_complete = movie->has_video || movie->has_audio;
        if (element.id == INFO)
            read_info(element.body, movie);
        else if (element.id == TRACKS)
            read_tracks(element.body, movie);
        else if (element.id == CLUSTER && is_complete && movie->duration > 0)
            break;
        else if (element.id == SEGMENT || element.id == CLUSTER)
            rest = sb_media_part(element.body, 0, element.body.len + rest.len);
        else
            read_of_cluster(&element, movie);
    }
}

static void set_duration(struct sb_media_info *info, const struct movie *movie)
{
    double ticks = movie->duration > 0 ? movie->duration : (double)movie->last;
    double ms = ticks * (double)movie->time_scale / 1e6;
    sb_media_set_duration(info, ms < 1e15 ? (uint64_t)ms : UINT64_C(1000000000000000), 1000);
}

bool sb_media_probe_ebml(struct sb_media_bytes content, struct sb_media_info *info,
                         const struct mk_phrase **wrong)
{
    struct sb_media_bytes rest = content;
    struct element header, element;
    bool is_webm = false, is_matroska = false;
    if (!sb_media_has(content, 0, MK_SLICE("\x1a\x45\xdf\xa3")) || !next_element(&rest, &header))
        return false;
    while (next_element(&header.body, &element)) {
        bool is_type = element.id == DOC_TYPE;
        is_webm = is_webm || (is_type && sb_media_has(element.body, 0, MK_SLICE("webm")));
        is_matroska =
            is_matroska || (is_type && sb_media_has(element.body, 0, MK_SLICE("matroska")));
    }
    if (!is_webm && !is_matroska)
        return false;
    struct movie movie = { .time_scale = 1000000 };
    read_segment(rest, &movie);
    if (movie.has_video)
        info->content_type = is_webm ? "video/webm" : "video/x-matroska";
    else
        info->content_type = is_webm ? "audio/webm" : "audio/x-matroska";
    if ((!movie.has_video && !movie.has_audio) ||
        (movie.has_video && !sb_media_set_size(info, movie.width, movie.height)))
        *wrong = &webm_is_damaged;
    else
        set_duration(info, &movie);
    return true;
}
