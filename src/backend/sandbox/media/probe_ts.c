/*
 * probe_ts: MPEG transport streams (ISO 13818-1): packets of 188 bytes, with 4 bytes before each in
 * M2TS. The duration is the difference of the times (PTS) at the start and at the end; the size is
 * in the coded frames alone, so it is not known.
 */
#include "backend/sandbox/media/probe_private.h"

static const struct mk_phrase ts_is_damaged = {
    "there is no table of its streams (PAT, PMT) at the start of its MPEG-TS packets",
    "其 MPEG-TS 包的开头没有流表（PAT、PMT）"
};

enum {
    PACKET = 188,
    LOOKED_AT = 16 * 1024, /* packets at the start, and at the end: 3 MB each */
    TIMES = 32,            /* at the end: frames are not in the order of their times */
    IN_A_ROW = 5,          /* packets that tell a stream from text with a G */
    NOTHING = 0x1fff,      /* the PID of filling */
};
static const uint64_t time_mask = (UINT64_C(1) << 33) - 1;
static const uint64_t ticks = 90000; /* a second */

struct stream {
    struct sb_media_bytes content;
    uint64_t size; /* of a packet */
    uint64_t skip; /* bytes before each */
    uint64_t count;
    uint32_t table; /* PIDs; NOTHING: not known yet */
    uint32_t video;
    uint32_t audio;
};

static bool is_grid(const struct stream *stream)
{
    uint64_t count = stream->count < IN_A_ROW ? stream->count : IN_A_ROW;
    for (uint64_t i = 0; i < count; i++)
        if (sb_media_byte(stream->content, i * stream->size + stream->skip) != 0x47)
            return false;
    return count > 1;
}

static bool find_grid(struct sb_media_bytes content, struct stream *stream)
{
    static const uint8_t grids[][2] = { { 188, 0 }, { 192, 4 }, { 204, 0 } };
    for (size_t i = 0; i < sizeof(grids) / sizeof(grids[0]); i++) {
        *stream = (struct stream){ content, grids[i][0], grids[i][1], content.len / grids[i][0],
                                   NOTHING, NOTHING,     NOTHING };
        if (is_grid(stream))
            return true;
    }
    return false;
}

/* What a packet carries: its PID, and the start of something (else an empty part). */
static struct sb_media_bytes open_packet(const struct stream *stream, uint64_t index, uint32_t *pid)
{
    struct sb_media_bytes packet =
        sb_media_part(stream->content, index * stream->size + stream->skip, PACKET);
    uint32_t head = sb_media_be32(packet, 0);
    uint64_t at = 4;
    *pid = head >> 8 & 0x1fff;
    if (head & 0x20)
        at += 1 + (uint64_t)sb_media_byte(packet, 4);
    bool is_start = head >> 24 == 0x47 && head & 0x400000 && head & 0x10 && at < PACKET;
    return is_start ? sb_media_part(packet, at, PACKET - at) : sb_media_part(packet, 0, 0);
}

/* A section without its pointer; empty when it is no whole one of this table in this packet. */
static struct sb_media_bytes open_section(struct sb_media_bytes body, uint32_t table)
{
    uint64_t at = body.len > 0 ? 1 + (uint64_t)sb_media_byte(body, 0) : 0;
    if (body.len == 0 || !sb_media_there(body, at, 12) || sb_media_byte(body, at) != table)
        return sb_media_part(body, 0, 0);
    uint64_t len = 3 + (uint64_t)(sb_media_be16(body, at + 1) & 0xfff);
    uint64_t left = body.len - at;
    len = len < left ? len : left;
    return sb_media_part(body, at, len > 4 ? len - 4 : 0); /* without its CRC */
}

/* Takes the first program. */
static void read_programs(struct sb_media_bytes section, struct stream *stream)
{
    for (uint64_t at = 8; sb_media_there(section, at, 4); at += 4)
        if (sb_media_be16(section, at) != 0 && stream->table == NOTHING)
            stream->table = sb_media_be16(section, at + 2) & 0x1fff;
}

