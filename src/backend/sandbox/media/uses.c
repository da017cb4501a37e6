/*
 * uses: what refers to contents, in tables that triggers keep: so no way to delete something can
 * forget them. A content that has lost a reference is `loose` until sb_media_sweep has looked
 * whether it was the last one.
 */
#include "backend/sandbox/media/private.h"
#include "base/hex.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

enum { LOOSE_ID, LOOSE_TEXT };
/* rowid, limit */
static const struct sb_query loose_sql = {
    "SELECT id, media FROM media_loose WHERE id > ?1 ORDER BY id LIMIT ?2"
};
static const struct sb_query loose_forwards_sql = {
    "SELECT id, forward FROM forward_loose WHERE id > ?1 ORDER BY id LIMIT ?2"
};
/* id */
static const struct sb_query loose_done_sql = { "DELETE FROM media_loose WHERE id = ?1" };
static const struct sb_query loose_forward_done_sql = { "DELETE FROM forward_loose WHERE id = ?1" };
/* sha256 */
static const struct sb_query remove_sql = {
    "DELETE FROM media WHERE sha256 = ?1"
    " AND NOT EXISTS (SELECT 1 FROM media_use WHERE media = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM group_file WHERE media = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM private_file WHERE media = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM custom_face WHERE media = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM group_announcement WHERE image = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM person WHERE avatar = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM qq_group WHERE avatar = ?1)"
};
/* id; its text */
static const struct sb_query remove_forward_sql = {
    "DELETE FROM forward WHERE id = ?1"
    " AND NOT EXISTS (SELECT 1 FROM forward_use WHERE forward = ?2)"
};
/* Of a whole world. */
static const char loosen_sql[] =
    "INSERT OR IGNORE INTO media_loose (media) SELECT sha256 FROM media";
static const char loosen_forwards_sql[] =
    "INSERT OR IGNORE INTO forward_loose (forward) SELECT printf('%016x', id) FROM forward";

/* --- sweeping --- */

struct loose {
    uint64_t id;
    char text[SB_MEDIA_ID];
};

/* Reads the next ones, after `*last`. Returns their number or -errno. */
static int read_loose(struct sb_db *db, const struct sb_query *query, uint64_t last,
                      struct loose *list, unsigned most)
{
    sqlite3_stmt *row = SB_DB_USE(db, query, last, most);
    int rc, count = 0;
    while ((rc = sb_db_step(db, row)) > 0) {
        struct mk_slice text = sb_db_text(row, LOOSE_TEXT);
        struct loose *loose = &list[count++];
        *loose = (struct loose){ .id = sb_db_uint(row, LOOSE_ID) };
        memcpy(loose->text, text.ptr, text.len < SB_MEDIA_ID ? text.len : SB_MEDIA_ID - 1);
    }
    return rc < 0 ? rc : count;
}

static int sweep_forward(struct sb_db *db, const struct loose *loose)
{
    uint64_t id;
    int rc = 0;
    if (mk_hex_read_u64(mk_slice_str(loose->text), &id)) {
        sqlite3_stmt *remove = SB_DB_USE(db, &remove_forward_sql, id);
        sqlite3_bind_text(remove, 2, loose->text, -1, SQLITE_STATIC);
        rc = sb_db_run(db, remove);
        sb_db_unbind(remove);
    }
    return rc < 0 ? rc : sb_db_run(db, SB_DB_USE(db, &loose_forward_done_sql, loose->id));
}

static int sweep_content(struct sb_media_store *store, const struct loose *loose)
{
    struct sb_db *db = store->db;
    sqlite3_stmt *remove = sb_db_use(db, &remove_sql, 0, NULL);
    sqlite3_bind_text(remove, 1, loose->text, -1, SQLITE_STATIC);
    int rc = sb_db_run(db, remove);
    store->has_gone |= rc == 0 && sqlite3_changes(db->handle) > 0;
    sb_db_unbind(remove);
    return rc < 0 ? rc : sb_db_run(db, SB_DB_USE(db, &loose_done_sql, loose->id));
}

