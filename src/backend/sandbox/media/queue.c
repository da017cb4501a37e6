/* queue: see the header. */
#include "backend/sandbox/media/queue.h"

#include <stdlib.h>

static const struct {
    unsigned most, most_each;
} limits[SB_MEDIA_PLACES] = {
    [SB_MEDIA_DOWNLOAD] = { SB_MEDIA_DOWNLOADS, SB_MEDIA_DOWNLOADS_EACH },
    [SB_MEDIA_THREAD] = { SB_MEDIA_THREADS, SB_MEDIA_THREADS },
};

static void lane_init(struct sb_media_lane *lane, struct sb_media_queue *queue)
{
    lane->queue = queue;
    mk_list_init(&lane->member);
    for (size_t i = 0; i < SB_MEDIA_PLACES; i++) {
        mk_list_init(&lane->at[i].waiting);
        mk_list_init(&lane->at[i].turn);
        lane->at[i].taken = 0;
    }
}

void sb_media_queue_init(struct sb_media_queue *queue)
{
    mk_table_init(&queue->by_bot, 0);
    mk_list_init(&queue->lanes);
    lane_init(&queue->operators, queue);
    for (size_t i = 0; i < SB_MEDIA_PLACES; i++) {
        mk_list_init(&queue->at[i].ready);
        queue->at[i].taken = 0;
    }
}

void sb_media_queue_fini(struct sb_media_queue *queue)
{
    MK_LIST_FOR_EACH (it, &queue->lanes)
        free(MK_CONTAINER_OF(it, struct sb_media_lane, member));
    mk_table_fini(&queue->by_bot);
}

static struct sb_media_lane *lane_of(struct sb_media_queue *queue, uint64_t self_id)
{
    if (!self_id)
        return &queue->operators;
    struct mk_table_entry *entry = mk_table_find(&queue->by_bot, self_id, NULL);
    if (entry)
        return MK_CONTAINER_OF(entry, struct sb_media_lane, entry);
    struct sb_media_lane *lane = malloc(sizeof(*lane));
    if (!lane)
        return &queue->operators;
    lane_init(lane, queue);
    mk_table_add(&queue->by_bot, &lane->entry, self_id);
    mk_list_push(&queue->lanes, &lane->member);
    return lane;
}

static bool is_idle(const struct sb_media_lane *lane)
{
    for (size_t i = 0; i < SB_MEDIA_PLACES; i++)
        if (lane->at[i].taken > 0 || !mk_list_empty(&lane->at[i].waiting))
            return false;
    return true;
}

/* The lane has changed: it takes turns while it waits and may have more. */
static void settle(struct sb_media_lane *lane, enum sb_media_place place)
{
    bool may =
        !mk_list_empty(&lane->at[place].waiting) && lane->at[place].taken < limits[place].most_each;
    if (may && mk_list_empty(&lane->at[place].turn))
        mk_list_push(&lane->queue->at[place].ready, &lane->at[place].turn);
    else if (!may)
        mk_list_remove(&lane->at[place].turn);
    if (lane == &lane->queue->operators || !is_idle(lane))
        return;
    mk_table_remove(&lane->queue->by_bot, &lane->entry);
    mk_list_remove(&lane->member);
    free(lane);
}

void sb_media_queue_wait(struct sb_media_queue *queue, struct sb_media_waiter *waiter,
                         uint64_t self_id, enum sb_media_place place)
{
    waiter->lane = lane_of(queue, self_id);
    waiter->place = place;
    mk_list_push(&waiter->lane->at[place].waiting, &waiter->node);
    settle(waiter->lane, place);
}

void sb_media_queue_leave(struct sb_media_waiter *waiter)
{
    mk_list_remove(&waiter->node);
    settle(waiter->lane, waiter->place);
    waiter->lane = NULL;
}

struct sb_media_waiter *sb_media_queue_next(struct sb_media_queue *queue, enum sb_media_place place)
{
    struct mk_list *turn = queue->at[place].ready.next;
    if (turn == &queue->at[place].ready || queue->at[place].taken == limits[place].most)
        return NULL;
    struct sb_media_lane *lane =
        place == SB_MEDIA_DOWNLOAD
            ? MK_CONTAINER_OF(turn, struct sb_media_lane, at[SB_MEDIA_DOWNLOAD].turn)
            : MK_CONTAINER_OF(turn, struct sb_media_lane, at[SB_MEDIA_THREAD].turn);
    struct mk_list *first = lane->at[place].waiting.next;
    mk_list_remove(first);
    mk_list_remove(turn);
    queue->at[place].taken++;
    lane->at[place].taken++;
    settle(lane, place);
    return MK_CONTAINER_OF(first, struct sb_media_waiter, node);
}

void sb_media_queue_give_back(struct sb_media_lane *lane, enum sb_media_place place)
{
    lane->queue->at[place].taken--;
    lane->at[place].taken--;
    settle(lane, place);
}
