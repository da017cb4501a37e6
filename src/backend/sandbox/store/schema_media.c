/* schema_media: the tables of media.h. */
#include "backend/sandbox/store/schema.h"

/* clang-format off */
static const char sb_schema_media_sql[] =
    /* What lies in the folder `media`, each content under its SHA-256 in hexadecimal, which is the
     * resource_id of segments. content_type: what it was found to be, not what anybody said.
     * width and height in pixels, duration in seconds; 0 where there is none. */
    "CREATE TABLE media ("
    "  sha256 TEXT PRIMARY KEY,"
    "  size INTEGER NOT NULL,"
    "  tri_sha1 TEXT NOT NULL,"
    "  content_type TEXT NOT NULL,"
    "  width INTEGER NOT NULL,"
    "  height INTEGER NOT NULL,"
    "  duration INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    /* Keys of this world that never leave it; `media`: what URLs are signed with. */
    "CREATE TABLE secret ("
    "  name TEXT PRIMARY KEY,"
    "  value BLOB NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    /* NULL: none was set. */
    "ALTER TABLE person ADD COLUMN avatar TEXT REFERENCES media;"

    /* The stickers that somebody has sent, and when last. */
    "CREATE TABLE custom_face ("
    "  owner INTEGER NOT NULL REFERENCES person,"
    "  media TEXT NOT NULL REFERENCES media,"
    "  time INTEGER NOT NULL,"
    "  PRIMARY KEY (owner, media)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX custom_face_last ON custom_face (owner, time);";
/* clang-format on */

const struct sb_feature sb_schema_media = {
    .steps = (const struct sb_schema_step[]){ { 2, sb_schema_media_sql }, { 0 } },
};
