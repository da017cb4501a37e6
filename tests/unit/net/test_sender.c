/*
 * Sends on many sockets at once, with io_uring and without: the bytes of each socket, and the other
 * sockets when one of them, or the ring itself, fails.
 */
#include "net_testing.h"

#include <dlfcn.h>
#include <liburing.h>
#include <stdio.h>
#include <sys/resource.h>

enum { PAIRS = MK_SENDER_MAX };

/* Injected failures of the ring. */
static struct {
    unsigned submissions;
    unsigned takes; /* it accepts only so many of the queued sends */
    int error;      /* it accepts none, and returns this */
    int result;     /* the result of the first send, instead of the real one; 0: the real one */
} ring;

/* Replaces liburing's. */
int io_uring_submit_and_wait(struct io_uring *uring, unsigned wait_for)
{
    int (*next)(struct io_uring *, unsigned);
    *(void **)&next = dlsym(RTLD_NEXT, "io_uring_submit_and_wait");
    ring.submissions++;
    if (ring.error)
        return -ring.error;
    if (ring.takes < wait_for) {
        wait_for = ring.takes;
        uring->sq.sqe_tail = uring->sq.sqe_head + wait_for;
    }
    int rc = next(uring, wait_for);
    struct io_uring_cqe *first;
    if (ring.result && io_uring_peek_cqe(uring, &first) == 0)
        first->res = ring.result;
    return rc;
}

/* As many connections as one call sends on, and the texts for each. */
struct connections {
    struct mk_sender *sender;
    int pairs[PAIRS][2]; /* [0] is sent on, [1] is the peer's */
    struct mk_send sends[PAIRS];
};

static bool may_use_ring;

static int setup(void **state)
{
    struct connections *connections = calloc(1, sizeof(*connections));
    alarm(PATIENCE_S);
    ring.submissions = 0;
    ring.takes = UINT_MAX;
    ring.error = 0;
    ring.result = 0;
    connections->sender = mk_sender_new();
    mk_sender_use_ring(connections->sender, may_use_ring);
    for (int i = 0; i < PAIRS; i++)
        tcp_pair(connections->pairs[i], true);
    *state = connections;
    return 0;
}

static int teardown(void **state)
{
    struct connections *connections = *state;
    for (int i = 0; i < PAIRS; i++) {
        close(connections->pairs[i][0]);
        close(connections->pairs[i][1]);
    }
    mk_sender_free(connections->sender);
    free(connections);
    alarm(0);
    return 0;
}

/* Gives socket `i` the texts to send. */
static void queue(struct connections *connections, int i, const char *one, const char *two,
                  const char *three)
{
    struct mk_send *send = &connections->sends[i];
    mk_send_init(send, connections->pairs[i][0]);
    mk_send_add(send, mk_slice_of(one, strlen(one)));
    mk_send_add(send, mk_slice_of(two, strlen(two)));
    mk_send_add(send, mk_slice_of(three, strlen(three)));
    mk_sender_queue(connections->sender, send);
}

/* To the first `count`, different texts; every third in parts. */
static void queue_numbers(struct connections *connections, int count)
{
    static char texts[PAIRS][16];
    for (int i = 0; i < count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "to %d", i);
        queue(connections, i, texts[i], i % 3 == 0 ? " and" : "", i % 3 == 0 ? " more" : "");
    }
}

static void assert_got(struct connections *connections, int i, const char *text)
{
    char got[64] = { 0 };
    ssize_t len = recv(connections->pairs[i][1], got, sizeof(got) - 1, 0);
    if (len < 0)
        len = 0;
    got[len] = '\0';
    assert_string_equal(got, text);
}

static void assert_numbers(struct connections *connections, int from, int to)
{
    for (int i = from; i < to; i++) {
        char text[32];
        snprintf(text, sizeof(text), "to %d%s", i, i % 3 == 0 ? " and more" : "");
        assert_int_equal(connections->sends[i].took, strlen(text));
        assert_got(connections, i, text);
    }
}

static void each_socket_gets_its_own_bytes(void **state)
{
    struct connections *connections = *state;
    int counts[] = { PAIRS, 1, 2, 3, 4, 5, PAIRS / 2, 0, PAIRS };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        queue_numbers(connections, counts[i]);
        mk_sender_run(connections->sender);
        assert_numbers(connections, 0, counts[i]);
        for (int other = counts[i]; other < PAIRS; other++)
            assert_got(connections, other, "");
    }
}

