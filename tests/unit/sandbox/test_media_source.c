/* Where the bytes of contents come from: files that change while they are read, files that are not
 * for bots. No sandbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/sandbox/media/private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGE = 1024 * 1024 };

struct folder {
    char path[64];
    char *roots[1];
    struct sb_media_rules rules;
    int to_shorten; /* the file that is cut with the first piece, or -1 */
    size_t taken;
};

static int set_up(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));
    char name[] = "/tmp/milky-source-XXXXXX";
    assert_non_null(mkdtemp(name));
    assert_non_null(realpath(name, folder->path));
    folder->roots[0] = folder->path;
    folder->to_shorten = -1;
    folder->rules = (struct sb_media_rules){
        .max_bytes = 2 * LARGE,
        .roots = folder->roots,
        .root_count = 1,
        .roots_text = folder->path,
        .database = (char[]){ "" },
    };
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    struct folder *folder = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder->path);
    assert_int_equal(system(command), 0);
    free(folder);
    return 0;
}

static int make_file(struct folder *folder, const char *name, size_t size)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    return fd;
}

static int take(void *arg, const void *data, size_t len)
{
    struct folder *folder = arg;
    (void)data;
    folder->taken += len;
    if (folder->to_shorten >= 0)
        assert_int_equal(ftruncate(folder->to_shorten, 4096), 0);
    return 0;
}

static bool reads(struct folder *folder, const char *name, struct sb_media_problem *problem)
{
    static const atomic_bool abandoned;
    char uri[160];
    snprintf(uri, sizeof(uri), "file://%s/%s", folder->path, name);
    *problem = (struct sb_media_problem){ .language = MK_ENGLISH };
    folder->taken = 0;
    return sb_media_read_file(&folder->rules, mk_slice_str(uri), &abandoned, take, folder, problem);
}

/* A content that was cut is no content. */
static void shortened_file(void **state)
{
    struct folder *folder = *state;
    struct sb_media_problem problem;
    int fd = make_file(folder, "a", LARGE);
    assert_true(reads(folder, "a", &problem));
    assert_int_equal(folder->taken, LARGE);
    folder->to_shorten = fd;
    assert_false(reads(folder, "a", &problem));
    assert_int_equal(problem.kind, SB_PROBLEM_CONTENT);
    assert_non_null(strstr(problem.text, "became shorter"));
    assert_true(folder->taken < LARGE);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shortened_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
