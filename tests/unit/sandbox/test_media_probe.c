/* Headers of contents: they are read, refused when they are truncated, and never read beyond their
 * end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media_probing.h"

/* --- pictures --- */

static void png_header(uint32_t width, uint32_t height)
{
    begin();
    bytes("\x89PNG\r\n\x1a\n", 8);
    big(13, 4);
    text("IHDR");
    big(width, 4);
    big(height, 4);
    bytes("\x08\x06\0\0\0", 5);
    big(0x12345678, 4);
}

static void png(void **state)
{
    (void)state;
    png_header(640, 480);
    is("image/png", 640, 480, 0);
    png_header(0, 480);
    is_refused("no size");
    png_header(0x80000000, 1);
    is_refused("no size");
    begin();
    bytes("\x89PNG\r\n\x1a\n", 8);
    is_refused("cut");
}

static void jpeg_begin(void)
{
    begin();
    bytes("\xff\xd8", 2);
}

static void jpeg_segment(unsigned marker, size_t len)
{
    big(0xff, 1);
    big(marker, 1);
    big(len + 2, 2);
}

static void jpeg_frame(unsigned marker, unsigned width, unsigned height)
{
    jpeg_segment(marker, 15);
    big(8, 1);
    big(height, 2);
    big(width, 2);
    zeros(10);
}

static void jpeg(void **state)
{
    (void)state;
    jpeg_begin();
    jpeg_segment(0xe0, 14);
    text("JFIF");
    zeros(10);
    jpeg_frame(0xc0, 300, 200);
    is("image/jpeg", 300, 200, 0);
    /* Progressive, behind EXIF with a JPEG of its own in it, filling and a restart marker. */
    jpeg_begin();
    jpeg_segment(0xe1, 64);
    bytes("Exif\0\0\xff\xd8\xff\xc0\0\x11\x08\0\x08\0\x09", 17);
    zeros(47);
    bytes("\xff\xff\xff\x01\xff\xd0", 6);
    jpeg_segment(0xc4, 3);
    zeros(3);
    jpeg_frame(0xc2, 4000, 3000);
    is("image/jpeg", 4000, 3000, 0);
}

static void jpeg_refused(void **state)
{
    (void)state;
    jpeg_begin();
    jpeg_frame(0xc0, 0, 200);
    is_refused("no size");
    jpeg_begin();
    jpeg_segment(0xda, 4); /* image data before a frame */
    zeros(40);
    is_refused("damaged");
    jpeg_begin();
    jpeg_segment(0xe1, 60000);
    zeros(10);
    is_refused("cut");
    jpeg_begin();
    bytes("\xff\xe0\0\1 and a length below two", 26);
    is_refused("damaged");
}

static void gif_bmp(void **state)
{
    (void)state;
    begin();
    text("GIF89a");
    little(12, 2);
    little(34, 2);
    zeros(3);
    is("image/gif", 12, 34, 0);
    begin();
    text("GIF87a");
    little(12, 2);
    little(0, 2);
    zeros(3);
    is_refused("no size");
    begin();
    text("BM");
    zeros(12);
    little(40, 4);
    little(7, 4);
    little((uint32_t)-9, 4); /* from the top down */
    zeros(28);
    is("image/bmp", 7, 9, 0);
    begin();
    text("BM");
    zeros(12);
    little(12, 4);
    little(7, 2);
    little(8, 2);
    zeros(4);
    is("image/bmp", 7, 8, 0);
    begin();
    text("BMW builds cars and is no picture at all");
    is_other();
}

static void webp_begin(const char *chunk)
{
    begin();
    text("RIFF");
    little(100, 4);
    text("WEBP");
    text(chunk);
    little(80, 4);
}

