/* clang-format off */
/*
 * fault_calls: the system calls of fault.c that are made for a call or an event, each with the errors
 * that Linux really returns for it. Not counted are:
 * - epoll_ctl by which libuv begins to watch in its loop: it aborts where that fails. Before, it checks
 *   whether a descriptor can be watched at all (uv__io_check_fd, which is counted), and after that only
 *   the limit on watches of a user (fs.epoll.max_user_watches, some hundred thousand) is left.
 * - errors of eventfds and pipes other than EINTR and EAGAIN: there are none.
 * - output to standard output and standard error.
 */
/* clang-format on */
#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#if __has_include(<liburing.h>)
#include <liburing.h>
#define HAS_RING 1
#endif

#define ERRORS(...)                                                                                \
    (const int[])                                                                                  \
    {                                                                                              \
        __VA_ARGS__, 0                                                                             \
    }

/* The function `name` that this one replaces. */
#define NEXT(name)                                                                                 \
    static __typeof__(&name) next;                                                                 \
    if (!next)                                                                                     \
    *(void **)&next = dlsym(RTLD_NEXT, #name)

#define FAIL_NOW(call, ...)                                                                        \
    do {                                                                                           \
        int error = fault_now(call, ERRORS(__VA_ARGS__));                                          \
        if (error) {                                                                               \
            errno = error;                                                                         \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

enum kind { SOCKET, FILE_ON_DISK, OTHER };

static enum kind kind_of(int fd)
{
    struct stat status;
    static int (*look)(int, struct stat *);
    if (!look)
        *(void **)&look = dlsym(RTLD_NEXT, "fstat");
    int was = errno;
    int rc = look(fd, &status);
    errno = was;
    if (rc == 0 && S_ISSOCK(status.st_mode))
        return SOCKET;
    return rc == 0 && S_ISREG(status.st_mode) ? FILE_ON_DISK : OTHER;
}

static int in_fault(enum fault_call call, int fd)
{
    if (!fault_page || !fault_page->calls)
        return 0;
    switch (kind_of(fd)) {
    case SOCKET:
        return fault_now(call, ERRORS(ECONNRESET, EAGAIN, EINTR, ENOMEM));
    case FILE_ON_DISK:
        return fault_now(call, ERRORS(EIO, EINTR, EIO, FAULT_SHORT));
    default:
        return fault_now(call, ERRORS(EINTR, EAGAIN));
    }
}

/* Writes into other files than the one that is asked for are left alone. */
static bool is_other_file(int fd)
{
    char link[64], path[4096];
    size_t wanted = strlen(fault_page->file);
    if (wanted == 0)
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path));
    return len < (ssize_t)wanted || memcmp(path + len - wanted, fault_page->file, wanted) != 0;
}

static int out_fault(enum fault_call call, int fd)
{
    if (!fault_page || !fault_page->calls || fd <= STDERR_FILENO)
        return 0;
    switch (kind_of(fd)) {
    case SOCKET:
        return fault_now(call, ERRORS(ECONNRESET, FAULT_SHORT, EAGAIN, EPIPE, EINTR, ENOBUFS));
    case FILE_ON_DISK:
        return is_other_file(fd) ? 0
                                 : fault_now(call, ERRORS(ENOSPC, EIO, FAULT_SHORT, EINTR, EDQUOT));
    default:
        return 0;
    }
}

/* --- in --- */

#define FAIL_WITH(fault)                                                                           \
    do {                                                                                           \
        if ((fault) > 0) {                                                                         \
            errno = (fault);                                                                       \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

static size_t part(int fault, size_t len)
{
    return fault == FAULT_SHORT ? (len + 1) / 2 : len;
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
    NEXT(recv);
    int fault = in_fault(FAULT_RECV, fd);
    FAIL_WITH(fault);
    return next(fd, data, part(fault, len), flags);
}

ssize_t read(int fd, void *data, size_t len)
{
    NEXT(read);
    int fault = in_fault(FAULT_READ, fd);
    FAIL_WITH(fault);
    return next(fd, data, part(fault, len));
}

ssize_t pread64(int fd, void *data, size_t len, off64_t at)
{
    NEXT(pread64);
    int fault = in_fault(FAULT_PREAD, fd);
    FAIL_WITH(fault);
    return next(fd, data, part(fault, len), at);
}

/* --- out --- */

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    NEXT(send);
    int fault = out_fault(FAULT_SEND, fd);
    FAIL_WITH(fault);
    return next(fd, data, part(fault, len), flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    NEXT(sendmsg);
    int fault = out_fault(FAULT_SEND, fd);
    FAIL_WITH(fault);
    if (fault != FAULT_SHORT || message->msg_iovlen == 0)
        return next(fd, message, flags);
    struct iovec half = message->msg_iov[0];
    struct msghdr shorter = { .msg_iov = &half, .msg_iovlen = 1 };
    half.iov_len = part(fault, half.iov_len);
    return next(fd, &shorter, flags);
}

#if HAS_RING
enum { RING_FAULTS = 64 }; /* of one submission */

/* The errno for a send in a ring, or 0; a send that does only a part of its work is shortened. */
static int ring_fault(struct io_uring_sqe *entry)
{
    int fault = out_fault(FAULT_SEND, entry->fd);
    if (fault != FAULT_SHORT)
        return fault;
    if (entry->opcode == IORING_OP_SEND) {
        entry->len = (unsigned)part(fault, entry->len);
    } else {
        struct msghdr *message = (struct msghdr *)(uintptr_t)entry->addr;
        message->msg_iovlen = 1;
        message->msg_iov[0].iov_len = part(fault, message->msg_iov[0].iov_len);
    }
    return 0;
}

static void give_result(struct io_uring *ring, uint64_t of, int result)
{
    struct io_uring_cqe *done;
    unsigned head;
    io_uring_for_each_cqe(ring, head, done)
    {
        if (done->user_data == of)
            done->res = result;
    }
}

/* Each send in it counts. One that fails is not made. */
int io_uring_submit_and_wait(struct io_uring *ring, unsigned wait_for)
{
    NEXT(io_uring_submit_and_wait);
    uint64_t failed[RING_FAULTS];
    int errors[RING_FAULTS], count = 0;
    for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail && count < RING_FAULTS; i++) {
        struct io_uring_sqe *entry = &ring->sq.sqes[i & *ring->sq.kring_mask];
        int error = ring_fault(entry);
        if (error == 0)
            continue;
        failed[count] = entry->user_data;
        errors[count++] = error;
        io_uring_prep_nop(entry);
        entry->user_data = failed[count - 1];
    }
    int rc = next(ring, wait_for);
    for (int i = 0; i < count; i++)
        give_result(ring, failed[i], -errors[i]);
    return rc;
}
#endif

ssize_t write(int fd, const void *data, size_t len)
{
    NEXT(write);
    int fault = out_fault(FAULT_WRITE, fd);
    FAIL_WITH(fault);
    return next(fd, data, part(fault, len));
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    NEXT(pwrite64);
    int fault = out_fault(FAULT_PWRITE, fd);
    FAIL_WITH(fault);
    return next(fd, data, part(fault, len), at);
}

/* --- files --- */

int fsync(int fd)
{
    NEXT(fsync);
    FAIL_NOW(FAULT_SYNC, EIO, ENOSPC);
    return next(fd);
}

int fdatasync(int fd)
{
    NEXT(fdatasync);
    FAIL_NOW(FAULT_SYNC, EIO, ENOSPC);
    return next(fd);
}

int ftruncate64(int fd, off64_t len)
{
    NEXT(ftruncate64);
    FAIL_NOW(FAULT_TRUNCATE, EIO, ENOSPC, EINTR);
    return next(fd, len);
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(args, unsigned) : 0;
}

/* A read-only file can still be opened for reading. */
static bool can_fail(int flags)
{
    return !fault_page || fault_page->error != EROFS || (flags & O_ACCMODE) != O_RDONLY;
}

#define OPEN_ERRORS EMFILE, EACCES, ENOMEM, ENOSPC, EINTR

int open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    NEXT(open64);
    if (can_fail(flags))
        FAIL_NOW(FAULT_OPEN, OPEN_ERRORS);
    return next(path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    NEXT(openat64);
    if (can_fail(flags))
        FAIL_NOW(FAULT_OPEN, OPEN_ERRORS);
    return next(folder, path, flags, mode);
}

int unlink(const char *path)
{
    NEXT(unlink);
    FAIL_NOW(FAULT_UNLINK, EIO, EROFS);
    return next(path);
}

int unlinkat(int folder, const char *path, int flags)
{
    NEXT(unlinkat);
    FAIL_NOW(FAULT_UNLINK, EIO, EROFS);
    return next(folder, path, flags);
}

int rename(const char *from, const char *to)
{
    NEXT(rename);
    FAIL_NOW(FAULT_RENAME, ENOSPC, EIO, EROFS);
    return next(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    NEXT(mkdir);
    FAIL_NOW(FAULT_MKDIR, ENOSPC, EROFS, EACCES);
    return next(path, mode);
}

int stat64(const char *restrict path, struct stat64 *restrict status)
{
    NEXT(stat64);
    FAIL_NOW(FAULT_STAT, EACCES, ENOMEM, EIO);
    return next(path, status);
}

int lstat64(const char *restrict path, struct stat64 *restrict status)
{
    NEXT(lstat64);
    FAIL_NOW(FAULT_STAT, EACCES, ENOMEM, EIO);
    return next(path, status);
}

int fstat64(int fd, struct stat64 *status)
{
    NEXT(fstat64);
    FAIL_NOW(FAULT_STAT, EIO, ENOMEM);
    return next(fd, status);
}

int fcntl64(int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    void *arg = va_arg(args, void *);
    va_end(args);
    NEXT(fcntl64);
    if (command == F_SETLK || command == F_SETLKW)
        FAIL_NOW(FAULT_LOCK, ENOLCK, EAGAIN);
    return next(fd, command, arg);
}

/* Linux closes it in any case. */
int close(int fd)
{
    NEXT(close);
    int fault = fault_now(FAULT_CLOSE, ERRORS(EIO, EINTR));
    int rc = next(fd);
    FAIL_WITH(fault);
    return rc;
}

void *mmap64(void *address, size_t len, int protection, int flags, int fd, off64_t at)
{
    NEXT(mmap64);
    int fault = fault_now(FAULT_MMAP, ERRORS(ENOMEM, EAGAIN));
    if (fault) {
        errno = fault;
        return MAP_FAILED;
    }
    return next(address, len, protection, flags, fd, at);
}

/* --- sockets --- */

int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict len, int flags)
{
    NEXT(accept4);
    if (fault_page)
        __atomic_add_fetch(&fault_page->accepts, 1, __ATOMIC_RELAXED);
    FAIL_NOW(FAULT_ACCEPT, EMFILE, ECONNABORTED, ENFILE, EINTR, ENOMEM, ENOBUFS, EAGAIN, EPROTO);
    return next(fd, address, len, flags);
}

int socket(int domain, int type, int protocol)
{
    NEXT(socket);
    FAIL_NOW(FAULT_SOCKET, EMFILE, ENOBUFS, ENOMEM);
    return next(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    NEXT(connect);
    FAIL_NOW(FAULT_CONNECT, ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, EAGAIN);
    return next(fd, address, len);
}

int bind(int fd, const struct sockaddr *address, socklen_t len)
{
    NEXT(bind);
    FAIL_NOW(FAULT_BIND, EADDRINUSE, EACCES, ENOMEM);
    return next(fd, address, len);
}

int listen(int fd, int backlog)
{
    NEXT(listen);
    FAIL_NOW(FAULT_LISTEN, EADDRINUSE);
    return next(fd, backlog);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    NEXT(setsockopt);
    FAIL_NOW(FAULT_SOCKOPT, ENOMEM, ENOBUFS);
    return next(fd, level, name, value, len);
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len)
{
    NEXT(getsockopt);
    FAIL_NOW(FAULT_SOCKOPT, ENOBUFS);
    return next(fd, level, name, value, len);
}

int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict len)
{
    NEXT(getsockname);
    FAIL_NOW(FAULT_SOCKNAME, ENOBUFS);
    return next(fd, address, len);
}

int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict len)
{
    NEXT(getpeername);
    FAIL_NOW(FAULT_SOCKNAME, ENOTCONN, ENOBUFS);
    return next(fd, address, len);
}

int shutdown(int fd, int how)
{
    NEXT(shutdown);
    FAIL_NOW(FAULT_SHUTDOWN, ENOTCONN);
    return next(fd, how);
}

/* --- the loop --- */

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    NEXT(epoll_ctl);
    bool asks = operation == EPOLL_CTL_ADD && event && event->data.fd == -1;
    if (asks || !fault_in_libuv(__builtin_return_address(0)))
        FAIL_NOW(FAULT_EPOLL_CTL, ENOMEM, ENOSPC);
    return next(epoll, operation, fd, event);
}

