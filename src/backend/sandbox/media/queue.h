/*
 * queue: which fetch is next. Two kinds of places are limited: downloads, and threads of libuv's
 * pool, which names of other connections are looked up in. Each bot has a lane of its own: first
 * in, first out, and with a limit of its own; the lanes that wait and have not reached it take
 * turns. Every function costs the same however many fetches wait.
 */
#ifndef SB_MEDIA_QUEUE_H
#define SB_MEDIA_QUEUE_H

#include "base/list.h"
#include "base/table.h"

#include <stdbool.h>
#include <stdint.h>

enum sb_media_place { SB_MEDIA_DOWNLOAD, SB_MEDIA_THREAD, SB_MEDIA_PLACES };

enum {
    SB_MEDIA_DOWNLOADS = 16,     /* of all lanes together */
    SB_MEDIA_DOWNLOADS_EACH = 4, /* of one lane */
    SB_MEDIA_THREADS = 2,        /* of all, and of one */
};

struct sb_media_queue;

/* Of one bot, while it waits for a place or has one. */
struct sb_media_lane {
    struct mk_table_entry entry; /* by self_id */
    struct mk_list member;       /* of all lanes */
    struct sb_media_queue *queue;
    struct {
        struct mk_list waiting; /* of fetches */
        struct mk_list turn;    /* in `ready` of the queue, or in no list */
        unsigned taken;
    } at[SB_MEDIA_PLACES];
};

/* What waits. */
struct sb_media_waiter {
    struct mk_list node;
    struct sb_media_lane *lane; /* while it waits or has a place */
    enum sb_media_place place;
};

struct sb_media_queue {
    struct mk_table by_bot;
    struct mk_list lanes;
    struct sb_media_lane operators; /* also of bots that there is no memory for */
    struct {
        struct mk_list ready; /* lanes */
        unsigned taken;
    } at[SB_MEDIA_PLACES];
};

void sb_media_queue_init(struct sb_media_queue *queue);
/* Forgets the waiters: they need not leave. */
void sb_media_queue_fini(struct sb_media_queue *queue);

/* Waits for a place. `self_id` is 0 for an operator. */
void sb_media_queue_wait(struct sb_media_queue *queue, struct sb_media_waiter *waiter,
                         uint64_t self_id, enum sb_media_place place);
/* Waits no longer. */
void sb_media_queue_leave(struct sb_media_waiter *waiter);

/* Returns the next that gets a place, which is taken until it is given back; NULL: there is none.
 */
struct sb_media_waiter *sb_media_queue_next(struct sb_media_queue *queue,
                                            enum sb_media_place place);
void sb_media_queue_give_back(struct sb_media_lane *lane, enum sb_media_place place);

#endif
