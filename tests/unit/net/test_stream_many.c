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

struct crowd {
    struct mk_loop loop;
    struct one all[MANY];
};

static bool may_use_ring;

static int setup(void **state)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    alarm(PATIENCE_S);
    assert_int_equal(mk_loop_init(&crowd->loop, NULL), 0);
    assert_int_equal(mk_streams_use_io_uring(&crowd->loop, may_use_ring), 0);
    for (int i = 0; i < MANY; i++) {
        struct one *one = &crowd->all[i];
        tcp_pair(one->pair, true);
        owner_init(&one->owner);
        owner_adopt(&one->owner, stream_on(&crowd->loop, one->pair[0]));
        mk_buf_init(&one->heard, SIZE_MAX / 2);
    }
    *state = crowd;
    return 0;
}

static int teardown(void **state)
{
    struct crowd *crowd = *state;
    for (int i = 0; i < MANY; i++)
        if (crowd->all[i].owner.stream)
            mk_stream_abort(crowd->all[i].owner.stream, 0);
    mk_loop_fini(&crowd->loop);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(crowd->all[i].owner.closes, 1);
        owner_fini(&crowd->all[i].owner);
        mk_buf_fini(&crowd->all[i].heard);
        close(crowd->all[i].pair[1]);
    }
    free(crowd);
    alarm(0);
    return 0;
}

static char large[400 * 1000];

/* The records of one stream, for the callbacks of its owner. */
static struct crowd *current;

static struct one *of_owner(struct owner *owner)
{
    return MK_CONTAINER_OF(owner, struct one, owner);
}

static void say_to_all(struct crowd *crowd, const char *text)
{
    current = crowd;
    for (int i = 0; i < MANY; i++)
        owner_says(&crowd->all[i].owner, text);
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
    struct crowd *crowd = *state;
    char text[32];
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text), "to %d", i);
        owner_says(&crowd->all[i].owner, text);
    }
    turn(&crowd->loop);
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text), "to %d", i);
        assert_heard_text(&crowd->all[i], text);
        assert_int_equal(crowd->all[i].owner.drains, 1);
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
    struct crowd *crowd = *state;
    crowd->all[0].owner.on_drained = abort_others;
    say_to_all(crowd, "last words");
    for (int i = 1; i < MANY; i += 2)
        owner_write(&crowd->all[i].owner, large, sizeof(large)); /* more than one call sends */
    turn(&crowd->loop);
    assert_true(mk_list_empty(&mk_streams_of(&crowd->loop)->blocked));
    assert_heard_text(&crowd->all[0], "last words");
    for (int i = 1; i < MANY; i++) {
        struct owner *owner = &crowd->all[i].owner;
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
    struct crowd *crowd = *state;
    crowd->all[0].owner.on_drained = close_others;
    say_to_all(crowd, "words");
    turn(&crowd->loop);
    for (int i = 1; i < MANY; i++) {
        assert_true(hear(&crowd->all[i]));
        assert_heard_text(&crowd->all[i], "words and the end");
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
    struct crowd *crowd = *state;
    for (int i = 0; i < MANY; i++)
        crowd->all[i].owner.on_drained = pass_on;
    say_to_all(crowd, "text");
    turn(&crowd->loop);
    assert_heard_text(&crowd->all[0], "text");
    for (int i = 1; i < MANY; i++)
        assert_heard_text(&crowd->all[i], "text+");
}

/* Where the journal fails, nothing more is sent: neither on blocked streams nor on others. */
static void waiting_output_is_dropped(void **state)
{
    struct crowd *crowd = *state;
    say_to_all(crowd, "small");
    for (int i = 0; i < MANY; i += 2)
        owner_write(&crowd->all[i].owner, large, sizeof(large));
    turn(&crowd->loop);
    owner_says(&crowd->all[1].owner, "not to be sent");
    mk_streams_drop_output(&crowd->loop, -EIO);
    turn(&crowd->loop);
    for (int i = 0; i < MANY; i++) {
        const struct owner *owner = &crowd->all[i].owner;
        bool has_waited = i % 2 == 0 || i == 1;
        assert_int_equal(owner->closes, has_waited);
        assert_int_equal(owner->error, has_waited ? -EIO : 0);
        if (i % 2 == 1)
            assert_heard_text(&crowd->all[i], "small");
    }
}

/* Every third peer reads nothing, every fifth has disconnected: the others get their bytes. */
static void slow_and_disconnected_peers_delay_no_other(void **state)
{
    struct crowd *crowd = *state;
    for (size_t i = 0; i < sizeof(large); i++)
        large[i] = (char)(i % 251);
    for (int i = 0; i < MANY; i++) {
        struct one *one = &crowd->all[i];
        if (i % 5 == 0)
            shutdown(one->pair[0], SHUT_WR); /* like a peer that has reset */
        if (i % 3 == 0)
            owner_write(&one->owner, large, sizeof(large));
        else
            owner_says(&one->owner, "small");
    }
    turn(&crowd->loop);
    for (int i = 0; i < MANY; i++) {
        struct one *one = &crowd->all[i];
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
        struct one *one = &crowd->all[i];
        if (i % 5 == 0 || i % 3 != 0)
            continue;
        while (one->heard.len < sizeof(large)) {
            hear(one);
            turn(&crowd->loop);
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
