/*
 * deflate: the examples of RFC 7692, round trips, refusals, and attacks: bombs of every kind. The
 * other side is zlib with settings of its own.
 */
#include "wire/deflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "feed.h"
#include <cmocka.h>
#include <errno.h>

enum { LIMIT = 1 << 20, KEPT = 64 * 1024 };

static struct mk_deflate codec;

static int setup(void **state)
{
    (void)state;
    mk_deflate_init(&codec, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mk_deflate_fini(&codec);
    return 0;
}

// clang-format off
#define BYTES(literal) { (literal), sizeof(literal) - 1 }
// clang-format on

struct row {
    const char *name;
    int expected;
    struct mk_slice payload;
    struct mk_slice message;
};

/* MK_SLICE is no constant: a table needs plain braces. */
// clang-format off
#define GOOD(name, payload, message) { name, 0, BYTES(payload), BYTES(message) }
#define BAD(name, payload) { name, MK_INFLATE_BAD, BYTES(payload), BYTES("") }
// clang-format on

static const struct row rows[] = {
    GOOD("7.2.3.1, one block", "\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello"),
    GOOD("7.2.3.3, not compressed", "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", "Hello"),
    GOOD("7.2.3.4, BFINAL", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello"),
    GOOD("7.2.3.5, two blocks", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "Hello"),
    GOOD("7.2.3.6, empty", "\x00", ""),
    GOOD("nothing at all", "", ""),
    GOOD("the tail left on", "\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff\x00", "Hello"),
    GOOD("BFINAL and nothing behind it", "\xf3\x48\xcd\xc9\xc9\x07\x00", "Hello"),
    GOOD("BFINAL, then another stream", "\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00",
         "HelloHello"),
    GOOD("BFINAL twice", "\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
         "HelloHello"),
    BAD("7.2.3.2, the window of the message before", "\xf2\x00\x11\x00\x00"),
    BAD("cut by one", "\xf2\x48\xcd\xc9\xc9\x07"),
    BAD("cut by two", "\xf2\x48\xcd\xc9\xc9"),
    BAD("cut to its first byte", "\xf2"),
    BAD("not compressed, cut", "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f"),
    BAD("not compressed, cut within", "\x00\x05\x00\xfa\xff\x48\x65"),
    BAD("a length that is not its complement's", "\x00\x05\x00\xfb\xff\x48\x65\x6c\x6c\x6f\x00"),
    BAD("a block of type 3", "\xff\xff\xff\xff"),
    BAD("something behind the end", "\xf2\x48\xcd\xc9\xc9\x07\x00\x48"),
    BAD("zlib's header", "\x78\x9c\xf3\x48\xcd\xc9\xc9\x07\x00\x05\x8c\x01\xf5"),
    BAD("gzip's header", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xf3\x48\xcd\xc9\xc9\x07\x00"),
    BAD("a text that is none of it", "{\"action\":\"get_login_info\"}"),
};

static int inflate_guarded(struct mk_slice payload, size_t limit, struct mk_slice *message)
{
    struct feed_guard guard = feed_guard_new(payload.len);
    struct mk_slice placed = { feed_guard_place(guard, payload), payload.len };
    int rc = mk_deflate_inflate(&codec, placed, limit, message);
    feed_guard_free(guard);
    return rc;
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mk_slice message = { 0 };
        int rc = inflate_guarded(rows[i].payload, LIMIT, &message);
        if (rc != rows[i].expected)
            fail_msg("%s: %d", rows[i].name, rc);
        if (!mk_slice_eq(message, rows[i].message))
            fail_msg("%s: %.*s", rows[i].name, (int)message.len, message.ptr);
    }
}

/* --- there and back --- */

static char *text_of(size_t len)
{
    static char text[300 * 1000];
    uint32_t seed = 7;
    for (size_t i = 0; i < len; i++)
        text[i] = "milk,{}:"[feed_random(&seed) % 8];
    return text;
}

static void test_round_trip(void **state)
{
    (void)state;
    static const size_t lens[] = { 100, 500, 1024, 4096, 5000, 65535, 65536, 65537, 300 * 1000 };
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct mk_slice text = { text_of(lens[i]), lens[i] }, compressed, message;
        assert_true(mk_deflate_compress(&codec, text, &compressed));
        assert_true(compressed.len < text.len);
        assert_int_equal(inflate_guarded(compressed, text.len, &message), 0);
        assert_true(mk_slice_eq(message, text));
        assert_int_equal(inflate_guarded(compressed, text.len - 1, &message), MK_INFLATE_TOO_BIG);
        /* No prefix of it is a message. */
        for (size_t len = 1; len < compressed.len; len += 1 + compressed.len / 50)
            assert_int_equal(inflate_guarded(mk_slice_of(compressed.ptr, len), LIMIT, &message),
                             MK_INFLATE_BAD);
        mk_deflate_release_deflated(&codec);
        mk_deflate_release_inflated(&codec);
        assert_true(codec.deflated.cap <= KEPT && codec.inflated.cap <= KEPT);
    }
}

/* A client that asked for a window of 4 KiB can decompress our messages with that. */
static void test_keeps_to_its_window(void **state)
{
    (void)state;
    static char there[200 * 1000];
    z_stream small = { 0 };
    struct mk_slice text = { text_of(sizeof(there)), sizeof(there) }, compressed;
    assert_true(mk_deflate_compress(&codec, text, &compressed));
    assert_int_equal(inflateInit2(&small, -MK_DEFLATE_WINDOW_BITS), Z_OK);
    small.next_in = (Bytef *)(uintptr_t)compressed.ptr;
    small.avail_in = (uInt)compressed.len;
    for (size_t at = 0; at < sizeof(there); at += 1000) { /* so that it needs its window */
        small.next_out = (Bytef *)there + at;
        small.avail_out = 1000;
        assert_int_equal(inflate(&small, Z_SYNC_FLUSH), Z_OK);
        assert_int_equal(small.avail_out, 0);
    }
    assert_memory_equal(there, text.ptr, text.len);
    inflateEnd(&small);
}

static void test_incompressible_messages_are_sent_as_they_are(void **state)
{
    (void)state;
    struct mk_slice compressed = MK_SLICE("untouched");
    char noise[2000];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)feed_random(&seed);
    assert_false(mk_deflate_compress(&codec, mk_slice_of(noise, sizeof(noise)), &compressed));
    assert_false(mk_deflate_compress(&codec, MK_SLICE(""), &compressed));
    assert_false(mk_deflate_compress(&codec, MK_SLICE("short"), &compressed));
    codec.threshold = 100;
    assert_false(mk_deflate_compress(&codec, mk_slice_of(text_of(99), 99), &compressed));
    assert_true(mk_slice_eq(compressed, MK_SLICE("untouched")));
    assert_int_equal(codec.stats.compressed, 0);
    assert_true(mk_deflate_compress(&codec, mk_slice_of(text_of(100), 100), &compressed));
    assert_int_equal(codec.stats.compressed, 1);
    assert_int_equal(codec.stats.before, 100);
    assert_int_equal(codec.stats.after, compressed.len);
}