static void webp(void **state)
{
    (void)state;
    webp_begin("VP8 ");
    bytes("\x10\x02\0\x9d\x01\x2a", 6);
    little(550 | 1 << 14, 2); /* the upper bits scale */
    little(368, 2);
    is("image/webp", 550, 368, 0);
    webp_begin("VP8L");
    bytes("\x2f", 1);
    little((386 - 1) | (395 - 1) << 14, 4);
    zeros(5);
    is("image/webp", 386, 395, 0);
    webp_begin("VP8X");
    zeros(4);
    little(1000 - 1, 3);
    little(70000 - 1, 3);
    is("image/webp", 1000, 70000, 0);
    webp_begin("VP9 ");
    zeros(20);
    is_refused("damaged");
}

/* --- sound --- */

static void wav(void **state)
{
    (void)state;
    begin();
    text("RIFF");
    little(0, 4);
    text("WAVE");
    text("LIST");
    little(3, 4);
    zeros(4); /* padded to an even length */
    text("fmt ");
    little(16, 4);
    little(1, 2);
    little(1, 2);
    little(100, 4);
    little(200, 4); /* bytes a second */
    little(2, 2);
    little(16, 2);
    size_t head = made.len;
    text("data");
    little(0xffffffff, 4); /* as streamed ones say */
    zeros(1500);
    is("audio/wav", 0, 0, 8); /* 7.5 s */
    made.len = head;
    is_refused("cut");
    begin();
    text("RIFFxxxxWAVEdata");
    little(10, 4);
    zeros(10);
    is_refused("damaged");
}

/* MPEG 1, layer III, 128 kbit/s, 44.1 kHz, joint stereo: 417 bytes. */
static void mp3_frame(const char *tag, uint32_t count)
{
    size_t start = made.len;
    big(0xfffb9064, 4);
    zeros(32);
    if (tag) {
        text(tag);
        big(1, 4);
        big(count, 4);
    }
    zeros(417 - (made.len - start));
}

static void mp3(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 384; i++) /* 384 * 1152 / 44100 = 10.03 s */
        mp3_frame(NULL, 0);
    is("audio/mpeg", 0, 0, 10);
    begin();
    mp3_frame("Xing", 3829); /* 100 s in few bytes */
    mp3_frame(NULL, 0);
    struct sb_media_info info;
    assert_null(probe_guarded(mk_buf_slice(&made), &info));
    assert_int_equal(info.duration, 100);
    begin();
    bytes("ID3\4\0\0\0\0\1\0", 10); /* 128 bytes follow */
    zeros(128 + 5);                 /* and some padding beyond the length */
    for (int i = 0; i < 77; i++)
        mp3_frame(NULL, 0);
    text("TAG");
    zeros(125);
    assert_null(probe_guarded(mk_buf_slice(&made), &info));
    assert_string_equal(info.content_type, "audio/mpeg");
    assert_int_equal(info.duration, 2);
}

static void mp3_refused(void **state)
{
    (void)state;
    begin();
    bytes("ID3\4\0\0\0\0\1\0", 10);
    zeros(5000);
    is_refused("no MP3 frame");
    begin();
    bytes("\xff\xfe"
          "h\0e\0l\0l\0o\0 \0w\0o\0r\0l\0d\0",
          24); /* UTF-16 */
    is_other();
    begin();
    mp3_frame(NULL, 0);
    text("and then something that is no frame");
    is_other();
    begin();
    big(0xfffbf064, 4); /* a bit rate that does not exist */
    zeros(1000);
    is_other();
}

static void ogg_page(uint32_t serial, uint64_t granule, const char *packet, size_t len)
{
    bytes("OggS\0\0", 6);
    little(granule, 8);
    little(serial, 4);
    zeros(8);
    big(1, 1);
    big(len, 1);
    bytes(packet, len);
}

