/*
 * file_sending: sends the content of a file on a stream, a piece at a time, as fast as the client
 * takes it; closes the stream after the last piece.
 */
#ifndef MK_TRANSPORT_FILE_SENDING_H
#define MK_TRANSPORT_FILE_SENDING_H

#include "net/stream.h"
#include "net/timer.h"

/* The files that one server is sending. */
struct mk_file_sendings {
    struct mk_list streams;
    struct mk_timeouts stalled; /* for clients that take nothing */
};

/* Returns 0 or -ENOMEM. */
int mk_file_sendings_init(struct mk_file_sendings *sendings, struct mk_loop *loop);
/* They must be idle. */
void mk_file_sendings_fini(struct mk_file_sendings *sendings);

/*
 * Takes over the stream and the descriptor, and sends the bytes from `from` until before `end`,
 * behind the stream's output. Returns 0, or -ENOMEM, when neither was taken over.
 */
int mk_file_sending_start(struct mk_file_sendings *sendings, struct mk_stream *stream, int fd,
                          uint64_t from, uint64_t end);

void mk_file_sendings_abort(struct mk_file_sendings *sendings);
bool mk_file_sendings_idle(const struct mk_file_sendings *sendings);

#endif
