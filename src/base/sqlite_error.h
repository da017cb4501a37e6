/* sqlite_error: result codes of SQLite as negative errnos, for all that keep something in a
 * database. */
#ifndef MK_BASE_SQLITE_ERROR_H
#define MK_BASE_SQLITE_ERROR_H

/*
 * The errno of a result code, primary or extended: -ENOSPC, -ENOMEM, -EBUSY (another connection
 * holds the lock), -EROFS (the file or its folder may not be written), and -EIO for all others,
 * damaged databases among them.
 */
int mk_sqlite_errno(int code);

#endif
