/* sandbox_contents: messages with contents of a size, for the limits of media. */
#ifndef MK_TESTS_SANDBOX_CONTENTS_H
#define MK_TESTS_SANDBOX_CONTENTS_H

#include "sandbox_saying.h"

#include <fcntl.h>
#include <unistd.h>

/* A sparse file of `size` bytes that begins with `head`; the result is its URI. */
static inline const char *file(struct world *w, const char *head, size_t len, uint64_t size)
{
    static char uri[192];
    char path[160];
    snprintf(path, sizeof(path), "%s/content-%c", w->dir, *head);
    snprintf(uri, sizeof(uri), "file://%s", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, head, len), len);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    close(fd);
    return uri;
}

static inline const char *gif(struct world *w, uint64_t size)
{
    return file(w, "GIF89a\3\0\2\0", 10, size);
}

/* 8,000 bytes a second. */
static inline const char *wav(struct world *w, uint64_t size)
{
    char head[45] = "RIFFxxxxWAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0\100\37\0\0\1\0\10\0data";
    uint32_t rest = (uint32_t)size - 44;
    memcpy(head + 40, &rest, 4);
    return file(w, head, 44, size);
}

static inline const char *segment(const char *type, const char *uri)
{
    static char text[320];
    snprintf(text, sizeof(text), "{\"type\":\"%s\",\"data\":{\"uri\":\"%s\"}}", type, uri);
    return text;
}

static inline const char *record(struct world *w)
{
    return segment("record", wav(w, 8044));
}

static inline const char *video(struct world *w)
{
    return segment("video", file(w, "FLV\1\1\0\0\0\11\0\0\0", 12, 64));
}

static inline void image_bytes(struct world *w, uint64_t n)
{
    say(w, segment("image", gif(w, n)));
}

static inline void record_bytes(struct world *w, uint64_t n)
{
    say(w, segment("record", wav(w, n)));
}

static inline void record_seconds(struct world *w, uint64_t n)
{
    say(w, segment("record", wav(w, 44 + n * 8000)));
}

static inline void video_bytes(struct world *w, uint64_t n)
{
    say(w, segment("video", file(w, "FLV\1\1\0\0\0\11\0\0\0", 12, n)));
}

static inline void video_thumb(struct world *w, uint64_t n)
{
    call(w, BOT, "send_group_message",
         "{\"group_id\":700000001,\"message\":[{\"type\":\"video\",\"data\":{\"uri\":\"base64://"
         "RkxWAQEAAAAJAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
         "AAA\",\"thumb_uri\":\"%s\"}}]}",
         gif(w, n));
}

static inline void avatar(struct world *w, uint64_t n)
{
    call(w, BOT, "set_avatar", "{\"uri\":\"%s\"}", gif(w, n));
}

static inline void announcement_image(struct world *w, uint64_t n)
{
    call(w, BOT, "send_group_announcement",
         "{\"group_id\":700000001,\"content\":\"x\",\"image_uri\":\"%s\"}", gif(w, n));
}

#endif
