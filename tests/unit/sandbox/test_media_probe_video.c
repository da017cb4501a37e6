/* Videos whose headers do not say all: fragments of MP4, WebM of a recorder, FLV, AVI, MPEG-TS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media_probing.h"

#include <math.h>

/* A probe of `made` alone, for contents whose prefixes are not of interest. */
static struct sb_media_info look(void)
{
    struct sb_media_info info;
    const char *wrong = probe_guarded(mk_buf_slice(&made), &info);
    if (wrong)
        fail_msg("%s", wrong);
    return info;
}

/* --- fragments --- */

static void fragment_track(uint32_t id, const char *handler, uint32_t scale, unsigned width)
{
    size_t trak = box_begin("trak"), tkhd = box_begin("tkhd");
    zeros(12);
    big(id, 4);
    zeros(60);
    big(width << 16, 4);
    big(width << 16, 4);
    box_end(tkhd);
    size_t mdia = box_begin("mdia"), mdhd = box_begin("mdhd");
    zeros(12);
    big(scale, 4);
    zeros(8);
    box_end(mdhd);
    size_t hdlr = box_begin("hdlr");
    zeros(8);
    text(handler);
    zeros(12);
    box_end(hdlr);
    box_end(mdia);
    box_end(trak);
}

static void extends(uint32_t id, uint32_t sample_duration)
{
    size_t trex = box_begin("trex");
    zeros(4);
    big(id, 4);
    zeros(4);
    big(sample_duration, 4);
    zeros(8);
    box_end(trex);
}

/* A movie of a video (1, 90 kHz) and a sound (2, 48 kHz) that does not say its duration. */
static void fragmented(uint64_t unknown)
{
    begin();
    size_t ftyp = box_begin("ftyp");
    text("iso5");
    zeros(8);
    box_end(ftyp);
    size_t moov = box_begin("moov"), mvhd = box_begin("mvhd");
    zeros(12);
    big(1000, 4);
    big(unknown, 4);
    zeros(80);
    box_end(mvhd);
    size_t mvex = box_begin("mvex"); /* before the tracks that it is about */
    extends(1, 3000);
    extends(2, 1024);
    box_end(mvex);
    fragment_track(1, "vide", 90000, 64);
    fragment_track(2, "soun", 48000, 0);
    box_end(moov);
}

/* One fragment of a track; durations in the head (0: none), and in the run (0: none). */
static void fragment(uint32_t track, uint32_t count, uint32_t of_head, uint32_t of_run)
{
    size_t moof = box_begin("moof");
    box("mfhd", 8);
    size_t traf = box_begin("traf"), tfhd = box_begin("tfhd");
    big(of_head ? 0x20000 | 0x8 | 0x2 | 0x1 : 0x20000, 4);
    big(track, 4);
    zeros(of_head ? 12 : 0); /* an offset and a description */
    if (of_head)
        big(of_head, 4);
    box_end(tfhd);
    size_t trun = box_begin("trun");
    big(of_run ? 0xf05 : 0x201, 4);
    big(count, 4);
    zeros(of_run ? 8 : 4);
    for (uint32_t i = 0; i < count; i++) {
        if (of_run)
            big(of_run, 4);
        zeros(of_run ? 12 : 4);
    }
    box_end(trun);
    box_end(traf);
    box_end(moof);
    box("mdat", 10);
}

static void mp4_runs(void **state)
{
    (void)state;
    fragmented(0);
    is("video/mp4", 64, 64, 1); /* nothing says how long it is */
    for (int i = 0; i < 3; i++)
        fragment(1, 30, 0, 0); /* by trex: 3 s */
    is("video/mp4", 64, 64, 3);
    fragment(1, 30, 6000, 0); /* by tfhd: 2 s more */
    is("video/mp4", 64, 64, 5);
    fragment(1, 20, 6000, 9000); /* by trun: 2 s more */
    is("video/mp4", 64, 64, 7);
    fragment(2, 48, 0, 10000); /* the longest track counts: 10 s */
    is("video/mp4", 64, 64, 10);
    fragment(9, 48, 0, 100000); /* a track that is not there */
    is("video/mp4", 64, 64, 10);
}

