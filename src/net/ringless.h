/*
 * ringless: a libuv loop without an io_uring of libuv's own. From 1.45 on libuv opens one with
 * every loop, to change with one system call what epoll waits for, and has no way to ask it not to.
 * We have our own (ring), for sending alone, and none where the configuration says so.
 */
#ifndef MK_NET_RINGLESS_H
#define MK_NET_RINGLESS_H

#include <uv.h>

/*
 * uv_loop_init, but the loop has no io_uring. Where the system does not let us see to that (it
 * forbids seccomp filters), it has one. Returns 0 or a negative errno.
 */
int mk_ringless_loop_init(uv_loop_t *loop);

#endif
