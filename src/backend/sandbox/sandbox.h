/*
 * sandbox: a backend that is a small QQ of its own, kept in one SQLite database. It has people,
 * friendships, groups and messages; the bots of the configuration are people in it. It never
 * connects to QQ.
 */
#ifndef SB_SANDBOX_H
#define SB_SANDBOX_H

#include "backend/sandbox/media/config.h"
#include "backend/sandbox/turn/retcode.h"
#include "base/language.h"

#include <milky/json.h>

struct sb_sandbox_config {
    const char *path;     /* the database file, made when missing; or ":memory:" */
    const char *old_path; /* NULL, or where an older version kept the database: it is moved to
                             `path`, with its contents */
    struct sb_media_config media;
    const char *world;    /* a world as JSON (docs/SANDBOX.md) for a new database, and for
                             a reset; NULL: the default world */
    bool is_lenient;      /* warns where it would refuse or drop what QQ's limits exclude */
    const uint64_t *seed; /* makes ids repeatable: for tests; NULL: they cannot be guessed */
};

/* clang-format off */
/*
 * Returns a backend, or NULL (logged) when out of memory. `config` is copied. `start` opens the
 * database; it logs and returns why it cannot be used:
 *
 *   -ENOENT                   its directory does not exist
 *   -EACCES                   it cannot be written
 *   -EBUSY                    another process has opened it
 *   -EINVAL                   it is not a world of this program
 *   -ENOTSUP                  a newer version has made it
 *   -ENOSPC, -ENOMEM, -EIO    the disk or the memory failed
 *
 * The first start makes the default world; in every start the bots that are not in the world yet
 * join it.
 */
/* clang-format on */
struct sb_sandbox *sb_sandbox_new(const struct sb_sandbox_config *config);

/* The table of the backend; its `self` is a sandbox. */
extern const struct milky_backend sb_backend;

/* file:// does not read this file from now on. `sandbox` has started. Returns 0 or -ENOMEM. */
int sb_sandbox_close_file(struct sb_sandbox *sandbox, const char *path);

struct mk_buf;

/* Appends the world as JSON (docs/SANDBOX.md). `sandbox` has started. Returns 0 or -errno. */
int sb_sandbox_dump(struct sb_sandbox *sandbox, struct mk_buf *out);

/*
 * Appends one line about the first group of `bot`: its name, its owner and the role of the bot.
 * Names in it are as people wrote them: escape them for a terminal. Nothing where the bot is in no
 * group. `sandbox` has started. Returns 0 or -errno.
 */
int sb_sandbox_group_line(struct sb_sandbox *sandbox, uint64_t bot, enum mk_language language,
                          struct mk_buf *out);

#endif
