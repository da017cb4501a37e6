/* dump: writes the database as JSON: see world.h. Fields that have their defaults are left out. */
#include "backend/sandbox/media/media.h"
#include "backend/sandbox/world/lists.h"
#include "backend/sandbox/world/world.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { MEDIA_PIECE = 3 * 16 * 1024 };

enum { KEY, FIRST_COLUMN }; /* of each list's `select` */

struct dumper {
    struct sb_sandbox *sandbox;
    struct mk_buf *out;
    const struct sb_world_list *lists[SB_WORLD_LISTS_MAX];
    sqlite3_stmt *selects[SB_WORLD_LISTS_MAX]; /* NULL: not used yet */
    size_t count;
};

static int failed(struct dumper *dumper)
{
    return sb_db_fail(&dumper->sandbox->db, MK_PHRASE("a world cannot be dumped", "无法导出世界"));
}

/* One statement for each list is enough, because no list is within itself. */
static int use(struct dumper *dumper, size_t list)
{
    const char *sql = dumper->lists[list]->select;
    sqlite3_stmt **select = &dumper->selects[list];
    if (*select ||
        sqlite3_prepare_v2(dumper->sandbox->db.handle, sql, -1, select, NULL) == SQLITE_OK)
        return 0;
    return failed(dumper);
}

/* `"name":`, with a comma where it is not the first. */
static int put_name(struct mk_buf *out, const char *name)
{
    const char *before = out->data[out->len - 1] == '{' ? "\"" : ",\"";
    int rc = mk_buf_append_slice(out, mk_slice_str(before));
    if (rc == 0)
        rc = mk_buf_append_slice(out, mk_slice_str(name));
    return rc ? rc : mk_buf_append(out, "\":", 2);
}

static bool is_left_out(const struct sb_column *column, sqlite3_stmt *row, int at)
{
    if (sqlite3_column_type(row, at) == SQLITE_NULL)
        return true;
    if (column->required || column->nullable || column->kind == SB_KIND_JSON)
        return false;
    if (column->kind == SB_KIND_TEXT)
        return sqlite3_column_bytes(row, at) == 0;
    return sb_db_uint(row, at) == column->otherwise;
}

static int put_value(struct mk_buf *out, const struct sb_column *column, sqlite3_stmt *row, int at)
{
    uint64_t number = sb_db_uint(row, at), choice = 0;
    switch (column->kind) {
    case SB_KIND_TEXT:
        return mk_json_write_string(out, sb_db_text(row, at));
    case SB_KIND_JSON:
        return mk_buf_append_slice(out, sb_db_text(row, at));
    case SB_KIND_FLAG:
        return mk_buf_append_slice(out, mk_slice_str(number ? "true" : "false"));
    case SB_KIND_CHOICE:
        while (choice < number && column->choices[choice + 1])
            choice++;
        return mk_json_write_string(out, mk_slice_str(column->choices[choice]));
    default:
        return mk_buf_append_u64(out, number);
    }
}

static int dump_lists(struct dumper *dumper, const struct sb_world_list *within, uint64_t parent);

static int dump_row(struct dumper *dumper, const struct sb_world_list *list, sqlite3_stmt *row)
{
    struct mk_buf *out = dumper->out;
    int rc = mk_buf_append_char(out, '{');
    for (int i = 0; list->columns[i].name && rc == 0; i++) {
        const struct sb_column *column = &list->columns[i];
        if (is_left_out(column, row, FIRST_COLUMN + i))
            continue;
        rc = put_name(out, column->name);
        if (rc == 0)
            rc = put_value(out, column, row, FIRST_COLUMN + i);
    }
    if (rc == 0)
        rc = dump_lists(dumper, list, sb_db_uint(row, KEY));
    return rc ? rc : mk_buf_append_char(out, '}');
}