/* Output of other compressors: any level, window and memory, flushed now and then. */
static void test_reads_the_output_of_other_compressors(void **state)
{
    (void)state;
    static Bytef out[400 * 1000];
    enum { LEN = 200 * 1000 };
    char *text = text_of(LEN);
    for (int level = 0; level <= 9; level += 3) {
        for (int bits = 9; bits <= 15; bits += 3) {
            z_stream other = { .next_out = out, .avail_out = sizeof(out) };
            struct mk_slice message;
            assert_int_equal(deflateInit2(&other, level, Z_DEFLATED, -bits, 1 + level * 8 / 9,
                                          Z_DEFAULT_STRATEGY),
                             Z_OK);
            other.next_in = (Bytef *)text;
            for (size_t left = LEN; left > 0; left -= other.avail_in ? 0 : 1000) {
                other.avail_in = 1000;
                assert_int_equal(deflate(&other, left % 7000 ? Z_NO_FLUSH : Z_SYNC_FLUSH), Z_OK);
            }
            deflate(&other, Z_SYNC_FLUSH);
            size_t len = sizeof(out) - other.avail_out - 4;
            assert_int_equal(inflate_guarded(mk_slice_of((char *)out, len), LEN, &message), 0);
            assert_int_equal(message.len, LEN);
            assert_memory_equal(message.ptr, text, LEN);
            deflateEnd(&other);
        }
    }
}

