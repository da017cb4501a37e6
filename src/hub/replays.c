/* replays: see the header. */
#include "hub/replays.h"

#include <errno.h>
#include <stdlib.h>

enum {
    LONGEST_PIECE = 128 * 1024 * 1024,
    LEAST_COST = 4 * 1024, /* bytes; a reader that gets less causes a send all the same */
    COMPRESSION_ROWS = 4,  /* compressing an event takes as long as reading a few of them */
};

/* Where the frames of an event begin, and what was read before them in this piece. */
struct row {
    uint64_t number;
    size_t at;
    uint64_t events;
    uint64_t gaps;
};

struct mk_piece {
    struct mk_list node; /* in mk_replays.pieces */
    struct mk_hub *hub;
    struct mk_event_format format;
    unsigned refs; /* of readers, and of mk_replays while it keeps the piece */
    size_t count;
    struct row rows[MK_PIECE_ROWS + 1]; /* the last one is the end */
    struct mk_buf bytes;
};

void mk_replays_init(struct mk_replays *replays)
{
    *replays = (struct mk_replays){ .turn = UINT64_MAX };
    mk_list_init(&replays->asking);
    mk_list_init(&replays->pieces);
}

/* --- pieces --- */

static size_t size_of(const struct mk_piece *piece)
{
    return sizeof(*piece) + piece->bytes.cap;
}

struct mk_piece *mk_piece_release(struct mk_piece *piece)
{
    if (!piece || --piece->refs > 0)
        return NULL;
    mk_event_filter_unref(piece->format.filter);
    mk_buf_fini(&piece->bytes);
    free(piece);
    return NULL;
}

struct mk_slice mk_piece_bytes(const struct mk_piece *piece)
{
    return mk_buf_slice(&piece->bytes);
}

static struct mk_piece *new_piece(struct mk_hub *hub, const struct mk_event_format *format)
{
    struct mk_piece *piece = calloc(1, sizeof(*piece));
    if (!piece)
        return NULL;
    piece->hub = hub;
    piece->format = *format;
    mk_event_filter_ref(format->filter);
    piece->refs = 1;
    mk_list_init(&piece->node);
    mk_buf_init(&piece->bytes, LONGEST_PIECE);
    return piece;
}

int mk_piece_gap(struct mk_hub *hub, const struct mk_event_format *format, uint64_t from,
                 uint64_t to, struct mk_piece **result)
{
    struct mk_piece *piece = new_piece(hub, format);
    int rc = piece ? mk_frame_write_gap(&piece->bytes, &hub->masks, format->framing, hub->self_id,
                                        from, to)
                   : -ENOMEM;
    if (rc < 0) {
        mk_piece_release(piece);
        return rc;
    }
    hub->gaps++;
    *result = piece;
    return 0;
}

static void drop(struct mk_replays *replays, struct mk_piece *piece)
{
    replays->kept -= size_of(piece);
    mk_list_remove(&piece->node);
    mk_piece_release(piece);
}

static void keep(struct mk_replays *replays, struct mk_piece *piece)
{
    piece->refs++;
    mk_list_push(&replays->pieces, &piece->node);
    replays->kept += size_of(piece);
    MK_LIST_FOR_EACH (it, &replays->pieces) {
        if (replays->kept <= MK_PIECES_KEPT || it == &piece->node)
            break;
        drop(replays, MK_CONTAINER_OF(it, struct mk_piece, node));
    }
}

void mk_replays_forget(struct mk_replays *replays, const struct mk_hub *hub)
{
    struct mk_list *next;
    for (struct mk_list *node = replays->pieces.next; node != &replays->pieces; node = next) {
        struct mk_piece *piece = MK_CONTAINER_OF(node, struct mk_piece, node);
        next = node->next;
        if (piece->hub == hub)
            drop(replays, piece);
    }
}

void mk_replays_fini(struct mk_replays *replays)
{
    MK_LIST_FOR_EACH (it, &replays->pieces)
        drop(replays, MK_CONTAINER_OF(it, struct mk_piece, node));
}

/* Returns the row that begins with this number, or NULL. */
static const struct row *find_row(const struct mk_piece *piece, uint64_t number)
{
    if (number < piece->rows[0].number || number >= piece->rows[piece->count].number)
        return NULL;
    for (const struct row *row = piece->rows; row->number <= number; row++)
        if (row->number == number)
            return row;
    return NULL; /* in the middle of a gap */
}

static void note_row(struct mk_piece *piece, uint64_t number)
{
    piece->rows[piece->count] = (struct row){
        .number = number,
        .at = piece->bytes.len,
        .events = piece->hub->replayed,
        .gaps = piece->hub->gaps,
    };
}

/*
 * Reads a piece, at most up to event `stop`. Returns 1 or 0 as mk_piece_take, or an error if the
 * piece would be empty.
 */
