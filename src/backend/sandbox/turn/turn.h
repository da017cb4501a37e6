/* turn: one turn of the loop in the sandbox. turn.c shows the way of a call through it. */
#ifndef SB_TURN_TURN_H
#define SB_TURN_TURN_H

#include "backend/sandbox/turn/request.h"

/*
 * Reserves room in the outbox for the reply to a call. Returns false, and has failed the call, when
 * out of memory.
 */
bool sb_turn_reserve(struct sb_sandbox *sandbox, uint64_t call);

/* Fills the request that a handler gets. */
void sb_turn_request(struct sb_request *request, struct sb_sandbox *sandbox,
                     const struct sb_call *call);

/* Runs the handler of a call, now or when the media that it names are there, and queues the reply.
 */
void sb_turn_run(struct sb_sandbox *sandbox, const struct sb_call *call);

/* Queues the reply of a handler that has returned `rc`; sb_turn_reserve came before it ran. */
void sb_turn_settle(struct sb_request *request, int rc);

/* Refuses a call without running its handler. The reply keeps its order among the others. */
void sb_turn_refuse(struct sb_sandbox *sandbox, const struct sb_call *call, int retcode,
                    const char *message);

/*
 * A handler begins to write: opens the transaction of the turn, if it is not open, and records the
 * media that the handler uses. From here on only the disk may fail. Returns 0 or -errno.
 */
int sb_turn_write(struct sb_request *request);

/* Commits all that the turn has written so far, and sends its events and replies. */
void sb_turn_commit(struct sb_sandbox *sandbox);

/* Rolls the turn back and fails all its calls. `error` is a negative errno. */
void sb_turn_roll_back(struct sb_sandbox *sandbox, int error);

/* Ends the turn. */
void sb_turn_end(struct sb_sandbox *sandbox);

#endif
