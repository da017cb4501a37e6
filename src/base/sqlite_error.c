/* sqlite_error: see the header. */
#include "base/sqlite_error.h"

#include <errno.h>
#include <sqlite3.h>

int mk_sqlite_errno(int code)
{
    switch (code & 0xff) { /* the primary code of an extended one */
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return -EROFS;
    default:
        return -EIO;
    }
}
