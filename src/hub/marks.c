/* marks: see the header. */
#include "hub/marks.h"

#include "base/error_text.h"
#include "base/log.h"
#include "base/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/*
 * "BOT NUMBER CHECKSUM\n": 20 digits, 20 digits, 8 hexadecimal digits. The checksum begins with the
 * kind of the line: an older version leaves out the kinds that it does not know.
 */
enum { CHECKED = 42, LINE = 51, MOST_LINES = 1 << 20 };
enum kind { LAST, BOUND, BOOT, KINDS }; /* of bot 0 is BOOT */

/* --- lines --- */

static void write_line(char line[LINE + 1], enum kind kind, uint64_t self_id, uint64_t number)
{
    int len = snprintf(line, LINE + 1, "%020llu %020llu ", (unsigned long long)self_id,
                       (unsigned long long)number);
    unsigned long sum = crc32(kind, (const unsigned char *)line, (unsigned)len);
    snprintf(line + len, LINE + 1 - (size_t)len, "%08lx\n", sum);
}

/* Returns the kind, or KINDS for a line that is damaged. */
static enum kind read_line(const char *line, uint64_t *self_id, uint64_t *number)
{
    char again[LINE + 1];
    *self_id = strtoull(line, NULL, 10);
    *number = strtoull(line + 21, NULL, 10);
    enum kind kind = LAST;
    for (; kind < KINDS; kind++) {
        write_line(again, kind, *self_id, *number);
        if (memcmp(line, again, LINE) == 0)
            break;
    }
    return kind;
}

/* --- in memory --- */

