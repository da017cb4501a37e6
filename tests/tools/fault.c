/* clang-format off */
/*
 * fault: a library for LD_PRELOAD that makes one allocation or system call of a program fail, of those
 * that it counts, and moves its clock. A small file, $FAULT_FILE, which it maps (struct fault_page),
 * controls it: tests/e2e/faults.mjs writes it while the program runs. Without the file it does nothing.
 *
 * Here are the counting, the memory and the clock; the system calls are in fault_calls.c. Not counted
 * are:
 * - realloc by libuv: it grows its table of descriptors with it, and aborts where it cannot. There is no
 *   way to avoid that with libuv; the table is a few KiB, and grows by doubling.
 * - calls of libc itself (opendir, fopen, getaddrinfo, ...): they do not go through symbols.
 */
/* clang-format on */
#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct fault_page *fault_page;

static __thread bool inside; /* calls of the library itself are not counted */
static uintptr_t uv_from, uv_to;

/* --- memory before the real functions are known: dlsym may ask for some --- */

static char early[65536];
static size_t early_used;

static bool is_early(const void *piece)
{
    return (const char *)piece >= early && (const char *)piece < early + sizeof(early);
}

static void *take_early(size_t size)
{
    size = (size + 31) & ~(size_t)15;
    if (size > sizeof(early) - early_used)
        return NULL;
    void *piece = early + early_used + 16;
    memcpy(early + early_used, &size, sizeof(size));
    early_used += size;
    return (char *)piece > early + sizeof(early) ? NULL : piece;
}

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void (*free)(void *);
    bool looking;
} real;

static void *next_symbol(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static bool know_memory(void)
{
    if (real.free)
        return true;
    if (real.looking)
        return false;
    real.looking = true;
    *(void **)&real.malloc = next_symbol("malloc");
    *(void **)&real.calloc = next_symbol("calloc");
    *(void **)&real.realloc = next_symbol("realloc");
    *(void **)&real.posix_memalign = next_symbol("posix_memalign");
    *(void **)&real.aligned_alloc = next_symbol("aligned_alloc");
    *(void **)&real.free = next_symbol("free");
    real.looking = false;
    return real.free != NULL;
}

/* --- counting --- */

static void note_frames(void)
{
    void *frames[FAULT_FRAMES + 2];
    int count = backtrace(frames, FAULT_FRAMES + 2);
    memset(fault_page->at, 0, sizeof(fault_page->at));
    for (int i = 2; i < count; i++) {
        Dl_info info;
        if (!dladdr(frames[i], &info) || !info.dli_fname)
            continue;
        const char *slash = strrchr(info.dli_fname, '/');
        snprintf(fault_page->at[i - 2], FAULT_FRAME_TEXT, "%.40s+0x%zx",
                 slash ? slash + 1 : info.dli_fname,
                 (size_t)((char *)frames[i] - (char *)info.dli_fbase));
    }
}

int fault_now(enum fault_call call, const int *errors)
{
    struct fault_page *page = fault_page;
    if (!page || inside || !(page->calls & (UINT64_C(1) << call)))
        return 0;
    __atomic_add_fetch(&page->seen, 1, __ATOMIC_SEQ_CST);
    int64_t left = (int64_t)__atomic_sub_fetch(&page->countdown, 1, __ATOMIC_SEQ_CST);
    if (left > 0 || (uint64_t)-left >= page->times)
        return 0;
    size_t count = 0;
    while (errors[count])
        count++;
    int error = page->error ? (int)page->error : errors[page->variant % count];
    inside = true;
    if (__atomic_fetch_add(&page->fired, 1, __ATOMIC_SEQ_CST) == 0) {
        page->failed = call;
        page->gave = error;
        note_frames();
    }
    inside = false;
    return error;
}

bool fault_in_libuv(const void *address)
{
    return (uintptr_t)address >= uv_from && (uintptr_t)address < uv_to;
}

/* --- life --- */

static int look_for_libuv(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    if (!strstr(info->dlpi_name, "/libuv.so"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X)) {
            uv_from = info->dlpi_addr + part->p_vaddr;
            uv_to = uv_from + part->p_memsz;
        }
    }
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULT_FILE");
    void *frames[2];
    know_memory();
    backtrace(frames, 2); /* the first one loads a library */
    dl_iterate_phdr(look_for_libuv, NULL);
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *page = mmap(NULL, sizeof(*fault_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED)
        fault_page = page;
}

/* --- allocating --- */

static const int no_memory[] = { ENOMEM, 0 };

static void *given(void *piece)
{
    if (piece && fault_page)
        __atomic_add_fetch(&fault_page->live, 1, __ATOMIC_RELAXED);
    return piece;
}

static bool denied(enum fault_call call)
{
    if (!fault_now(call, no_memory))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    if (!know_memory())
        return take_early(size);
    return denied(FAULT_MALLOC) ? NULL : given(real.malloc(size));
}

void *calloc(size_t count, size_t size)
{
    if (!know_memory())
        return take_early(count * size); /* it is zero, and never used twice */
    return denied(FAULT_CALLOC) ? NULL : given(real.calloc(count, size));
}

static void *leave_early(void *old, size_t size)
{
    size_t had;
    memcpy(&had, (char *)old - 16, sizeof(had));
    had -= 16;
    void *piece = malloc(size);
    if (piece)
        memcpy(piece, old, had < size ? had : size);
    return piece;
}

void *realloc(void *old, size_t size)
{
    if (is_early(old))
        return leave_early(old, size);
    if (!know_memory())
        return take_early(size);
    if (!fault_in_libuv(__builtin_return_address(0)) && denied(FAULT_REALLOC))
        return NULL;
    void *piece = real.realloc(old, size);
    if (!old)
        given(piece);
    else if (!piece && size == 0 && fault_page)
        __atomic_sub_fetch(&fault_page->live, 1, __ATOMIC_RELAXED);
    return piece;
}

int posix_memalign(void **piece, size_t alignment, size_t size)
{
    if (!know_memory() || denied(FAULT_ALIGNED))
        return ENOMEM;
    int error = real.posix_memalign(piece, alignment, size);
    if (error == 0)
        given(*piece);
    return error;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (!know_memory() || denied(FAULT_ALIGNED))
        return NULL;
    return given(real.aligned_alloc(alignment, size));
}

void free(void *piece)
{
    if (!piece || is_early(piece) || !know_memory())
        return;
    if (fault_page)
        __atomic_sub_fetch(&fault_page->live, 1, __ATOMIC_RELAXED);
    real.free(piece);
}

/* --- the wall clock --- */

static int64_t moved_by(void)
{
    return fault_page ? fault_page->clock_ms : 0;
}

static void move(struct timespec *at)
{
    int64_t ms = moved_by();
    at->tv_sec += ms / 1000;
    at->tv_nsec += ms % 1000 * 1000000;
    if (at->tv_nsec >= 1000000000 || at->tv_nsec < 0) {
        int step = at->tv_nsec < 0 ? -1 : 1;
        at->tv_sec += step;
        at->tv_nsec -= step * 1000000000L;
    }
}

int clock_gettime(clockid_t id, struct timespec *at)
{
    static int (*next)(clockid_t, struct timespec *);
    if (!next)
        *(void **)&next = next_symbol("clock_gettime");
    int rc = next(id, at);
    if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        move(at);
    return rc;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    int rc = clock_gettime(CLOCK_REALTIME, &now);
    *at = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
    return rc;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

/* For AddressSanitizer: the dynamic linker keeps a piece of each library that is loaded later. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:dl_open_worker_begin\n";
}
