/*
 * probe_flv: Flash Video (version 10.1 of its specification, annex E): tags, of which the first
 * describes the movie by values of AMF0. What it does not say is taken from the last tag.
 */
#include "backend/sandbox/media/probe_private.h"

static const struct mk_phrase flv_is_damaged = { "its FLV header is cut or damaged",
                                                 "其 FLV 文件头不完整或已损坏" };

enum {
    HEADER = 9,
    TAG = 11, /* bytes of the head of a tag; 4 bytes follow its body */
    TAG_AUDIO = 8,
    TAG_VIDEO = 9,
    TAG_SCRIPT = 18,
    LOOKED_AT = 64, /* tags */
    DEEPEST = 16,   /* values in values */
};

enum amf {
    AMF_NUMBER = 0,
    AMF_BOOLEAN = 1,
    AMF_STRING = 2,
    AMF_OBJECT = 3,
    AMF_NULL = 5,
    AMF_UNDEFINED = 6,
    AMF_REFERENCE = 7,
    AMF_MAP = 8,
    AMF_END = 9,
    AMF_LIST = 10,
    AMF_DATE = 11,
    AMF_LONG_STRING = 12,
};

struct movie {
    double duration; /* seconds; 0: unknown */
    double width;
    double height;
};

static double read_double(struct sb_media_bytes in, uint64_t at)
{
    uint64_t bits = sb_media_be64(in, at);
    double number;
    memcpy(&number, &bits, sizeof(number));
    return number > 0 && number <= 1e12 ? number : 0;
}

/* Moves `*at` behind so many bytes. Returns false where there are fewer. */
static bool skip(struct sb_media_bytes in, uint64_t *at, uint64_t count)
{
    if (!sb_media_there(in, *at, count))
        return false;
    *at += count;
    return true;
}

static bool skip_value(struct sb_media_bytes in, uint64_t *at, unsigned depth);

/* Names and values. The end is an empty name with the mark of an end. */
static bool skip_members(struct sb_media_bytes in, uint64_t *at, unsigned depth)
{
    while (sb_media_there(in, *at, 3) && sb_media_step(in)) {
        uint64_t name = sb_media_be16(in, *at);
        if (name == 0 && sb_media_byte(in, *at + 2) == AMF_END)
            return skip(in, at, 3);
        if (!skip(in, at, 2 + name) || !skip_value(in, at, depth + 1))
            return false;
    }
    return false;
}

static bool skip_list(struct sb_media_bytes in, uint64_t *at, unsigned depth)
{
    if (!sb_media_there(in, *at, 4))
        return false;
    uint32_t count = sb_media_be32(in, *at);
    *at += 4;
    for (; count > 0; count--)
        if (!sb_media_step(in) || !skip_value(in, at, depth + 1))
            return false;
    return true;
}

static bool skip_value(struct sb_media_bytes in, uint64_t *at, unsigned depth)
{
    if (depth > DEEPEST || !sb_media_there(in, *at, 1))
        return false;
    enum amf type = sb_media_byte(in, *at);
    *at += 1;
    switch (type) {
    case AMF_NUMBER:
        return skip(in, at, 8);
    case AMF_BOOLEAN:
        return skip(in, at, 1);
    case AMF_STRING:
        return sb_media_there(in, *at, 2) && skip(in, at, 2 + (uint64_t)sb_media_be16(in, *at));
    case AMF_LONG_STRING:
        return sb_media_there(in, *at, 4) && skip(in, at, 4 + (uint64_t)sb_media_be32(in, *at));
    case AMF_REFERENCE:
        return skip(in, at, 2);
    case AMF_DATE:
        return skip(in, at, 10);
    case AMF_NULL:
    case AMF_UNDEFINED:
        return true;
    case AMF_OBJECT:
        return skip_members(in, at, depth);
    case AMF_MAP:
        return skip(in, at, 4) && skip_members(in, at, depth);
    case AMF_LIST:
        return skip_list(in, at, depth);
    case AMF_END:
        break;
    }
    return false;
}

