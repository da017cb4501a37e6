/* AAC, AIFF, CAF, HEIC, AVIF, TIFF; and what is none of all formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media_probing.h"

/* --- sound --- */

/* Of 44.1 kHz, with one block: 23.2 ms. */
static void aac_frame(size_t size)
{
    big(0xfff1, 2);
    big(0x50, 1);
    big(0x80000000 | (uint32_t)size << 13 | 0x1ffc, 4);
    zeros(size - 7);
}

static void aac(void **state)
{
    (void)state;
    struct sb_media_info info;
    begin();
    for (int i = 0; i < 431; i++)
        aac_frame(20 + (size_t)i % 7);
    is("audio/aac", 0, 0, 10);
    begin();
    bytes("ID3\4\0\0\0\0\0\x0a", 10);
    zeros(10);
    for (int i = 0; i < 87; i++)
        aac_frame(20);
    assert_null(probe_guarded(mk_buf_slice(&made), &info));
    assert_string_equal(info.content_type, "audio/aac");
    assert_int_equal(info.duration, 2);
    text("TAG and what follows the last frame");
    assert_null(probe_guarded(mk_buf_slice(&made), &info));
    assert_int_equal(info.duration, 2);
    /* Beyond 65,536 frames the rest counts by its bytes. */
    begin();
    for (int i = 0; i < 130000; i++)
        aac_frame(16);
    assert_null(probe_guarded(mk_buf_slice(&made), &info));
    assert_int_equal(info.duration, 3019);
    begin();
    aac_frame(20);
    text("no second one");
    is_other();
    begin();
    aac_frame(20);
    made.data[2] = (char)0xff; /* a rate that does not exist */
    is_other();
}

static void aiff_begin(const char *type)
{
    begin();
    text("FORM");
    big(1000, 4);
    text(type);
    text("NAME");
    big(3, 4);
    zeros(4); /* padded to an even length */
    text("COMM");
    big(18, 4);
    big(2, 2);
}

static void aiff(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        aiff_begin(i ? "AIFC" : "AIFF");
        big(44100 * 9, 4);
        big(16, 2);
        bytes("\x40\x0e\xac\x44\0\0\0\0\0\0", 10);
        is("audio/aiff", 0, 0, 9);
    }
    aiff_begin("AIFF");
    big(44100, 4);
    big(16, 2);
    bytes("\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10);
    is_refused("cut or damaged");
    aiff_begin("ILBM");
    is_other();
}

static void caf_begin(uint32_t packet_bytes, uint32_t packet_frames)
{
    begin();
    bytes("caff\0\1\0\0", 8);
    text("desc");
    big(32, 8);
    bytes("\x40\xe7\x70\0\0\0\0\0", 8); /* 48,000 */
    text("lpcm");
    big(0, 4);
    big(packet_bytes, 4);
    big(packet_frames, 4);
    zeros(8);
}

static void caf(void **state)
{
    (void)state;
    struct sb_media_info info;
    caf_begin(0, 960);
    text("pakt");
    big(24, 8);
    big(100, 8);
    big(48000 * 6, 8);
    zeros(8);
    is("audio/x-caf", 0, 0, 6);
    caf_begin(2, 1);
    text("data");
    big(UINT64_MAX, 8); /* to the end */
    zeros(4 + 2 * 48000 * 2);
    assert_null(probe_guarded(mk_buf_slice(&made), &info));
    assert_int_equal(info.duration, 2);
    caf_begin(2, 1);
    text("free");
    big(UINT64_MAX - 11, 8); /* back to itself */
    is("audio/x-caf", 0, 0, 1);
    caf_begin(2, 1);
    memset(made.data + 20, 0xff, 8); /* not a number */
    is_refused("cut or damaged");
}

/* --- pictures --- */

static void heif_begin(const char *brand, const char *other)
{
    begin();
    size_t ftyp = box_begin("ftyp");
    text(brand);
    zeros(4);
    text("mif1");
    text(other);
    box_end(ftyp);
}

static void extent(uint32_t width, uint32_t height)
{
    size_t ispe = box_begin("ispe");
    big(0, 4);
    big(width, 4);
    big(height, 4);
    box_end(ispe);
}

static void heif_boxes(const char *associations, size_t len, uint32_t flags, bool has_primary)
{
    size_t meta = box_begin("meta");
    big(0, 4);
    if (has_primary) {
        size_t pitm = box_begin("pitm");
        big(0, 4);
        big(3, 2);
        zeros(2);
        box_end(pitm);
    }
    size_t iprp = box_begin("iprp"), ipco = box_begin("ipco");
    extent(512, 512);
    box("hvcC", 20);
    extent(4032, 3024);
    size_t irot = box_begin("irot");
    big(1, 1);
    box_end(irot);
    extent(9000, 9000);
    box_end(ipco);
    size_t ipma = box_begin("ipma");
    big(flags, 4);
    big(2, 4);
    bytes(associations, len);
    box_end(ipma);
    box_end(iprp);
    box_end(meta);
}

