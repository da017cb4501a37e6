/*
 * sandbox: a backend that is a small QQ of its own, kept in one SQLite database. It has people,
 * friendships, groups and messages; the bots of the configuration are people in it. Nothing of it
 * ever leaves the machine.
 */
#ifndef MK_BACKEND_SANDBOX_H
#define MK_BACKEND_SANDBOX_H

#include <milky/json.h>

/* What content bots and operators may bring in by URI (media.h). Zeroed is all defaults. */
struct mk_sandbox_media {
    uint64_t max_bytes;        /* of one content; 0: 100 MiB */
    const char *const *roots;  /* file:// reads below these folders alone */
    size_t root_count;         /* 0: the database's folder and the working directory */
    const char *const *closed; /* files that file:// never reads, not even below a root, with
                                  what SQLite keeps beside each; the world's own are such too */
    size_t closed_count;
    const char *closed_below;     /* NULL, or a folder: as closed are the databases (whatever has
                                     ".db" in its name) in the folders that are in it */
    bool allow_private_addresses; /* http(s):// may reach this machine and private networks */
    uint32_t timeout_ms;          /* of one download; 0: 60 s */
    const char *temporary;        /* the folder that a world in memory makes one of its own in for
                                     its contents; NULL or "": /tmp */
};

struct mk_sandbox_config {
    const char *path;     /* the database file, made where there is none; or ":memory:" */
    const char *old_path; /* NULL, or where a version before kept the database: one that is there
                             is moved to `path`, with its contents */
    struct mk_sandbox_media media;
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
struct mk_sandbox *mk_sandbox_new(const struct mk_sandbox_config *config);

/* Its table; a sandbox is the `self` of it. */
extern const struct milky_backend mk_sandbox_backend;

struct mk_buf;

/* Appends the world as JSON (docs/SANDBOX.md). `sandbox` has started. Returns 0 or -errno. */
int mk_sandbox_dump(struct mk_sandbox *sandbox, struct mk_buf *out);

/* Why the sandbox refused a call, beside `enum milky_retcode`. Part of the interface: they stay. */
enum mk_sandbox_retcode {
    MK_SANDBOX_NO_FRIEND = -100,       /* the user is not a friend of the bot */
    MK_SANDBOX_NO_GROUP = -101,        /* the group does not exist, or the bot is not in it */
    MK_SANDBOX_NO_MEMBER = -102,       /* the user is not in the group */
    MK_SANDBOX_NO_MESSAGE = -103,      /* the message does not exist, or was recalled */
    MK_SANDBOX_NO_PERMISSION = -104,   /* the bot's role in the group does not allow it */
    MK_SANDBOX_BAD_MESSAGE = -105,     /* empty, too long, or a segment that cannot be sent here */
    MK_SANDBOX_NO_USER = -106,         /* nobody has that QQ number */
    MK_SANDBOX_MUTED = -107,           /* the sender may not speak in the group at present */
    MK_SANDBOX_BAD_TEXT = -108,        /* a name or text is empty, too long, or has a character that
                                          cannot stand in it */
    MK_SANDBOX_NO_REQUEST = -109,      /* nobody asks that, or it has been answered */
    MK_SANDBOX_TOO_MUCH = -110,        /* no more of it today */
    MK_SANDBOX_ALREADY = -111,         /* it is so already */
    MK_SANDBOX_NO_ANNOUNCEMENT = -112, /* the group has no such announcement */
    MK_SANDBOX_GROUP_FULL = -113,      /* the group has as many members as it may have */
    MK_SANDBOX_BAD_VALUE = -114,       /* a number or code that means nothing, or too much */
    MK_SANDBOX_NO_FILE = -115,         /* no such file there, or it has another hash */
    MK_SANDBOX_NO_FOLDER = -116,       /* the group has no such folder */
    MK_SANDBOX_BAD_URI = -120,         /* malformed, or it points where nobody may look */
    MK_SANDBOX_NO_CONTENT = -121,      /* the file cannot be read, the URL not be downloaded */
    MK_SANDBOX_MEDIA_TOO_LARGE = -122, /* larger than is allowed */
    MK_SANDBOX_BAD_MEDIA = -123,       /* empty, damaged, or no picture where one is wanted */
    MK_SANDBOX_NO_RESOURCE = -124,     /* no content has that resource_id */
};

#endif
