/* probe: see the header. Here is the list of formats; each kind of them has a file of its own. */
#include "backend/sandbox/media/probe_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static const struct sb_media_info types[] = {
    { .kind = SB_MEDIA_OTHER, .content_type = "application/octet-stream", .extension = "bin" },
    { .kind = SB_MEDIA_IMAGE, .content_type = "image/png", .extension = "png" },
    { .kind = SB_MEDIA_IMAGE, .content_type = "image/jpeg", .extension = "jpg" },
    { .kind = SB_MEDIA_IMAGE, .content_type = "image/gif", .extension = "gif" },
    { .kind = SB_MEDIA_IMAGE, .content_type = "image/webp", .extension = "webp" },
    { .kind = SB_MEDIA_IMAGE, .content_type = "image/bmp", .extension = "bmp" },
    { .kind = SB_MEDIA_IMAGE, .content_type = "image/heic", .extension = "heic" },
    { .kind = SB_MEDIA_IMAGE, .content_type = "image/heif", .extension = "heif" },
    { .kind = SB_MEDIA_IMAGE, .content_type = "image/avif", .extension = "avif" },
    { .kind = SB_MEDIA_IMAGE, .content_type = "image/tiff", .extension = "tiff" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/wav", .extension = "wav" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/mpeg", .extension = "mp3" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/ogg", .extension = "ogg" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/flac", .extension = "flac" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/amr", .extension = "amr" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/amr-wb", .extension = "awb" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/silk", .extension = "silk" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/mp4", .extension = "m4a" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/aac", .extension = "aac" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/aiff", .extension = "aiff" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/x-caf", .extension = "caf" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/webm", .extension = "weba" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/x-matroska", .extension = "mka" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/x-flv", .extension = "flv" },
    { .kind = SB_MEDIA_AUDIO, .content_type = "audio/mp2t", .extension = "ts" },
    { .kind = SB_MEDIA_VIDEO, .content_type = "video/mp4", .extension = "mp4" },
    { .kind = SB_MEDIA_VIDEO, .content_type = "video/quicktime", .extension = "mov" },
    { .kind = SB_MEDIA_VIDEO, .content_type = "video/webm", .extension = "webm" },
    { .kind = SB_MEDIA_VIDEO, .content_type = "video/x-matroska", .extension = "mkv" },
    { .kind = SB_MEDIA_VIDEO, .content_type = "video/x-flv", .extension = "flv" },
    { .kind = SB_MEDIA_VIDEO, .content_type = "video/x-msvideo", .extension = "avi" },
    { .kind = SB_MEDIA_VIDEO, .content_type = "video/mp2t", .extension = "ts" },
};

void sb_media_info_of(const char *content_type, size_t len, struct sb_media_info *info)
{
    *info = types[0];
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (mk_slice_eq(mk_slice_str(types[i].content_type), mk_slice_of(content_type, len)))
            *info = types[i];
}

void sb_media_set_duration(struct sb_media_info *info, uint64_t units, uint64_t per_second)
{
    uint64_t seconds = per_second > 0 ? units / per_second : 0;
    if (per_second > 0 && units % per_second >= per_second - units % per_second)
        seconds++;
    info->duration = seconds == 0 ? 1 : seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

bool sb_media_set_size(struct sb_media_info *info, uint64_t width, uint64_t height)
{
    if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX)
        return false;
    info->width = (uint32_t)width;
    info->height = (uint32_t)height;
    return true;
}

/* --- all of them --- */

/* Those that begin with less than a mark of their own come last. */
static sb_media_prober *const probers[] = {
    sb_media_probe_png,  sb_media_probe_jpeg, sb_media_probe_gif,  sb_media_probe_webp,
    sb_media_probe_wav,  sb_media_probe_avi,  sb_media_probe_bmp,  sb_media_probe_tiff,
    sb_media_probe_flac, sb_media_probe_ogg,  sb_media_probe_amr,  sb_media_probe_silk,
    sb_media_probe_aiff, sb_media_probe_caf,  sb_media_probe_ebml, sb_media_probe_flv,
    sb_media_probe_heif, sb_media_probe_mp4,  sb_media_probe_aac,  sb_media_probe_mp3,
    sb_media_probe_ts,
};

static const struct mk_phrase *probe(struct sb_media_bytes content, struct sb_media_info *info)
{
    for (size_t i = 0; i < sizeof(probers) / sizeof(probers[0]); i++) {
        struct sb_media_info found = { 0 };
        const struct mk_phrase *wrong = NULL;
        if (!probers[i](content, &found, &wrong))
            continue;
        *info = types[0];
        if (wrong)
            return wrong;
        sb_media_info_of(found.content_type, strlen(found.content_type), info);
        info->width = found.width;
        info->height = found.height;
        info->duration = found.duration;
        return NULL;
    }
    *info = types[0];
    info->other = sb_media_known_other(content);
    return NULL;
}

const struct mk_phrase *sb_media_probe(struct mk_slice content, struct sb_media_info *info)
{
    struct sb_media_window window = { .bytes = content.ptr, .len = content.len, .fd = -1 };
    return probe((struct sb_media_bytes){ &window, 0, content.len }, info);
}

/* --- files --- */

/*
 * A mapping would be simpler, but a file that becomes shorter, or a disk that fails, ends the
 * process there (SIGBUS).
 */
void sb_media_window_move(struct sb_media_window *window, uint64_t position)
{
    size_t got = 0;
    window->start = position - position % SB_MEDIA_WINDOW;
    while (!window->error && got < SB_MEDIA_WINDOW) {
        ssize_t count = pread(window->fd, window->piece + got, SB_MEDIA_WINDOW - got,
                              (off_t)(window->start + got));
        if (count == 0)
            break;
        if (count < 0 && errno != EINTR)
            window->error = -errno;
        got += count > 0 ? (size_t)count : 0;
    }
    if (!window->error && window->start + got <= position)
        window->error = -EIO; /* the file became shorter */
    memset(window->piece + got, 0, SB_MEDIA_WINDOW - got);
    window->bytes = window->piece;
    window->len = SB_MEDIA_WINDOW;
}

int sb_media_probe_file(int fd, uint64_t size, struct sb_media_info *info,
                        const struct mk_phrase **wrong)
{
    struct sb_media_window window = { .fd = fd, .piece = malloc(SB_MEDIA_WINDOW) };
    if (!window.piece)
        return -ENOMEM;
    *wrong = probe((struct sb_media_bytes){ &window, 0, size }, info);
    free(window.piece);
    return window.error;
}
