/* load: reads JSON into the database: see world.h. */
#include "backend/sandbox/media/media.h"

#include "backend/sandbox/world/seed.h"

#include "backend/sandbox/turn/turn.h"

#include "backend/sandbox/turn/call_media.h"
#include "backend/sandbox/world/columns.h"
#include "backend/sandbox/world/lists.h"
#include "backend/sandbox/world/world.h"
#include "base/error_text.h"
#include "base/hex.h"
#include "base/json_error.h"
#include "base/jsonc.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIECE = 64 * 1024, MOST_BYTES = 1024 * 1024 * 1024 };

struct loader {
    struct sb_request *request;
    sqlite3 *handle;
    const struct sb_world_list *lists[SB_WORLD_LISTS_MAX];
    sqlite3_stmt *inserts[SB_WORLD_LISTS_MAX]; /* NULL: not used yet */
    sqlite3_stmt *afters[SB_WORLD_LISTS_MAX];
    size_t count;
    sqlite3_stmt *lookups[SB_REFERS_MEDIA + 1];
};

/* --- SQLite --- */

static int failed(struct loader *loader)
{
    return sb_db_fail(&loader->request->sandbox->db,
                      MK_PHRASE("a world cannot be loaded", "无法载入世界"));
}

static int prepare(struct loader *loader, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v2(loader->handle, sql, -1, statement, NULL) == SQLITE_OK
               ? 0
               : failed(loader);
}

/* from_hex(text): the number that mk_hex_write_u64 has written; 0 for any other text. */
static void from_hex(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    uint64_t number = 0;
    mk_hex_read_u64(mk_slice_str((const char *)sqlite3_value_text(values[0])), &number);
    sqlite3_result_int64(context, (sqlite3_int64)number);
}

static int begin(struct loader *loader, struct sb_request *request)
{
    *loader = (struct loader){ .request = request, .handle = request->sandbox->db.handle };
    loader->count = sb_world_lists(loader->lists);
    if (sqlite3_create_function(loader->handle, "from_hex", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                NULL, from_hex, NULL, NULL) != SQLITE_OK)
        return failed(loader);
    if (sqlite3_exec(loader->handle, "SAVEPOINT world; PRAGMA defer_foreign_keys = ON", NULL, NULL,
                     NULL) != SQLITE_OK)
        return failed(loader);
    return 0;
}

/*
 * A row may refer to one that is loaded later, so references are not checked row by row. Releasing
 * a savepoint does not check them either; the commit would, and fail the whole turn. So this does.
 * Returns 0, SB_REFUSED or -errno.
 */
static int check_deferred(struct loader *loader)
{
    int pending = 0, highest = 0;
    if (sqlite3_db_status(loader->handle, SQLITE_DBSTATUS_DEFERRED_FKS, &pending, &highest, 0) !=
        SQLITE_OK)
        return failed(loader);
    if (pending == 0)
        return 0;
    return sb_refuse(loader->request, MILKY_MALFORMED,
                     "something refers to what does not exist, such as a category_id that its "
                     "owner does not have",
                     "引用了不存在的对象，例如没有该 category_id 的好友分组");
}