/* A forward that goes may make others and contents loose: these come next. */
static int sweep_forwards(struct sb_db *db, unsigned *budget)
{
    struct loose list[SB_MEDIA_STEP];
    int count;
    while (*budget > 0 && (count = read_loose(db, &loose_forwards_sql, 0, list, *budget)) != 0) {
        if (count < 0)
            return count;
        *budget -= (unsigned)count;
        for (int i = 0; i < count; i++) {
            int rc = sweep_forward(db, &list[i]);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* Returns 1 when there may be more, 0, or -errno. */
static int sweep(struct sb_media_store *store)
{
    struct sb_db *db = store->db;
    struct loose list[SB_MEDIA_STEP];
    unsigned budget = SB_MEDIA_STEP;
    int rc = sweep_forwards(db, &budget);
    if (rc < 0)
        return rc;
    if (budget == 0)
        return 1;
    int count = read_loose(db, &loose_sql, store->swept, list, budget);
    for (int i = 0; i < count && rc == 0; i++) {
        store->swept = list[i].id;
        if (sb_media_store_holds(store, list[i].text))
            store->has_held = true; /* a call that has not ended may yet refer to it */
        else
            rc = sweep_content(store, &list[i]);
    }
    if (rc < 0 || count < 0)
        return rc < 0 ? rc : count;
    if ((unsigned)count < budget)
        store->swept = 0;
    return (unsigned)count == budget;
}

int sb_media_sweep(struct sb_media_store *store)
{
    int rc = sweep(store);
    store->has_more = rc > 0;
    return rc < 0 ? rc : 0;
}

int sb_media_loosen_all(struct sb_media_store *store)
{
    struct sb_db *db = store->db;
    store->has_gone = true; /* with the world before */
    int rc = sb_db_exec(db, loosen_forwards_sql, 0, NULL);
    return rc < 0 ? rc : sb_db_exec(db, loosen_sql, 0, NULL);
}

/* --- tables --- */

/* clang-format off */
#define IDS_OF(row, key) \
    "json_tree(" row ") t WHERE t.key = '" key "' AND t.type = 'text'"
#define USES(kind, row) \
    "  INSERT OR IGNORE INTO media_use SELECT " kind ", new.id, t.value FROM " \
    IDS_OF("new." row, "resource_id") ";" \
    "  INSERT OR IGNORE INTO forward_use SELECT " kind ", new.id, t.value FROM " \
    IDS_OF("new." row, "forward_id") ";"
#define USES_BEFORE(table, kind, row) \
    "INSERT OR IGNORE INTO media_use SELECT " kind ", m.id, t.value FROM " table " m, " \
    IDS_OF("m." row, "resource_id") ";" \
    "INSERT OR IGNORE INTO forward_use SELECT " kind ", m.id, t.value FROM " table " m, " \
    IDS_OF("m." row, "forward_id") ";"
#define HAS_IDS(row) \
    "(instr(new." row ", '\"resource_id\"') OR instr(new." row ", '\"forward_id\"'))"
#define FORGET(kind) \
    "  DELETE FROM media_use WHERE kind = " kind " AND owner = old.id;" \
    "  DELETE FROM forward_use WHERE kind = " kind " AND owner = old.id;"
/* A column that names a content, in a row that may be deleted or get another one. */
#define COLUMN(table, column) \
    "CREATE INDEX " table "_media ON " table " (" column ");" \
    "CREATE TRIGGER " table "_media_deleted AFTER DELETE ON " table \
    " WHEN old." column " IS NOT NULL BEGIN" \
    "  INSERT OR IGNORE INTO media_loose (media) VALUES (old." column ");" \
    "END;" \
    "CREATE TRIGGER " table "_media_changed AFTER UPDATE OF " column " ON " table \
    " WHEN old." column " IS NOT NULL AND old." column " IS NOT new." column " BEGIN" \
    "  INSERT OR IGNORE INTO media_loose (media) VALUES (old." column ");" \
    "END;"

static const struct sb_schema_step steps[] = {
    /* media_use, forward_use: the contents and forwards in the segments of messages (kind 1, owner is
     * message.id) that were not recalled, and of forwards (kind 2, owner is forward.id).
     * media_loose, forward_loose: those that have lost a reference.
     * media_gone: contents whose row was deleted, and whose file is to be deleted. */
    { 9, "CREATE TABLE media_use ("
    "  kind INTEGER NOT NULL,"
    "  owner INTEGER NOT NULL,"
    "  media TEXT NOT NULL,"
    "  PRIMARY KEY (kind, owner, media)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX media_use_of ON media_use (media);"
    "CREATE TABLE forward_use ("
    "  kind INTEGER NOT NULL,"
    "  owner INTEGER NOT NULL,"
    "  forward TEXT NOT NULL,"
    "  PRIMARY KEY (kind, owner, forward)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX forward_use_of ON forward_use (forward);"
    "CREATE TABLE media_loose (id INTEGER PRIMARY KEY, media TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE forward_loose (id INTEGER PRIMARY KEY, forward TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE media_gone (id INTEGER PRIMARY KEY, media TEXT NOT NULL UNIQUE) STRICT;" },
    { 9, "CREATE TRIGGER media_use_deleted AFTER DELETE ON media_use BEGIN"
    "  INSERT OR IGNORE INTO media_loose (media) VALUES (old.media);"
    "END;"
    "CREATE TRIGGER forward_use_deleted AFTER DELETE ON forward_use BEGIN"
    "  INSERT OR IGNORE INTO forward_loose (forward) VALUES (old.forward);"
    "END;"
    "CREATE TRIGGER media_deleted AFTER DELETE ON media BEGIN"
    "  INSERT OR IGNORE INTO media_gone (media) VALUES (old.sha256);"
    "END;"
    "CREATE TRIGGER media_added AFTER INSERT ON media BEGIN"
    "  DELETE FROM media_gone WHERE media = new.sha256;"
    "END;"
    "CREATE TRIGGER message_media_added AFTER INSERT ON message"
    " WHEN new.recalled_by IS NULL AND " HAS_IDS("segments") " BEGIN"
    USES("1", "segments")
    "END;"
    "CREATE TRIGGER message_media_recalled AFTER UPDATE OF recalled_by ON message"
    " WHEN new.recalled_by IS NOT NULL BEGIN"
    FORGET("1")
    "END;"
    "CREATE TRIGGER message_media_deleted AFTER DELETE ON message BEGIN"
    FORGET("1")
    "END;"
    "CREATE TRIGGER forward_media_added AFTER INSERT ON forward WHEN " HAS_IDS("messages") " BEGIN"
    USES("2", "messages")
    "END;"
    "CREATE TRIGGER forward_media_deleted AFTER DELETE ON forward BEGIN"
    FORGET("2")
    "END;" },
    { 9, COLUMN("group_file", "media")
    COLUMN("private_file", "media")
    COLUMN("custom_face", "media")
    COLUMN("group_announcement", "image")
    COLUMN("person", "avatar")
    COLUMN("qq_group", "avatar") },
    { 9, USES_BEFORE("(SELECT id, segments FROM message WHERE recalled_by IS NULL"
                " AND (instr(segments, '\"resource_id\"') OR instr(segments, '\"forward_id\"')))",
                "1", "segments")
    USES_BEFORE("forward", "2", "messages")
    "INSERT INTO media_loose (media) SELECT sha256 FROM media;"
    "INSERT INTO forward_loose (forward) SELECT printf('%016x', id) FROM forward;" },
    { 0 },
};
/* clang-format on */

const struct sb_feature sb_feature_media_uses = { .steps = steps };
