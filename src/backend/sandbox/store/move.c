/*
 * move: see the header.
 *
 * The database is opened first, so that no other process has it, and it holds all that SQLite keeps
 * beside it. It is moved last: as long as it is there, the next start knows that the move is not
 * complete.
 */
#include "backend/sandbox/store/move.h"

#include "backend/sandbox/store/db.h"
#include "base/error_text.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "FOLDER/name", where FOLDER is that of the file `beside`. NULL when out of memory. */
static char *path_beside(const char *beside, const char *name)
{
    const char *slash = strrchr(beside, '/');
    char *path;
    int len = slash ? (int)(slash - beside) : 1;
    return asprintf(&path, "%.*s/%s", len, slash ? beside : ".", name) < 0 ? NULL : path;
}

/* A name in a folder is on disk. */
static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return rc;
}

static int sync_folders(const char *from, const char *to)
{
    char *a = path_beside(from, "."), *b = path_beside(to, "."), *above = path_beside(to, "..");
    int rc = a && b && above ? sync_folder(b) : -ENOMEM;
    if (rc == 0)
        rc = sync_folder(above);
    if (rc == 0)
        rc = sync_folder(a);
    free(a);
    free(b);
    free(above);
    return rc;
}

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static int failed(const char *from, const char *to, int rc)
{
    mk_log_error("sandbox",
                 "cannot move %s to %s, where it is kept from this version on: %s; stop, and move "
                 "it by hand",
                 "无法将 %s 移动到 %s（自此版本起的存放位置）：%s；请停止程序并手动移动", from, to,
                 mk_error_text(-rc));
    return rc;
}

/* `to` may be an empty folder. */
static int move_contents(const char *from, const char *to)
{
    char link[2];
    if (!is_there(from))
        return 0;
    /* A link that is relative to this folder would lead elsewhere after the move. */
    if (readlink(from, link, sizeof(link)) > 0 && link[0] != '/')
        return failed(from, to, -ELOOP);
    return rename(from, to) == 0 ? 0 : failed(from, to, -errno);
}

static int move_all(const char *from, const char *to)
{
    char *old_media = path_beside(from, "media"), *media = path_beside(to, "media");
    int rc = old_media && media ? move_contents(old_media, media) : -ENOMEM;
    if (rc == 0)
        rc = sync_folders(from, to);
    if (rc == 0 && rename(from, to) < 0)
        rc = failed(from, to, -errno);
    if (rc == 0)
        rc = sync_folders(from, to);
    free(old_media);
    free(media);
    return rc;
}

int sb_move_world(const struct sb_feature *const *features, const char *from, const char *to)
{
    struct sb_db db;
    if (!from || !*from || !is_there(from))
        return 0;
    if (is_there(to)) {
        mk_log_error("sandbox",
                     "there are two worlds: %s, of an earlier version, and %s: stop, and move away "
                     "the one that is not wanted",
                     "有两个世界：旧版本的 %s 与 %s：请停止程序，并移走不需要的那个", from, to);
        return -EEXIST;
    }
    int rc = sb_db_open_alone(&db, features, from);
    if (rc < 0)
        return rc;
    rc = move_all(from, to);
    sb_db_close(&db);
    if (rc == 0)
        mk_log_info("sandbox", "moved the world in %s to %s, where it is kept from this version on",
                    "已将 %s 中的世界移动到 %s（自此版本起的存放位置）", from, to);
    return rc;
}
