/* post: see the header. */
#include "host/post.h"

#include <errno.h>
#include <stdlib.h>

struct mk_post {
    struct mk_post *next;
    void (*run)(void *arg);
    void *arg;
};

/* Takes all posts, and runs them without holding the mutex: a post may add another one. */
static void run_all(struct mk_posts *posts)
{
    uv_mutex_lock(&posts->mutex);
    struct mk_post *post = posts->first;
    posts->first = NULL;
    posts->end = &posts->first;
    uv_mutex_unlock(&posts->mutex);
    while (post) {
        struct mk_post *next = post->next;
        post->run(post->arg);
        free(post);
        post = next;
    }
}

static void on_wake(uv_async_t *wake)
{
    run_all(wake->data);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle); /* the uv_async_t */
}

int mk_posts_init(struct mk_posts *posts, uv_loop_t *loop)
{
    uv_async_t *wake = malloc(sizeof(*wake));
    if (!wake)
        return -ENOMEM;
    int rc = uv_mutex_init(&posts->mutex);
    if (rc == 0) {
        rc = uv_async_init(loop, wake, on_wake);
        if (rc < 0)
            uv_mutex_destroy(&posts->mutex);
    }
    if (rc < 0) {
        free(wake);
        return rc;
    }
    uv_unref((uv_handle_t *)wake);
    wake->data = posts;
    posts->wake = wake;
    posts->first = NULL;
    posts->end = &posts->first;
    return 0;
}

int mk_posts_add(struct mk_posts *posts, void (*run)(void *arg), void *arg)
{
    struct mk_post *post = malloc(sizeof(*post));
    if (!post)
        return -ENOMEM;
    *post = (struct mk_post){ .run = run, .arg = arg };
    uv_mutex_lock(&posts->mutex);
    bool is_open = posts->wake != NULL;
    if (is_open) {
        *posts->end = post;
        posts->end = &post->next;
        uv_async_send(posts->wake);
    }
    uv_mutex_unlock(&posts->mutex);
    if (is_open)
        return 0;
    free(post);
    return -ESHUTDOWN;
}

void mk_posts_close(struct mk_posts *posts)
{
    uv_mutex_lock(&posts->mutex);
    uv_async_t *wake = posts->wake;
    posts->wake = NULL;
    uv_mutex_unlock(&posts->mutex);
    if (wake)
        uv_close((uv_handle_t *)wake, on_closed);
    run_all(posts);
}

void mk_posts_fini(struct mk_posts *posts)
{
    uv_mutex_destroy(&posts->mutex);
}
