/*
 * replays: makes all readers that read the journal take turns, whatever their bots and transports.
 *
 * A reader asks for its next piece of the journal (mk_replays_ask) when it has passed the last one
 * on, so one that is slow asks for nothing. In each turn the readers that asked get one piece each,
 * in the order in which they asked, until the budget of the turn is spent: the others get theirs in
 * the next turns. In between, the loop polls, and serves everybody else.
 *
 * A piece is a run of frames in one format. It does not change once it is made, and all readers
 * share it that come to one of its frames while it is kept: so an event is read and encoded once
 * for readers that are near to each other.
 */
#ifndef MK_HUB_REPLAYS_H
#define MK_HUB_REPLAYS_H

#include "hub/hub.h"

enum {
    MK_PIECE_BYTES = 16 * 1024, /* a piece ends with the frame that reaches this */
    MK_PIECE_ROWS = 64,
    MK_TURN_BYTES = 128 * 1024, /* of pieces that readers get in a turn */
    MK_TURN_ROWS = 64,          /* read from the journal in a turn */
    MK_PIECES_KEPT = 4 * 1024 * 1024,
};

/* A reader that asks for a piece. Zeroed except for `get` and its initialised node. */
struct mk_replay {
    struct mk_list node;
    void (*get)(struct mk_replay *replay); /* calls mk_piece_take; must not free any reader */
};

struct mk_replays {
    struct mk_list asking; /* of mk_replay, the first first */
    struct mk_list pieces; /* that are kept, the oldest first */
    size_t kept;           /* bytes of them */
    uint64_t turn;
    size_t bytes;    /* of pieces, in this turn */
    size_t rows;     /* read from the journal in this turn; a compressed one counts several times */
    uint64_t read;   /* rows, in all turns */
    uint64_t shared; /* pieces that a reader got from another one */
    /* Called when a reader asks or has to wait: mk_replays_run should be called soon. Or NULL. */
    void (*asked)(void *arg);
    void *arg;
};

/* The frames from the event after `before` on; shared, with references. */
struct mk_piece;

void mk_replays_init(struct mk_replays *replays);
/* All readers must have stopped. */
void mk_replays_fini(struct mk_replays *replays);

/* Asks for a piece; does nothing if it has asked. `replay->node` is to be removed when it ends. */
void mk_replays_ask(struct mk_replays *replays, struct mk_replay *replay);

/*
 * Lets readers have pieces, as far as the budget of this turn goes; it may be called several times
 * in a turn. Returns whether any got one.
 */
bool mk_replays_run(struct mk_replays *replays, uint64_t turn);

/* Keeps no more pieces of this hub: it has no reader that reads the journal. */
void mk_replays_forget(struct mk_replays *replays, const struct mk_hub *hub);

/*
 * Takes a piece with the frames of event `*next` and later ones, and sets `*next` to the number
 * behind it and `*at` to the offset of its frame. The piece is NULL where there is nothing. Returns
 * 1, or 0 when the journal has no more behind the piece, or a negative errno that may be temporary,
 * without a piece. Counts towards the budget of hub->replays, which may be NULL: then nothing is
 * shared.
 */
int mk_piece_take(struct mk_hub *hub, const struct mk_event_format *format, uint64_t *next,
                  struct mk_piece **piece, size_t *at);

/* Makes a piece that has only a gap, for one reader. Returns 0, or -ENOMEM without a piece. */
int mk_piece_gap(struct mk_hub *hub, const struct mk_event_format *format, uint64_t from,
                 uint64_t to, struct mk_piece **piece);

/* Returns NULL. NULL is allowed. */
struct mk_piece *mk_piece_release(struct mk_piece *piece);

struct mk_slice mk_piece_bytes(const struct mk_piece *piece);

#endif
