/*
 * list: an intrusive, circular, doubly linked list. A node that is in no list is linked to itself,
 * so removing it is always safe and does not need the list.
 */
#ifndef MK_BASE_LIST_H
#define MK_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct mk_list {
    struct mk_list *prev;
    struct mk_list *next;
};

/* The struct that holds `node` as its member `member`. */
#define MK_CONTAINER_OF(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

/* Walks a list. The loop body may remove the node `it`, but no other. */
#define MK_LIST_FOR_EACH(it, head)                                                                 \
    for (struct mk_list *it = (head)->next, *it##_next = it->next; it != (head);                   \
         it = it##_next, it##_next = it->next)

static inline void mk_list_init(struct mk_list *node)
{
    node->prev = node;
    node->next = node;
}

static inline bool mk_list_empty(const struct mk_list *head)
{
    return head->next == head;
}

static inline void mk_list_push(struct mk_list *head, struct mk_list *node)
{
    /* The analyzer takes the new buckets of a table, which are in a loop, for uninitialised. */
    node->prev = head->prev; /* NOLINT(clang-analyzer-core.uninitialized.Assign) */
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void mk_list_remove(struct mk_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    mk_list_init(node);
}

/* Moves all nodes of `from` into `to`, which must be uninitialised or empty; `from` is then empty.
 */
static inline void mk_list_take(struct mk_list *to, struct mk_list *from)
{
    mk_list_init(to);
    if (mk_list_empty(from))
        return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    mk_list_init(from);
}

#endif