/* Undoes a refused load. A load that failed undoes the whole turn anyway. */
static int finish(struct loader *loader, int rc)
{
    for (size_t i = 0; i < loader->count; i++) {
        sqlite3_finalize(loader->inserts[i]);
        sqlite3_finalize(loader->afters[i]);
    }
    for (size_t i = 0; i <= SB_REFERS_MEDIA; i++)
        sqlite3_finalize(loader->lookups[i]);
    if (rc == 0)
        rc = check_deferred(loader);
    const char *sql = rc == SB_REFUSED
                          ? "ROLLBACK TO world; RELEASE world; PRAGMA defer_foreign_keys = OFF"
                          : "RELEASE world; PRAGMA defer_foreign_keys = OFF";
    if (rc >= 0 && sqlite3_exec(loader->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return failed(loader);
    return rc;
}

/* --- one element --- */

/* Returns 1 when the value refers to a row that exists, 0, or -errno. */
static int look_up(struct loader *loader, unsigned what, const struct sb_value *value)
{
    static const char *const texts[] = {
        [SB_REFERS_PERSON] = "SELECT 1 FROM person WHERE uin = ?1",
        [SB_REFERS_GROUP] = "SELECT 1 FROM qq_group WHERE group_id = ?1",
        [SB_REFERS_MEDIA] = "SELECT 1 FROM media WHERE sha256 = ?1",
    };
    sqlite3_stmt **statement = &loader->lookups[what];
    int rc = *statement ? 0 : prepare(loader, texts[what], statement);
    if (rc < 0)
        return rc;
    if (what == SB_REFERS_MEDIA)
        sqlite3_bind_text(*statement, 1, value->text.ptr, (int)value->text.len, SQLITE_STATIC);
    else
        sqlite3_bind_int64(*statement, 1, (sqlite3_int64)value->number);
    rc = sqlite3_step(*statement);
    sqlite3_reset(*statement);
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : failed(loader);
}

static int check_references(struct loader *loader, const struct mk_json_path *path,
                            const struct sb_column *columns, const struct sb_value *values)
{
    for (size_t i = 0; columns[i].name; i++) {
        if (!columns[i].refers || !values[i].given)
            continue;
        int rc = look_up(loader, columns[i].refers, &values[i]);
        if (rc < 0)
            return rc;
        if (rc == 0 && columns[i].refers == SB_REFERS_MEDIA)
            return sb_refuse_field(loader->request, path, columns[i].name,
                                   "no content of that resource_id is in media",
                                   "media 中没有此 resource_id 的内容");
        if (rc == 0)
            return columns[i].refers == SB_REFERS_GROUP
                       ? sb_refuse_field(loader->request, path, columns[i].name,
                                         "there is no group %llu", "没有群 %llu",
                                         (unsigned long long)values[i].number)
                       : sb_refuse_field(loader->request, path, columns[i].name,
                                         "there is no person %llu", "没有用户 %llu",
                                         (unsigned long long)values[i].number);
    }
    return 0;
}

static int bind_value(const struct sb_db *db, sqlite3_stmt *statement, int at,
                      const struct sb_column *column, const struct sb_value *value)
{
    if (!value->given && column->nullable)
        return sqlite3_bind_null(statement, at) == SQLITE_OK ? 0 : -ENOMEM;
    if (column->kind == SB_KIND_TEXT)
        return sqlite3_bind_text(statement, at, value->text.ptr, (int)value->text.len,
                                 SQLITE_STATIC) == SQLITE_OK
                   ? 0
                   : -ENOMEM;
    if (column->kind == SB_KIND_JSON) {
        size_t len;
        char *json = yyjson_mut_val_write(value->json, 0, &len);
        return json && sqlite3_bind_text(statement, at, json, (int)len, free) == SQLITE_OK
                   ? 0
                   : -ENOMEM;
    }
    uint64_t number = value->number;
    if (!value->given && column->otherwise == SB_COLUMN_NOW)
        number = sb_clock_now(db);
    return sqlite3_bind_int64(statement, at, (sqlite3_int64)number) == SQLITE_OK ? 0 : -ENOMEM;
}

static int refuse_constraint(struct loader *loader, const struct mk_json_path *path)
{
    switch (sqlite3_extended_errcode(loader->handle)) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_ROWID:
        return sb_refuse_field(loader->request, path, NULL, "it exists already", "它已存在");
    default:
        mk_log_warn("sandbox", "an element of a world does not fit: %s", "世界中的一个元素不符：%s",
                    sqlite3_errmsg(loader->handle));
        return sb_refuse_field(loader->request, path, NULL,
                               "it does not fit the rest of the world (see the log)",
                               "它与世界的其余部分不符（详见日志）");
    }
}

/* Inserts one row. `*key` is its key. */
static int insert(struct loader *loader, const struct mk_json_path *path, sqlite3_stmt *statement,
                  const struct sb_column *columns, const struct sb_value *values, uint64_t parent,
                  uint64_t *key)
{
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)parent);
    int rc = 0, at = 2;
    for (size_t i = 0; columns[i].name && rc == 0; i++)
        rc = bind_value(&loader->request->sandbox->db, statement, at++, &columns[i], &values[i]);
    if (rc < 0)
        return rc;
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    *key = (uint64_t)sqlite3_last_insert_rowid(loader->handle);
    if (code == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_CONSTRAINT)
        return refuse_constraint(loader, path);
    return code == SQLITE_DONE ? 0 : failed(loader);
}

static int run_after(struct loader *loader, sqlite3_stmt *statement, uint64_t key)
{
    if (!statement)
        return 0;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)key);
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? 0 : failed(loader);
}

/* --- lists --- */

static int load_lists(struct loader *loader, const struct mk_json_path *path,
                      const struct sb_world_list *within, yyjson_mut_val *element, uint64_t parent);

/* Prepares the statements of a list, once. Returns 0 or -errno. */
static int use(struct loader *loader, size_t list)
{
    int rc = 0;
    if (!loader->inserts[list])
        rc = prepare(loader, loader->lists[list]->insert, &loader->inserts[list]);
    if (rc == 0 && loader->lists[list]->after && !loader->afters[list])
        rc = prepare(loader, loader->lists[list]->after, &loader->afters[list]);
    return rc;
}

