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

/* "BOT NUMBER CHECKSUM\n": 20 digits, 20 digits, 8 hexadecimal digits. */
enum { CHECKED = 42, LINE = 51, MOST_LINES = 1 << 20 };

/* --- lines --- */

static void write_line(char line[LINE + 1], const struct mk_mark *mark)
{
    int len = snprintf(line, LINE + 1, "%020llu %020llu ", (unsigned long long)mark->self_id,
                       (unsigned long long)mark->number);
    unsigned long sum = crc32(0, (const unsigned char *)line, (unsigned)len);
    snprintf(line + len, LINE + 1 - (size_t)len, "%08lx\n", sum);
}

static bool read_line(const char *line, struct mk_mark *mark)
{
    char again[LINE + 1];
    mark->self_id = strtoull(line, NULL, 10);
    mark->number = strtoull(line + 21, NULL, 10);
    write_line(again, mark);
    return memcmp(line, again, LINE) == 0;
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

int mk_marks_raise(struct mk_marks *marks, uint64_t self_id, uint64_t number)
{
    size_t place = place_of(marks, self_id);
    if (!is_at(marks, place, self_id)) {
        const struct mk_mark mark = { .self_id = self_id, .number = number, .line = marks->lines };
        int rc = add(marks, place, &mark);
        if (rc < 0)
            return rc;
        marks->lines++;
    } else if (number <= marks->marks[place].number) {
        return 0;
    }
    marks->marks[place].number = number;
    marks->marks[place].changed = true;
    marks->changed = true;
    return 0;
}

/* --- the file --- */

static int put(struct mk_marks *marks, const struct mk_mark *mark)
{
    char line[LINE + 1];
    write_line(line, mark);
    ssize_t written = pwrite(marks->file, line, LINE, (off_t)(mark->line * LINE));
    return written == LINE ? 0 : written < 0 ? -errno : -EIO;
}

void mk_marks_write(struct mk_marks *marks)
{
    if (!marks->changed || marks->file < 0)
        return;
    int rc = 0;
    for (size_t i = 0; i < marks->count; i++) {
        struct mk_mark *mark = &marks->marks[i];
        int one = mark->changed ? put(marks, mark) : 0;
        if (one == 0)
            mark->changed = false;
        else
            rc = one;
    }
    marks->changed = rc < 0;
    if (rc < 0 && !marks->failing)
        mk_log_error("journal",
                     "the last numbers cannot be written (%s): if the journal is damaged now, "
                     "numbers may be given again",
                     "无法写入最后的编号（%s）：此时若事件日志损坏，编号可能重复",
                     mk_error_text(-rc));
    marks->failing = rc < 0;
}

/* Of two lines for a bot, which are not made, the higher number counts. */
static int take(struct mk_marks *marks, const char *line, size_t index, const char *path)
{
    struct mk_mark mark = { .line = index };
    if (!read_line(line, &mark)) {
        mk_log_error("journal", "line %zu of %s is damaged and is left out",
                     "第 %zu 行已损坏，已略过（%s）", index + 1, path);
        return 0;
    }
    size_t place = place_of(marks, mark.self_id);
    if (!is_at(marks, place, mark.self_id))
        return add(marks, place, &mark);
    if (mark.number > marks->marks[place].number)
        marks->marks[place].number = mark.number;
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

int mk_marks_open(struct mk_marks *marks, const char *path)
{
    *marks = (struct mk_marks){ .file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) };
    int rc = marks->file < 0 ? -errno : load(marks, path);
    if (rc < 0)
        mk_log_error("journal", "%s: %s", "%s：%s", path, mk_error_text(-rc));
    return rc;
}

void mk_marks_close(struct mk_marks *marks)
{
    if (marks->file >= 0)
        close(marks->file);
    free(marks->marks);
    *marks = (struct mk_marks){ .file = -1 };
}
