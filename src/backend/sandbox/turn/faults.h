/*
 * faults: faults that an operator injects into the calls of bots, and the replies that are delayed.
 * They are not part of the world: a restart ends them. The host keeps which bots are online
 * (milky_host_set_state).
 */
#ifndef SB_TURN_FAULTS_H
#define SB_TURN_FAULTS_H

#include "backend/sandbox/turn/outbox.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct milky_host;
struct sb_fault;
struct sb_delayed;

struct sb_faults {
    struct milky_host *host;
    struct sb_fault *first;
    uint64_t last_fault; /* id of the newest */
    uint64_t *dropped;   /* bots whose connections end with this turn */
    size_t dropped_count;
    struct sb_delayed *delayed; /* replies */
};

/* QQ's risk control: of messages, where the fault names no action. */
enum sb_fault_kind {
    SB_FAULT_PLAIN,
    SB_FAULT_HIDDEN, /* only the sender sees the message */
    SB_FAULT_RESTRICTED,
    SB_FAULT_UNAVAILABLE,
    SB_FAULT_TOO_FAST, /* it applies to what follows too soon in one conversation */
};

/* A call that a fault may apply to. */
struct sb_faulted_call {
    uint64_t self_id;
    const char *action;
    uint64_t group; /* that it sends to; 0: none */
    uint64_t user;
    uint64_t now_ms; /* of the world */
};

enum { SB_FAULT_CONVERSATIONS = 32 }; /* that SB_FAULT_TOO_FAST remembers */

/* A fault; it counts the calls that it could apply to: of its bot, and of its action. */
struct sb_fault {
    struct sb_fault *next;
    uint64_t id;
    uint64_t bot;
    char action[64];    /* "" for any */
    uint64_t every;     /* each n-th of them; 1 is all */
    double probability; /* of each n-th; 1 is all */
    uint64_t seed;
    uint64_t times; /* the most calls; 0: no limit */
    uint32_t delay_ms;
    int retcode; /* 0: it does not fail */
    char message[256];
    enum sb_fault_kind kind;
    uint32_t interval_ms; /* of SB_FAULT_TOO_FAST */
    struct {
        uint64_t group;
        uint64_t user;
        uint64_t at_ms; /* when the last message went out; 0: none */
    } sent[SB_FAULT_CONVERSATIONS];
    bool drop; /* the reply is lost: the connections of the bot end */

    uint64_t chance; /* state of the random numbers that the seed begins */
    uint64_t seen;   /* calls that it could apply to */
    uint64_t applied;
};

/* All faults that apply to one call together; none where all is 0. */
struct sb_injected_fault {
    uint32_t delay_ms;
    int retcode;
    const char *message;
    bool is_hidden;
};

/* `faults` is zeroed at first, but for `host`. No reply may be delayed any more. */
void sb_faults_fini(struct sb_faults *faults);

/* Counts a call, and returns the faults that apply to it. */
struct sb_injected_fault sb_faults_next(struct sb_faults *faults,
                                        const struct sb_faulted_call *call);

/* Adds a copy, with a new id. Returns 0 or -ENOMEM. */
int sb_faults_add(struct sb_faults *faults, const struct sb_fault *fault, uint64_t *id);
/* Removes those of one bot, or (0) all. Returns how many there were. */
size_t sb_faults_clear(struct sb_faults *faults, uint64_t self_id);

/* Ends the connections of a bot when the turn ends. Returns 0 or -ENOMEM. */
int sb_faults_drop(struct sb_faults *faults, uint64_t self_id);

/* The turn has ended: its replies and events have been sent. */
void sb_faults_turn_end(struct sb_faults *faults);

/*
 * Sends a reply after reply->delay_ms, or at once when out of memory. `faults` is a struct
 * sb_faults. An sb_outbox_delay.
 */
void sb_faults_reply_later(void *faults, const struct sb_outbox_reply *reply);

/* A call has ended: drops its reply. Returns false when its reply is not delayed. */
bool sb_faults_cancel(struct sb_faults *faults, uint64_t call);

#endif
