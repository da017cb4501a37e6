/* clang-format off */
/*
 * sweep: the files of contents that the world does not have any more are removed, a few at a time:
 *
 *   the row is deleted, and noted in media_gone -> commit -> the file gets a name among the incoming
 *       -> a thread deletes it; the note is deleted, and committed with the next step or turn
 *
 * A content that comes back meanwhile is another file. After a crash the note is still there, or the
 * file is among the incoming, where a start finds it. Files without a note (of a database that was put
 * back from a backup, say) are found once, after the start: a thread reads the names in the folder.
 *
 * A step begins when no transaction is open: it sees what is on disk. A content that a call holds is
 * left alone: the call may bring its row back.
 */
/* clang-format on */
#include "backend/sandbox/media/private.h"
#include "base/error_text.h"
#include "base/hex.h"
#include "base/log.h"
#include "net/loop.h"
#include "net/timer.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PAUSE_MS = 1 }; /* between two steps: the turns of others come first */

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* id, limit */
static const struct sb_query gone_sql = {
    "SELECT id, media FROM media_gone WHERE id > ?1 ORDER BY id LIMIT ?2"
};
enum { GONE_ID, GONE_MEDIA };
/* id */
static const struct sb_query gone_done_sql = { "DELETE FROM media_gone WHERE id = ?1" };

struct sb_media_sweeper {
    struct sb_media_store *store;
    struct mk_timer *timer;
    uv_work_t work; /* one at a time */
    bool is_working;
    DIR *folder;                /* whose names are still to be read */
    char *paths[SB_MEDIA_STEP]; /* to delete */
    size_t path_count;
    char names[SB_MEDIA_STEP][SB_MEDIA_ID]; /* of files that were found in the folder */
    size_t name_count;
    uint64_t last_gone; /* the notes up to here are of contents that calls hold */
};

/* --- on a thread --- */

static void delete_files(struct sb_media_sweeper *sweeper)
{
    for (size_t i = 0; i < sweeper->path_count; i++)
        unlink(sweeper->paths[i]); /* what stays is deleted by the next start */
}

static bool is_name(const char *name)
{
    uint8_t bytes[SB_MEDIA_ID / 2];
    return strlen(name) == SB_MEDIA_ID - 1 &&
           mk_hex_read(mk_slice_str(name), bytes, SB_MEDIA_ID / 2) &&
           strcmp(name, sb_media_plain_avatar) != 0;
}

static void read_names(struct sb_media_sweeper *sweeper)
{
    struct dirent *entry = NULL;
    while (sweeper->name_count < SB_MEDIA_STEP && (entry = readdir(sweeper->folder)))
        if (is_name(entry->d_name))
            memcpy(sweeper->names[sweeper->name_count++], entry->d_name, SB_MEDIA_ID);
    if (entry)
        return;
    closedir(sweeper->folder);
    sweeper->folder = NULL;
}

static void work(uv_work_t *request)
{
    struct sb_media_sweeper *sweeper = MK_CONTAINER_OF(request, struct sb_media_sweeper, work);
    delete_files(sweeper);
    if (sweeper->folder)
        read_names(sweeper);
}

/* --- on the loop --- */

static void on_worked(uv_work_t *request, int status)
{
    struct sb_media_sweeper *sweeper = MK_CONTAINER_OF(request, struct sb_media_sweeper, work);
    (void)status;
    sweeper->is_working = false;
    for (size_t i = 0; i < sweeper->path_count; i++)
        free(sweeper->paths[i]);
    sweeper->path_count = 0;
    sb_media_sweep_later(sweeper->store);
}

/* Takes the file away from its name: what takes that name next is not deleted. */
static void take_away(struct sb_media_sweeper *sweeper, const char *id)
{
    struct sb_media_store *store = sweeper->store;
    char *from = sb_media_store_path(store->folder, id), *to;
    if (asprintf(&to, "%s/%s.gone%zu", store->incoming, id, sweeper->path_count) < 0)
        to = NULL;
    if (from && to && rename(from, to) == 0) {
        sweeper->paths[sweeper->path_count++] = to;
        to = NULL;
    } else if (!from || !to || errno != ENOENT) {
        mk_log_warn("sandbox", "the content %s cannot be removed: %s", "无法删除内容 %s：%s", id,
                    mk_error_text(from && to ? errno : ENOMEM));
    }
    free(from);
    free(to);
}

/* A file that has no row, and no note. */
static int take_stray(struct sb_media_sweeper *sweeper, const char *id)
{
    struct sb_media media;
    int rc = sb_media_find(sweeper->store, mk_slice_str(id), &media);
    if (rc == 0 && !sb_media_store_holds(sweeper->store, id))
        take_away(sweeper, id);
    return rc < 0 ? rc : 0;
}

