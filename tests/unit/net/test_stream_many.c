/*
 * Many streams that send in one turn: with io_uring together, without it one after the other. When
 * the owner of one is notified, all streams have sent already.
 */
#include "net_testing.h"

#include <stdio.h>
#include <sys/resource.h>

enum { MANY = 2 * MK_SENDER_MAX + 3 };

struct one {
    struct owner owner;
    int pair[2];
    struct mk_buf heard;
};

struct streams {
    struct mk_loop loop;
    struct one all[MANY];
};

static bool may_use_ring;

static int setup(void **state)
{
    struct streams *streams = calloc(1, sizeof(*streams));
    alarm(PATIENCE_S);
    assert_int_equal(mk_loop_init(&streams->loop, NULL), 0);
    assert_int_equal(mk_streams_use_io_uring(&streams->loop, may_use_ring), 0);
    for (int i = 0; i < MANY; i++) {
        struct one *one = &streams->all[i];
        tcp_pair(one->pair, true);
        owner_init(&one->owner);
        owner_adopt(&one->owner, stream_on(&streams->loop, one->pair[0]));
        mk_buf_init(&one->heard, SIZE_MAX / 2);
    }
    *state = streams;
    return 0;
}

static int teardown(void **state)
{
    struct streams *streams = *state;
    for (int i = 0; i < MANY; i++)
        if (streams->all[i].owner.stream)
            mk_stream_abort(streams->all[i].owner.stream, 0);
    mk_loop_fini(&streams->loop);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(streams->all[i].owner.closes, 1);
        owner_fini(&streams->all[i].owner);
        mk_buf_fini(&streams->all[i].heard);
        close(streams->all[i].pair[1]);
    }
    free(streams);
    alarm(0);
    return 0;
}

static char large[400 * 1000];

/* The records of one stream, for the callbacks of its owner. */
static struct streams *current;

static struct one *of_owner(struct owner *owner)
{
    return MK_CONTAINER_OF(owner, struct one, owner);
}

static void say_to_all(struct streams *streams, const char *text)
{
    current = streams;
    for (int i = 0; i < MANY; i++)
        owner_says(&streams->all[i].owner, text);
}

/* Reads everything that its peer has got, and returns whether that was the end. */
static bool hear(struct one *one)
{
    int rc;
    size_t had;
    do {
        had = one->heard.len;
        rc = read_some_of(one->pair[1], &one->heard, 64 * 1024);
    } while (rc == 0 && one->heard.len > had);
    return rc != 0;
}

static void assert_heard_text(struct one *one, const char *text)
{
    hear(one);
    assert_int_equal(one->heard.len, strlen(text));
    assert_memory_equal(one->heard.data, text, strlen(text));
}

static void all_are_sent_to_in_one_turn(void **state)
{
    struct streams *streams = *state;
    char text[32];
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text), "to %d", i);
        owner_says(&streams->all[i].owner, text);
    }
    turn(&streams->loop);
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text), "to %d", i);
        assert_heard_text(&streams->all[i], text);
        assert_int_equal(streams->all[i].owner.drains, 1);
    }
}

/* The first aborts all others when it is notified: they have sent too, and are not notified. */
static void abort_others(struct owner *owner)
{
    owner->on_drained = NULL;
    for (int i = 0; i < MANY; i++)
        if (&current->all[i].owner != owner)
            mk_stream_abort(current->all[i].owner.stream, -ECANCELED);
}

static void one_may_abort_the_others(void **state)
{
    struct streams *streams = *state;
    streams->all[0].owner.on_drained = abort_others;
    say_to_all(streams, "last words");
    for (int i = 1; i < MANY; i += 2)
        owner_write(&streams->all[i].owner, large, sizeof(large)); /* more than one call sends */
    turn(&streams->loop);
    assert_true(mk_list_empty(&mk_streams_of(&streams->loop)->blocked));
    assert_heard_text(&streams->all[0], "last words");
    for (int i = 1; i < MANY; i++) {
        struct owner *owner = &streams->all[i].owner;
        assert_int_equal(owner->closes, 1);
        assert_int_equal(owner->error, -ECANCELED);
        assert_int_equal(owner->drains, 0);
    }
}

