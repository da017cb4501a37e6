/*
 * power: a library for LD_PRELOAD that keeps of each file the content that would survive a loss of
 * power: the one that was flushed last, beside it as FILE.flushed. A test ends the program, and
 * replaces the files by those (tests/e2e/power.mjs). Not simulated: parts of unflushed content may
 * be on the disk too, and directories have a flush of their own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

static _Noreturn void give_up(const char *what)
{
    perror(what);
    abort(); /* a test that continues would prove nothing */
}

static void copy(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (in < 0 || out < 0)
        give_up(to);
    ssize_t len;
    do {
        len = copy_file_range(in, NULL, out, NULL, PIECE, 0);
    } while (len > 0 || (len < 0 && errno == EINTR));
    if (len < 0)
        give_up("copy_file_range");
    close(in);
    close(out);
}

/* `fd` was flushed. The copy appears as a whole: the program may be killed at any moment. */
static void keep(int fd)
{
    char link[64], path[PATH_MAX], made[PATH_MAX + 16], kept[PATH_MAX + 16];
    struct stat status;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (len < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_nlink == 0)
        return;
    path[len] = '\0';
    snprintf(made, sizeof(made), "%s.making", path);
    snprintf(kept, sizeof(kept), "%s.flushed", path);
    copy(path, made);
    if (rename(made, kept) < 0)
        give_up(kept);
}

static int flush(const char *name, int fd)
{
    int (*next)(int);
    *(void **)&next = dlsym(RTLD_NEXT, name);
    int rc = next(fd);
    if (rc == 0)
        keep(fd);
    return rc;
}

int fsync(int fd)
{
    return flush("fsync", fd);
}

int fdatasync(int fd)
{
    return flush("fdatasync", fd);
}

/* A removed file does not come back. */
int unlink(const char *path)
{
    char kept[PATH_MAX + 16];
    int (*next)(const char *);
    *(void **)&next = dlsym(RTLD_NEXT, "unlink");
    snprintf(kept, sizeof(kept), "%s.flushed", path);
    next(kept);
    return next(path);
}