static void index_of(uint32_t track, uint32_t count, uint32_t duration, unsigned type, bool is_long)
{
    size_t sidx = box_begin("sidx");
    big(is_long ? 1 << 24 : 0, 4);
    big(track, 4);
    big(1000, 4);
    zeros(is_long ? 16 : 8);
    zeros(2);
    big(count, 2);
    for (uint32_t i = 0; i < count; i++) {
        big(type << 31 | 100, 4);
        big(duration, 4);
        zeros(4);
    }
    box_end(sidx);
}

static void mp4_indexes(void **state)
{
    (void)state;
    fragmented(UINT32_MAX);
    index_of(1, 4, 2500, 0, true);
    is("video/mp4", 64, 64, 10);
    index_of(1, 2, 1000, 0, false); /* of the next segment */
    index_of(2, 9, 9000, 0, false); /* of another track */
    is("video/mp4", 64, 64, 12);
    fragmented(0);
    index_of(1, 2, 10000, 1, false); /* of indexes, which say the same again */
    index_of(1, 4, 2500, 0, false);
    index_of(1, 4, 2500, 0, false);
    is("video/mp4", 64, 64, 20);
}

/* Counts and durations that no memory, and no number, would hold. */
static void mp4_hostile(void **state)
{
    (void)state;
    fragmented(0);
    for (int i = 0; i < 4; i++) {
        fragment(1, 1, UINT32_MAX, 0);
        memset(made.data + made.len - 18 - 8 - 4, 0xff, 4); /* the count of its run */
    }
    assert_int_equal(look().duration, UINT32_MAX);
    fragmented(0);
    fragment(1, 1, 0, 90000);
    memset(made.data + made.len - 18 - 16 - 8 - 4, 0xff, 4);
    assert_int_equal(look().duration, 1);
    fragmented(0);
    for (int i = 0; i < 2 * 1024 * 1024; i++) /* more boxes than are read */
        box("free", 0);
    fragment(1, 30, 90000, 0);
    assert_int_equal(look().duration, 1);
}

static void m4a_fragments(void **state)
{
    (void)state;
    begin();
    size_t ftyp = box_begin("ftyp");
    text("M4A ");
    zeros(8);
    box_end(ftyp);
    size_t moov = box_begin("moov"), mvhd = box_begin("mvhd");
    zeros(12);
    big(1000, 4);
    zeros(84);
    box_end(mvhd);
    fragment_track(1, "soun", 44100, 0);
    size_t mvex = box_begin("mvex");
    extends(1, 1024);
    box_end(mvex);
    box_end(moov);
    fragment(1, 431, 0, 0);
    is("audio/mp4", 0, 0, 10);
}

/* --- WebM --- */

static size_t element_begin(uint32_t id)
{
    big(id, id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1);
    big(0x10000000, 4);
    return made.len;
}

static void element_end(size_t at)
{
    uint32_t size = (uint32_t)(made.len - at) | 0x10000000;
    for (int i = 0; i < 4; i++)
        made.data[at - 4 + (size_t)i] = (char)(size >> 8 * (3 - i));
}

static void element(uint32_t id, uint64_t number, unsigned size)
{
    size_t at = element_begin(id);
    big(number, size);
    element_end(at);
}

static void open_element(uint32_t id)
{
    big(id, 4);
    big(0x01ffffffffffffff, 8);
}

static void webm_begin(const char *type)
{
    begin();
    size_t at = element_begin(0x1a45dfa3), doc = 0;
    element(0x4286, 1, 1);
    doc = element_begin(0x4282);
    text(type);
    element_end(doc);
    element_end(at);
}

static void webm_info(double duration, uint64_t scale)
{
    uint64_t bits;
    size_t at = element_begin(0x1549a966);
    memcpy(&bits, &duration, sizeof(bits));
    if (scale)
        element(0x2ad7b1, scale, 4);
    if (duration > 0 || duration < 0)
        element(0x4489, bits, 8);
    element_end(at);
}

