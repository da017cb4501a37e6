/* waiting: which connection ends for a new one. */
#include "web/waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct connection {
    struct mk_waiter waiter;
    bool is_busy;
    unsigned looked_at;
};

static bool may_end(struct mk_waiter *waiter)
{
    struct connection *connection = MK_CONTAINER_OF(waiter, struct connection, waiter);
    connection->looked_at++;
    return !connection->is_busy;
}

struct scene {
    struct mk_waiting all, here, there;
    struct connection connections[300];
};

static void open_one(struct scene *scene, size_t i, struct mk_waiting *address)
{
    scene->connections[i].waiter = (struct mk_waiter){ .may_end = may_end };
    mk_waiter_add(&scene->connections[i].waiter, &scene->all, address);
}

static int setup(void **state)
{
    static struct scene scene;
    scene = (struct scene){ 0 };
    mk_waiting_init(&scene.all, false);
    mk_waiting_init(&scene.here, true);
    mk_waiting_init(&scene.there, true);
    *state = &scene;
    return 0;
}

static void assert_taken(struct scene *scene, struct mk_waiting *of, size_t i,
                         enum mk_waiting_kind kind)
{
    enum mk_waiting_kind was;
    assert_ptr_equal(mk_waiting_take(of, &was), &scene->connections[i].waiter);
    assert_int_equal(was, kind);
}

static void test_the_oldest_silent_one_comes_first(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < 4; i++)
        open_one(scene, i, i % 2 ? &scene->here : &scene->there);
    mk_waiter_asked(&scene->connections[0].waiter);
    assert_taken(scene, &scene->here, 1, MK_WAITING_SILENT);
    assert_taken(scene, &scene->all, 2, MK_WAITING_SILENT);
    assert_taken(scene, &scene->all, 3, MK_WAITING_SILENT);
    assert_taken(scene, &scene->all, 0, MK_WAITING_IDLE);
    enum mk_waiting_kind was;
    assert_null(mk_waiting_take(&scene->all, &was));
    assert_null(mk_waiting_take(&scene->there, &was));
}

static void test_a_busy_one_is_passed_over(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < 3; i++) {
        open_one(scene, i, &scene->here);
        mk_waiter_asked(&scene->connections[i].waiter);
    }
    scene->connections[0].is_busy = true;
    enum mk_waiting_kind was;
    assert_null(mk_waiting_take(&scene->here, &was)); /* an address keeps its idle ones */
    assert_taken(scene, &scene->all, 1, MK_WAITING_IDLE);
    assert_taken(scene, &scene->all, 2, MK_WAITING_IDLE);
    assert_null(mk_waiting_take(&scene->all, &was));
}

static void test_takes_a_few_steps_even_if_all_are_busy(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < 300; i++) {
        open_one(scene, i, &scene->here);
        mk_waiter_asked(&scene->connections[i].waiter);
        scene->connections[i].is_busy = true;
    }
    unsigned steps = 0;
    enum mk_waiting_kind was;
    assert_null(mk_waiting_take(&scene->all, &was));
    for (size_t i = 0; i < 300; i++)
        steps += scene->connections[i].looked_at;
    assert_in_range(steps, 1, 64);
}

static void test_removed_ones_are_gone(void **state)
{
    struct scene *scene = *state;
    open_one(scene, 0, &scene->here);
    open_one(scene, 1, &scene->here);
    mk_waiter_remove(&scene->connections[0].waiter);
    mk_waiter_remove(&scene->connections[0].waiter);
    mk_waiter_asked(&scene->connections[0].waiter); /* too late: nothing happens */
    assert_taken(scene, &scene->here, 1, MK_WAITING_SILENT);
    enum mk_waiting_kind was;
    assert_null(mk_waiting_take(&scene->all, &was));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_oldest_silent_one_comes_first, setup),
        cmocka_unit_test_setup(test_a_busy_one_is_passed_over, setup),
        cmocka_unit_test_setup(test_takes_a_few_steps_even_if_all_are_busy, setup),
        cmocka_unit_test_setup(test_removed_ones_are_gone, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
