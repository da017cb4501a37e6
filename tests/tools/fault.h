/*
 * fault: shared by tests/tools/fault*.c. See fault.c for its purpose and its control.
 */
#ifndef MK_TESTS_FAULT_H
#define MK_TESTS_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each call that can be made to fail. tests/e2e/faults.mjs has the same list in the same order. */
enum fault_call {
    FAULT_MALLOC,
    FAULT_CALLOC,
    FAULT_REALLOC,
    FAULT_ALIGNED,
    FAULT_ACCEPT,
    FAULT_RECV,
    FAULT_READ,
    FAULT_SEND,
    FAULT_WRITE,
    FAULT_PREAD,
    FAULT_PWRITE,
    FAULT_SYNC,
    FAULT_OPEN,
    FAULT_TRUNCATE,
    FAULT_EPOLL_CTL,
    FAULT_EPOLL_WAIT,
    FAULT_SOCKET,
    FAULT_CONNECT,
    FAULT_BIND,
    FAULT_LISTEN,
    FAULT_SOCKOPT,
    FAULT_SOCKNAME,
    FAULT_SHUTDOWN,
    FAULT_LOCK,
    FAULT_CLOSE,
    FAULT_MMAP,
    FAULT_UNLINK,
    FAULT_RENAME,
    FAULT_MKDIR,
    FAULT_STAT,
    FAULT_EVENTFD,
    FAULT_PIPE,
    FAULT_RANDOM,
    FAULT_CALLS
};

enum { FAULT_FRAMES = 24, FAULT_FRAME_TEXT = 64 };

/* The file $FAULT_FILE, mapped: the test writes the first fields and reads the others. */
struct fault_page {
    uint64_t calls;     /* those that count, by bit; 0: nothing fails */
    uint64_t countdown; /* 1: the next of them fails */
    uint64_t times;     /* so many of them fail from there on */
    uint64_t variant;   /* which of the errors that this call can give */
    int64_t error;      /* this errno instead; 0: as `variant` says */
    int64_t clock_ms;   /* added to the wall clock */
    uint64_t seen;      /* calls that counted */
    uint64_t fired;     /* calls that were made to fail */
    int64_t live;       /* pieces of memory that are allocated */
    uint64_t accepts;   /* accept4 was called */
    uint64_t polls;     /* the loop was awake */
    uint64_t failed;    /* the last call that failed, ... */
    int64_t gave;       /* ... what it failed with (-1: it did a part of its work), ... */
    char at[FAULT_FRAMES]
           [FAULT_FRAME_TEXT];   /* ... and from where: "FILE+OFFSET", innermost first */
    char file[FAULT_FRAME_TEXT]; /* of writes, only those into files whose name ends so; "": all */
};

extern struct fault_page *fault_page; /* NULL: nothing fails */

/* fault_now may return this instead of an errno: the call does only a part of its work. */
enum { FAULT_SHORT = -1 };

/*
 * Counts a call. 0: it is to be done. Otherwise the errno that it is to fail with, taken from
 * `errors` (a list that ends in 0).
 */
int fault_now(enum fault_call call, const int *errors);

/* The library that `address` lies in is libuv. */
bool fault_in_libuv(const void *address);

#endif