/* `"name":[...]`, where the list is not empty. */
static int dump_list(struct dumper *dumper, size_t index, uint64_t parent)
{
    struct mk_buf *out = dumper->out;
    const struct sb_world_list *list = dumper->lists[index];
    bool any = false;
    int rc = use(dumper, index), code;
    if (rc < 0)
        return rc;
    sqlite3_stmt *row = dumper->selects[index];
    sqlite3_bind_int64(row, 1, (sqlite3_int64)parent); /* lists at the top have no such parameter */
    while ((code = sqlite3_step(row)) == SQLITE_ROW && rc == 0) {
        rc = any ? mk_buf_append_char(out, ',') : put_name(out, list->name);
        if (rc == 0 && !any)
            rc = mk_buf_append_char(out, '[');
        if (rc == 0)
            rc = dump_row(dumper, list, row);
        any = true;
    }
    if (rc == 0 && code != SQLITE_DONE)
        rc = failed(dumper);
    sqlite3_reset(row);
    return rc < 0 || !any ? rc : mk_buf_append_char(out, ']');
}

static int dump_lists(struct dumper *dumper, const struct sb_world_list *within, uint64_t parent)
{
    int rc = 0;
    for (size_t i = 0; i < dumper->count && rc == 0; i++)
        if (dumper->lists[i]->within == within)
            rc = dump_list(dumper, i, parent);
    return rc;
}

/* --- media --- */

/* Reads until `len` bytes are there or the file ends. */
static ssize_t read_piece(int fd, unsigned char *data, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = read(fd, data + got, len - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

static int put_content(struct dumper *dumper, const char *id)
{
    int fd = sb_media_open(dumper->sandbox->media, id);
    uint8_t *piece = malloc(MEDIA_PIECE);
    int rc = fd < 0 ? fd : piece ? 0 : -ENOMEM;
    while (rc == 0) {
        ssize_t got = read_piece(fd, piece, MEDIA_PIECE);
        rc = got < 0 ? (int)got : mk_base64_append(dumper->out, piece, (size_t)got);
        if (got < MEDIA_PIECE)
            break;
    }
    free(piece);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int dump_media(struct dumper *dumper)
{
    struct mk_buf *out = dumper->out;
    sqlite3_stmt *row;
    if (sqlite3_prepare_v2(dumper->sandbox->db.handle, "SELECT sha256 FROM media ORDER BY sha256",
                           -1, &row, NULL) != SQLITE_OK)
        return failed(dumper);
    bool any = false;
    int rc = 0, code;
    while ((code = sqlite3_step(row)) == SQLITE_ROW && rc == 0) {
        const char *id = (const char *)sqlite3_column_text(row, 0);
        rc = mk_buf_printf(out, "%s{\"resource_id\":\"%s\",\"uri\":\"base64://",
                           any ? "," : ",\"media\":[", id ? id : "");
        if (rc == 0)
            rc = put_content(dumper, id ? id : "");
        if (rc == 0)
            rc = mk_buf_append(out, "\"}", 2);
        any = true;
    }
    if (rc == 0 && code != SQLITE_DONE)
        rc = failed(dumper);
    sqlite3_finalize(row);
    return rc < 0 || !any ? rc : mk_buf_append_char(out, ']');
}

static int dump_clock(const struct sb_clock *clock, struct mk_buf *out)
{
    if (clock->offset == 0 && clock->stopped_at == 0)
        return 0;
    int rc = mk_buf_printf(out, ",\"clock\":{\"offset\":%lld", (long long)clock->offset);
    if (rc == 0 && clock->stopped_at)
        rc = mk_buf_printf(out, ",\"stopped_at\":%llu", (unsigned long long)clock->stopped_at);
    return rc ? rc : mk_buf_append_char(out, '}');
}

int sb_world_dump(struct sb_sandbox *sandbox, struct mk_buf *out)
{
    struct dumper dumper = { .sandbox = sandbox, .out = out };
    dumper.count = sb_world_lists(dumper.lists);
    int rc = mk_buf_printf(out, "{\"milky_world\":%d", SB_WORLD_VERSION);
    if (rc == 0)
        rc = dump_clock(&sandbox->db.clock, out);
    if (rc == 0)
        rc = dump_media(&dumper);
    if (rc == 0)
        rc = dump_lists(&dumper, NULL, 0);
    for (size_t i = 0; i < dumper.count; i++)
        sqlite3_finalize(dumper.selects[i]);
    return rc ? rc : mk_buf_append_char(out, '}');
}