static void take_member(struct sb_media_bytes in, uint64_t name_at, uint64_t value_at,
                        struct movie *movie)
{
    struct sb_media_bytes name = sb_media_part(in, name_at, value_at - name_at);
    if (!sb_media_there(in, value_at, 9) || sb_media_byte(in, value_at) != AMF_NUMBER)
        return;
    double number = read_double(in, value_at + 1);
    if (name.len == 8 && sb_media_has(name, 0, MK_SLICE("duration")))
        movie->duration = number;
    else if (name.len == 5 && sb_media_has(name, 0, MK_SLICE("width")))
        movie->width = number;
    else if (name.len == 6 && sb_media_has(name, 0, MK_SLICE("height")))
        movie->height = number;
}

static void read_script(struct sb_media_bytes in, struct movie *movie)
{
    static const struct mk_slice name = { "\2\0\nonMetaData", 13 };
    uint64_t at = name.len + 1;
    if (!sb_media_has(in, 0, name) || !sb_media_there(in, name.len, 1))
        return;
    uint32_t type = sb_media_byte(in, name.len);
    if ((type != AMF_MAP && type != AMF_OBJECT) || (type == AMF_MAP && !skip(in, &at, 4)))
        return;
    while (sb_media_there(in, at, 3) && sb_media_step(in)) {
        uint64_t name_at = at + 2;
        if (!skip(in, &at, 2 + (uint64_t)sb_media_be16(in, at)))
            return;
        take_member(in, name_at, at, movie);
        if (!skip_value(in, &at, 0))
            return;
    }
}

/* Milliseconds: 24 bits, and above them 8 more. */
static uint32_t time_of(struct sb_media_bytes content, uint64_t tag)
{
    return sb_media_be32(content, tag + 4) >> 8 | sb_media_byte(content, tag + 7) << 24;
}

/* By the size behind the last tag; where it does not fit, by going from tag to tag. */
static uint32_t last_time(struct sb_media_bytes content, uint64_t first)
{
    uint64_t size =
        sb_media_there(content, first, TAG + 4) ? sb_media_be32(content, content.len - 4) : 0;
    uint64_t tag = content.len - 4 - size;
    if (size >= TAG && size <= content.len - 4 - first &&
        sb_media_be32(content, tag) << 8 >> 8 == size - TAG)
        return time_of(content, tag);
    uint32_t last = 0;
    for (tag = first; sb_media_there(content, tag, TAG) && sb_media_step(content);) {
        uint32_t time = time_of(content, tag);
        last = time > last ? time : last;
        tag += TAG + (sb_media_be32(content, tag) & 0xffffff) + 4;
    }
    return last;
}

bool sb_media_probe_flv(struct sb_media_bytes content, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    if (!sb_media_has(content, 0, MK_SLICE("FLV\1")))
        return false;
    bool has_header = sb_media_there(content, 0, HEADER);
    uint64_t first = has_header ? (uint64_t)sb_media_be32(content, 5) + 4 : 0;
    bool has_video = has_header && sb_media_byte(content, 4) & 1;
    bool has_audio = has_header && sb_media_byte(content, 4) & 4;
    struct movie movie = { 0 };
    uint64_t tag = first;
    for (int i = 0; i < LOOKED_AT && has_header && sb_media_there(content, tag, TAG); i++) {
        uint32_t type = sb_media_byte(content, tag) & 31;
        uint64_t size = sb_media_be32(content, tag) & 0xffffff;
        has_video = has_video || type == TAG_VIDEO;
        has_audio = has_audio || type == TAG_AUDIO;
        if (type == TAG_SCRIPT && sb_media_there(content, tag + TAG, size))
            read_script(sb_media_part(content, tag + TAG, size), &movie);
        tag += TAG + size + 4;
    }
    info->content_type = has_video ? "video/x-flv" : "audio/x-flv";
    if ((!has_video && !has_audio) || tag == first) {
        *wrong = &flv_is_damaged;
        return true;
    }
    if (has_video && movie.width <= INT32_MAX && movie.height <= INT32_MAX)
        sb_media_set_size(info, (uint64_t)movie.width, (uint64_t)movie.height);
    uint64_t ms =
        movie.duration > 0 ? (uint64_t)(movie.duration * 1000) : last_time(content, first);
    sb_media_set_duration(info, ms, 1000);
    return true;
}
