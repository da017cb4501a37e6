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
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 1024 * 1024 };

struct folder {
    char path[64];
    char *roots[1];
    char none[1];
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
    };
    folder->rules.database = folder->rules.data_dir = folder->none;
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    struct folder *folder = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder->path);
    assert_int_equal(system(command), 0);
    sb_media_rules_forget(&folder->rules);
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

/* Keeps the text of each problem until the next one, and frees it then. */
static char *last_text;

static bool reads(struct folder *folder, const char *name, struct sb_media_problem *problem)
{
    struct sb_media_reading reading = { false, false };
    char uri[160];
    snprintf(uri, sizeof(uri), "file://%s/%s", folder->path, name);
    *problem = (struct sb_media_problem){ .language = MK_ENGLISH };
    folder->taken = 0;
    bool read =
        sb_media_read_file(&folder->rules, mk_slice_str(uri), &reading, take, folder, problem);
    free(last_text);
    last_text = problem->text;
    return read;
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

static void refuses(struct folder *folder, const char *name)
{
    struct sb_media_problem problem;
    if (reads(folder, name, &problem))
        fail_msg("%s is read", name);
    assert_int_equal(problem.kind, SB_PROBLEM_URI);
    if (!strstr(problem.text, "not for bots"))
        fail_msg("%s: %s", name, problem.text);
}

static char *path_of(struct folder *folder, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", folder->path, name);
    return path;
}

/* Under any name, from the moment that they are closed. */
static void closed_files(void **state)
{
    struct folder *folder = *state;
    struct sb_media_problem problem;
    char path[128], other[128];
    close(make_file(folder, "key.pem", 100));
    assert_true(reads(folder, "key.pem", &problem));
    assert_int_equal(sb_media_rules_close(&folder->rules, path_of(folder, "key.pem", path)), 0);
    assert_int_equal(sb_media_rules_close(&folder->rules, path), 0);
    refuses(folder, "key.pem");
    refuses(folder, "./key.pem");
    refuses(folder, "%6b%65y.pem");
    assert_int_equal(link(path, path_of(folder, "hard", other)), 0);
    refuses(folder, "hard");
    assert_int_equal(symlink(path, path_of(folder, "soft", other)), 0);
    refuses(folder, "soft");
    /* One that is named by a link is the file that the link leads to, also after it has moved. */
    close(make_file(folder, "key1.pem", 100));
    assert_int_equal(symlink("key1.pem", path_of(folder, "live.pem", path)), 0);
    assert_int_equal(sb_media_rules_close(&folder->rules, path), 0);
    refuses(folder, "key1.pem");
    close(make_file(folder, "key2.pem", 100));
    assert_true(reads(folder, "key2.pem", &problem));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("key2.pem", path), 0);
    refuses(folder, "key2.pem");
    /* One that is not there yet. */
    assert_int_equal(sb_media_rules_close(&folder->rules, path_of(folder, "later", path)), 0);
    close(make_file(folder, "later", 1));
    close(make_file(folder, "later-wal", 1));
    refuses(folder, "later");
    refuses(folder, "later-wal");
}

/* Below a root that is above data_dir, all of data_dir is closed. */
static void data_dir(void **state)
{
    struct folder *folder = *state;
    struct sb_media_problem problem;
    char data[128], path[128];
    assert_int_equal(mkdir(path_of(folder, "data", data), 0700), 0);
    assert_int_equal(mkdir(path_of(folder, "data/one", path), 0700), 0);
    assert_int_equal(mkdir(path_of(folder, "data/one/media", path), 0700), 0);
    static const char *const names[] = { "data/a.png",  "data/one/b.png",    "data/one/media/c",
                                         "data/old.db", "data/one/d.db-wal", "data2" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        close(make_file(folder, names[i], 10));
    folder->rules.data_dir = data;
    for (size_t i = 0; i < 5; i++)
        refuses(folder, names[i]);
    assert_true(reads(folder, "data2", &problem));
    char *root = folder->roots[0];
    folder->roots[0] = data;
    assert_true(reads(folder, "data/a.png", &problem));
    assert_true(reads(folder, "data/one/b.png", &problem));
    for (size_t i = 2; i < 5; i++)
        refuses(folder, names[i]);
    assert_int_equal(link(path_of(folder, "data/old.db", path), path_of(folder, "data/x", data)),
                     0);
    path_of(folder, "data", data);
    refuses(folder, "data/x");
    folder->roots[0] = root;
}

/* Not even where everything is a root. */
static void files_of_the_kernel(void **state)
{
    struct folder *folder = *state;
    struct sb_media_problem problem = { .language = MK_ENGLISH };
    struct sb_media_reading reading = { false, false };
    static const char *const uris[] = { "file:///proc/self/environ", "file:///proc/self/maps",
                                        "file:///proc/cmdline",
                                        "file:///sys/kernel/uevent_seqnum" };
    folder->roots[0] = folder->none;
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        if (access(uris[i] + strlen("file://"), R_OK) < 0)
            continue;
        assert_false(sb_media_read_file(&folder->rules, mk_slice_str(uris[i]), &reading, take,
                                        folder, &problem));
        assert_int_equal(problem.kind, SB_PROBLEM_URI);
    }
    char uri[64], path[128];
    int fd = make_file(folder, "key", 10);
    assert_int_equal(sb_media_rules_close(&folder->rules, path_of(folder, "key", path)), 0);
    snprintf(uri, sizeof(uri), "file:///proc/self/fd/%d", fd);
    assert_false(
        sb_media_read_file(&folder->rules, mk_slice_str(uri), &reading, take, folder, &problem));
    assert_non_null(strstr(problem.text, "not for bots"));
    close(fd);
    assert_int_equal(folder->taken, 0);
    free(problem.text);
}

static void no_root(void **state)
{
    struct folder *folder = *state;
    struct sb_media_problem problem;
    close(make_file(folder, "a", 10));
    folder->rules.root_count = 0;
    assert_false(reads(folder, "a", &problem));
    assert_int_equal(problem.kind, SB_PROBLEM_URI);
    assert_non_null(strstr(problem.text, "backend.media.roots"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shortened_file),      TEST(closed_files), TEST(data_dir),
        TEST(files_of_the_kernel), TEST(no_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