/* ... or closes them: their output is sent before the end. */
static void close_others(struct owner *owner)
{
    owner->on_drained = NULL;
    for (int i = 0; i < MANY; i++) {
        struct owner *other = &current->all[i].owner;
        if (other == owner)
            continue;
        owner_says(other, " and the end");
        mk_stream_close(other->stream);
    }
}

static void one_may_close_the_others(void **state)
{
    struct streams *streams = *state;
    streams->all[0].owner.on_drained = close_others;
    say_to_all(streams, "words");
    turn(&streams->loop);
    for (int i = 1; i < MANY; i++) {
        assert_true(hear(&streams->all[i]));
        assert_heard_text(&streams->all[i], "words and the end");
    }
}

/* Each writes to the next when it has sent: a chain through all of them, in one turn. */
static void pass_on(struct owner *owner)
{
    struct one *next = of_owner(owner) + 1;
    owner->on_drained = NULL;
    if (next < current->all + MANY)
        owner_says(&next->owner, "+");
}

static void one_may_write_to_the_others(void **state)
{
    struct streams *streams = *state;
    for (int i = 0; i < MANY; i++)
        streams->all[i].owner.on_drained = pass_on;
    say_to_all(streams, "text");
    turn(&streams->loop);
    assert_heard_text(&streams->all[0], "text");
    for (int i = 1; i < MANY; i++)
        assert_heard_text(&streams->all[i], "text+");
}

/* Where the journal fails, nothing more is sent: neither on blocked streams nor on others. */
static void waiting_output_is_dropped(void **state)
{
    struct streams *streams = *state;
    say_to_all(streams, "small");
    for (int i = 0; i < MANY; i += 2)
        owner_write(&streams->all[i].owner, large, sizeof(large));
    turn(&streams->loop);
    owner_says(&streams->all[1].owner, "not to be sent");
    mk_streams_drop_output(&streams->loop, -EIO);
    turn(&streams->loop);
    for (int i = 0; i < MANY; i++) {
        const struct owner *owner = &streams->all[i].owner;
        bool has_waited = i % 2 == 0 || i == 1;
        assert_int_equal(owner->closes, has_waited);
        assert_int_equal(owner->error, has_waited ? -EIO : 0);
        if (i % 2 == 1)
            assert_heard_text(&streams->all[i], "small");
    }
}

/* Every third peer reads nothing, every fifth has disconnected: the others get their bytes. */
static void slow_and_disconnected_peers_delay_no_other(void **state)
{
    struct streams *streams = *state;
    for (size_t i = 0; i < sizeof(large); i++)
        large[i] = (char)(i % 251);
    for (int i = 0; i < MANY; i++) {
        struct one *one = &streams->all[i];
        if (i % 5 == 0)
            shutdown(one->pair[0], SHUT_WR); /* like a peer that has reset */
        if (i % 3 == 0)
            owner_write(&one->owner, large, sizeof(large));
        else
            owner_says(&one->owner, "small");
    }
    turn(&streams->loop);
    for (int i = 0; i < MANY; i++) {
        struct one *one = &streams->all[i];
        if (i % 5 == 0) {
            assert_int_equal(one->owner.error, -EPIPE);
        } else if (i % 3 == 0) {
            assert_int_equal(one->owner.drains, 0);
            assert_true(mk_stream_backlog(one->owner.stream) > 0);
        } else {
            assert_heard_text(one, "small");
        }
    }
    for (int i = 0; i < MANY; i++) {
        struct one *one = &streams->all[i];
        if (i % 5 == 0 || i % 3 != 0)
            continue;
        while (one->heard.len < sizeof(large)) {
            hear(one);
            turn(&streams->loop);
        }
        assert_memory_equal(one->heard.data, large, sizeof(large));
        assert_int_equal(one->owner.drains, 1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_are_sent_to_in_one_turn), TEST(one_may_abort_the_others),
        TEST(one_may_close_the_others),    TEST(one_may_write_to_the_others),
        TEST(waiting_output_is_dropped),   TEST(slow_and_disconnected_peers_delay_no_other),
    };
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int failed = cmocka_run_group_tests_name("one by one", tests, NULL, NULL);
    may_use_ring = true;
    return failed + cmocka_run_group_tests_name("with a ring", tests, NULL, NULL);
}