static void webm_tracks(unsigned width, unsigned height, bool has_audio)
{
    size_t tracks = element_begin(0x1654ae6b), at;
    if (has_audio) {
        at = element_begin(0xae);
        element(0x83, 2, 1);
        element_end(at);
    }
    if (width > 0) {
        at = element_begin(0xae);
        size_t video = element_begin(0xe0);
        element(0xb0, width, 2);
        element(0xba, height, 2);
        element_end(video);
        element(0x83, 1, 1);
        element_end(at);
    }
    element_end(tracks);
}

static void block(uint32_t after)
{
    size_t at = element_begin(0xa3);
    big(0x81, 1);
    big(after, 2);
    big(0x80, 1);
    zeros(20);
    element_end(at);
}

static void webm(void **state)
{
    (void)state;
    webm_begin("webm");
    size_t segment = element_begin(0x18538067);
    webm_info(2500, 4000000); /* 10 s */
    webm_tracks(640, 360, true);
    element_end(segment);
    is("video/webm", 640, 360, 10);
    webm_begin("matroska");
    open_element(0x18538067);
    webm_tracks(0, 0, true); /* before the duration, and with the usual scale */
    webm_info(7000, 0);
    is("audio/x-matroska", 0, 0, 7);
    webm_begin("pict");
    open_element(0x18538067);
    webm_tracks(640, 360, true);
    is_other();
    webm_begin("webm");
    open_element(0x18538067);
    webm_info(7000, 0);
    is_refused("cut or damaged");
}

/* What a browser records: neither a duration nor sizes. */
static void webm_recorded(void **state)
{
    (void)state;
    webm_begin("webm");
    open_element(0x18538067);
    webm_info(0, 1000000);
    webm_tracks(320, 240, true);
    for (uint32_t i = 0; i < 3; i++) {
        open_element(0x1f43b675);
        element(0xe7, i * 5000, 2);
        block(0);
        block(1960);
        block(0xfff0); /* before its cluster */
    }
    is("video/webm", 320, 240, 12);
    size_t cluster = element_begin(0x1f43b675);
    element(0xe7, 20000, 2);
    size_t group = element_begin(0xa0);
    size_t at = element_begin(0xa1);
    big(0x81000a, 3);
    element_end(at);
    element(0x9b, 4990, 2);
    element_end(group);
    element_end(cluster);
    is("video/webm", 320, 240, 25);
}

static void webm_hostile(void **state)
{
    (void)state;
    static const double durations[] = { -5, 1e300, (double)INFINITY, (double)NAN };
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        webm_begin("webm");
        open_element(0x18538067);
        webm_info(durations[i], 0);
        webm_tracks(32, 24, false);
        assert_int_equal(look().duration, 1);
    }
    webm_begin("webm");
    open_element(0x18538067);
    webm_info(1e17, UINT32_MAX);
    webm_tracks(32, 24, false);
    assert_int_equal(look().duration, UINT32_MAX);
    webm_begin("webm");
    for (int i = 0; i < 2 * 1024 * 1024; i++) /* more of them than are read */
        open_element(0x18538067);
    webm_tracks(32, 24, false);
    is_refused("cut or damaged");
}

/* --- FLV --- */

static void flv_begin(unsigned flags)
{
    begin();
    text("FLV\1");
    big(flags, 1);
    big(9, 4);
    big(0, 4);
}

static void flv_tag(unsigned type, uint32_t ms, size_t start)
{
    size_t size = made.len - start;
    char body[1024];
    assert_true(size <= sizeof(body));
    memcpy(body, made.data + start, size);
    made.len = start;
    big(type, 1);
    big(size, 3);
    big(ms & 0xffffff, 3);
    big(ms >> 24, 1);
    big(0, 3);
    bytes(body, size);
    big(size + 11, 4);
}

static void amf_number(const char *name, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    big(strlen(name), 2);
    text(name);
    big(0, 1);
    big(bits, 8);
}

static void amf_name(const char *name, unsigned type)
{
    big(strlen(name), 2);
    text(name);
    big(type, 1);
}

