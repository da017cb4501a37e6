/*
 * post: runs functions of other threads on the thread of the loop, in the order in which they were
 * posted (milky_host_post). The only part of the library that several threads may call.
 */
#ifndef MK_HOST_POST_H
#define MK_HOST_POST_H

#include <stdbool.h>
#include <uv.h>

struct mk_post;

struct mk_posts {
    uv_mutex_t mutex; /* guards the fields below */
    uv_async_t *wake; /* does not keep the loop running; NULL: closed */
    struct mk_post *first;
    struct mk_post **end;
};

/* Returns 0 or a negative errno. */
int mk_posts_init(struct mk_posts *posts, uv_loop_t *loop);

/* May be called by any thread. Returns 0, -ENOMEM, or -ESHUTDOWN when they are closed. */
int mk_posts_add(struct mk_posts *posts, void (*run)(void *arg), void *arg);

/* Accepts no more posts, and runs the accepted ones. May be called again. */
void mk_posts_close(struct mk_posts *posts);

/* The posts must be closed, and no thread may be in mk_posts_add. */
void mk_posts_fini(struct mk_posts *posts);

#endif
