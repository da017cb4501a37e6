/*
 * post: what other threads want to be done on the thread of the loop, in the order in which they
 * asked (milky_host_post). The one part of the library that more than one thread may enter.
 */
#ifndef MK_HOST_POST_H
#define MK_HOST_POST_H

#include <stdbool.h>
#include <uv.h>

struct mk_post;

struct mk_posts {
    uv_mutex_t mutex; /* guards all that is below */
    uv_async_t *wake; /* does not keep the loop running; NULL: closed */
    struct mk_post *first;
    struct mk_post **end;
};

/* Returns 0 or a negative errno. */
int mk_posts_init(struct mk_posts *posts, uv_loop_t *loop);

/* Any thread. Returns 0, -ENOMEM, or -ESHUTDOWN when they are closed. */
int mk_posts_add(struct mk_posts *posts, void (*run)(void *arg), void *arg);

/* Takes no more, and runs those that were taken. May be repeated. */
void mk_posts_close(struct mk_posts *posts);

/* They are closed, and no thread is in mk_posts_add any more. */
void mk_posts_fini(struct mk_posts *posts);

#endif
