/* A libuv loop without libuv's own io_uring, and without a filter for the rest of the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/ringless.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How many rings the process has open. */
static int rings(void)
{
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char target[64] = "";
        if (readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1) > 0)
            count += strstr(target, "[io_uring]") != NULL;
    }
    closedir(folder);
    return count;
}

/* The line of /proc/thread-self/status that begins with `name`. */
static void status(const char *name, char *line, size_t size)
{
    FILE *file = fopen("/proc/thread-self/status", "r");
    assert_non_null(file);
    while (fgets(line, (int)size, file) && strncmp(line, name, strlen(name)) != 0)
        line[0] = '\0';
    fclose(file);
    assert_true(line[0] != '\0');
}

static void close_it(uv_async_t *async)
{
    uv_close((uv_handle_t *)async, NULL);
}

static void the_loop_has_no_ring_and_works(void **state)
{
    (void)state;
    uv_loop_t loop;
    assert_int_equal(rings(), 0);
    assert_int_equal(mk_ringless_loop_init(&loop), 0);
    assert_int_equal(rings(), 0);
    uv_async_t async;
    assert_int_equal(uv_async_init(&loop, &async, close_it), 0);
    uv_async_send(&async);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void this_thread_is_not_filtered(void **state)
{
    (void)state;
    char filter[2][64], privileges[2][64];
    status("Seccomp:", filter[0], sizeof(filter[0]));
    status("NoNewPrivs:", privileges[0], sizeof(privileges[0]));
    uv_loop_t loop;
    assert_int_equal(mk_ringless_loop_init(&loop), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    status("Seccomp:", filter[1], sizeof(filter[1]));
    status("NoNewPrivs:", privileges[1], sizeof(privileges[1]));
    assert_string_equal(filter[0], filter[1]);
    assert_string_equal(privileges[0], privileges[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loop_has_no_ring_and_works),
        cmocka_unit_test(this_thread_is_not_filtered),
    };
    return cmocka_run_group_tests_name("ringless", tests, NULL, NULL);
}
