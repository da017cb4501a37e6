/* clang-format off */
/*
 * content: the folder of contents.
 *
 *   media/                    one file per content, named by its SHA-256; of one database
 *   media/NAME.incoming/      of the database NAME: contents that no committed row names yet, named
 *                             by their SHA-256, which a dot and six letters may follow
 *
 * A content is among the incoming until the turn that recorded it has been committed, and is then
 * moved; when the turn fails, or the handler refuses, it is removed. It is on disk, under the longer
 * name, before that. After a crash between commit and move the next start moves it; an incoming file
 * that no row names is removed. A content that the world does not have any more goes: see sweep.c.
 */
/* clang-format on */
#include "backend/sandbox/media/private.h"

#include "backend/sandbox/store/private_file.h"
#include "base/error_text.h"
#include "base/log.h"
#include "base/random.h"
#include "net/download.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_MAX_BYTES ((uint64_t)100 * 1024 * 1024)
enum { DEFAULT_TIMEOUT_MS = 60 * 1000 };

char *sb_media_store_path(const char *folder, const char *id)
{
    char *path;
    return asprintf(&path, "%s/%s", folder, id) < 0 ? NULL : path;
}

/* --- folders --- */

int sb_media_sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return rc;
}

static int make_folder(const struct sb_media_store *store, const char *path)
{
    if (!path)
        return -ENOMEM;
    if (mkdir(path, 0700) < 0)
        return errno == EEXIST ? 0 : -errno;
    if (chmod(path, 0700) < 0) /* the umask may have taken too much */
        return -errno;
    char *parent = store->is_temporary ? NULL : sb_media_store_path(path, "..");
    int rc = parent ? sb_media_sync_folder(parent) : store->is_temporary ? 0 : -ENOMEM;
    free(parent);
    return rc;
}

/* A world in memory has a temporary folder. */
static int name_temporary(struct sb_media_store *store)
{
    const char *parent = store->config->temporary;
    char *folder, *incoming;
    if (asprintf(&folder, "%s/milky-media-XXXXXX", parent) < 0)
        return -ENOMEM;
    int rc = mkdtemp(folder) ? 0 : -errno;
    incoming = rc == 0 ? sb_media_store_path(folder, "incoming") : NULL;
    if (rc == 0 && !incoming) {
        rmdir(folder);
        rc = -ENOMEM;
    }
    if (rc < 0) {
        free(folder);
        return rc;
    }
    store->folder = folder;
    store->incoming = incoming;
    return 0;
}

int sb_media_store_make(struct sb_media_store *store)
{
    int rc = store->folder ? 0 : name_temporary(store);
    if (rc == 0)
        rc = make_folder(store, store->folder);
    if (rc == 0)
        rc = make_folder(store, store->incoming);
    if (rc < 0)
        mk_log_error("sandbox", "cannot make the folder for media %s: %s",
                     "无法创建媒体目录 %s：%s", store->folder ? store->folder : "",
                     mk_error_text(-rc));
    return rc;
}

static void remove_files(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0); /* "." and ".." are refused */
    if (dir)
        closedir(dir);
    rmdir(folder);
}

static void remove_temporary(struct sb_media_store *store)
{
    if (!store->is_temporary || !store->folder)
        return;
    if (store->incoming)
        remove_files(store->incoming);
    remove_files(store->folder);
}

/* Splits the database's path into its folder and its name. */
static int name_folders(struct sb_media_store *store, const char *database)
{
    const char *slash = strrchr(database, '/');
    const char *name = slash ? slash + 1 : database;
    int len = slash ? (int)(slash - database) : 1;
    if (asprintf(&store->folder, "%.*s/media", len, slash ? database : ".") < 0)
        store->folder = NULL;
    if (store->folder && asprintf(&store->incoming, "%s/%s.incoming", store->folder, name) < 0)
        store->incoming = NULL;
    return store->incoming ? 0 : -ENOMEM;
}

