/* table: the table `media`: what the contents of the folder are. */
#include "backend/sandbox/media/private.h"

#include <stdio.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* sha256 */
static const struct sb_query media_sql = {
    "SELECT size, tri_sha1, content_type, width, height, duration FROM media"
    " WHERE sha256 = ?1"
};
enum { MEDIA_SIZE, MEDIA_TRI_SHA1, MEDIA_CONTENT_TYPE, MEDIA_WIDTH, MEDIA_HEIGHT, MEDIA_DURATION };
/* size, width, height, duration, sha256, tri_sha1, content_type, owner */
static const struct sb_query media_add_sql = {
    "INSERT OR IGNORE INTO media (size, width, height, duration, sha256, tri_sha1,"
    " content_type, owner) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
};

int sb_media_find(struct sb_media_store *store, struct mk_slice id, struct sb_media *media)
{
    struct sb_db *db = store->db;
    if (id.len != SB_MEDIA_ID - 1)
        return 0;
    sqlite3_stmt *row = sb_db_use(db, &media_sql, 0, NULL);
    sqlite3_bind_text(row, 1, id.ptr, (int)id.len, SQLITE_STATIC);
    int rc = sb_db_step(db, row);
    if (rc <= 0)
        return rc;
    *media = (struct sb_media){ .size = sb_db_uint(row, MEDIA_SIZE) };
    memcpy(media->id, id.ptr, id.len);
    snprintf(media->tri_sha1, sizeof(media->tri_sha1), "%s", sb_db_text(row, MEDIA_TRI_SHA1).ptr);
    struct mk_slice type = sb_db_text(row, MEDIA_CONTENT_TYPE);
    sb_media_info_of(type.ptr, type.len, &media->info);
    media->info.width = (uint32_t)sb_db_uint(row, MEDIA_WIDTH);
    media->info.height = (uint32_t)sb_db_uint(row, MEDIA_HEIGHT);
    media->info.duration = (uint32_t)sb_db_uint(row, MEDIA_DURATION);
    sqlite3_reset(row);
    return 1;
}

int sb_media_add(struct sb_db *db, const struct sb_media *media)
{
    sqlite3_stmt *insert = SB_DB_USE(db, &media_add_sql, media->size, media->info.width,
                                     media->info.height, media->info.duration);
    sqlite3_bind_text(insert, 5, media->id, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 6, media->tri_sha1, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 7, media->info.content_type, -1, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 8, (sqlite3_int64)media->owner);
    int rc = sb_db_run(db, insert);
    sb_db_unbind(insert);
    return rc;
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* The contents of the folder. sha256 in hexadecimal is the resource_id of segments.
     * content_type: what the content was found to be. width and height in pixels, duration in
     * seconds; 0 where there is none. */
    { 2, "CREATE TABLE media ("
    "  sha256 TEXT PRIMARY KEY,"
    "  size INTEGER NOT NULL,"
    "  tri_sha1 TEXT NOT NULL,"
    "  content_type TEXT NOT NULL,"
    "  width INTEGER NOT NULL,"
    "  height INTEGER NOT NULL,"
    "  duration INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;" },
    /* owner: the bot whose bytes they are, the first that brought them in; 0: nobody. media_bytes:
     * the sum of the sizes of each owner; that of 0 is the sum of all. */
    { 9, "ALTER TABLE media ADD COLUMN owner INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE media_bytes (owner INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;"
    "INSERT INTO media_bytes SELECT 0, coalesce(sum(size), 0) FROM media;"
    "CREATE TRIGGER media_bytes_added AFTER INSERT ON media BEGIN"
    "  INSERT INTO media_bytes (owner, bytes) VALUES (0, new.size)"
    "    ON CONFLICT (owner) DO UPDATE SET bytes = bytes + excluded.bytes;"
    "  INSERT INTO media_bytes (owner, bytes) SELECT new.owner, new.size WHERE new.owner <> 0"
    "    ON CONFLICT (owner) DO UPDATE SET bytes = bytes + excluded.bytes;"
    "END;"
    "CREATE TRIGGER media_bytes_deleted AFTER DELETE ON media BEGIN"
    "  UPDATE media_bytes SET bytes = bytes - old.size WHERE owner IN (0, old.owner);"
    "  DELETE FROM media_bytes WHERE owner = old.owner AND owner <> 0 AND bytes <= 0;"
    "END;" },
    { 0 },
};
/* clang-format on */

const struct sb_feature sb_feature_media = { .steps = steps };
