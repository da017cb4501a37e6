/* output: see the header. `lock` guards all fields but `writing`, which is the thread's alone. */
#include "cli/output.h"

#include "base/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WRITE_SIZE = 64 * 1024 };

struct mk_output {
    struct mk_output_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work; /* there is text, or the end */
    pthread_cond_t done; /* all is written, or the thread has ended */
    uint64_t dropped;    /* pieces, since `resumed` was called last */
    size_t first;        /* in the ring: the oldest byte */
    size_t used;         /* bytes that wait, those in `writing` not counted */
    bool busy;           /* the thread writes or reports */
    bool ending;
    bool ended;
    bool is_socket;
    int pipe;       /* the pipe once more, for writes that do not wait; -1: it is none */
    bool abandoned; /* the thread frees it */
    char writing[WRITE_SIZE];
    char ring[]; /* options.room bytes */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Copies bytes into or out of the ring, where they may go around its end. */
static void put(struct mk_output *output, const char *text, size_t len)
{
    size_t room = output->options.room;
    size_t at = (output->first + output->used) % room;
    size_t before_end = smaller(len, room - at);
    memcpy(output->ring + at, text, before_end);
    memcpy(output->ring, text + before_end, len - before_end);
    output->used += len;
}

static size_t take(struct mk_output *output)
{
    size_t room = output->options.room;
    size_t len = smaller(output->used, WRITE_SIZE);
    size_t before_end = smaller(len, room - output->first);
    memcpy(output->writing, output->ring + output->first, before_end);
    memcpy(output->writing + before_end, output->ring, len - before_end);
    output->first = (output->first + len) % room;
    output->used -= len;
    return len;
}

static uint64_t count_lines(const char *text, size_t len)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    return lines;
}

static void count_dropped(const struct mk_output *output, uint64_t pieces)
{
    if (pieces > 0 && output->options.dropped)
        output->options.dropped(pieces);
}

/*
 * One step of the thread, without the lock: writes what was taken. Where nothing is left, it
 * reports what was dropped before.
 */
static void step(struct mk_output *output, size_t len, uint64_t dropped)
{
    pthread_mutex_unlock(&output->lock);
    /* It fails when the reader is gone, or the disk is full. */
    bool written = mk_write_all(output->options.fd, output->writing, len) == 0;
    uint64_t failed = written ? 0 : count_lines(output->writing, len);
    count_dropped(output, failed);
    if (written && dropped > 0 && output->options.resumed)
        output->options.resumed(dropped);
    pthread_mutex_lock(&output->lock);
    output->dropped += written ? 0 : failed + dropped;
}

static void destroy(struct mk_output *output)
{
    if (output->pipe >= 0)
        close(output->pipe);
    pthread_cond_destroy(&output->done);
    pthread_cond_destroy(&output->work);
    pthread_mutex_destroy(&output->lock);
    free(output);
}

static void *run(void *arg)
{
    struct mk_output *output = arg;
    pthread_mutex_lock(&output->lock);
    for (;;) {
        size_t len = take(output);
        uint64_t dropped = len > 0 && output->used == 0 ? output->dropped : 0;
        output->dropped -= dropped;
        output->busy = len > 0;
        if (!output->busy) {
            output->ended = output->ending;
            pthread_cond_broadcast(&output->done);
            if (output->ended)
                break;
            pthread_cond_wait(&output->work, &output->lock);
            continue;
        }
        step(output, len, dropped);
    }
    bool abandoned = output->abandoned;
    pthread_mutex_unlock(&output->lock);
    if (abandoned)
        destroy(output);
    return NULL;
}

/* The signals of the process are for the thread of the loop. */
static int start_thread(struct mk_output *output)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&output->thread, NULL, run, output);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* The flags of `fd` are shared with other processes: only a description of our own may not wait. */
static void look_at(struct mk_output *output)
{
    char path[64];
    struct stat status;
    output->pipe = -1;
    if (fstat(output->options.fd, &status) < 0)
        return;
    output->is_socket = S_ISSOCK(status.st_mode);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", output->options.fd);
    if (S_ISFIFO(status.st_mode))
        output->pipe = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

struct mk_output *mk_output_start(const struct mk_output_options *options)
{
    struct mk_output *output = calloc(1, sizeof(*output) + options->room);
    if (!output)
        return NULL;
    output->options = *options;
    look_at(output);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&output->lock, NULL);
    pthread_cond_init(&output->work, NULL);
    pthread_cond_init(&output->done, &attr);
    pthread_condattr_destroy(&attr);
    if (start_thread(output) != 0) {
        destroy(output);
        return NULL;
    }
    return output;
}

/*
 * Writes as much as a pipe or a socket takes at once, where nothing waits before it: then the text
 * is there when this returns, and no thread is woken.
 */
static size_t write_at_once(const struct mk_output *output, const char *text, size_t len)
{
    ssize_t written = -1;
    if (output->used > 0 || output->busy || output->dropped > 0)
        return 0;
    if (output->is_socket)
        written = send(output->options.fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (output->pipe >= 0)
        written = write(output->pipe, text, len);
    return written > 0 ? (size_t)written : 0;
}

void mk_output_write(struct mk_output *output, const char *text, size_t len)
{
    pthread_mutex_lock(&output->lock);
    size_t written = write_at_once(output, text, len);
    if (written == len) {
        pthread_mutex_unlock(&output->lock);
        return;
    }
    text += written;
    len -= written;
    bool fits = len <= output->options.room - output->used;
    if (fits) {
        put(output, text, len);
        pthread_cond_signal(&output->work);
    }
    output->dropped += fits ? 0 : 1;
    pthread_mutex_unlock(&output->lock);
    count_dropped(output, fits ? 0 : 1);
}

static struct timespec in_ms(uint32_t ms)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += ms / 1000;
    time.tv_nsec += (long)(ms % 1000) * 1000000;
    if (time.tv_nsec >= 1000000000) {
        time.tv_sec++;
        time.tv_nsec -= 1000000000;
    }
    return time;
}

/* With the lock. */
static bool wait_for(struct mk_output *output, uint32_t ms, bool end)
{
    const struct timespec until = in_ms(ms);
    int rc = 0;
    while (rc == 0 && (end ? !output->ended : output->used > 0 || output->busy))
        rc = pthread_cond_timedwait(&output->done, &output->lock, &until);
    return rc == 0;
}

bool mk_output_flush(struct mk_output *output, uint32_t ms)
{
    pthread_mutex_lock(&output->lock);
    bool flushed = wait_for(output, ms, false);
    pthread_mutex_unlock(&output->lock);
    return flushed;
}

void mk_output_stop(struct mk_output *output, uint32_t ms)
{
    if (!output)
        return;
    pthread_mutex_lock(&output->lock);
    output->ending = true;
    pthread_cond_signal(&output->work);
    bool ended = wait_for(output, ms, true);
    output->abandoned = !ended;
    const pthread_t thread = output->thread; /* its owner may be the thread from here on */
    pthread_mutex_unlock(&output->lock);
    if (!ended) {
        pthread_detach(thread);
        return;
    }
    pthread_join(thread, NULL);
    destroy(output);
}