/* --- after a crash --- */

static bool is_known(struct sb_media_store *store, const char *id)
{
    struct sb_media media;
    return strlen(id) == SB_MEDIA_ID - 1 && sb_media_find(store, mk_slice_str(id), &media) > 0;
}

/* `name`: among the incoming. */
static int move_in(struct sb_media_store *store, const char *name, const char *id)
{
    char *from = sb_media_store_path(store->incoming, name);
    char *to = sb_media_store_path(store->folder, id);
    int rc = from && to ? 0 : -ENOMEM;
    if (rc == 0 && rename(from, to) < 0)
        rc = -errno;
    if (rc < 0)
        mk_log_error("sandbox", "the content %s stays in %s: %s", "内容 %s 留在 %s：%s", id,
                     store->incoming, mk_error_text(-rc));
    free(from);
    free(to);
    return rc;
}

static void recover(struct sb_media_store *store)
{
    DIR *dir = store->incoming ? opendir(store->incoming) : NULL;
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        char id[SB_MEDIA_ID] = "";
        if (strcspn(entry->d_name, ".") == SB_MEDIA_ID - 1)
            memcpy(id, entry->d_name, SB_MEDIA_ID - 1);
        if (is_known(store, id))
            move_in(store, entry->d_name, id);
        else
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
}

/* --- life --- */

static int add_root(struct sb_media_store *store, const char *path)
{
    struct sb_media_rules *rules = &store->rules;
    char *resolved = realpath(path, NULL);
    if (!resolved) {
        mk_log_warn("sandbox", "media: the root %s is ignored: %s", "媒体：忽略根目录 %s：%s", path,
                    mk_error_text(errno));
        return errno == ENOMEM ? -ENOMEM : 0;
    }
    if (strcmp(resolved, "/") == 0)
        resolved[0] = '\0';
    rules->roots[rules->root_count++] = resolved;
    char *text;
    if (asprintf(&text, "%s%s%s", rules->roots_text ? rules->roots_text : "",
                 rules->roots_text ? ", " : "", *resolved ? resolved : "/") < 0)
        return -ENOMEM;
    free(rules->roots_text);
    rules->roots_text = text;
    return 0;
}

/* Returns "" for no folder; NULL when out of memory. */
static char *resolve(const char *folder)
{
    char *resolved = folder && *folder ? realpath(folder, NULL) : NULL;
    return resolved ? resolved : mk_slice_dup(mk_slice_str(folder));
}

int sb_media_close_file(struct sb_media_store *store, const char *path)
{
    return sb_media_rules_close(&store->rules, path);
}

static int set_rules(struct sb_media_store *store, const char *database)
{
    const struct sb_media_config *config = store->config;
    struct sb_media_rules *rules = &store->rules;
    rules->max_bytes = config->max_bytes ? config->max_bytes : DEFAULT_MAX_BYTES;
    rules->durable = !store->is_temporary;
    rules->database = store->is_temporary ? strdup("") : realpath(database, NULL);
    rules->data_dir = resolve(config->data_dir);
    rules->roots = calloc(config->root_count + 1, sizeof(*rules->roots));
    int rc = rules->roots && rules->database && rules->data_dir ? 0 : -ENOMEM;
    for (size_t i = 0; rc == 0 && i < config->closed_count; i++)
        rc = sb_media_close_file(store, config->closed[i]);
    for (size_t i = 0; rc == 0 && i < config->root_count; i++)
        rc = add_root(store, config->roots[i]);
    if (rc == 0 && !rules->roots_text)
        rules->roots_text = strdup("-");
    return rc == 0 && !rules->roots_text ? -ENOMEM : rc;
}

