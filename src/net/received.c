/* received: see the header. A file of its own: this header and libc's netinet/tcp.h, which lacks
 * the member, exclude each other. */
#include "net/received.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

uint64_t mk_received(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    memset(&info, 0, sizeof(info)); /* older kernels fill less of it */
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ? 0 : info.tcpi_bytes_received;
}