static void count_poll(void)
{
    if (fault_page)
        __atomic_add_fetch(&fault_page->polls, 1, __ATOMIC_RELAXED);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
    NEXT(epoll_wait);
    count_poll();
    FAIL_NOW(FAULT_EPOLL_WAIT, EINTR);
    return next(epoll, events, most, timeout);
}

int epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout, const sigset_t *mask)
{
    NEXT(epoll_pwait);
    count_poll();
    FAIL_NOW(FAULT_EPOLL_WAIT, EINTR);
    return next(epoll, events, most, timeout, mask);
}

int epoll_create1(int flags)
{
    NEXT(epoll_create1);
    FAIL_NOW(FAULT_EVENTFD, EMFILE, ENOMEM);
    return next(flags);
}

int eventfd(unsigned value, int flags)
{
    NEXT(eventfd);
    FAIL_NOW(FAULT_EVENTFD, EMFILE, ENOMEM);
    return next(value, flags);
}

int pipe2(int fds[2], int flags)
{
    NEXT(pipe2);
    FAIL_NOW(FAULT_PIPE, EMFILE, ENFILE);
    return next(fds, flags);
}

ssize_t getrandom(void *data, size_t len, unsigned flags)
{
    NEXT(getrandom);
    /* No kernel that we run on refuses it, and base/random ends the process where one would. */
    FAIL_NOW(FAULT_RANDOM, EINTR);
    return next(data, len, flags);
}
