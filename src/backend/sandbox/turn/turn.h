/* turn: one turn of the loop in the sandbox. See turn.c for the way of a call through it. */
#ifndef SB_TURN_TURN_H
#define SB_TURN_TURN_H

#include "backend/sandbox/turn/request.h"

/* Makes room in the outbox for the reply to a call; where there is none, fails the call. */
bool sb_turn_reserve(struct sb_sandbox *sandbox, uint64_t call);

/* Fills the request that a handler gets. */
void sb_turn_request(struct sb_request *request, struct sb_sandbox *sandbox,
                     const struct sb_call *asked);

/* Runs a call's handler, now or as soon as the media that it names are there, and queues its
 * reply. */
void sb_turn_run(struct sb_sandbox *sandbox, const struct sb_call *asked);

/* Queues the outcome `rc` of a handler, whose reply was reserved before it ran. */
void sb_turn_settle(struct sb_request *request, int rc);

/* Refuses a call without running its handler, in the order of the other replies. */
void sb_turn_refuse(struct sb_sandbox *sandbox, const struct sb_call *asked, int retcode,
                    const char *message);

/*
 * A handler has decided: opens the transaction of the turn, if it is not open, and records the
 * media that the handler asked for. From here on only the disk may fail. Returns 0 or -errno.
 */
int sb_turn_write(struct sb_request *request);

/* Commits what the turn has written so far, and sends its events and replies. */
void sb_turn_commit(struct sb_sandbox *sandbox);

/* Rolls the turn back and fails all its calls. `error` is a negative errno. */
void sb_turn_abort(struct sb_sandbox *sandbox, int error);

/* Ends the turn. */
void sb_turn_end(struct sb_sandbox *sandbox);

#endif