static void read_streams(struct sb_media_bytes section, struct stream *stream)
{
    static const uint8_t videos[] = { 0x01, 0x02, 0x10, 0x1b, 0x20, 0x24, 0x33, 0x42, 0xd2, 0xea };
    static const uint8_t audios[] = { 0x03, 0x04, 0x0f, 0x11, 0x1c, 0x81, 0x82, 0x83, 0x84, 0x87 };
    if (!sb_media_there(section, 10, 2))
        return;
    uint64_t at = 12 + (uint64_t)(sb_media_be16(section, 10) & 0xfff);
    while (sb_media_there(section, at, 5)) {
        int type = (int)sb_media_byte(section, at);
        uint32_t pid = sb_media_be16(section, at + 1) & 0x1fff;
        if (memchr(videos, type, sizeof(videos)) && stream->video == NOTHING)
            stream->video = pid;
        if (memchr(audios, type, sizeof(audios)) && stream->audio == NOTHING)
            stream->audio = pid;
        at += 5 + (uint64_t)(sb_media_be16(section, at + 3) & 0xfff);
    }
}

/* The time of a PES packet that begins here. */
static bool read_time(struct sb_media_bytes body, uint64_t *time)
{
    if (!sb_media_there(body, 0, 14) || !sb_media_has(body, 0, MK_SLICE("\0\0\1")) ||
        !(sb_media_byte(body, 7) & 0x80))
        return false;
    *time = (uint64_t)(sb_media_byte(body, 9) >> 1 & 7) << 30 |
            (uint64_t)(sb_media_be16(body, 10) >> 1) << 15 | sb_media_be16(body, 12) >> 1;
    return true;
}

static uint32_t pid_of(const struct stream *stream)
{
    return stream->video != NOTHING ? stream->video : stream->audio;
}

/* Reads the tables, and the first time behind them. Returns the packet of it, or the last. */
static uint64_t read_start(struct stream *stream, uint64_t *time)
{
    uint64_t count = stream->count < LOOKED_AT ? stream->count : LOOKED_AT;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t pid;
        struct sb_media_bytes body = open_packet(stream, i, &pid);
        if (pid == 0)
            read_programs(open_section(body, 0), stream);
        else if (pid == stream->table && pid != NOTHING && pid_of(stream) == NOTHING)
            read_streams(open_section(body, 2), stream);
        else if (pid == pid_of(stream) && pid != NOTHING && read_time(body, time))
            return i;
    }
    return stream->count;
}

/* Ticks from `first` to the latest time at the end; they wrap around after a day. */
static uint64_t read_end(const struct stream *stream, uint64_t index, uint64_t first)
{
    uint64_t longest = 0, time;
    uint64_t stop = stream->count > LOOKED_AT ? stream->count - LOOKED_AT : 0;
    stop = stop > index ? stop : index;
    int found = 0;
    for (uint64_t i = stream->count; i-- > stop && found < TIMES;) {
        uint32_t pid;
        struct sb_media_bytes body = open_packet(stream, i, &pid);
        if (pid != pid_of(stream) || !read_time(body, &time))
            continue;
        uint64_t ticks_since = (time - first) & time_mask;
        if (ticks_since <= time_mask / 2 && ticks_since > longest)
            longest = ticks_since;
        found++;
    }
    return longest;
}

bool sb_media_probe_ts(struct sb_media_bytes content, struct sb_media_info *info,
                       const struct mk_phrase **wrong)
{
    struct stream stream;
    uint64_t first = 0;
    if (!find_grid(content, &stream))
        return false;
    uint64_t index = read_start(&stream, &first);
    bool is_video = stream.video != NOTHING;
    info->content_type = is_video ? "video/mp2t" : "audio/mp2t";
    if (pid_of(&stream) == NOTHING)
        *wrong = &ts_is_damaged;
    else
        sb_media_set_duration(info, index < stream.count ? read_end(&stream, index, first) : 0,
                              ticks);
    return true;
}
