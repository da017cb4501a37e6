/* write_all: see the header. */
#include "base/write_all.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

int mk_write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t count = write(fd, data, len);
        if (count >= 0) {
            data += count;
            len -= (size_t)count;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}
