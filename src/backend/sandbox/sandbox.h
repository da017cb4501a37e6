/*
 * sandbox: a backend that is a small QQ of its own, kept in one SQLite database. It has people,
 * friendships, groups and messages; the bots of the configuration are people in it. Nothing of it
 * ever leaves the machine.
 */
#ifndef SB_SANDBOX_H
#define SB_SANDBOX_H

#include "backend/sandbox/media/config.h"
#include "backend/sandbox/turn/retcode.h"

#include <milky/json.h>

struct sb_sandbox_config {
    const char *path;     /* the database file, made where there is none; or ":memory:" */
    const char *old_path; /* NULL, or where a version before kept the database: one that is there
                             is moved to `path`, with its contents */
    struct sb_media_config media;
    const char *world;    /* a world as JSON (docs/SANDBOX.md) that a new database begins with, and
                             that a reset goes back to; NULL: the friendly one */
    const uint64_t *seed; /* makes ids repeat themselves: for tests; NULL: nobody can guess them */
};

/*
 * Returns a backend, or NULL (logged) when memory is out. `config` is copied. The database is
 * opened by `start`, which logs why and fails with -errno when it cannot be used: -ENOENT   its
 * directory does not exist      -EACCES   it may not be written -EBUSY    another process has it
 * open       -EINVAL   it is no world of this program -ENOTSUP  a newer version made it -ENOSPC,
 * -ENOMEM, -EIO The first start makes a friendly world; every start lets the bots join that are not
 * in it yet.
 */
struct sb_sandbox *sb_sandbox_new(const struct sb_sandbox_config *config);

/* Its table; a sandbox is the `self` of it. */
extern const struct milky_backend sb_backend;

struct mk_buf;

/* Appends the world as JSON (docs/SANDBOX.md). `sandbox` has started. Returns 0 or -errno. */
int sb_sandbox_dump(struct sb_sandbox *sandbox, struct mk_buf *out);

#endif
