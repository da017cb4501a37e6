/* write_all: writes all bytes to a file or a pipe, for threads that may wait. */
#ifndef MK_BASE_WRITE_ALL_H
#define MK_BASE_WRITE_ALL_H

#include <stddef.h>

/*
 * Goes on after an interruption, and waits where the descriptor does not block. Returns 0, or a
 * negative errno; then a part may be written.
 */
int mk_write_all(int fd, const char *data, size_t len);

#endif
