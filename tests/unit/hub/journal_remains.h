/* journal_remains: what a crash leaves of a journal's files, and a replay that misses nothing. */
#ifndef MK_TESTS_JOURNAL_REMAINS_H
#define MK_TESTS_JOURNAL_REMAINS_H

#include "journal_testing.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { EVENTS = 40 };

static const char *const endings[] = { "", "-wal", "-numbers-wal" };
enum { DATABASE, LOG, NUMBERS, FILES };

struct file {
    char *bytes;
    size_t len;
};

/* What a crash leaves: the bytes of all files of an open journal, without SQLite's -shm. */
struct remains {
    struct file files[FILES];
};

static inline void path_of(const struct world *world, int which, char path[100])
{
    snprintf(path, 100, "%s%s", world->path, endings[which]);
}

static inline struct file read_file(const char *path)
{
    struct stat about;
    struct file file = { 0 };
    if (stat(path, &about) < 0)
        return file;
    FILE *from = fopen(path, "rb");
    assert_non_null(from);
    file.bytes = malloc((size_t)about.st_size + 1);
    file.len = fread(file.bytes, 1, (size_t)about.st_size, from);
    fclose(from);
    return file;
}

static inline struct remains crash(struct world *world)
{
    struct remains remains;
    char path[100];
    for (int i = 0; i < FILES; i++) {
        path_of(world, i, path);
        remains.files[i] = read_file(path);
    }
    close_world(world);
    return remains;
}

/* Puts the files back; one without bytes is missing. */
static inline void put_back(struct world *world, const struct remains *remains)
{
    char path[100];
    snprintf(path, sizeof(path), "%s-shm", world->path);
    unlink(path);
    for (int i = 0; i < FILES; i++) {
        path_of(world, i, path);
        unlink(path);
        if (!remains->files[i].bytes)
            continue;
        FILE *to = fopen(path, "wb");
        assert_non_null(to);
        assert_int_equal(fwrite(remains->files[i].bytes, 1, remains->files[i].len, to),
                         remains->files[i].len);
        fclose(to);
    }
}

static inline void forget(struct remains *remains)
{
    for (int i = 0; i < FILES; i++)
        free(remains->files[i].bytes);
}

static inline void emit_numbers(struct world *world, uint64_t from, uint64_t to)
{
    for (uint64_t number = from; number <= to; number++) {
        char reason[24];
        snprintf(reason, sizeof(reason), "%llu", (unsigned long long)number);
        emit(world, reason);
        assert_int_equal(mk_journal_commit(world->journal), 0);
    }
}

/* Replays all from `since` on. Events and gaps have to follow each other without a hole. */
static inline uint64_t replay(struct world *world, uint64_t since, uint64_t *events)
{
    static const struct mk_event_format lines = { MK_DIALECT_NEWEST, MK_ENVELOPE_BARE,
                                                  MK_FRAMING_LINE };
    struct mk_buf out;
    uint64_t next = since + 1, told = since;
    *events = 0;
    mk_buf_init(&out, 1 << 20);
    for (int more = 1; more > 0;) {
        mk_buf_reset(&out, 1 << 20);
        more = mk_hub_replay(&world->hub, &lines, &next, &out);
        assert_true(more >= 0);
        mk_buf_append_char(&out, '\0');
        for (char *line = out.data; *line; line = strchr(line, '\n') + 1) {
            uint64_t number = strtoull(line, NULL, 10);
            if (number > 0) {
                char reason[40];
                snprintf(reason, sizeof(reason), "\"reason\":\"%llu\"", (unsigned long long)number);
                char *end = strchr(line, '\n');
                *end = '\0';
                assert_non_null(strstr(line, reason)); /* each number has its own event */
                *end = '\n';
                assert_int_equal(number, told + 1);
                told = number;
                ++*events;
            } else {
                char *from = strstr(line, "\"from\":"), *to = strstr(line, "\"to\":");
                assert_int_equal(strtoull(from + 7, NULL, 10), told + 1);
                told = strtoull(to + 5, NULL, 10);
            }
        }
    }
    mk_buf_fini(&out);
    return told;
}

#endif
