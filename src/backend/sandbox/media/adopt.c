/*
 * adopt: an upload (cache://) becomes an incoming file without passing through memory. Runs on any
 * thread. An upload never changes, and neither does a content, so both may be one file.
 */
#include "backend/sandbox/media/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <unistd.h>

enum { PIECE = 4 * 1024 * 1024 };

/*
 * Another name for the file. Fails where that is another file system, there is no /proc, or the
 * upload was deleted meanwhile.
 */
static bool link_file(int cached, const char *path)
{
    char name[64];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", cached);
    return unlink(path) == 0 && linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
}

/* Copies within the kernel, or shares the blocks where the file system can. */
static int copy_file(int cached, int fd, struct sb_media_reading *reading)
{
    off_t at = 0;
    while (!atomic_load(&reading->abandoned)) {
        ssize_t count = copy_file_range(cached, &at, fd, NULL, PIECE, 0);
        if (count < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
                          errno == EOPNOTSUPP || errno == EPERM))
            count = sendfile(fd, cached, &at, PIECE);
        if (count == 0)
            return 0;
        if (count < 0 && errno != EINTR)
            return -errno;
    }
    return 0;
}

int sb_media_adopt_file(int cached, const char *path, int *fd, struct sb_media_reading *reading)
{
    bool is_linked = link_file(cached, path);
    int flags = O_CLOEXEC | O_NOFOLLOW;
    int own = open(path, is_linked ? O_RDONLY | flags : O_RDWR | O_CREAT | flags, 0600);
    if (own < 0)
        return -errno;
    close(*fd);
    *fd = own;
    return is_linked ? 0 : copy_file(cached, own, reading);
}
