/* private_file: see the header. */
#include "backend/sandbox/store/private_file.h"

#include "base/error_text.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OF_OTHERS = 077 };

static void tighten(const char *path, mode_t kind)
{
    struct stat status;
    if (stat(path, &status) < 0 || (status.st_mode & S_IFMT) != kind ||
        (status.st_mode & OF_OTHERS) == 0)
        return;
    unsigned mode = status.st_mode & 07777;
    if (chmod(path, mode & ~(unsigned)OF_OTHERS) == 0)
        mk_log_warn("sandbox", "%s was open to other users (mode %04o): it is private now",
                    "%s 曾对其他用户开放（权限 %04o）：现已收紧", path, mode);
    else
        mk_log_warn(
            "sandbox", "%s is open to other users (mode %04o), and that cannot be changed: %s",
            "%s 对其他用户开放（权限 %04o），且无法收紧：%s", path, mode, mk_error_text(errno));
}

void sb_private_database(const char *path)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        if (fchmod(fd, 0600) < 0) /* the umask may have taken too much */
            mk_log_warn("sandbox", "%s: %s", "%s：%s", path, mk_error_text(errno));
        close(fd);
        return;
    }
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char name[PATH_MAX];
        if (snprintf(name, sizeof(name), "%s%s", path, suffixes[i]) < (int)sizeof(name))
            tighten(name, S_IFREG);
    }
}

void sb_private_folder(const char *path)
{
    tighten(path, S_IFDIR);
}