static int fill(struct mk_piece *piece, uint64_t next, uint64_t stop, size_t most)
{
    int more = 1;
    note_row(piece, next);
    while (more > 0 && next < stop && piece->count < most && piece->bytes.len < MK_PIECE_BYTES) {
        more = mk_hub_replay(piece->hub, &piece->format, &next, &piece->bytes);
        if (more >= 0 && next > piece->rows[piece->count].number) {
            piece->count++;
            note_row(piece, next);
        }
    }
    return more < 0 && piece->count > 0 ? 1 : more;
}

static bool is_of(const struct mk_piece *piece, const struct mk_hub *hub,
                  const struct mk_event_format *format)
{
    return piece->hub == hub && mk_event_format_eq(&piece->format, format);
}

/* Returns the event behind `next` with which a kept piece begins: it is not read twice. */
static uint64_t next_kept(const struct mk_replays *replays, const struct mk_hub *hub,
                          const struct mk_event_format *format, uint64_t next)
{
    uint64_t first = UINT64_MAX;
    MK_LIST_FOR_EACH (node, &replays->pieces) {
        const struct mk_piece *piece = MK_CONTAINER_OF(node, struct mk_piece, node);
        uint64_t number = piece->rows[0].number;
        if (number > next && number < first && is_of(piece, hub, format))
            first = number;
    }
    return first;
}

/* Returns how many rows a piece may have that is read now. */
static size_t most_rows(const struct mk_replays *replays, size_t cost)
{
    if (!replays)
        return MK_PIECE_ROWS;
    size_t left = replays->rows < MK_TURN_ROWS ? (MK_TURN_ROWS - replays->rows) / cost : 0;
    return left > 0 ? left : 1;
}

static int read_piece(struct mk_hub *hub, const struct mk_event_format *format, uint64_t next,
                      struct mk_piece **result)
{
    struct mk_replays *replays = hub->replays;
    size_t cost = mk_framing_compresses(format->framing) ? COMPRESSION_ROWS : 1;
    struct mk_piece *piece = new_piece(hub, format);
    if (!piece)
        return -ENOMEM;
    uint64_t stop = replays ? next_kept(replays, hub, format, next) : UINT64_MAX;
    int more = fill(piece, next, stop, most_rows(replays, cost));
    if (replays) {
        replays->read += piece->count;
        replays->rows += cost * (piece->count + 1);
        if (piece->count > 0)
            keep(replays, piece);
    }
    *result = piece->count > 0 ? piece : mk_piece_release(piece);
    return more;
}

/* Returns a kept piece that begins with event `next` or has it inside, or NULL. */
static struct mk_piece *find_piece(struct mk_replays *replays, const struct mk_hub *hub,
                                   const struct mk_event_format *format, uint64_t next,
                                   const struct row **row)
{
    MK_LIST_FOR_EACH (node, &replays->pieces) {
        struct mk_piece *piece = MK_CONTAINER_OF(node, struct mk_piece, node);
        if (is_of(piece, hub, format) && (*row = find_row(piece, next)))
            return piece;
    }
    return NULL;
}

static void share(struct mk_replays *replays, struct mk_piece *piece, const struct row *row)
{
    const struct row *end = &piece->rows[piece->count];
    piece->refs++;
    replays->shared++;
    piece->hub->replayed += end->events - row->events;
    piece->hub->gaps += end->gaps - row->gaps;
    mk_list_remove(&piece->node); /* it is of use: it becomes the youngest */
    mk_list_push(&replays->pieces, &piece->node);
}

int mk_piece_take(struct mk_hub *hub, const struct mk_event_format *format, uint64_t *next,
                  struct mk_piece **piece, size_t *at)
{
    struct mk_replays *replays = hub->replays;
    const struct row *row = NULL;
    int more = 1;
    struct mk_piece *found = replays ? find_piece(replays, hub, format, *next, &row) : NULL;
    if (found)
        share(replays, found, row);
    else
        more = read_piece(hub, format, *next, &found);
    *piece = found;
    if (!found)
        return more;
    *at = row ? row->at : 0;
    *next = found->rows[found->count].number;
    if (replays) {
        size_t len = found->bytes.len - *at;
        replays->bytes += len > LEAST_COST ? len : LEAST_COST;
    }
    return more;
}

/* --- turns --- */

static void call_asked(const struct mk_replays *replays)
{
    if (replays->asked)
        replays->asked(replays->arg);
}

void mk_replays_ask(struct mk_replays *replays, struct mk_replay *replay)
{
    if (!mk_list_empty(&replay->node))
        return;
    mk_list_push(&replays->asking, &replay->node);
    call_asked(replays);
}

bool mk_replays_run(struct mk_replays *replays, uint64_t turn)
{
    bool any = false;
    if (mk_list_empty(&replays->asking))
        return false;
    if (replays->turn != turn) {
        replays->turn = turn;
        replays->bytes = 0;
        replays->rows = 0;
    }
    while (!mk_list_empty(&replays->asking) && replays->bytes < MK_TURN_BYTES &&
           replays->rows < MK_TURN_ROWS) {
        struct mk_replay *first = MK_CONTAINER_OF(replays->asking.next, struct mk_replay, node);
        mk_list_remove(&first->node);
        first->get(first);
        any = true;
    }
    if (!mk_list_empty(&replays->asking))
        call_asked(replays);
    return any;
}
