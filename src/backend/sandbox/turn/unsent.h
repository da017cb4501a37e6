/*
 * unsent: makes a change of the world and its events one unit. Events are emitted only after the
 * transaction of the world was committed, and are then written into the host's journal: after a
 * crash between the two, the events of a message would be missing. So a transaction stores its
 * events in the world too, under the numbers that they are about to get, and the next start
 * restores those that the journal does not have (`keeps_events` in milky/backend.h).
 *
 * They are kept until the journal is known to be on disk, which is asked for every 256 KiB. So the
 * journal need not wait for the disk itself, and may write the events of many turns at once: a turn
 * has one flush and most turns one write, those of the world.
 */
#ifndef SB_TURN_UNSENT_H
#define SB_TURN_UNSENT_H

#include "backend/sandbox/store/db.h"
#include "backend/sandbox/turn/outbox.h"
#include "base/arena.h"
#include "base/buf.h"

/* The last number that a bot's events of this transaction have got. */
struct sb_unsent_number {
    uint64_t self_id;
    uint64_t last;
};

struct sb_unsent {
    struct mk_buf events; /* of the transaction, as a JSON array: the row in the making */
    struct mk_arena arena;
    struct sb_unsent_number *numbers;
    size_t room;
    size_t kept; /* bytes of events that are stored */
    bool needed; /* there is a journal that could lack them */
    bool stored; /* some were stored in this turn, and may not have been emitted yet */
};

void sb_unsent_init(struct sb_unsent *unsent);
void sb_unsent_fini(struct sb_unsent *unsent);

/* All that was stored has been emitted. */
void sb_unsent_turn_end(struct sb_unsent *unsent);

/*
 * Stores the outbox's events in the transaction that is open, but for those of bots that the host
 * does not serve: they are never emitted. Returns 0 or a negative errno.
 */
int sb_unsent_store(struct sb_unsent *unsent, struct sb_db *db, const struct sb_outbox *outbox,
                    struct milky_host *host);

/*
 * At a start: emits the events that the journal lacks, after a crash or damage. An event that
 * cannot be read or emitted is logged and dropped: a world must open. Returns 0, -ENOMEM or the
 * error of the disk.
 */
int sb_unsent_start(struct sb_unsent *unsent, struct sb_db *db, struct milky_host *host);

#endif
