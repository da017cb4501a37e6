/* cli/output: a reader that has stalled or gone costs the text alone that does not fit. */
#include "cli/output.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROOM = 100, PIPE = 4096, PATIENCE_MS = 20000 };

static atomic_uint_fast64_t dropped, resumed;

static void on_dropped(uint64_t pieces)
{
    atomic_fetch_add(&dropped, pieces);
}

static void on_resumed(uint64_t pieces)
{
    atomic_fetch_add(&resumed, pieces);
}

struct fixture {
    int ends[2];
    struct mk_output *output;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    atomic_store(&dropped, 0);
    atomic_store(&resumed, 0);
    assert_int_equal(pipe(f->ends), 0);
    fcntl(f->ends[1], F_SETPIPE_SZ, PIPE);
    f->output = mk_output_start(&(struct mk_output_options){
        .fd = f->ends[1], .room = ROOM, .dropped = on_dropped, .resumed = on_resumed });
    assert_non_null(f->output);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mk_output_stop(f->output, PATIENCE_MS);
    close(f->ends[0]);
    close(f->ends[1]);
    free(f);
    return 0;
}

static void write_text(struct fixture *f, const char *text)
{
    mk_output_write(f->output, text, strlen(text));
}

static void expect(struct fixture *f, const char *text)
{
    char got[256] = { 0 };
    size_t len = strlen(text);
    for (size_t have = 0; have < len;) {
        ssize_t n = read(f->ends[0], got + have, len - have);
        assert_true(n > 0);
        have += (size_t)n;
    }
    assert_string_equal(got, text);
}

/* Leaves the thread in a write that cannot end: the pipe is full, and so is the ring. */
static void stall(struct fixture *f)
{
    char page[PIPE];
    memset(page, 'x', sizeof(page));
    assert_int_equal(write(f->ends[1], page, sizeof(page)), sizeof(page));
    write_text(f, "stuck\n"); /* taken by the thread, sooner or later */
    while (atomic_load(&dropped) == 0)
        write_text(f, "0123456789\n");
}

static void unstall(struct fixture *f)
{
    char page[PIPE];
    for (size_t have = 0; have < sizeof(page);)
        have += (size_t)read(f->ends[0], page, sizeof(page) - have);
}

static void test_order(void **state)
{
    struct fixture *f = *state;
    char text[16];
    for (int i = 0; i < 1000; i++) { /* around the ring's end many times */
        snprintf(text, sizeof(text), "line %d\n", i);
        write_text(f, text);
        expect(f, text);
    }
    assert_int_equal(atomic_load(&dropped), 0);
}

static void test_flush(void **state)
{
    struct fixture *f = *state;
    write_text(f, "one\n");
    assert_true(mk_output_flush(f->output, PATIENCE_MS));
    fcntl(f->ends[0], F_SETFL, O_NONBLOCK); /* so it is there already */
    expect(f, "one\n");
}

static void test_stalled(void **state)
{
    struct fixture *f = *state;
    stall(f);
    assert_false(mk_output_flush(f->output, 1));
    uint64_t lost = atomic_load(&dropped);
    assert_int_equal(atomic_load(&resumed), 0);
    unstall(f);
    assert_true(mk_output_flush(f->output, PATIENCE_MS));
    expect(f, "stuck\n0123456789\n");
    assert_int_equal(atomic_load(&resumed), lost);
    assert_int_equal(atomic_load(&dropped), lost);
}

static void test_longer_than_the_ring(void **state)
{
    struct fixture *f = *state;
    char text[ROOM + 2] = { 0 };
    memset(text, 'x', ROOM + 1);
    write_text(f, text); /* the pipe takes it at once */
    expect(f, text);
    stall(f);
    uint64_t lost = atomic_load(&dropped);
    write_text(f, text);
    assert_int_equal(atomic_load(&dropped), lost + 1);
    unstall(f);
}

static void test_stop_while_stalled(void **state)
{
    struct fixture *f = *state;
    stall(f);
    mk_output_stop(f->output, 1); /* returns */
    f->output = NULL;
    unstall(f);
    expect(f, "stuck\n");
    while (atomic_load(&resumed) ==
           0) /* the thread is left alone: it does not reach the next test */
        sched_yield();
}

static void test_reader_gone(void **state)
{
    struct fixture *f = *state;
    close(f->ends[0]);
    write_text(f, "one\ntwo\n");
    assert_true(mk_output_flush(f->output, PATIENCE_MS));
    assert_int_equal(atomic_load(&dropped), 2); /* lines */
    assert_int_equal(atomic_load(&resumed), 0); /* where would it be read */
    f->ends[0] = open("/dev/null", O_RDONLY);
}

static void test_non_blocking(void **state)
{
    struct fixture *f = *state;
    fcntl(f->ends[1], F_SETFL, O_NONBLOCK);
    stall(f);
    unstall(f);
    assert_true(mk_output_flush(f->output, PATIENCE_MS));
    expect(f, "stuck\n0123456789\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        TEST(test_order),
        TEST(test_flush),
        TEST(test_stalled),
        TEST(test_longer_than_the_ring),
        TEST(test_stop_while_stalled),
        TEST(test_reader_gone),
        TEST(test_non_blocking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