static void a_failed_send_does_not_affect_others(void **state)
{
    struct connections *connections = *state;
    static char large[1 << 20];
    memset(large, 'x', sizeof(large));
    queue_numbers(connections, 8);
    connections->sends[1].fd = -1;
    close(connections->pairs[2][1]);
    connections->pairs[2][1] = open("/dev/null", O_RDONLY);
    shutdown(connections->pairs[2][0], SHUT_WR);
    connections->sends[4].count = 0;
    mk_send_add(&connections->sends[4], mk_slice_of(large, sizeof(large)));
    mk_sender_run(connections->sender);
    assert_int_equal(connections->sends[1].took, -EBADF);
    assert_int_equal(connections->sends[2].took, -EPIPE);
    /* As much as the kernel buffers, and then nothing more. */
    assert_in_range(connections->sends[4].took, 1, sizeof(large) - 1);
    assert_numbers(connections, 0, 1);
    assert_numbers(connections, 3, 4);
    assert_numbers(connections, 5, 8);
    do {
        queue_numbers(connections, 4);
        mk_sender_queue(connections->sender, &connections->sends[4]);
        mk_sender_run(connections->sender);
        assert_numbers(connections, 3, 4);
    } while (connections->sends[4].took > 0);
    assert_int_equal(connections->sends[4].took, 0);
}

/* --- the ring itself --- */

static bool has_ring(struct connections *connections)
{
    queue_numbers(connections, 8);
    mk_sender_run(connections->sender);
    assert_numbers(connections, 0, 8);
    return ring.submissions > 0;
}

static void many_are_one_system_call(void **state)
{
    struct connections *connections = *state;
    if (!has_ring(connections))
        skip(); /* this kernel has none, or does not let us use it */
    ring.submissions = 0;
    queue_numbers(connections, PAIRS);
    mk_sender_run(connections->sender);
    assert_int_equal(ring.submissions, 1);
    assert_numbers(connections, 0, PAIRS);
    queue_numbers(connections, 1);
    mk_sender_run(connections->sender);
    assert_int_equal(ring.submissions, 1); /* for a single one it is not used */
    assert_numbers(connections, 0, 1);
}

static void may_be_turned_off_and_on(void **state)
{
    struct connections *connections = *state;
    if (!has_ring(connections))
        skip();
    mk_sender_use_ring(connections->sender, false);
    ring.submissions = 0;
    queue_numbers(connections, PAIRS);
    mk_sender_run(connections->sender);
    assert_int_equal(ring.submissions, 0);
    assert_numbers(connections, 0, PAIRS);
    mk_sender_use_ring(connections->sender, true);
    mk_sender_use_ring(connections->sender, true);
    assert_true(has_ring(connections));
}

/* Sends that the ring did not accept are made with system calls, each once. */
static void a_ring_that_accepts_only_some_sends_loses_none(void **state)
{
    struct connections *connections = *state;
    if (!has_ring(connections))
        skip();
    ring.takes = 5;
    queue_numbers(connections, PAIRS);
    mk_sender_run(connections->sender);
    assert_numbers(connections, 0, PAIRS);
    for (int i = 0; i < PAIRS; i++)
        assert_got(connections, i, "");
    ring.submissions = 0;
    assert_false(has_ring(connections)); /* it is not used again */
}

static void a_ring_that_fails_loses_none(void **state)
{
    struct connections *connections = *state;
    if (!has_ring(connections))
        skip();
    ring.error = EBUSY;
    queue_numbers(connections, PAIRS);
    mk_sender_run(connections->sender);
    assert_numbers(connections, 0, PAIRS);
    ring.submissions = 0;
    assert_false(has_ring(connections));
}

/* Like a full socket: it is tried again when it is writable. */
static void an_interrupted_send_has_sent_nothing(void **state)
{
    struct connections *connections = *state;
    if (!has_ring(connections))
        skip();
    ring.result = -EINTR;
    queue_numbers(connections, PAIRS);
    mk_sender_run(connections->sender);
    assert_int_equal(connections->sends[0].took, 0);
    assert_numbers(connections, 1, PAIRS);
}

static void without_descriptors_there_is_no_ring(void **state)
{
    struct connections *connections = *state;
    struct rlimit old;
    getrlimit(RLIMIT_NOFILE, &old);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max });
    queue_numbers(connections, PAIRS);
    mk_sender_run(connections->sender);
    setrlimit(RLIMIT_NOFILE, &old);
    assert_int_equal(ring.submissions, 0);
    assert_numbers(connections, 0, PAIRS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_socket_gets_its_own_bytes),
        TEST(a_failed_send_does_not_affect_others),
    };
    const struct CMUnitTest tests_of_ring[] = {
        TEST(many_are_one_system_call),
        TEST(may_be_turned_off_and_on),
        TEST(a_ring_that_accepts_only_some_sends_loses_none),
        TEST(a_ring_that_fails_loses_none),
        TEST(an_interrupted_send_has_sent_nothing),
        TEST(without_descriptors_there_is_no_ring),
    };
    int failed = cmocka_run_group_tests_name("one by one", tests, NULL, NULL);
    may_use_ring = true;
    failed += cmocka_run_group_tests_name("with a ring", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("the ring", tests_of_ring, NULL, NULL);
}
