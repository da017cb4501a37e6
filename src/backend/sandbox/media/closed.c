/*
 * closed: files that file:// does not read, not even below a root: databases, and the files that a
 * configuration has named. Runs on any thread.
 */
#include "backend/sandbox/media/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* One file. It stays until the end: threads walk the list without a lock. */
struct sb_media_closed {
    struct sb_media_closed *next;
    char path[];
};

static bool is_listed(const struct sb_media_rules *rules, const char *path)
{
    const struct sb_media_closed *file = atomic_load(&rules->closed);
    while (file && strcmp(file->path, path) != 0)
        file = file->next;
    return file != NULL;
}

int sb_media_rules_close(struct sb_media_rules *rules, const char *path)
{
    size_t size = strlen(path) + 1;
    if (is_listed(rules, path))
        return 0;
    struct sb_media_closed *file = malloc(sizeof(*file) + size);
    if (!file)
        return -ENOMEM;
    memcpy(file->path, path, size);
    file->next = atomic_load(&rules->closed);
    atomic_store(&rules->closed, file);
    return 0;
}

void sb_media_rules_forget(struct sb_media_rules *rules)
{
    struct sb_media_closed *file = atomic_load(&rules->closed);
    while (file) {
        struct sb_media_closed *next = file->next;
        free(file);
        file = next;
    }
    atomic_store(&rules->closed, NULL);
}

/* --- files of this process --- */

/* The files that SQLite keeps beside a database count as the database. */
static bool is_one_of(const char *database, const struct stat *status)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
    for (size_t i = 0; *database && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char path[PATH_MAX];
        struct stat own;
        if (snprintf(path, sizeof(path), "%s%s", database, suffixes[i]) < (int)sizeof(path) &&
            stat(path, &own) == 0 && own.st_dev == status->st_dev && own.st_ino == status->st_ino)
            return true;
    }
    return false;
}

static bool is_same_file(int folder, const char *name, const struct stat *status)
{
    struct stat own;
    return fstatat(folder, name, &own, 0) == 0 && own.st_dev == status->st_dev &&
           own.st_ino == status->st_ino;
}

static bool is_database_in(int parent, const char *folder, const struct stat *status)
{
    int fd = openat(parent, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    bool found = false;
    while (dir && !found && (entry = readdir(dir)))
        found = strstr(entry->d_name, ".db") && is_same_file(dirfd(dir), entry->d_name, status);
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
    return found;
}

/* The databases of other backends are beside this one; backends come and go with a reload. */
static bool is_database_below(const char *folder, const struct stat *status)
{
    DIR *dir = folder && *folder ? opendir(folder) : NULL;
    const struct dirent *entry;
    bool found = false;
    while (dir && !found && (entry = readdir(dir)))
        found =
            strcmp(entry->d_name, "..") != 0 && is_database_in(dirfd(dir), entry->d_name, status);
    if (dir)
        closedir(dir);
    return found;
}

/* Compares inodes: a file has as many names as it has hard links. */
bool sb_media_is_closed(const struct sb_media_rules *rules, const struct stat *status)
{
    const struct sb_media_closed *file = atomic_load(&rules->closed);
    while (file && !is_one_of(file->path, status))
        file = file->next;
    return file || is_one_of(rules->database, status) || is_database_below(rules->data_dir, status);
}

/* Returns what follows the folder and its slash in `path`, or NULL when it is not below it. */
static const char *below(const char *folder, const char *path)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

bool sb_media_is_private(const struct sb_media_rules *rules, const char *root, const char *path)
{
    const char *folder = rules->data_dir;
    const char *inner = *folder ? below(folder, path) : NULL;
    if (!inner)
        return false;
    const char *slash = strchr(inner, '/');
    bool is_content = slash && strncmp(slash, "/media/", 7) == 0;
    bool is_upload = strncmp(inner, "cache/", 6) == 0;
    return is_content || is_upload || (strcmp(root, folder) != 0 && !below(folder, root));
}
