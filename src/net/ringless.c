/*
 * ringless: see the header. The loop is made on a thread of its own, on which a seccomp filter
 * makes io_uring_setup fail as on a kernel without io_uring. No other thread is filtered.
 */
#include "net/ringless.h"

#include "base/error_text.h"
#include "base/log.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { UV_FIRST_WITH_RING = 1 << 16 | 45 << 8 };

struct job {
    uv_loop_t *loop;
    int filtered; /* 0 or a negative errno: then the loop was not made */
    int rc;       /* of uv_loop_init */
};

/* Permanent for this thread. */
static int refuse_rings(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
        return -errno;
    return 0;
}

static void *init_filtered(void *arg)
{
    struct job *job = arg;
    job->filtered = refuse_rings();
    if (job->filtered == 0)
        job->rc = uv_loop_init(job->loop);
    return NULL;
}

int mk_ringless_loop_init(uv_loop_t *loop)
{
    struct job job = { .loop = loop };
    if (uv_version() < UV_FIRST_WITH_RING)
        return uv_loop_init(loop);
    pthread_t thread;
    int rc = -pthread_create(&thread, NULL, init_filtered, &job);
    if (rc == 0) {
        pthread_join(thread, NULL);
        rc = job.filtered;
    }
    if (rc == 0)
        return job.rc;
    mk_log_debug("loop", "libuv has an io_uring of its own (%s)", "libuv 使用自己的 io_uring（%s）",
                 mk_error_text(-rc));
    return uv_loop_init(loop);
}