/* --- attacks --- */

static struct mk_slice repeated(struct mk_slice piece, size_t count, struct mk_slice end)
{
    static struct mk_buf all;
    mk_buf_fini(&all);
    mk_buf_init(&all, SIZE_MAX);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(mk_buf_append_slice(&all, piece), 0);
    assert_int_equal(mk_buf_append_slice(&all, end), 0);
    return mk_buf_slice(&all);
}

static void test_bomb(void **state)
{
    (void)state;
    enum { HUGE = 64 << 20 };
    Bytef *zeros = calloc(HUGE, 1), *bomb = malloc(HUGE / 100);
    assert_true(zeros && bomb);
    z_stream other = {
        .next_in = zeros, .avail_in = HUGE, .next_out = bomb, .avail_out = HUGE / 100
    };
    deflateInit2(&other, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
    assert_int_equal(deflate(&other, Z_SYNC_FLUSH), Z_OK);
    struct mk_slice payload = { (char *)bomb, HUGE / 100 - other.avail_out - 4 }, message;
    assert_true(payload.len < HUGE / 900);
    deflateEnd(&other);
    free(zeros);

    size_t limits[] = { 0, 1, 1000, KEPT, KEPT + 1, 1 << 20, 5 << 20, HUGE - 1 };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        assert_int_equal(mk_deflate_inflate(&codec, payload, limits[i], &message),
                         MK_INFLATE_TOO_BIG);
        /* It ended at the limit: nothing more was decompressed. */
        assert_in_range(codec.inflater.total_out, limits[i], limits[i] + 1);
        assert_true(codec.inflated.cap <= KEPT);
        assert_int_equal(codec.stats.refused, i + 1);
    }
    assert_int_equal(mk_deflate_inflate(&codec, payload, HUGE, &message), 0);
    assert_int_equal(message.len, HUGE);
    assert_int_equal(codec.inflated.cap, HUGE); /* and not the next power of two */
    mk_deflate_release_inflated(&codec);
    assert_int_equal(codec.inflated.cap, 0);
    free(bomb);
}

/* Empty blocks cost time, and make no bytes that a limit could count. */
static void test_empty_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct mk_slice block;
        size_t blocks; /* in it */
    } kinds[] = {
        { "stored", BYTES("\x00\x00\x00\xff\xff"), 1 },
        { "last", BYTES("\x03\x00"), 1 },
        { "fixed", BYTES("\x02\x08\x20\x80\x00"), 4 },
    };
    struct mk_slice message, end = MK_SLICE("\0");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t few = 4000 / kinds[i].blocks, many = 5000 / kinds[i].blocks;
        int rc = mk_deflate_inflate(&codec, repeated(kinds[i].block, few, end), LIMIT, &message);
        if (rc != 0 || message.len > 0)
            fail_msg("%s: %d", kinds[i].name, rc);
        rc = mk_deflate_inflate(&codec, repeated(kinds[i].block, many, end), LIMIT, &message);
        if (rc != MK_INFLATE_TOO_BIG)
            fail_msg("%s: %d", kinds[i].name, rc);
        uLong seen = codec.inflater.total_in;
        rc = mk_deflate_inflate(&codec, repeated(kinds[i].block, many * 100, end), LIMIT, &message);
        assert_int_equal(rc, MK_INFLATE_TOO_BIG);
        assert_int_equal(codec.inflater.total_in, seen); /* the rest is not read */
    }
    repeated(end, 0, end);
}

/* --- memory --- */

static int allocations_left;

static voidpf scarce_alloc(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    return allocations_left-- > 0 ? calloc(items, size) : NULL;
}

