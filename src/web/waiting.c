/* waiting: see the header. */
#include "web/waiting.h"

enum { MAX_STEPS = 64 };

void mk_waiting_init(struct mk_waiting *waiting, bool is_of_address)
{
    waiting->is_of_address = is_of_address;
    for (int kind = 0; kind < MK_WAITING_KINDS; kind++)
        mk_list_init(&waiting->lists[kind]);
}

static void push(struct mk_waiter *waiter, enum mk_waiting_kind kind)
{
    mk_list_push(&waiter->all->lists[kind], &waiter->in_all);
    mk_list_push(&waiter->address->lists[kind], &waiter->in_address);
}

static void pull(struct mk_waiter *waiter)
{
    mk_list_remove(&waiter->in_all);
    mk_list_remove(&waiter->in_address);
}

void mk_waiter_add(struct mk_waiter *waiter, struct mk_waiting *all, struct mk_waiting *address)
{
    waiter->all = all;
    waiter->address = address;
    push(waiter, MK_WAITING_SILENT);
}

void mk_waiter_asked(struct mk_waiter *waiter)
{
    if (!waiter->all)
        return;
    pull(waiter);
    push(waiter, MK_WAITING_IDLE);
}

void mk_waiter_remove(struct mk_waiter *waiter)
{
    if (!waiter->all)
        return;
    pull(waiter);
    waiter->all = NULL;
}

static struct mk_waiter *oldest(const struct mk_waiting *waiting, enum mk_waiting_kind kind)
{
    struct mk_list *first = waiting->lists[kind].next;
    if (first == &waiting->lists[kind])
        return NULL;
    return waiting->is_of_address ? MK_CONTAINER_OF(first, struct mk_waiter, in_address)
                                  : MK_CONTAINER_OF(first, struct mk_waiter, in_all);
}

struct mk_waiter *mk_waiting_take(struct mk_waiting *waiting, enum mk_waiting_kind *kind)
{
    struct mk_waiter *waiter = oldest(waiting, MK_WAITING_SILENT);
    *kind = MK_WAITING_SILENT;
    if (waiter) {
        mk_waiter_remove(waiter);
        return waiter;
    }
    *kind = MK_WAITING_IDLE;
    if (waiting->is_of_address)
        return NULL;
    for (int i = 0; i < MAX_STEPS && (waiter = oldest(waiting, MK_WAITING_IDLE)); i++) {
        if (waiter->may_end(waiter)) {
            mk_waiter_remove(waiter);
            return waiter;
        }
        mk_waiter_asked(waiter);
    }
    return NULL;
}
