/*
 * output: writes to a file descriptor without waiting for its reader, which may have stalled (a
 * full pipe, a paused terminal, a slow disk): at once where a pipe or a socket takes the text, else
 * in a thread of its own. There text waits in a bounded ring; a piece that does not fit is dropped
 * as a whole and counted.
 */
#ifndef MK_CLI_OUTPUT_H
#define MK_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mk_output;

struct mk_output_options {
    int fd;      /* stays open: it is the caller's */
    size_t room; /* bytes that may wait */
    /* Optional: pieces were dropped, or lines could not be written. Called in any thread. */
    void (*dropped)(uint64_t pieces);
    /*
     * Optional: text can be written again after `pieces` were dropped. Called in the thread, when
     * everything that waited has been written. It may write.
     */
    void (*resumed)(uint64_t pieces);
};

/* Returns NULL when there is no memory or no thread. */
struct mk_output *mk_output_start(const struct mk_output_options *options);

/* Takes a copy of the whole text, or drops it. Never waits for the reader. Called from any thread.
 */
void mk_output_write(struct mk_output *output, const char *text, size_t len);

/* Waits until everything is written, at most `ms`. Returns whether it was. */
bool mk_output_flush(struct mk_output *output, uint32_t ms);

/*
 * Flushes for at most `ms`, and ends the thread. Nobody may write any more. A thread that is in the
 * middle of a write is left alone, and frees its memory when that ends. NULL is allowed.
 */
void mk_output_stop(struct mk_output *output, uint32_t ms);

#endif