static void scarce_free(voidpf opaque, voidpf address)
{
    (void)opaque;
    free(address);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct mk_slice text = { text_of(5000), 5000 }, compressed, message = { 0 };
    codec.deflater.zalloc = codec.inflater.zalloc = scarce_alloc;
    codec.deflater.zfree = codec.inflater.zfree = scarce_free;
    int needed = 0;
    for (; allocations_left = needed, !mk_deflate_compress(&codec, text, &compressed); needed++)
        assert_true(needed < 20);
    assert_true(needed > 0);
    for (needed = 0;; needed++) {
        allocations_left = needed;
        int rc = mk_deflate_inflate(&codec, compressed, LIMIT, &message);
        if (rc == 0)
            break;
        assert_int_equal(rc, -ENOMEM);
        assert_true(needed < 20);
    }
    assert_true(needed > 0);
    assert_true(mk_slice_eq(message, text));
    /* From now on every allocation fails. */
    allocations_left = 0;
    assert_true(mk_deflate_compress(&codec, text, &compressed));
    assert_int_equal(mk_deflate_inflate(&codec, compressed, LIMIT, &message), 0);
}

/* --- a peer that continues its window --- */

enum { MOST = 64 << 20 };

/* A compressor that never begins anew, as those of browsers. */
static struct mk_slice continued(z_stream *z, struct mk_buf *out, struct mk_slice message,
                                 int flush)
{
    mk_buf_reset(out, SIZE_MAX);
    assert_int_equal(mk_buf_reserve(out, message.len + 1000), 0);
    z->next_in = (Bytef *)(uintptr_t)message.ptr;
    z->avail_in = (uInt)message.len;
    z->next_out = (Bytef *)out->data;
    z->avail_out = (uInt)out->cap;
    assert_int_equal(deflate(z, flush), Z_OK);
    assert_int_equal(z->avail_in, 0);
    return mk_slice_of(out->data, out->cap - z->avail_out - 4);
}

/* Text that does not compress by itself: what becomes short was found in the window. */
static struct mk_slice noise(struct mk_buf *out, unsigned seed, size_t len)
{
    mk_buf_reset(out, SIZE_MAX);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245 + 12345;
        mk_buf_append_char(out, (char)(seed >> 16));
    }
    return mk_buf_slice(out);
}

static void test_continues_the_window_of_a_peer(void **state)
{
    (void)state;
    static const size_t lens[] = {
        1, 100, 3000, 3000, 40000, 100, 2, 5000, 70000, 20, 31000, 31000
    };
    for (unsigned bits = 9; bits <= 15; bits++) {
        struct mk_deflate own;
        struct mk_buf text, packed;
        z_stream z = { 0 };
        mk_deflate_init(&own, 1);
        mk_buf_init(&text, SIZE_MAX);
        mk_buf_init(&packed, SIZE_MAX);
        struct mk_inflate_window *window = mk_inflate_window_new(&own, bits);
        assert_non_null(window);
        assert_int_equal(own.windows, 1 << bits);
        assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -(int)bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
        size_t refers = 0;
        for (unsigned i = 0; i < 60; i++) {
            struct mk_slice message = noise(&text, i / 2, lens[i / 2 % 12]), got, other;
            struct mk_slice payload = continued(&z, &packed, message, Z_SYNC_FLUSH);
            refers += payload.len < message.len / 2;
            assert_int_equal(mk_deflate_inflate_next(&own, window, payload, MOST, &got), 0);
            assert_true(mk_slice_eq(got, message));
            /* Messages of other connections come between them. */
            assert_int_equal(
                mk_deflate_inflate(&own, MK_SLICE("\xf2\x48\xcd\xc9\xc9\x07\x00"), MOST, &other),
                0);
        }
        assert_true(refers > 0);
        deflateEnd(&z);
        mk_inflate_window_free(window);
        assert_int_equal(own.windows, 0);
        mk_buf_fini(&text);
        mk_buf_fini(&packed);
        mk_deflate_fini(&own);
    }
}

