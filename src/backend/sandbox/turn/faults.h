/*
 * faults: which calls of the accounts that programs speak for go wrong on purpose, and the replies
 * that wait for their time. It belongs to the process, not to the world: a restart heals all.
 * Whether a bot is online is the host's to know (milky_host_set_state).
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
    uint64_t last_fault; /* the number of the newest */
    uint64_t *dropped;   /* whose connections end with this turn */
    size_t dropped_count;
    struct sb_delayed *delayed; /* replies that wait */
};

/* What goes wrong with calls; each call that matches counts. */
struct sb_fault {
    struct sb_fault *next;
    uint64_t id;
    uint64_t bot;
    char action[64];    /* "" for any */
    uint64_t every;     /* each so manieth; 1 is all */
    double probability; /* of those; 1 is all */
    uint64_t seed;
    uint64_t times; /* and no more often; 0 is for ever */
    uint32_t delay_ms;
    int retcode; /* 0: it does not fail */
    char message[256];
    bool drop; /* its reply gets lost with the connection */

    uint64_t chance; /* state of the sequence that the seed begins */
    uint64_t seen;   /* calls that matched */
    uint64_t struck;
};

/* What becomes of a call: nothing special where all is 0. */
struct sb_injected_fault {
    uint32_t delay_ms;
    int retcode;
    const char *message;
};

/* Zeroed, then with `host` set, it is ready. At the end no reply waits. */
void sb_faults_fini(struct sb_faults *faults);

/* Decides the fate of a call that has come. */
struct sb_injected_fault sb_faults_next(struct sb_faults *faults, uint64_t self_id,
                                        const char *action);

/* Adds a copy, with its own id. Returns 0 or -ENOMEM. */
int sb_faults_add(struct sb_faults *faults, const struct sb_fault *fault, uint64_t *id);
/* Those of one bot, or (0) of all. Returns how many there were. */
size_t sb_faults_clear(struct sb_faults *faults, uint64_t self_id);

/* Ends the connections of a bot when the turn ends. Returns 0 or -ENOMEM. */
int sb_faults_drop(struct sb_faults *faults, uint64_t self_id);

/* The turn has ended, and all that it said has been said. */
void sb_faults_turn_end(struct sb_faults *faults);

/* Sends a reply of `faults` (struct sb_faults) after reply->delay_ms; at once where that cannot be.
 * An sb_outbox_delay. */
void sb_faults_reply_later(void *faults, const struct sb_outbox_reply *reply);

/* A call has ended: forgets its reply. Returns false where none of it waits here. */
bool sb_faults_cancel(struct sb_faults *faults, uint64_t call);

#endif