int sb_media_start(struct sb_media_store **made, struct sb_db *db, struct milky_host *host,
                   const struct sb_media_config *config, const char *database)
{
    struct sb_media_store *store = calloc(1, sizeof(*store));
    if (!store)
        return -ENOMEM;
    *made = store;
    store->db = db;
    store->host = host;
    store->config = config;
    store->loop = milky_host_loop(host);
    store->allow_private = config->allow_private_addresses;
    store->timeout_ms = config->timeout_ms ? config->timeout_ms : DEFAULT_TIMEOUT_MS;
    store->is_temporary = strcmp(database, ":memory:") == 0;
    mk_list_init(&store->blobs);
    mk_list_init(&store->recorded);
    mk_list_init(&store->slots);
    sb_media_queue_init(&store->queue);
    uint64_t secret;
    mk_random_bytes(&secret, sizeof(secret));
    mk_table_init(&store->by_id, secret);
    sb_media_quota_init(store);
    int rc = store->is_temporary ? 0 : name_folders(store, database);
    if (rc == 0 && store->folder) {
        sb_private_folder(store->folder);
        sb_private_folder(store->incoming);
    }
    if (rc == 0)
        rc = set_rules(store, database);
    if (rc == 0)
        rc = sb_media_url_start(store);
    if (rc == 0)
        recover(store);
    return rc;
}

void sb_media_stop(struct sb_media_store *store)
{
    if (!store)
        return;
    sb_media_sweeper_stop(store);
    mk_downloads_free(store->downloads);
    MK_LIST_FOR_EACH (node, &store->slots)
        sb_media_slot_free(MK_CONTAINER_OF(node, struct sb_media_slot, node));
    sb_media_queue_fini(&store->queue);
    MK_LIST_FOR_EACH (node, &store->blobs) {
        struct sb_media_blob *blob = MK_CONTAINER_OF(node, struct sb_media_blob, node);
        blob->uses = 1;
        blob->recorded = false;
        sb_media_store_release(store, blob);
    }
    mk_table_fini(&store->by_id);
    remove_temporary(store);
    for (size_t i = 0; i < store->rules.root_count; i++)
        free(store->rules.roots[i]);
    free(store->rules.roots);
    free(store->rules.roots_text);
    free(store->rules.database);
    free(store->rules.data_dir);
    sb_media_rules_forget(&store->rules);
    free(store->folder);
    free(store->incoming);
    free(store);
}

/* --- contents --- */

/* Of an id's first 16 digits. */
static uint64_t key_of(const char *id)
{
    uint64_t key = 0;
    for (size_t i = 0; i < 16; i++)
        key = key << 4 | (uint64_t)(id[i] <= '9' ? id[i] - '0' : id[i] - 'a' + 10);
    return key;
}

static struct sb_media_blob *find_blob(struct sb_media_store *store, const char *id)
{
    uint64_t key = strlen(id) == SB_MEDIA_ID - 1 ? key_of(id) : 0;
    struct mk_table_entry *entry = NULL;
    while ((entry = mk_table_find(&store->by_id, key, entry))) {
        struct sb_media_blob *blob = MK_CONTAINER_OF(entry, struct sb_media_blob, entry);
        if (strcmp(blob->id, id) == 0)
            return blob;
    }
    return NULL;
}

/* The world has it already. It is taken in again when its file was removed by hand. */
static bool is_stored(struct sb_media_store *store, const char *id)
{
    if (!is_known(store, id))
        return false;
    char *path = sb_media_store_path(store->folder, id);
    bool there = path && access(path, R_OK) == 0;
    free(path);
    return there;
}

bool sb_media_store_holds(struct sb_media_store *store, const char *id)
{
    return find_blob(store, id) != NULL;
}

/* Takes the file of a fetch over; or, where the world has it already, leaves it. */
static int place(struct sb_media_store *store, struct sb_media_fetch *fetch,
                 struct sb_media_blob *blob)
{
    char *path = blob->kept ? NULL : sb_media_store_path(store->incoming, blob->id);
    if (!blob->kept && !path)
        return -ENOMEM;
    int rc = path && rename(fetch->path, path) < 0 ? -errno : 0;
    free(path);
    if (rc == 0 && !blob->kept) {
        free(fetch->path);
        fetch->path = NULL;
    }
    return rc;
}