/* A window holds no more than was agreed upon, and nothing of a peer that begins anew. */
static void test_a_window_has_its_size(void **state)
{
    (void)state;
    for (unsigned bits = 9; bits <= 15; bits++) {
        struct mk_deflate own;
        struct mk_buf text, packed;
        struct mk_slice message, got;
        z_stream z = { 0 };
        mk_deflate_init(&own, 1);
        mk_buf_init(&text, SIZE_MAX);
        mk_buf_init(&packed, SIZE_MAX);
        struct mk_inflate_window *window = bits < 15 ? mk_inflate_window_new(&own, bits) : NULL;
        assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
        message = noise(&text, 1, 20000);
        struct mk_slice payload = continued(&z, &packed, message, Z_SYNC_FLUSH);
        assert_int_equal(mk_deflate_inflate_next(&own, window, payload, MOST, &got), 0);
        payload = continued(&z, &packed, message, Z_SYNC_FLUSH);
        assert_true(payload.len < 1000); /* it refers to 20,000 bytes before */
        assert_int_equal(mk_deflate_inflate_next(&own, window, payload, MOST, &got),
                         MK_INFLATE_BAD);
        deflateEnd(&z);
        mk_inflate_window_free(window);
        mk_buf_fini(&text);
        mk_buf_fini(&packed);
        mk_deflate_fini(&own);
    }
}

static void test_windows_are_limited(void **state)
{
    (void)state;
    struct mk_deflate own;
    struct mk_compression compression;
    struct mk_inflate_window *windows[4];
    mk_deflate_init(&own, 1);
    own.most_windows = 3 * 4096 + 512;
    for (int i = 0; i < 3; i++)
        windows[i] = mk_inflate_window_new(&own, 12);
    assert_null(mk_inflate_window_new(&own, 12));
    assert_int_equal(mk_deflate_window_room(&own), 512);
    windows[3] = mk_inflate_window_new(&own, 9);
    assert_non_null(windows[3]);
    assert_false(mk_compression_init(&compression, &own, 9));
    assert_null(compression.codec);
    assert_true(mk_compression_init(&compression, &own, 0));
    assert_ptr_equal(compression.codec, &own);
    own.most_windows = 100;
    assert_int_equal(mk_deflate_window_room(&own), 0);
    for (int i = 0; i < 4; i++)
        mk_inflate_window_free(windows[i]);
    assert_int_equal(own.windows, 0);
    assert_int_equal(mk_deflate_window_room(&own), 100);
    mk_deflate_fini(&own);
}

static void test_large_messages_are_handed_over(void **state)
{
    (void)state;
    struct mk_slice small = { text_of(1000), 1000 }, large = { text_of(KEPT + 1), KEPT + 1 };
    struct mk_slice compressed, message;
    struct mk_buf taken = { 0 };
    assert_true(mk_deflate_compress(&codec, small, &compressed));
    assert_int_equal(mk_deflate_inflate(&codec, compressed, LIMIT, &message), 0);
    assert_false(mk_deflate_take(&codec, &taken));
    assert_true(mk_deflate_compress(&codec, large, &compressed));
    assert_int_equal(mk_deflate_inflate(&codec, compressed, LIMIT, &message), 0);
    assert_true(mk_deflate_take(&codec, &taken));
    assert_false(mk_deflate_take(&codec, &taken));
    assert_true(mk_slice_eq(mk_buf_slice(&taken), large));
    mk_buf_fini(&taken);
    assert_int_equal(mk_deflate_inflate(&codec, compressed, LIMIT, &message), 0);
    assert_true(mk_slice_eq(message, large));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_table),
        TEST(test_round_trip),
        TEST(test_keeps_to_its_window),
        TEST(test_incompressible_messages_are_sent_as_they_are),
        TEST(test_reads_the_output_of_other_compressors),
        TEST(test_bomb),
        TEST(test_empty_blocks),
        TEST(test_out_of_memory),
        TEST(test_large_messages_are_handed_over),
        cmocka_unit_test(test_continues_the_window_of_a_peer),
        cmocka_unit_test(test_a_window_has_its_size),
        cmocka_unit_test(test_windows_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