/* Values of each type before those that are asked for. */
static void flv_meta(double duration, double width, double height)
{
    size_t start = made.len;
    bytes("\2\0\nonMetaData\x08\0\0\0\4", 18);
    amf_name("a", 1);
    big(1, 1);
    amf_name("b", 2);
    big(8, 2);
    text("duration");
    amf_name("c", 3); /* an object with a duration of its own */
    amf_number("duration", 999);
    big(9, 3);
    amf_name("d", 10);
    big(2, 4);
    big(5, 1);
    big(6, 1);
    amf_name("e", 11);
    zeros(10);
    amf_name("f", 12);
    big(3, 4);
    text("xyz");
    amf_name("g", 8);
    big(0, 4);
    big(9, 3);
    if (duration > 0)
        amf_number("duration", duration);
    amf_number("width", width);
    amf_number("height", height);
    big(9, 3);
    flv_tag(18, 0, start);
}

static void flv_frame(unsigned type, uint32_t ms)
{
    size_t start = made.len;
    zeros(30);
    flv_tag(type, ms, start);
}

static void flv(void **state)
{
    (void)state;
    flv_begin(5);
    flv_meta(12.4, 640, 480);
    flv_frame(9, 0);
    struct sb_media_info info = look();
    assert_string_equal(info.content_type, "video/x-flv");
    assert_int_equal(info.width, 640);
    assert_int_equal(info.height, 480);
    assert_int_equal(info.duration, 12);
    /* A live stream: the last tag says it; with a tail that is cut, the last whole one. */
    flv_begin(0);
    flv_frame(9, 0);
    for (uint32_t i = 1; i <= 5; i++)
        flv_frame(8, i * 4000000);
    assert_int_equal(look().duration, 20000);
    made.len -= 7;
    info = look();
    assert_int_equal(info.duration, 20000);
    assert_int_equal(info.width, 0);
    flv_begin(4);
    flv_frame(8, 3000);
    is("audio/x-flv", 0, 0, 3);
    flv_begin(5);
    is_refused("cut or damaged");
    flv_begin(0);
    flv_meta(1, 2, 3); /* neither video nor audio */
    is_refused("cut or damaged");
}

/* Values in values, lists that never end. */
static void flv_hostile(void **state)
{
    (void)state;
    flv_begin(1);
    size_t start = made.len;
    bytes("\2\0\nonMetaData\x08\0\0\0\4", 18);
    for (int i = 0; i < 100; i++)
        amf_name("x", 3);
    flv_tag(18, 0, start);
    start = made.len;
    bytes("\2\0\nonMetaData\x08\0\0\0\4", 18);
    amf_name("x", 10);
    big(UINT32_MAX, 4);
    for (int i = 0; i < 100; i++)
        big(5, 1);
    flv_tag(18, 0, start);
    assert_int_equal(look().width, 0);
}

/* --- AVI --- */

static size_t chunk_begin(const char *type)
{
    text(type);
    zeros(4);
    return made.len;
}

static void chunk_end(size_t at)
{
    uint32_t size = (uint32_t)(made.len - at);
    for (int i = 0; i < 4; i++)
        made.data[at - 4 + (size_t)i] = (char)(size >> 8 * i);
}

static void avi_movie(unsigned width, uint32_t frames, uint32_t all_frames)
{
    begin();
    size_t riff = chunk_begin("RIFF");
    text("AVI ");
    size_t junk = chunk_begin("JUNK");
    zeros(3);
    chunk_end(junk);
    zeros(1);
    size_t hdrl = chunk_begin("LIST");
    text("hdrl");
    size_t avih = chunk_begin("avih");
    little(40000, 4);
    zeros(12);
    little(frames, 4);
    zeros(12);
    little(width, 4);
    little(width / 2, 4);
    zeros(16);
    chunk_end(avih);
    size_t strl = chunk_begin("LIST");
    text("strl");
    size_t strh = chunk_begin("strh");
    text("vids");
    zeros(16);
    little(1, 4);
    little(25, 4);
    zeros(4);
    little(all_frames, 4);
    zeros(12);
    chunk_end(strh);
    chunk_end(strl);
    chunk_end(hdrl);
    chunk_end(riff);
}