/* The index of the first mark whose bot is not below. */
static size_t place_of(const struct mk_marks *marks, uint64_t self_id)
{
    size_t low = 0, high = marks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (marks->marks[middle].self_id < self_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int add(struct mk_marks *marks, size_t place, const struct mk_mark *mark)
{
    if (marks->count == marks->room) {
        size_t room = marks->room ? marks->room * 2 : 8;
        struct mk_mark *grown = realloc(marks->marks, room * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        marks->marks = grown;
        marks->room = room;
    }
    memmove(&marks->marks[place + 1], &marks->marks[place],
            (marks->count - place) * sizeof(*marks->marks));
    marks->marks[place] = *mark;
    marks->count++;
    return 0;
}

static bool is_at(const struct mk_marks *marks, size_t place, uint64_t self_id)
{
    return place < marks->count && marks->marks[place].self_id == self_id;
}

uint64_t mk_marks_get(const struct mk_marks *marks, uint64_t self_id)
{
    size_t place = place_of(marks, self_id);
    return is_at(marks, place, self_id) ? marks->marks[place].number : 0;
}

uint64_t mk_marks_bound(const struct mk_marks *marks, uint64_t self_id)
{
    size_t place = place_of(marks, self_id);
    return is_at(marks, place, self_id) ? marks->marks[place].bound : 0;
}

/* The mark of a bot, new where it has none. NULL when out of memory. */
static struct mk_mark *mark_of(struct mk_marks *marks, uint64_t self_id)
{
    size_t place = place_of(marks, self_id);
    const struct mk_mark mark = {
        .self_id = self_id,
        .line = MK_MARKS_NO_LINE,
        .bound_line = MK_MARKS_NO_LINE,
    };
    if (!is_at(marks, place, self_id) && add(marks, place, &mark) < 0)
        return NULL;
    return &marks->marks[place];
}

int mk_marks_raise(struct mk_marks *marks, uint64_t self_id, uint64_t number)
{
    struct mk_mark *mark = mark_of(marks, self_id);
    if (!mark)
        return -ENOMEM;
    mark->known = true;
    if (number <= mark->number)
        return 0;
    mark->number = number;
    mark->changed = marks->changed = true;
    if (number > mark->bound) {
        mark->bound = number + MK_MARKS_AHEAD;
        mark->raised = marks->raised = true;
    }
    return 0;
}

/* --- the file --- */

static int put(struct mk_marks *marks, size_t *at, enum kind kind, uint64_t self_id,
               uint64_t number)
{
    char line[LINE + 1];
    if (*at == MK_MARKS_NO_LINE)
        *at = marks->lines++;
    write_line(line, kind, self_id, number);
    ssize_t written = pwrite(marks->file, line, LINE, (off_t)(*at * LINE));
    return written == LINE ? 0 : written < 0 ? -errno : -EIO;
}

static int put_boot(struct mk_marks *marks, uint64_t boot)
{
    if (marks->written_boot == boot && marks->boot_line != MK_MARKS_NO_LINE)
        return 0;
    int rc = put(marks, &marks->boot_line, BOOT, 0, boot);
    marks->written_boot = rc == 0 ? boot : 0;
    return rc;
}

static int put_numbers(struct mk_marks *marks)
{
    int rc = 0;
    for (size_t i = 0; i < marks->count; i++) {
        struct mk_mark *mark = &marks->marks[i];
        int one = mark->changed ? put(marks, &mark->line, LAST, mark->self_id, mark->number) : 0;
        if (one == 0)
            mark->changed = false;
        else
            rc = one;
    }
    return rc;
}

/* What was flushed says that it is not exact; then it is, as long as the system runs. */
static int put_bounds(struct mk_marks *marks)
{
    int rc = put_boot(marks, 0);
    for (size_t i = 0; i < marks->count && rc == 0; i++) {
        struct mk_mark *mark = &marks->marks[i];
        if (mark->raised)
            rc = put(marks, &mark->bound_line, BOUND, mark->self_id, mark->bound);
    }
    if (rc == 0 && marks->flush && fdatasync(marks->file) < 0)
        rc = -errno;
    for (size_t i = 0; i < marks->count && rc == 0; i++)
        marks->marks[i].raised = false;
    return rc;
}

void mk_marks_write(struct mk_marks *marks)
{
    if (!marks->changed || marks->file < 0)
        return;
    int rc = put_numbers(marks);
    if (rc == 0 && marks->raised)
        rc = put_bounds(marks);
    if (rc == 0)
        rc = put_boot(marks, marks->boot);
    marks->changed = rc < 0;
    marks->raised = marks->raised && rc < 0;
    if (rc < 0 && !marks->failing)
        mk_log_error("journal",
                     "the last numbers cannot be written (%s): if the journal is damaged now, "
                     "numbers may be given again",
                     "无法写入最后的编号（%s）：此时若事件日志损坏，编号可能重复",
                     mk_error_text(-rc));
    marks->failing = rc < 0;
}

/* Of two lines of a kind for a bot, which are not made, the higher number counts. */
static int take(struct mk_marks *marks, const char *line, size_t index, const char *path)
{
    uint64_t self_id, number;
    enum kind kind = read_line(line, &self_id, &number);
    if (kind == KINDS) {
        mk_log_error("journal", "line %zu of %s is damaged and is left out",
                     "第 %zu 行已损坏，已略过（%s）", index + 1, path);
        return 0;
    }
    if (kind == BOOT) {
        marks->written_boot = number;
        marks->boot_line = index;
        return 0;
    }
    struct mk_mark *mark = mark_of(marks, self_id);
    if (!mark)
        return -ENOMEM;
    uint64_t *value = kind == LAST ? &mark->number : &mark->bound;
    *(kind == LAST ? &mark->line : &mark->bound_line) = index;
    if (number > *value)
        *value = number;
    return 0;
}

static int load(struct mk_marks *marks, const char *path)
{
    struct stat about;
    if (fstat(marks->file, &about) < 0)
        return -errno;
    size_t lines = (size_t)about.st_size / LINE; /* a part of a line was never finished */
    if (lines > MOST_LINES)
        return -EFBIG;
    char *text = malloc(lines * LINE + 1);
    if (!text)
        return -ENOMEM;
    ssize_t got = pread(marks->file, text, lines * LINE, 0);
    int rc = got < 0 ? -errno : 0;
    text[got > 0 ? got : 0] = '\0';
    marks->lines = got > 0 ? (size_t)got / LINE : 0;
    for (size_t i = 0; i < marks->lines && rc == 0; i++)
        rc = take(marks, text + i * LINE, i, path);
    free(text);
    return rc;
}

/* A number for the time since the system has started; 0 where it does not say. */
static uint64_t this_boot(void)
{
    unsigned char id[64];
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t len = file < 0 ? 0 : read(file, id, sizeof(id));
    if (file >= 0)
        close(file);
    return len > 0 ? crc32(0, id, (unsigned)len) | UINT64_C(1) << 32 : 0;
}

int mk_marks_open(struct mk_marks *marks, const char *path, bool flush)
{
    *marks = (struct mk_marks){
        .file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600),
        .boot = this_boot(),
        .boot_line = MK_MARKS_NO_LINE,
        .flush = flush,
    };
    int rc = marks->file < 0 ? -errno : load(marks, path);
    marks->exact = marks->boot != 0 && marks->written_boot == marks->boot;
    if (rc < 0)
        mk_log_error("journal", "%s: %s", "%s：%s", path, mk_error_text(-rc));
    return rc;
}

/* All that was given is in the file: the bounds are no higher. */
static void settle(struct mk_marks *marks)
{
    for (size_t i = 0; i < marks->count; i++) {
        struct mk_mark *mark = &marks->marks[i];
        if (!mark->known && !marks->exact)
            continue;
        mark->raised = mark->bound != mark->number;
        mark->bound = mark->number;
        marks->raised |= mark->raised;
    }
    if (marks->raised && put_bounds(marks) < 0)
        mk_log_error("journal", "the last numbers cannot be written", "无法写入最后的编号");
}

void mk_marks_close(struct mk_marks *marks)
{
    if (marks->file >= 0 && !marks->changed)
        settle(marks);
    if (marks->file >= 0)
        close(marks->file);
    free(marks->marks);
    *marks = (struct mk_marks){ .file = -1 };
}
