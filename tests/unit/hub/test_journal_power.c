/*
 * journal: a loss of power and damage at once. The file of last numbers is as it was flushed last;
 * a damaged log takes events back; and still no number is given twice.
 */
#include "journal_remains.h"

#include "hub/marks.h"

#include <dlfcn.h>

enum { MANY = 3000 };

/* The file of numbers as it was flushed last, which is all that a loss of power leaves of it. */
static struct {
    char path[100];
    struct file content;
    unsigned flushes;
} flushed;

int fdatasync(int file)
{
    static int (*real)(int);
    char link[40], path[100];
    if (!real)
        real = (int (*)(int))(uintptr_t)dlsym(RTLD_NEXT, "fdatasync");
    snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    path[len > 0 ? len : 0] = '\0';
    if (strcmp(path, flushed.path) == 0) {
        free(flushed.content.bytes);
        flushed.content = read_file(path);
        flushed.flushes++;
    }
    return real(file);
}

static void start(struct world *world)
{
    close_world(world);
    world->config.flush = true;
    path_of(world, NUMBERS, flushed.path);
    free(flushed.content.bytes);
    flushed.content = (struct file){ 0 };
    open_world(world);
    flushed.flushes = 0;
}

static struct remains lose_power(struct world *world)
{
    struct file numbers = { 0 };
    if (flushed.content.bytes) {
        numbers = flushed.content;
        flushed.content = (struct file){ 0 };
    }
    struct remains remains = crash(world);
    free(remains.files[NUMBERS].bytes);
    remains.files[NUMBERS] = numbers;
    return remains;
}

static void a_bound_costs_one_flush_for_many_numbers(void **state)
{
    struct world *world = *state;
    start(world);
    world->is_kept = true; /* without a flush of the journal */
    emit_numbers(world, 1, MANY);
    assert_int_equal(flushed.flushes, (MANY + MK_MARKS_AHEAD) / (MK_MARKS_AHEAD + 1));
    close_world(world);
    open_world(world);
    assert_int_equal(world->hub.events, MANY);
}

static void a_loss_of_power_alone_has_no_gap(void **state)
{
    struct world *world = *state;
    uint64_t events;
    start(world);
    emit_numbers(world, 1, EVENTS);
    struct remains remains = lose_power(world);
    put_back(world, &remains);
    open_world(world);
    assert_int_equal(world->hub.events, EVENTS);
    assert_int_equal(replay(world, 0, &events), EVENTS);
    assert_int_equal(events, EVENTS);
    forget(&remains);
}

static void with_damage_the_numbers_go_on_behind_the_bound(void **state)
{
    struct world *world = *state;
    uint64_t events;
    for (int round = 0; round < 3; round++) {
        start(world);
        uint64_t first = world->hub.events + 1, last = first + EVENTS - 1;
        emit_numbers(world, first, last);
        struct remains remains = lose_power(world);
        struct file *log = &remains.files[LOG];
        log->bytes[round == 0 ? log->len / 2 : round == 1 ? 9 : log->len - 100] ^= 4;
        put_back(world, &remains);
        open_world(world);
        assert_in_range(world->hub.events, last, first + MK_MARKS_AHEAD);
        uint64_t next = world->hub.events + 1;
        /* A crash before the next event, and with the log in order again, changes nothing. */
        struct remains again = crash(world);
        put_back(world, &again);
        open_world(world);
        assert_int_equal(world->hub.events + 1, next);
        emit_numbers(world, next, next);
        assert_int_equal(replay(world, 0, &events), next);
        forget(&remains);
        forget(&again);
    }
}

static void a_crash_with_damage_knows_the_last_number(void **state)
{
    struct world *world = *state;
    start(world);
    emit_numbers(world, 1, EVENTS);
    struct remains remains = crash(world);
    remains.files[LOG].bytes[remains.files[LOG].len / 2] ^= 4;
    put_back(world, &remains);
    open_world(world);
    assert_int_equal(world->hub.events, EVENTS);
    forget(&remains);
}

/* The journal is sound, but it waits for the copies of a backend, which has lost some. */
static void a_backend_that_has_lost_events_tells(void **state)
{
    struct world *world = *state;
    start(world);
    world->is_kept = true;
    emit_numbers(world, 1, EVENTS);
    struct remains remains = lose_power(world);
    remains.files[LOG].len = 0;
    put_back(world, &remains);
    open_world(world);
    mk_hub_lost_events(&world->hub);
    assert_in_range(world->hub.events, EVENTS, MK_MARKS_AHEAD + 1);
    uint64_t next = world->hub.events + 1;
    close_world(world);
    open_world(world);
    assert_int_equal(world->hub.events + 1, next);
    mk_hub_lost_events(&world->hub); /* now they are known */
    assert_int_equal(world->hub.events + 1, next);
    forget(&remains);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bound_costs_one_flush_for_many_numbers),
        TEST(a_loss_of_power_alone_has_no_gap),
        TEST(with_damage_the_numbers_go_on_behind_the_bound),
        TEST(a_crash_with_damage_knows_the_last_number),
        TEST(a_backend_that_has_lost_events_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
