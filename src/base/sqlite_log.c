/* sqlite_log: see the header, and "The WAL File Format" of SQLite's documentation. */
#include "base/sqlite_log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAD = 32,
    FRAME_HEAD = 24,
    COMMIT = 4,      /* in a frame's head: not 0 in the last frame of a transaction */
    SALTS = 8,       /* in a frame's head: those of its log */
    HEAD_SALTS = 16, /* the same in the log's head */
    SALTS_LEN = 8,
    SUMS = 16, /* in a frame's head */
    HEAD_SUMS = 24,
    BIG_ENDIAN_MAGIC = 0x377f0683, /* the other one is 1 less */
    LONGEST_PAGE = 65536,
};

struct state {
    bool is_big_endian; /* the words that are summed */
    uint32_t sums[2];
    uint32_t page;
    unsigned char salts[SALTS_LEN];
};

static uint32_t read_big(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t read_little(const unsigned char *at)
{
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static void add(struct state *state, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        const unsigned char *at = bytes + i;
        state->sums[0] += (state->is_big_endian ? read_big(at) : read_little(at)) + state->sums[1];
        state->sums[1] +=
            (state->is_big_endian ? read_big(at + 4) : read_little(at + 4)) + state->sums[0];
    }
}

static bool has_sums(const struct state *state, const unsigned char *at)
{
    return read_big(at) == state->sums[0] && read_big(at + 4) == state->sums[1];
}

static bool read_head(FILE *file, struct state *state)
{
    unsigned char head[HEAD];
    if (fread(head, 1, HEAD, file) != HEAD || (read_big(head) | 1) != BIG_ENDIAN_MAGIC)
        return false;
    *state = (struct state){
        .is_big_endian = read_big(head) == BIG_ENDIAN_MAGIC,
        .page = read_big(head + 8),
    };
    memcpy(state->salts, head + HEAD_SALTS, SALTS_LEN);
    add(state, head, HEAD_SUMS);
    return has_sums(state, head + HEAD_SUMS) && state->page >= 512 && state->page <= LONGEST_PAGE;
}

/* Frames of an earlier round of the same file have two other salts; damage changes one. */
static bool has_a_salt(const struct state *state, const unsigned char *frame)
{
    return memcmp(frame + SALTS, state->salts, 4) == 0 ||
           memcmp(frame + SALTS + 4, state->salts + 4, 4) == 0;
}

static void read_frames(FILE *file, struct state *state, unsigned char *frame,
                        struct mk_sqlite_log *log)
{
    size_t len = FRAME_HEAD + state->page;
    bool is_sound = true;
    while (fread(frame, 1, len, file) == len) {
        bool is_ours = memcmp(frame + SALTS, state->salts, SALTS_LEN) == 0;
        bool is_commit = read_big(frame + COMMIT) != 0;
        if (is_sound) {
            add(state, frame, SALTS);
            add(state, frame + FRAME_HEAD, state->page);
            is_sound = is_ours && has_sums(state, frame + SUMS);
        }
        if (is_commit && is_sound)
            log->kept++;
        else if (!is_sound && is_commit && has_a_salt(state, frame))
            log->lost++;
    }
}

static void check(FILE *file, struct mk_sqlite_log *log)
{
    struct state state;
    if (!read_head(file, &state)) {
        log->headless = fseek(file, 0, SEEK_END) == 0 && ftell(file) > HEAD;
        return;
    }
    unsigned char *frame = malloc(FRAME_HEAD + (size_t)state.page);
    if (frame)
        read_frames(file, &state, frame, log);
    free(frame);
}

void mk_sqlite_log_check(const char *path, struct mk_sqlite_log *log)
{
    char name[PATH_MAX];
    *log = (struct mk_sqlite_log){ 0 };
    int len = snprintf(name, sizeof(name), "%s-wal", path);
    FILE *file = len > 0 && (size_t)len < sizeof(name) ? fopen(name, "rbe") : NULL;
    if (!file)
        return;
    check(file, log);
    fclose(file);
}