static int load_element(struct loader *loader, const struct mk_json_path *path, size_t index,
                        yyjson_mut_val *element, uint64_t parent)
{
    const struct sb_world_list *list = loader->lists[index];
    struct sb_value values[SB_COLUMNS_MAX];
    uint64_t key;
    sb_columns_read(list->columns, element, values);
    int rc = check_references(loader, path, list->columns, values);
    if (rc == 0 && list->check)
        rc = list->check(loader->request, path, element, values);
    if (rc == 0)
        rc = use(loader, index);
    if (rc == 0)
        rc = insert(loader, path, loader->inserts[index], list->columns, values, parent, &key);
    if (rc == 0)
        rc = load_lists(loader, path, list, element, key);
    return rc ? rc : run_after(loader, loader->afters[index], key);
}

static int load_list(struct loader *loader, const struct mk_json_path *path, size_t list,
                     yyjson_mut_val *elements, uint64_t parent)
{
    size_t i, count;
    yyjson_mut_val *element;
    yyjson_mut_arr_foreach (elements, i, count, element) {
        const struct mk_json_path here = { .up = path, .index = i };
        int rc = load_element(loader, &here, list, element, parent);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int load_lists(struct loader *loader, const struct mk_json_path *path,
                      const struct sb_world_list *within, yyjson_mut_val *element, uint64_t parent)
{
    int rc = 0;
    for (size_t i = 0; i < loader->count && rc == 0; i++) {
        if (loader->lists[i]->within != within)
            continue;
        const char *name = loader->lists[i]->name;
        const struct mk_json_path here = { .up = path, .name = mk_slice_str(name) };
        rc = load_list(loader, &here, i, yyjson_mut_obj_get(element, name), parent);
    }
    return rc;
}

/* --- worlds --- */

static int delete_from(void *context, int count, char **values, char **names)
{
    (void)names;
    sqlite3 *handle = context;
    char *sql = count == 1 ? sqlite3_mprintf("DELETE FROM \"%w\"", values[0]) : NULL;
    int code = sql ? sqlite3_exec(handle, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return code;
}

/*
 * Deletes all rows, but not the keys that never leave the database, nor the events of earlier
 * turns: these were sent, and are kept until the journal has them on disk (turn/unsent.h); nor the
 * notes of files that are to be removed.
 */
static int clear(struct loader *loader)
{
    int code = sqlite3_exec(loader->handle,
                            "SELECT name FROM sqlite_schema WHERE type = 'table'"
                            " AND name NOT IN ('secret', 'unsent', 'media_gone')"
                            " AND (name NOT LIKE 'sqlite_%' OR name = 'sqlite_sequence')",
                            delete_from, loader->handle, NULL);
    return code == SQLITE_OK ? 0 : failed(loader);
}

static int load_clock(struct loader *loader, yyjson_mut_val *given)
{
    struct sb_db *db = &loader->request->sandbox->db;
    if (!given)
        return sb_clock_load(db);
    const struct sb_clock clock = {
        .offset = yyjson_mut_get_sint(yyjson_mut_obj_get(given, "offset")),
        .stopped_at = milky_uint(given, "stopped_at"),
    };
    return sb_clock_set(db, &clock);
}

/* Each content has a URI, which was fetched. Its row is written with those of the request. */
static int load_media(struct loader *loader, const struct mk_json_path *up, yyjson_mut_val *given)
{
    const struct mk_json_path list = { .up = up, .name = MK_SLICE("media") };
    size_t i, count;
    yyjson_mut_val *element;
    yyjson_mut_arr_foreach (given, i, count, element) {
        const struct mk_json_path path = { .up = &list, .index = i };
        yyjson_mut_val *id = yyjson_mut_obj_get(element, "resource_id");
        const struct sb_media *media =
            sb_request_media(loader->request, yyjson_mut_obj_get(element, "uri"));
        if (!media)
            return sb_refuse_field(loader->request, &path, "uri", "expected a URI", "应为 URI");
        if (id && !yyjson_mut_equals_str(id, media->id))
            return sb_refuse_field(loader->request, &path, "resource_id",
                                   "the content at uri is another one: %s", "uri 处的内容不同：%s",
                                   media->id);
    }
    return 0;
}

static int check_version(struct sb_request *request, const struct mk_json_path *path,
                         yyjson_mut_val *world)
{
    uint64_t version = milky_uint(world, "milky_world");
    if (version == SB_WORLD_VERSION)
        return 0;
    return sb_refuse_field(request, path, "milky_world",
                           "this milky reads worlds of version %d, not %llu",
                           "此 milky 读取版本为 %d 的世界，而不是 %llu", SB_WORLD_VERSION,
                           (unsigned long long)version);
}

/* The bots of the configuration are people of every world. */
static int add_bots(struct loader *loader)
{
    size_t count;
    const uint64_t *bots = milky_host_bots(loader->request->sandbox->host, &count);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = sb_seed_bot(&loader->request->sandbox->db, bots[i]);
    return rc;
}

int sb_world_clear(struct sb_request *request)
{
    struct loader loader;
    int rc = sb_turn_write(request);
    if (rc == 0)
        rc = begin(&loader, request);
    if (rc == 0)
        rc = finish(&loader, clear(&loader));
    if (rc == 0)
        rc = sb_media_loosen_all(request->sandbox->media);
    return rc ? rc : sb_clock_load(&request->sandbox->db);
}

int sb_world_load(struct sb_request *request, const struct mk_json_path *up, yyjson_mut_val *world)
{
    struct loader loader = { .request = request };
    int rc = check_version(request, up, world);
    if (rc == 0)
        rc = load_media(&loader, up, yyjson_mut_obj_get(world, "media"));
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = begin(&loader, request);
    if (rc != 0)
        return rc;
    rc = clear(&loader);
    if (rc == 0)
        rc = sb_call_media_record(request); /* again: its rows were deleted with all others */
    if (rc == 0)
        rc = load_clock(&loader, yyjson_mut_obj_get(world, "clock"));
    if (rc == 0)
        rc = load_lists(&loader, up, NULL, world, 0);
    if (rc == 0)
        rc = add_bots(&loader);
    if (rc == 0)
        rc = sb_media_loosen_all(request->sandbox->media);
    rc = finish(&loader, rc);
    if (rc == SB_REFUSED)
        sb_clock_load(&request->sandbox->db);
    if (rc != 0)
        return rc;
    struct sb_sandbox *sandbox = request->sandbox;
    return sb_random_seed(&sandbox->db, sandbox->is_seeded ? &sandbox->seed : NULL);
}

/* --- files --- */

static int read_text(const char *path, struct mk_buf *text)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return -errno;
    int rc = 0;
    while (rc == 0 && !feof(file)) {
        rc = mk_buf_reserve(text, PIECE);
        if (rc < 0)
            break;
        errno = 0;
        text->len += fread(text->data + text->len, 1, PIECE, file);
        if (ferror(file))
            rc = errno ? -errno : -EIO;
    }
    fclose(file);
    return rc;
}

int sb_world_read_file(struct sb_request *request, const char *path, yyjson_mut_val **world)
{
    struct mk_buf text;
    mk_buf_init(&text, MOST_BYTES);
    int rc = read_text(path, &text);
    if (rc < 0 && rc != -ENOMEM)
        rc = sb_refuse(request, SB_NO_CONTENT, "the world file cannot be read: %s",
                       "无法读取世界文件：%s", mk_error_text_in(sb_request_language(request), -rc));
    if (rc == 0) {
        yyjson_read_err error = { .code = YYJSON_READ_ERROR_EMPTY_CONTENT, .msg = "it is empty" };
        yyjson_doc *doc = yyjson_read_opts(
            text.len ? text.data : (char[]){ "" }, text.len,
            YYJSON_READ_ALLOW_COMMENTS | YYJSON_READ_ALLOW_TRAILING_COMMAS, NULL, &error);
        yyjson_val *root = yyjson_doc_get_root(doc);
        yyjson_val *dumped = yyjson_obj_get(root, "world"); /* the result of a dump, as it is */
        *world = doc ? yyjson_val_mut_copy(request->doc, dumped ? dumped : root) : NULL;
        size_t line, column;
        mk_jsonc_position(mk_buf_slice(&text), error.pos, &line, &column);
        if (!doc)
            rc = sb_refuse(request, MILKY_MALFORMED, "the world file is not JSON: %zu:%zu: %s",
                           "世界文件不是 JSON：%zu:%zu：%s", line, column,
                           mk_json_error_text(sb_request_language(request), &error));
        else if (!*world)
            rc = -ENOMEM;
        yyjson_doc_free(doc);
    }
    mk_buf_fini(&text);
    return rc;
}

int sb_world_add(struct sb_request *request, const struct sb_world_list *list,
                 yyjson_mut_val *element)
{
    struct loader loader;
    int rc = sb_turn_write(request);
    if (rc == 0)
        rc = begin(&loader, request);
    if (rc != 0)
        return rc;
    size_t index = 0;
    while (loader.lists[index] != list)
        index++;
    return finish(&loader, load_element(&loader, NULL, index, element, 0));
}