static void heif(void **state)
{
    (void)state;
    struct sb_media_info info;
    heif_begin("heic", "heic");
    heif_boxes("\0\1\2\1\2\0\3\2\x82\3", 10, 0, true);
    assert_null(probe_guarded(mk_buf_slice(&made), &info));
    assert_string_equal(info.content_type, "image/heic");
    assert_int_equal(info.width, 4032);
    assert_int_equal(info.height, 3024);
    heif_begin("mif1", "avif"); /* turned, and with associations of the long forms */
    heif_boxes("\0\0\0\1\1\0\1\0\0\0\3\2\0\3\x80\4", 16, 0x1000001, true);
    assert_null(probe_guarded(mk_buf_slice(&made), &info));
    assert_string_equal(info.content_type, "image/avif");
    assert_int_equal(info.width, 3024);
    assert_int_equal(info.height, 4032);
    heif_begin("avif", "miaf");
    heif_boxes("", 0, 0, false);
    is("image/avif", 9000, 9000, 0);
    heif_begin("mif1", "tiff");
    heif_boxes("", 0, 0, false);
    is("image/heif", 9000, 9000, 0);
    heif_begin("heic", "mif1");
    is_refused("cut or damaged");
    box("meta", 3);
    is_refused("cut or damaged");
}

static void tiff_entry(unsigned tag, unsigned type, uint32_t count, uint64_t value, unsigned size)
{
    little(tag, 2);
    little(type, 2);
    little(count, size);
    little(value, size);
}

static void tiff(void **state)
{
    (void)state;
    begin();
    bytes("II*\0", 4);
    little(12, 4);
    zeros(4);
    little(3, 2);
    tiff_entry(254, 4, 1, 0, 4);
    tiff_entry(256, 3, 1, 0xffff0000 | 640, 4); /* the rest of a short one is undefined */
    tiff_entry(257, 4, 1, 70000, 4);
    is("image/tiff", 640, 70000, 0);
    begin();
    bytes("MM\0*\0\0\0\x08\0\2\1\0\0\3\0\0\0\1\2\x80\0\0\1\1\0\3\0\0\0\1\1\xe0\0\0", 34);
    is("image/tiff", 640, 480, 0);
    begin();
    bytes("II+\0\x08\0\0\0", 8);
    little(16, 8);
    little(2, 8);
    tiff_entry(256, 16, 1, 1000, 8);
    tiff_entry(257, 4, 1, 2000, 8);
    is("image/tiff", 1000, 2000, 0);
    begin();
    bytes("II*\0\xff\xff\xff\xff", 8);
    is_refused("cut or damaged");
    begin();
    bytes("II+\0\x08\0\0\0", 8);
    little(16, 8);
    little(UINT64_MAX, 8);
    zeros(400);
    is_refused("cut or damaged");
}

/* --- none --- */

static void is_known_as(const char *words)
{
    struct sb_media_info info;
    assert_null(probe_guarded(mk_buf_slice(&made), &info));
    assert_int_equal(info.kind, SB_MEDIA_OTHER);
    if (words)
        assert_string_equal(info.other ? info.other->en : "unknown", words);
    else
        assert_null(info.other);
}

static void other_formats(void **state)
{
    (void)state;
    static const struct {
        const char *content, *words;
    } cases[] = {
        { "hello", "text" },
        { "\xe4\xbd\xa0\xe5\xa5\xbd\r\n\t", "text" },
        { "{\"a\": 1}", "text" },
        { "GIF8", "text" },
        { "\xef\xbb\xbf \n<!DOCTYPE html><html>", "a web page" },
        { "<HTML lang=\"en\">", "a web page" },
        { "PK\3\4 and more", "a ZIP archive" },
        { "\x1f\x8b\x08 and more", "a gzip archive" },
        { "%PDF-1.7", "a PDF document" },
        { "\x7f"
          "ELF\2\1\1",
          NULL },
        { "\xff\xff\xff\xff\xff", NULL },
        { "OggS\1", NULL },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin();
        text(cases[i].content);
        is_known_as(cases[i].words);
    }
    begin();
    for (int i = 0; i < 300; i++)
        text("\xe4\xbd\xa0"); /* one of them is cut where the look ends */
    is_known_as("text");
    begin();
    is_known_as(NULL);
    /* Theora: a format of Ogg that is not known. */
    bytes("OggS\0\2\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1\x10\x80theora and more", 44);
    is_known_as(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aac),  cmocka_unit_test(aiff), cmocka_unit_test(caf),
        cmocka_unit_test(heif), cmocka_unit_test(tiff), cmocka_unit_test(other_formats),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
