/*
 * outbox: the replies and events of a turn, which are sent when its transaction has been committed:
 * each reply after the events of its call. It keeps their order and knows nothing of the world.
 */
#ifndef SB_TURN_OUTBOX_H
#define SB_TURN_OUTBOX_H

#include <milky/json.h>

/* A bot goes online or offline. */
struct sb_presence {
    uint64_t self_id; /* 0: none does */
    enum milky_state state;
    const char *reason; /* lives in the document of the call */
};

struct sb_outbox_reply {
    uint64_t call;
    yyjson_mut_val *data;        /* of success, or NULL */
    int retcode;                 /* 0 is success */
    const char *message;         /* of failure; lives in the document of the call */
    uint32_t delay_ms;           /* between its events and the reply */
    struct sb_presence presence; /* set in the host before the reply is sent */
    size_t
        events_end; /* behind its last event; the first one is behind those of the reply before */
};

struct sb_outbox_event {
    uint64_t self_id;
    const char *type; /* a literal */
    uint64_t time;
    yyjson_mut_val *data; /* lives in the document of the call */
    bool is_hosts;        /* the host emits it, because of `presence` of the reply */
};

/* Sends a reply after reply->delay_ms. */
typedef void sb_outbox_delay(void *arg, const struct sb_outbox_reply *reply);

/* One sb_outbox_send that goes on; see outbox.c. */
struct sb_outbox_sending;

/* Zeroed is empty, but for `delay`. The arrays keep their memory from turn to turn. */
struct sb_outbox {
    struct sb_outbox_reply *replies;
    struct sb_outbox_event *events;
    size_t reply_count, reply_room;
    size_t event_count, event_room;
    sb_outbox_delay *delay;
    void *delay_arg;
    struct sb_outbox_sending *sending; /* the innermost one */
};

/* Makes room for one more reply. Returns 0 or -ENOMEM. */
int sb_outbox_reserve(struct sb_outbox *outbox);

/* Adds a reply, for which there is room; the events added since the last reply belong to it. */
void sb_outbox_reply(struct sb_outbox *outbox, const struct sb_outbox_reply *reply);

/* Adds an event of the call whose reply comes next. Returns 0 or -ENOMEM. */
int sb_outbox_event(struct sb_outbox *outbox, const struct sb_outbox_event *event);

/* Removes the events that belong to no reply yet. */
void sb_outbox_drop_events(struct sb_outbox *outbox);

/* Returns true when it holds the reply to this call. */
bool sb_outbox_has(const struct sb_outbox *outbox, uint64_t call);

/* Emits events and sends replies, in order. Calls that come in meanwhile may add to the outbox. */
void sb_outbox_send(struct sb_outbox *outbox, struct milky_host *host);

/* Within a sb_outbox_send: sends the rest of it first. */
void sb_outbox_finish(struct sb_outbox *outbox, struct milky_host *host);

/* Fails all its calls and drops their events. */
void sb_outbox_fail(struct sb_outbox *outbox, struct milky_host *host, int retcode,
                    const char *message);

void sb_outbox_fini(struct sb_outbox *outbox);

#endif
