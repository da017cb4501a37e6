/* custom_face: see the header. */
#include "backend/sandbox/api/custom_face.h"

#include "backend/sandbox/media/media.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/turn/limits.h"

#include <errno.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* owner, limit: those used last first */
static const struct sb_query faces_sql = {
    "SELECT media FROM custom_face WHERE owner = ?1 ORDER BY time DESC LIMIT ?2"
};
enum { FACE_SHA256 };
/* owner, time, sha256 */
static const struct sb_query face_use_sql = {
    "INSERT INTO custom_face (owner, time, media) VALUES (?1, ?2, ?3)"
    " ON CONFLICT DO UPDATE SET time = ?2"
};

/* owner */
static const struct sb_query faces_count_sql = {
    "SELECT count(*) FROM custom_face WHERE owner = ?1"
};
enum { FACES_COUNT };

enum { MOST_FACES = 100 }; /* in a list */

static int check_count(struct sb_request *request, uint64_t user)
{
    struct sb_db *db = &request->sandbox->db;
    sqlite3_stmt *row = SB_DB_USE(db, &faces_count_sql, user);
    int rc = sb_db_step(db, row);
    if (rc < 0)
        return rc;
    uint64_t count = sb_db_uint(row, FACES_COUNT);
    sqlite3_reset(row);
    return sb_limit_check(request, SB_LIMIT_CUSTOM_FACE_COUNT, count, NULL);
}

int sb_custom_face_use(struct sb_request *request, uint64_t user, yyjson_mut_val *segments)
{
    struct sb_db *db = &request->sandbox->db;
    size_t i, count;
    yyjson_mut_val *segment;
    int rc = 0;
    yyjson_mut_arr_foreach (segments, i, count, segment) {
        yyjson_mut_val *data = yyjson_mut_obj_get(segment, "data");
        if (!yyjson_mut_equals_str(yyjson_mut_obj_get(data, "sub_type"), "sticker"))
            continue;
        sqlite3_stmt *use = SB_DB_USE(db, &face_use_sql, user, sb_clock_now(db));
        sqlite3_bind_text(use, 3, milky_string(data, "resource_id", NULL), -1, SQLITE_STATIC);
        rc = sb_db_run(db, use);
        sqlite3_bind_null(use, 3);
        if (rc == 0)
            rc = check_count(request, user);
        if (rc != 0)
            break;
    }
    return rc;
}

static int add_url(struct sb_request *request, const char *id, yyjson_mut_val *urls)
{
    char url[SB_MEDIA_URL];
    int rc = sb_media_url(request->sandbox->media, request->self_id, id, NULL, url);
    if (rc == 0 && !yyjson_mut_arr_add_strcpy(request->doc, urls, url))
        rc = -ENOMEM;
    return rc;
}

static int get_custom_face_url_list(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    yyjson_mut_val *urls = yyjson_mut_arr(request->doc);
    if (!urls)
        return -ENOMEM;
    sqlite3_stmt *row = SB_DB_USE(db, &faces_sql, request->self_id, MOST_FACES);
    int rc = sb_db_step(db, row);
    for (; rc > 0; rc = sb_db_step(db, row)) {
        rc = add_url(request, sb_db_text(row, FACE_SHA256).ptr, urls);
        if (rc < 0)
            break;
    }
    sqlite3_reset(row);
    return rc < 0 ? rc : sb_result(request, "urls", urls);
}

/* --- tables --- */

/* clang-format off */
static const struct sb_schema_step steps[] = {
    /* time: when it was sent last. */
    { 2, "CREATE TABLE custom_face ("
    "  owner INTEGER NOT NULL REFERENCES person,"
    "  media TEXT NOT NULL REFERENCES media,"
    "  time INTEGER NOT NULL,"
    "  PRIMARY KEY (owner, media)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX custom_face_last ON custom_face (owner, time);" },
    { 0 },
};
/* clang-format on */

static const struct sb_api apis[] = {
    { "get_custom_face_url_list", get_custom_face_url_list },
    { NULL, NULL },
};

/* --- in the JSON of a world --- */

/* clang-format off */
static const struct sb_world_list world_faces = {
    .name = "custom_faces",
    .within = &sb_person_list,
    .select = "SELECT 0, media, time FROM custom_face WHERE owner = ?1 ORDER BY media",
    .insert = "INSERT INTO custom_face (owner, media, time) VALUES (?1, ?2, ?3)",
    .columns = (const struct sb_column[]){ SB_COLUMN_CONTENT("resource_id"), SB_COLUMN_TIME("time"), { NULL } },
};
/* clang-format on */

static const struct sb_world_list *const lists[] = { &world_faces, NULL };

const struct sb_feature sb_feature_custom_face = {
    .apis = apis,
    .steps = steps,
    .lists = lists,
};
