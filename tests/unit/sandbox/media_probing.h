/* media_probing: contents that are made byte by byte, and what the prober says of them. */
#ifndef MK_TESTS_MEDIA_PROBING_H
#define MK_TESTS_MEDIA_PROBING_H

#include "backend/sandbox/media/probe.h"
#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- making --- */

static struct mk_buf made;

static inline void begin(void)
{
    mk_buf_fini(&made);
    mk_buf_init(&made, 64 * 1024 * 1024);
}

static inline void bytes(const void *data, size_t len)
{
    assert_int_equal(mk_buf_append(&made, data, len), 0);
}

static inline void text(const char *literal)
{
    bytes(literal, strlen(literal));
}

static inline void zeros(size_t count)
{
    while (count-- > 0)
        mk_buf_append_char(&made, '\0');
}

static inline void big(uint64_t number, unsigned size)
{
    while (size-- > 0)
        mk_buf_append_char(&made, (char)(number >> 8 * size));
}

static inline void little(uint64_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        mk_buf_append_char(&made, (char)(number >> 8 * i));
}

/* --- asking --- */

/* A file with this content. */
static inline int file_of(struct mk_slice content)
{
    char path[] = "/tmp/milky-probe-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, content.ptr, content.len), content.len);
    return fd;
}

/* A file of the same content gives the same answer, piece by piece. */
static inline void compare_with_file(struct mk_slice content, const struct sb_media_info *info,
                                     const struct mk_phrase *wrong)
{
    struct sb_media_info found = { 0 };
    const struct mk_phrase *reason;
    int fd = file_of(content);
    assert_int_equal(sb_media_probe_file(fd, content.len, &found, &reason), 0);
    assert_ptr_equal(reason, wrong);
    assert_string_equal(found.content_type, info->content_type);
    assert_int_equal(found.width, info->width);
    assert_int_equal(found.height, info->height);
    assert_int_equal(found.duration, info->duration);
    close(fd);
}

/* The content ends at a guard page: reading beyond it ends the test. */
static inline const char *probe_guarded(struct mk_slice content, struct sb_media_info *info)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (content.len + page - 1) / page * page;
    char *map = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map + size, page, PROT_NONE), 0);
    char *at = map + size - content.len;
    if (content.len > 0)
        memcpy(at, content.ptr, content.len);
    const struct mk_phrase *wrong = sb_media_probe(mk_slice_of(at, content.len), info);
    munmap(map, size + page);
    compare_with_file(content, info, wrong);
    return wrong ? wrong->en : NULL;
}

/*
 * The content is recognized; and each prefix of it is refused, or recognized as something else, or
 * has the same size: but never more than a second of sound, where there is none.
 */
static inline void is(const char *type, unsigned width, unsigned height, unsigned duration)
{
    struct sb_media_info info;
    const char *wrong = probe_guarded(mk_buf_slice(&made), &info);
    if (wrong)
        fail_msg("%s: %s", type, wrong);
    assert_string_equal(info.content_type, type);
    assert_int_equal(info.width, width);
    assert_int_equal(info.height, height);
    assert_int_equal(info.duration, duration);
    for (size_t len = 0; len<made.len; len += made.len> 4096 && len > 256 ? 997 : 1) {
        wrong = probe_guarded(mk_slice_of(made.data, len), &info);
        bool same = !wrong && strcmp(info.content_type, type) == 0;
        assert_true(info.width == 0 || (same && info.width == width && info.height == height));
        assert_true(info.duration <= duration);
        if (wrong)
            assert_int_equal(info.kind, SB_MEDIA_OTHER);
    }
}

static inline void is_refused(const char *part)
{
    struct sb_media_info info;
    const char *wrong = probe_guarded(mk_buf_slice(&made), &info);
    assert_non_null(wrong);
    assert_non_null(strstr(wrong, part));
    assert_int_equal(info.kind, SB_MEDIA_OTHER);
    assert_string_equal(info.content_type, "application/octet-stream");
}

static inline void is_other(void)
{
    struct sb_media_info info;
    assert_null(probe_guarded(mk_buf_slice(&made), &info));
    assert_int_equal(info.kind, SB_MEDIA_OTHER);
}

/* --- boxes of MP4 --- */

static inline size_t box_begin(const char *type)
{
    size_t at = made.len;
    big(0, 4);
    text(type);
    return at;
}

static inline void box_end(size_t at)
{
    uint32_t size = (uint32_t)(made.len - at);
    for (int i = 0; i < 4; i++)
        made.data[at + (size_t)i] = (char)(size >> 8 * (3 - i));
}

static inline void box(const char *type, size_t len)
{
    size_t at = box_begin(type);
    zeros(len);
    box_end(at);
}

static inline int forget(void **state)
{
    (void)state;
    mk_buf_fini(&made);
    return 0;
}

#endif