/*
 * Takes away the files of the next notes. They are kept in `done` until all were read: a statement
 * that is open must not see its rows deleted. Returns their number or -errno.
 */
static int take_gone(struct sb_media_sweeper *sweeper, uint64_t done[SB_MEDIA_STEP])
{
    struct sb_media_store *store = sweeper->store;
    struct sb_db *db = store->db;
    size_t most = SB_MEDIA_STEP - sweeper->path_count, read = 0;
    sqlite3_stmt *row = SB_DB_USE(db, &gone_sql, sweeper->last_gone, most);
    int rc, count = 0;
    while ((rc = sb_db_step(db, row)) > 0) {
        char id[SB_MEDIA_ID] = "";
        struct mk_slice text = sb_db_text(row, GONE_MEDIA);
        memcpy(id, text.ptr, text.len < SB_MEDIA_ID ? text.len : SB_MEDIA_ID - 1);
        read++;
        sweeper->last_gone = sb_db_uint(row, GONE_ID);
        if (sb_media_store_holds(store, id)) {
            store->has_held = true;
            continue;
        }
        take_away(sweeper, id);
        done[count++] = sweeper->last_gone;
    }
    if (read < most)
        sweeper->last_gone = 0;
    else
        sb_media_sweep_later(store);
    return rc < 0 ? rc : count;
}

static int write_step(struct sb_media_store *store, const uint64_t *done, int count)
{
    struct sb_db *db = store->db;
    int rc = sb_db_begin(db);
    for (int i = 0; i < count && rc == 0; i++)
        rc = sb_db_run(db, SB_DB_USE(db, &gone_done_sql, done[i]));
    return rc;
}

/* The turn ends with a commit (sb_turn_commit), which also looks for contents that are loose. */
static int step(struct sb_media_sweeper *sweeper)
{
    struct sb_media_store *store = sweeper->store;
    uint64_t done[SB_MEDIA_STEP];
    int rc = 0;
    for (size_t i = 0; i < sweeper->name_count && rc == 0; i++)
        rc = take_stray(sweeper, sweeper->names[i]);
    sweeper->name_count = 0;
    int count = rc == 0 ? take_gone(sweeper, done) : rc;
    if (count < 0)
        return count;
    if (count > 0 || store->has_more) {
        store->has_more = false;
        rc = write_step(store, done, count);
    }
    return rc;
}

static void on_time(void *arg)
{
    struct sb_media_sweeper *sweeper = arg;
    if (sweeper->is_working)
        return; /* its end goes on */
    if (sweeper->store->db->in_transaction) {
        sweeper->store->has_gone = true; /* its end goes on: what it has deleted may come back */
        return;
    }
    if (step(sweeper) < 0) /* logged; the next turn that writes tries again */
        return;
    if (sweeper->path_count == 0 && !sweeper->folder)
        return;
    uv_queue_work(sweeper->store->loop, &sweeper->work, work, on_worked);
    sweeper->is_working = true;
}

void sb_media_sweep_later(struct sb_media_store *store)
{
    if (store->sweeper && !mk_timer_active(store->sweeper->timer))
        mk_timer_start(store->sweeper->timer, PAUSE_MS);
}

bool sb_media_sweeping(const struct sb_media_store *store)
{
    const struct sb_media_sweeper *sweeper = store->sweeper;
    return sweeper && (sweeper->is_working || mk_timer_active(sweeper->timer));
}

int sb_media_sweeper_start(struct sb_media_store *store)
{
    struct sb_media_sweeper *sweeper = calloc(1, sizeof(*sweeper));
    if (!sweeper)
        return -ENOMEM;
    sweeper->store = store;
    sweeper->timer = mk_timer_new(mk_loop_of(store->loop), on_time, sweeper);
    if (!sweeper->timer) {
        free(sweeper);
        return -ENOMEM;
    }
    store->sweeper = sweeper;
    store->has_more = true;
    sweeper->folder = store->is_temporary ? NULL : opendir(store->folder);
    sb_media_sweep_later(store);
    return 0;
}

void sb_media_sweeper_stop(struct sb_media_store *store)
{
    struct sb_media_sweeper *sweeper = store->sweeper;
    if (!sweeper)
        return;
    store->sweeper = NULL; /* nothing more begins */
    while (sweeper->is_working)
        uv_run(store->loop, UV_RUN_ONCE);
    mk_timer_free(sweeper->timer);
    if (sweeper->folder)
        closedir(sweeper->folder);
    free(sweeper);
}