static void ogg(void **state)
{
    (void)state;
    begin();
    ogg_page(7, 0, "OpusHead\1\1\x38\x01\x80\xbb\0\0\0\0\0", 19);
    ogg_page(7, 48000 * 3 + 312, "\xfc\xff\xfe", 3);
    ogg_page(8, UINT64_C(48000) * 99, "another stream", 14);
    ogg_page(7, UINT64_MAX, "no end here", 11);
    is("audio/ogg", 0, 0, 3);
    begin();
    ogg_page(1, 0, "\1vorbis\0\0\0\0\1\x44\xac\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 30);
    ogg_page(1, 44100 * 4, "x", 1);
    is("audio/ogg", 0, 0, 4);
    begin();
    ogg_page(1, 0, "\x80theora and more", 16);
    is_other();
    begin();
    ogg_page(1, 0, "\1vorbis\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 30);
    is_refused("damaged");
}

static void flac(void **state)
{
    (void)state;
    begin();
    text("fLaC");
    big(34, 4);
    zeros(10);
    big((uint64_t)44100 << 44 | (uint64_t)44100 * 65, 8);
    zeros(16);
    is("audio/flac", 0, 0, 65);
    begin();
    text("fLaC");
    big(34, 4);
    zeros(34);
    is_refused("no rate");
}

static void amr(void **state)
{
    (void)state;
    begin();
    text("#!AMR\n");
    for (int i = 0; i < 125; i++) { /* 2.5 s: rounded up */
        big(7 << 3, 1);
        zeros(31);
    }
    is("audio/amr", 0, 0, 3);
    begin();
    text("#!AMR-WB\n");
    for (int i = 0; i < 60; i++) {
        big(15 << 3, 1); /* silence: no bytes */
    }
    is("audio/amr-wb", 0, 0, 1);
    begin();
    text("#!AMR\n");
    is_refused("no AMR frame");
    begin();
    text("#!AMR\n");
    big(9 << 3, 1);
    zeros(50);
    is_refused("no AMR frame");
}

static void silk(void **state)
{
    (void)state;
    begin();
    bytes("\x02#!SILK_V3", 10);
    for (int i = 0; i < 200; i++) {
        little(20, 2);
        zeros(20);
    }
    is("audio/silk", 0, 0, 4);
    little(0xffff, 2); /* an end mark that only others write */
    is("audio/silk", 0, 0, 4);
    begin();
    text("#!SILK_V3");
    little(0xffff, 2);
    is_refused("no SILK frame");
}

/* --- MP4 --- */

static void track(const char *handler, unsigned width, unsigned height, bool is_long)
{
    size_t trak = box_begin("trak");
    size_t tkhd = box_begin("tkhd");
    big(is_long ? 1 << 24 : 0, 4);
    zeros(is_long ? 84 : 72);
    big(width << 16, 4);
    big(height << 16, 4);
    box_end(tkhd);
    size_t mdia = box_begin("mdia");
    box("mdhd", 24);
    size_t hdlr = box_begin("hdlr");
    zeros(8);
    text(handler);
    zeros(12);
    box_end(hdlr);
    box_end(mdia);
    box_end(trak);
}

static void movie_header(bool is_long, uint32_t scale, uint64_t duration)
{
    size_t mvhd = box_begin("mvhd");
    big(is_long ? 1 << 24 : 0, 4);
    zeros(is_long ? 16 : 8);
    big(scale, 4);
    big(duration, is_long ? 8 : 4);
    zeros(80);
    box_end(mvhd);
}

static void mp4_brand(const char *brand)
{
    begin();
    size_t ftyp = box_begin("ftyp");
    text(brand);
    zeros(8);
    box_end(ftyp);
}

static void mp4(void **state)
{
    (void)state;
    mp4_brand("isom");
    size_t moov = box_begin("moov");
    movie_header(false, 1000, 12400);
    track("soun", 0, 0, false);
    track("vide", 1920, 1080, false);
    track("vide", 5, 5, false);
    box_end(moov);
    is("video/mp4", 1920, 1080, 12);
    /* After the media data, with 64-bit sizes, in a box to the end of the file. */
    mp4_brand("qt  ");
    big(1, 4);
    text("mdat");
    big(16 + 100, 8);
    zeros(100);
    big(0, 4);
    text("moov");
    track("vide", 8, 6, true);
    movie_header(true, 600, 1500);
    is("video/quicktime", 8, 6, 3);
    mp4_brand("M4A ");
    moov = box_begin("moov");
    movie_header(false, 44100, 44100 * 7);
    track("soun", 0, 0, false);
    box_end(moov);
    is("audio/mp4", 0, 0, 7);
}

static void mp4_fragments(void **state)
{
    (void)state;
    mp4_brand("iso5");
    size_t moov = box_begin("moov");
    movie_header(false, 1000, 0);
    track("vide", 4, 2, false);
    size_t mvex = box_begin("mvex");
    size_t mehd = box_begin("mehd");
    zeros(4);
    big(9000, 4);
    box_end(mehd);
    box_end(mvex);
    box_end(moov);
    is("video/mp4", 4, 2, 9);
}

static void mp4_refused(void **state)
{
    (void)state;
    mp4_brand("isom");
    is_refused("cut");
    size_t moov = box_begin("moov");
    movie_header(false, 0, 100);
    track("vide", 4, 2, false);
    box_end(moov);
    is_refused("damaged");
    mp4_brand("isom");
    moov = box_begin("moov");
    movie_header(false, 1000, 100);
    track("vide", 0, 0, false);
    box_end(moov);
    is_refused("no size");
    begin();
    box("mdat", 40); /* no movie, and no brand of one */
    is_other();
}

static void others(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "x", "hello world", "RIFF", "RIFFxxxxMIDI", "<svg/>", "%PDF-1.7", "{\"json\": true}"
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        begin();
        text(texts[i]);
        is_other();
    }
}

static void types_by_name(void **state)
{
    (void)state;
    struct sb_media_info info;
    sb_media_info_of("audio/silk", 10, &info);
    assert_int_equal(info.kind, SB_MEDIA_AUDIO);
    assert_string_equal(info.extension, "silk");
    sb_media_info_of("text/html", 9, &info);
    assert_int_equal(info.kind, SB_MEDIA_OTHER);
    assert_string_equal(info.content_type, "application/octet-stream");
}

/* --- files that change --- */

/* A mapping of it would end the process (SIGBUS). */
static void shortened_files(void **state)
{
    (void)state;
    static char whole[200 * 1024];
    struct sb_media_info info;
    const struct mk_phrase *wrong;
    int fd = file_of(mk_slice_of(whole, sizeof(whole)));
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(sb_media_probe_file(fd, sizeof(whole), &info, &wrong), -EIO);
    close(fd);
    assert_int_equal(sb_media_probe_file(fd, sizeof(whole), &info, &wrong), -EBADF);
    /* Its head is there; what is behind it is not. */
    memset(whole, 0x7c, sizeof(whole));
    memcpy(whole, "#!AMR\n", 6);
    fd = file_of(mk_slice_of(whole, sizeof(whole)));
    assert_int_equal(sb_media_probe_file(fd, sizeof(whole), &info, &wrong), 0);
    assert_string_equal(info.content_type, "audio/amr");
    assert_int_equal(ftruncate(fd, 100 * 1024), 0);
    assert_int_equal(sb_media_probe_file(fd, sizeof(whole), &info, &wrong), -EIO);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png),          cmocka_unit_test(jpeg),
        cmocka_unit_test(jpeg_refused), cmocka_unit_test(gif_bmp),
        cmocka_unit_test(webp),         cmocka_unit_test(wav),
        cmocka_unit_test(mp3),          cmocka_unit_test(mp3_refused),
        cmocka_unit_test(ogg),          cmocka_unit_test(flac),
        cmocka_unit_test(amr),          cmocka_unit_test(silk),
        cmocka_unit_test(mp4),          cmocka_unit_test(mp4_fragments),
        cmocka_unit_test(mp4_refused),  cmocka_unit_test(shortened_files),
        cmocka_unit_test(others),       cmocka_unit_test(types_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