static void avi(void **state)
{
    (void)state;
    avi_movie(320, 250, 250);
    struct sb_media_info info = look();
    assert_int_equal(info.duration, 10);
    is("video/x-msvideo", 320, 160, 10);
    avi_movie(320, 250, 500); /* two files of OpenDML in one */
    is("video/x-msvideo", 320, 160, 20);
    avi_movie(0, 250, 250);
    is_refused("cut or damaged");
    avi_movie(320, UINT32_MAX, UINT32_MAX);
    assert_int_equal(look().duration, UINT32_MAX / 25 + 1);
}

/* --- MPEG-TS --- */

static void ts_packet(unsigned prefix, uint32_t pid, const void *body, size_t len)
{
    zeros(prefix);
    big(0x47, 1);
    big(0x4000 | pid, 2);
    big(0x30, 1); /* an adaptation field fills it up */
    big(183 - len, 1);
    zeros(183 - len);
    bytes(body, len);
}

static void ts_tables(unsigned prefix, unsigned type)
{
    ts_packet(prefix, 0, "\0\0\xb0\x11\0\1\xc1\0\0\0\0\xe0\x10\0\1\xe1\0\x0a\x0b\x0c\x0d", 21);
    unsigned char table[] = { 0,
                              2,
                              0xb0,
                              0x17,
                              0,
                              1,
                              0xc1,
                              0,
                              0,
                              0xe1,
                              0,
                              0xf0,
                              0,
                              0x06,
                              0xe1,
                              0x02,
                              0xf0,
                              0,
                              (unsigned char)type,
                              0xe1,
                              1,
                              0xf0,
                              0,
                              1,
                              2,
                              3,
                              4 };
    ts_packet(prefix, 0x100, table, sizeof(table));
}

static void ts_frame(unsigned prefix, uint64_t time)
{
    unsigned char body[40] = { 0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5 };
    body[9] = (unsigned char)(0x21 | (time >> 29 & 14));
    body[10] = (unsigned char)(time >> 22);
    body[11] = (unsigned char)(time >> 14 | 1);
    body[12] = (unsigned char)(time >> 7);
    body[13] = (unsigned char)(time << 1 | 1);
    ts_packet(prefix, 0x101, body, sizeof(body));
}

static void ts(void **state)
{
    (void)state;
    for (unsigned prefix = 0; prefix <= 4; prefix += 4) {
        begin();
        ts_packet(prefix, 0x1fff, "filling", 7);
        ts_tables(prefix, 0x1b);
        for (uint64_t i = 0; i <= 40; i++) /* frames in another order than their times */
            ts_frame(prefix, 5000 + 45000 * (i % 2 ? i - 1 : i == 40 ? i : i + 1) + 22500);
        struct sb_media_info info = look();
        assert_string_equal(info.content_type, "video/mp2t");
        assert_int_equal(info.duration, 20);
    }
    begin();
    ts_tables(0, 0x0f);
    ts_frame(0, (UINT64_C(1) << 33) - 90000);
    ts_frame(0, 90000 * 4); /* it has wrapped around */
    is("audio/mp2t", 0, 0, 5);
    begin();
    ts_packet(0, 0x1fff, "x", 1);
    ts_packet(0, 0x1fff, "x", 1);
    is_refused("PAT");
    begin();
    ts_tables(0, 0x06); /* of private data alone */
    is_refused("PMT");
    begin();
    text("Good day! It is no stream that begins with a G, however long it is.");
    for (int i = 0; i < 20; i++)
        text("And so on and so forth, for some hundred bytes more.");
    is_other();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mp4_runs),     cmocka_unit_test(mp4_indexes),
        cmocka_unit_test(mp4_hostile),  cmocka_unit_test(m4a_fragments),
        cmocka_unit_test(webm),         cmocka_unit_test(webm_recorded),
        cmocka_unit_test(webm_hostile), cmocka_unit_test(flv),
        cmocka_unit_test(flv_hostile),  cmocka_unit_test(avi),
        cmocka_unit_test(ts),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
