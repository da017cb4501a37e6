/* outbox: see the header. */
#include "backend/sandbox/turn/outbox.h"

#include "base/error_text.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

/* Room for one more element of `size` bytes. */
static int grow(void **array, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return 0;
    size_t wanted = *room ? *room * 2 : 64;
    void *grown = realloc(*array, wanted * size);
    if (!grown)
        return -ENOMEM;
    *array = grown;
    *room = wanted;
    return 0;
}

int sb_outbox_reserve(struct sb_outbox *outbox)
{
    void *replies = outbox->replies;
    int rc = grow(&replies, &outbox->reply_room, outbox->reply_count, sizeof(*outbox->replies));
    outbox->replies = replies;
    return rc;
}

void sb_outbox_reply(struct sb_outbox *outbox, const struct sb_outbox_reply *reply)
{
    struct sb_outbox_reply *added = &outbox->replies[outbox->reply_count++];
    *added = *reply;
    added->events_end = outbox->event_count;
}

int sb_outbox_event(struct sb_outbox *outbox, const struct sb_outbox_event *event)
{
    void *events = outbox->events;
    int rc = grow(&events, &outbox->event_room, outbox->event_count, sizeof(*outbox->events));
    outbox->events = events;
    if (rc == 0)
        outbox->events[outbox->event_count++] = *event;
    return rc;
}

void sb_outbox_drop_events(struct sb_outbox *outbox)
{
    outbox->event_count =
        outbox->reply_count ? outbox->replies[outbox->reply_count - 1].events_end : 0;
}

/*
 * A reply may bring in the next call at once, which may fill the outbox again: so it is emptied
 * before anything is sent, and gets its arrays back where no new ones were made meanwhile.
 */
static struct sb_outbox take(struct sb_outbox *outbox)
{
    struct sb_outbox taken = *outbox;
    *outbox = (struct sb_outbox){
        .delay = taken.delay,
        .delay_arg = taken.delay_arg,
        .sending = taken.sending,
    };
    return taken;
}

static void give_back(struct sb_outbox *outbox, struct sb_outbox *taken)
{
    if (outbox->reply_room || outbox->event_room) {
        sb_outbox_fini(taken);
        return;
    }
    taken->reply_count = 0;
    taken->event_count = 0;
    *outbox = *taken;
}

static void emit(struct milky_host *host, const struct sb_outbox_event *event)
{
    if (event->is_hosts)
        return;
    int rc = milky_emit(host, event->self_id, event->type, event->time, event->data);
    if (rc < 0 && rc != -ENOENT)
        mk_log_error("sandbox", "an event %s for bot %llu was lost: %s",
                     "事件 %s（Bot %llu）丢失：%s", event->type, (unsigned long long)event->self_id,
                     mk_error_text(-rc));
}

bool sb_outbox_has(const struct sb_outbox *outbox, uint64_t call)
{
    for (size_t i = 0; i < outbox->reply_count; i++)
        if (outbox->replies[i].call == call)
            return true;
    return false;
}

static void set_presence(struct milky_host *host, const struct sb_presence *presence)
{
    int rc = milky_host_set_state(host, presence->self_id, presence->state, presence->reason);
    if (rc < 0 && rc != -ENOENT)
        mk_log_error("sandbox", "the state of bot %llu has not changed: %s",
                     "Bot %llu 的状态未改变：%s", (unsigned long long)presence->self_id,
                     mk_error_text(-rc));
}

struct sb_outbox_sending {
    struct sb_outbox taken;
    size_t event, reply; /* the next ones */
    struct sb_outbox_sending *outer;
};

static void send_next(struct sb_outbox *outbox, struct sb_outbox_sending *sending,
                      struct milky_host *host)
{
    struct sb_outbox_reply *reply = &sending->taken.replies[sending->reply++];
    while (sending->event < reply->events_end)
        emit(host, &sending->taken.events[sending->event++]);
    if (reply->presence.self_id)
        set_presence(host, &reply->presence);
    if (reply->delay_ms > 0 && milky_call_open(host, reply->call))
        outbox->delay(outbox->delay_arg, reply);
    else if (reply->retcode == 0)
        milky_call_ok(host, reply->call, reply->data);
    else
        milky_call_fail(host, reply->call, reply->retcode, "%s", reply->message);
}

static void send_rest(struct sb_outbox *outbox, struct sb_outbox_sending *sending,
                      struct milky_host *host)
{
    while (sending->reply < sending->taken.reply_count)
        send_next(outbox, sending, host);
}

void sb_outbox_send(struct sb_outbox *outbox, struct milky_host *host)
{
    struct sb_outbox_sending sending = { .taken = take(outbox), .outer = outbox->sending };
    outbox->sending = &sending;
    send_rest(outbox, &sending, host);
    outbox->sending = sending.outer;
    give_back(outbox, &sending.taken);
}

void sb_outbox_finish(struct sb_outbox *outbox, struct milky_host *host)
{
    for (struct sb_outbox_sending *one = outbox->sending; one; one = one->outer)
        send_rest(outbox, one, host);
}

void sb_outbox_fail(struct sb_outbox *outbox, struct milky_host *host, int retcode,
                    const char *message)
{
    struct sb_outbox taken = take(outbox);
    for (size_t i = 0; i < taken.reply_count; i++)
        milky_call_fail(host, taken.replies[i].call, retcode, "%s", message);
    give_back(outbox, &taken);
}

void sb_outbox_fini(struct sb_outbox *outbox)
{
    free(outbox->replies);
    free(outbox->events);
    *outbox = (struct sb_outbox){ 0 };
}
