/*
 * ringless: a libuv loop without an io_uring of libuv's own. From 1.45 on libuv opens one with
 * every loop, to batch changes of epoll, and has no option against it. We use a ring of our own,
 * for sending only (net/ring), and none where the configuration forbids it.
 */
#ifndef MK_NET_RINGLESS_H
#define MK_NET_RINGLESS_H

#include <uv.h>

/*
 * uv_loop_init, but the loop has no io_uring. Where the system forbids seccomp filters, it may have
 * one. Returns 0 or a negative errno.
 */
int mk_ringless_loop_init(uv_loop_t *loop);

#endif