int sb_media_store_take(struct sb_media_store *store, struct sb_media_fetch *fetch,
                        struct sb_media_blob **result)
{
    const char *id = fetch->media.id;
    struct sb_media_blob *blob = find_blob(store, id);
    if (blob) {
        blob->uses++;
        *result = blob;
        return 0;
    }
    blob = calloc(1, sizeof(*blob));
    if (!blob)
        return -ENOMEM;
    memcpy(blob->id, id, SB_MEDIA_ID);
    blob->kept = is_stored(store, id); /* until the call has ended it is not swept */
    int rc = place(store, fetch, blob);
    if (rc < 0) {
        free(blob);
        return rc;
    }
    blob->info = fetch->media.info;
    blob->uses = 1;
    mk_list_init(&blob->turn);
    mk_list_push(&store->blobs, &blob->node);
    mk_table_add(&store->by_id, &blob->entry, key_of(id));
    *result = blob;
    return 0;
}

void sb_media_store_release(struct sb_media_store *store, struct sb_media_blob *blob)
{
    if (!blob || --blob->uses > 0 || blob->recorded)
        return;
    if (!blob->kept) {
        char *path = sb_media_store_path(store->incoming, blob->id);
        if (path)
            unlink(path);
        free(path);
    }
    mk_list_remove(&blob->node);
    mk_list_remove(&blob->turn);
    mk_table_remove(&store->by_id, &blob->entry);
    free(blob);
    if (store->has_held) {
        store->has_held = false;
        store->has_more = true;
        sb_media_sweep_later(store);
    }
}

int sb_media_store_info(struct sb_media_store *store, const char *id, struct sb_media_info *info)
{
    struct sb_media media;
    const struct sb_media_blob *blob = find_blob(store, id);
    int rc = blob ? 1 : sb_media_find(store, mk_slice_str(id), &media);
    if (rc > 0)
        *info = blob ? blob->info : media.info;
    return rc;
}

int sb_media_store_record(struct sb_media_store *store, const struct sb_media *media,
                          struct sb_media_blob *blob)
{
    int rc = sb_media_add(store->db, media);
    if (rc == 0 && blob && !blob->recorded) {
        blob->recorded = true;
        mk_list_push(&store->recorded, &blob->turn);
    }
    return rc;
}

/* The turn has ended: keeps the contents that it recorded, or removes them. */
static void settle(struct sb_media_store *store, bool committed)
{
    MK_LIST_FOR_EACH (node, &store->recorded) {
        struct sb_media_blob *blob = MK_CONTAINER_OF(node, struct sb_media_blob, turn);
        mk_list_remove(node);
        blob->recorded = false;
        if (committed && !blob->kept) {
            move_in(store, blob->id, blob->id); /* when this fails, the next start does it */
            blob->kept = true;
        }
        blob->uses++;
        sb_media_store_release(store, blob);
    }
}

void sb_media_committed(struct sb_media_store *store)
{
    if (!mk_list_empty(&store->recorded))
        settle(store, true);
    if (store->has_gone || store->has_more)
        sb_media_sweep_later(store);
    store->has_gone = false;
}

void sb_media_rolled_back(struct sb_media_store *store)
{
    if (!store)
        return;
    store->has_gone = false;
    store->swept = 0;
    if (!mk_list_empty(&store->recorded))
        settle(store, false);
}

int sb_media_open_content(struct sb_media_store *store, const char *id)
{
    const char *const folders[] = { store->folder, store->incoming };
    int rc = -ENOENT;
    for (size_t i = 0; i < 2 && rc == -ENOENT && folders[i]; i++) {
        char *path = sb_media_store_path(folders[i], id);
        if (!path)
            return -ENOMEM;
        rc = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (rc < 0)
            rc = -errno;
        free(path);
    }
    return rc;
}
