/*
 * hangup: see the header. The handler writes into a pipe of the process's own, which is never
 * closed: libuv would restore the default action with its last handle.
 */
#include "cli/hangup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int ends[2] = { -1, -1 };

/* A full pipe means that there is one to be read already. */
static void on_signal(int number)
{
    int before = errno;
    char byte = (char)number;
    ssize_t written = write(ends[1], &byte, 1);
    (void)written;
    errno = before;
}

int mk_hangup_hold(void)
{
    if (ends[0] >= 0)
        return 0;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigemptyset(&action.sa_mask);
    return sigaction(SIGHUP, &action, NULL) < 0 ? -errno : 0;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct mk_hangup *hangup = poll->data;
    char bytes[64];
    (void)status, (void)events;
    while (read(ends[0], bytes, sizeof(bytes)) > 0)
        ;
    hangup->run(hangup->arg);
}

int mk_hangup_watch(struct mk_hangup *hangup, uv_loop_t *loop)
{
    int rc = mk_hangup_hold();
    if (rc == 0)
        rc = uv_poll_init(loop, &hangup->poll, ends[0]);
    if (rc < 0)
        return rc;
    hangup->poll.data = hangup;
    uv_unref((uv_handle_t *)&hangup->poll);
    return uv_poll_start(&hangup->poll, UV_READABLE, on_readable);
}

void mk_hangup_forget(struct mk_hangup *hangup)
{
    if (hangup->poll.data)
        uv_close((uv_handle_t *)&hangup->poll, NULL);
}
