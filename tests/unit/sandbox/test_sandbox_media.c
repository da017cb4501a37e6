/* Media in the world: how they are fetched, refused and stored once, and the files that remain when
 * a call fails. */
#include "backend/sandbox/api/avatar.h"
#include "sandbox_world.h"

#include "backend/sandbox/media/media.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/hex.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A PNG of 5 x 7 pixels and a GIF of 3 x 2, in base64. */
#define PNG "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAHCAYAAADAp4fuAAAAAA=="
#define GIF "R0lGODlhAwACAAAAAA=="
#define IMAGE(uri) "{\"type\":\"image\",\"data\":{\"uri\":\"" uri "\",\"sub_type\":\"normal\"}}"

static struct sb_sandbox *sandbox_of(struct world *w)
{
    return w->backend.self;
}

/* --- the folder of contents --- */

static size_t count_files(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        count += entry->d_type == DT_REG;
    if (dir)
        closedir(dir);
    return count;
}

static size_t stored(struct world *w)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/media", w->dir);
    return count_files(path);
}

static size_t incoming(struct world *w)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/media/world.db.incoming", w->dir);
    return count_files(path);
}

/* Bytes of the contents that are being fetched. */
static uint64_t incoming_bytes(struct world *w)
{
    char folder[128], path[512];
    struct stat status;
    struct dirent *entry;
    uint64_t bytes = 0;
    snprintf(folder, sizeof(folder), "%s/media/world.db.incoming", w->dir);
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir))) {
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (entry->d_type == DT_REG && stat(path, &status) == 0)
            bytes += (uint64_t)status.st_size;
    }
    if (dir)
        closedir(dir);
    return bytes;
}

static void write_file(struct world *w, const char *name, const char *data, size_t len)
{
    char path[192];
    snprintf(path, sizeof(path), "%s/%s", w->dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
}

static void write_png(struct world *w, const char *name)
{
    uint8_t png[64];
    size_t len;
    assert_true(mk_base64_decode(MK_SLICE(PNG), png, &len));
    write_file(w, name, (const char *)png, len);
}

/* The folders that were flushed to the disk. */
static ino_t synced[16];
static atomic_size_t synced_count;

/* Replaces libc's. Threads call it too. */
int fsync(int fd)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        size_t at = synced_count++;
        if (at < sizeof(synced) / sizeof(synced[0]))
            synced[at] = status.st_ino;
    }
    return fdatasync(fd);
}

static bool was_synced(const char *folder)
{
    struct stat status;
    assert_int_equal(stat(folder, &status), 0);
    for (size_t i = 0; i < synced_count && i < sizeof(synced) / sizeof(synced[0]); i++)
        if (synced[i] == status.st_ino)
            return true;
    return false;
}

/* --- messages --- */

static void send_image(struct world *w, const char *uri)
{
    ask(w, BOT, "send_group_message",
        "{\"group_id\":700000001,\"message\":[{\"type\":\"image\",\"data\":{\"uri\":\"%s\"}}]}",
        uri);
}

static void image_refused(struct world *w, int retcode, const char *part, const char *uri)
{
    refused(w, BOT, retcode, part, "send_group_message",
            "{\"group_id\":700000001,\"message\":[{\"type\":\"image\",\"data\":{\"uri\":\"%s\"}}]}",
            uri);
    assert_non_null(strstr(w->reply.message, "message[0].data.uri"));
    assert_int_equal(incoming(w), 0);
}

static void image_by_base64(void **state)
{
    struct world *w = *state;
    send_image(w, "base64://" PNG);
    uint64_t seq = num(w, "/message_seq");
    assert_int_equal(w->host.event_count, 1);
    assert_int_equal(event_num(w, 0, "/segments/0/data/width"), 5);
    assert_int_equal(event_num(w, 0, "/segments/0/data/height"), 7);
    assert_string_equal(event_str(w, 0, "/segments/0/data/summary"), "[图片]");
    assert_string_equal(event_str(w, 0, "/segments/0/data/sub_type"), "normal");
    const char *url = event_str(w, 0, "/segments/0/data/temp_url");
    assert_non_null(strstr(url, "http://10002000.test/resource/"));
    assert_non_null(strstr(url, "/image.png"));
    ask(w, BOT, "get_message",
        "{\"message_scene\":\"group\",\"peer_id\":700000001,\"message_seq\":%llu}",
        (unsigned long long)seq);
    assert_non_null(strstr(str(w, "/message/segments/0/data/temp_url"), "http://10001000.test/"));
    assert_int_equal(yyjson_obj_size(at(w, "/message/segments/0/data")), 6);
    assert_int_equal(stored(w), 1);
    assert_int_equal(incoming(w), 0);
}

/* The content's hash is stored, never a URL that expires. */
static void urls_are_not_stored(void **state)
{
    struct world *w = *state;
    send_image(w, "base64://" PNG);
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_prepare_v2(world_db(w)->handle,
                                        "SELECT count(*) FROM message WHERE segments LIKE '%url%'",
                                        -1, &row, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(row, 0), 0);
    sqlite3_finalize(row);
}

static void stored_once(void **state)
{
    struct world *w = *state;
    write_png(w, "a b.png");
    char uri[160];
    snprintf(uri, sizeof(uri), "file://%s/a%%20b.png", w->dir);
    send_image(w, uri);
    send_image(w, "base64://" PNG);
    ask(w, BOT, "send_private_message",
        "{\"user_id\":10002000,\"message\":[" IMAGE("base64://" PNG) "," IMAGE(
            "base64://" GIF) "," IMAGE("base64://" PNG) "]}");
    assert_int_equal(stored(w), 2);
    assert_int_equal(incoming(w), 0);
    const char *id = event_str(w, 2, "/segments/0/data/resource_id");
    assert_string_equal(id, event_str(w, 2, "/segments/2/data/resource_id"));
    assert_string_equal(id, event_str(w, 0, "/segments/0/data/resource_id"));
    assert_int_equal(event_num(w, 2, "/segments/1/data/width"), 3);
}

static void four_slashes(void **state)
{
    struct world *w = *state;
    write_png(w, "p.png");
    char uri[160];
    snprintf(uri, sizeof(uri), "FILE:///%s/p.png", w->dir);
    send_image(w, uri);
    snprintf(uri, sizeof(uri), "file://LOCALHOST%s/p.png", w->dir);
    send_image(w, uri);
    assert_int_equal(w->host.event_count, 2);
}

static void bad_uris(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *uri, *part;
    } cases[] = {
        { "", "must be a file://" },
        { "ftp://example.com/a.png", "must be a file://" },
        { "data:image/png;base64,AAAA", "must be a file://" },
        { "/etc/passwd", "must be a file://" },
        { "file:/etc/passwd", "must be a file://" },
        { "file://etc/passwd", "whole path" },
        { "file://", "whole path" },
        { "file:///C:/Windows/win.ini", "no drives" },
        { "file:////c:", "no drives" },
        { "file:///tmp/%2", "hexadecimal" },
        { "file:///tmp/%zz", "hexadecimal" },
        { "file:///tmp/a%00b", "NUL" },
        { "base64://AAAAA", "missing at its end" },
        { "base64://AAAA*AAA", "character 5" },
        { "base64://AA=A", "before its end, at character 4" },
        { "base64://AB==", "base64" },
        { "base64://AA==AAAA", "base64" },
        { "base64://====", "base64" },
        { "http://", "cannot be downloaded" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        image_refused(w, strncmp(cases[i].uri, "http", 4) == 0 ? SB_NO_CONTENT : SB_BAD_URI,
                      cases[i].part, cases[i].uri);
    image_refused(w, SB_BAD_MEDIA, "empty", "base64://");
    assert_int_equal(stored(w), 0);
}

/* Lines, white space, no padding, the alphabet of URLs: the same content each time. */
static void base64_of_encoders(void **state)
{
    struct world *w = *state;
    static const char whole[] = PNG;
    char uri[sizeof("base64://") + 5 * sizeof(whole)];
    for (int way = 0; way < 4; way++) {
        char *to = stpcpy(uri, "BASE64://");
        for (const char *from = whole; *from; from++) {
            if (*from == '=' && way >= 2)
                continue;
            *to++ = *from == '+' && way == 3 ? '-' : *from == '/' && way == 3 ? '_' : *from;
            to = stpcpy(to, way == 1 ? " " : way == 2 ? "\\r\\n" : "");
        }
        *to = '\0';
        send_image(w, uri);
        assert_int_equal(stored(w), 1);
    }
}

static void bad_pictures(void **state)
{
    struct world *w = *state;
    image_refused(w, SB_BAD_MEDIA, "cut", "base64://iVBORw0KGgo=");
    image_refused(w, SB_BAD_MEDIA, "is not a picture", "base64://aGVsbG8=");
    refused(w, BOT, SB_BAD_MEDIA, "is not a sound", "send_private_message",
            "{\"user_id\":10002000,\"message\":[{\"type\":\"record\",\"data\":{\"uri\":"
            "\"base64://" PNG "\"}}]}");
    refused(w, BOT, SB_BAD_MEDIA, "is not a video", "send_private_message",
            "{\"user_id\":10002000,\"message\":[{\"type\":\"video\",\"data\":{\"uri\":"
            "\"base64://" PNG "\"}}]}");
    assert_int_equal(stored(w), 0);
    assert_int_equal(incoming(w), 0);
}

/* --- where files may lie --- */

static void paths(void **state)
{
    struct world *w = *state;
    char uri[256], link[160];
    write_png(w, "in.png");
    snprintf(uri, sizeof(uri), "file://%s/sub/../in.png", w->dir);
    image_refused(w, SB_BAD_URI, "..", uri);
    snprintf(uri, sizeof(uri), "file://%s/%%2e%%2e/in.png", w->dir);
    image_refused(w, SB_BAD_URI, "..", uri);
    snprintf(uri, sizeof(uri), "file://%s/none.png", w->dir);
    image_refused(w, SB_NO_CONTENT, "No such file", uri);
    snprintf(uri, sizeof(uri), "file://%s", w->dir);
    image_refused(w, SB_BAD_URI, "only files below", uri);
    snprintf(uri, sizeof(uri), "file://%s/media", w->dir);
    image_refused(w, SB_BAD_URI, "not a regular file", uri);
    /* The reason does not reveal whether the file outside exists. */
    image_refused(w, SB_BAD_URI, w->dir, "file:///etc/passwd");
    image_refused(w, SB_BAD_URI, "only files below", "file:///etc/no-such-file");
    snprintf(uri, sizeof(uri), "file://%s2/x.png", w->dir);
    image_refused(w, SB_BAD_URI, "only files below", uri);
    snprintf(link, sizeof(link), "%s/out.png", w->dir);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    snprintf(uri, sizeof(uri), "file://%s", link);
    image_refused(w, SB_BAD_URI, "only files below", uri);
    snprintf(link, sizeof(link), "%s/up", w->dir);
    assert_int_equal(symlink("/", link), 0);
    snprintf(uri, sizeof(uri), "file://%s/etc/passwd", link);
    image_refused(w, SB_BAD_URI, "only files below", uri);
    snprintf(link, sizeof(link), "%s/alias.png", w->dir);
    assert_int_equal(symlink("in.png", link), 0);
    snprintf(uri, sizeof(uri), "file://%s", link);
    send_image(w, uri); /* one that stays inside is followed */
}

static void special_files(void **state)
{
    struct world *w = *state;
    char path[160], uri[192];
    snprintf(path, sizeof(path), "%s/pipe", w->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(uri, sizeof(uri), "file://%s", path);
    image_refused(w, SB_BAD_URI, "not a regular file", uri);
    static const char *const own[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < 3; i++) {
        snprintf(uri, sizeof(uri), "file://%s%s", w->path, own[i]);
        refused(w, BOT, access(uri + 7, F_OK) == 0 ? SB_BAD_URI : SB_NO_CONTENT, "uri",
                "set_avatar", "{\"uri\":\"%s\"}", uri);
    }
    write_file(w, "closed.png", "x", 1);
    snprintf(path, sizeof(path), "%s/closed.png", w->dir);
    chmod(path, 0);
    snprintf(uri, sizeof(uri), "file://%s", path);
    if (getuid() != 0)
        image_refused(w, SB_NO_CONTENT, "Permission denied", uri);
}

/* Whether another process sees this one's lock on the file. Only that one may open and close it. */
static bool is_locked(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        int fd = open(path, O_RDWR);
        _exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void file_refused(struct world *w, const char *name)
{
    char uri[256];
    snprintf(uri, sizeof(uri), "file://%s/%s", w->dir, name);
    refused(w, BOT, SB_BAD_URI, "not for bots", "upload_private_file",
            "{\"user_id\":10002000,\"file_name\":\"a\",\"file_uri\":\"%s\"}", uri);
    assert_int_equal(incoming(w), 0);
}

/* Under whatever name; and they are not opened, for closing them would end SQLite's locks. */
static void closed_files(void **state)
{
    struct world *w = *state;
    char journal[128], config[128], alias[128];
    snprintf(journal, sizeof(journal), "%s/journal.db", w->dir);
    snprintf(config, sizeof(config), "%s/milky.jsonc", w->dir);
    const char *closed[] = { journal, config };
    world_stop(w);
    w->media.closed = closed;
    w->media.closed_count = 2;
    assert_int_equal(world_start(w), 0);
    ask(w, BOT, "set_bio", "{\"new_bio\":\"x\"}");
    write_file(w, "journal.db", "a", 1);
    write_file(w, "journal.db-wal", "a", 1);
    write_file(w, "milky.jsonc", "a", 1);
    assert_true(is_locked(w->path));
    file_refused(w, "world.db");
    file_refused(w, "world.db-wal");
    file_refused(w, "journal.db");
    file_refused(w, "journal.db-wal");
    file_refused(w, "milky.jsonc");
    snprintf(alias, sizeof(alias), "%s/alias", w->dir);
    assert_int_equal(link(w->path, alias), 0);
    file_refused(w, "alias");
    assert_true(is_locked(w->path));
    unlink(alias);
    assert_int_equal(link(config, alias), 0);
    file_refused(w, "alias");
    write_png(w, "journal.db-2");
    snprintf(alias, sizeof(alias), "file://%s/journal.db-2", w->dir);
    send_image(w, alias);
}

static int small_setup(void **state)
{
    int rc = world_setup_file(state);
    struct world *w = *state;
    static const char *roots[1];
    world_stop(w);
    roots[0] = w->dir;
    w->media = (struct sb_media_config){ .max_bytes = 37, .roots = roots, .root_count = 1 };
    return rc == 0 ? world_start(w) : rc;
}

static void limits(void **state)
{
    struct world *w = *state;
    char uri[160];
    static const char data[64] = "GIF89a\3\0\2\0";
    send_image(w, "base64://" PNG); /* exactly as much */
    write_file(w, "fits.gif", data, 37);
    write_file(w, "large.gif", data, 38);
    snprintf(uri, sizeof(uri), "file://%s/fits.gif", w->dir);
    send_image(w, uri);
    snprintf(uri, sizeof(uri), "file://%s/large.gif", w->dir);
    image_refused(w, SB_MEDIA_TOO_LARGE, "37 bytes", uri);
    image_refused(w, SB_MEDIA_TOO_LARGE, "37 bytes",
                  "base64://R0lGODlhAwACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    /* White space is no content: 37 bytes of it, and then 38. */
    send_image(w,
               "base64://R0lGODlhAwACAAAA \\n\\n\\n\\n\\n AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA== ");
    image_refused(w, SB_MEDIA_TOO_LARGE, "37 bytes",
                  "base64://R0lGODlhAwACAAAA\\n\\n\\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    snprintf(uri, sizeof(uri), "file://%s", "/tmp");
    image_refused(w, SB_BAD_URI, w->dir, uri);
}

static void many_uris(void **state)
{
    struct world *w = *state;
    world_make_lenient(w); /* of more than 20 images */
    char *params = malloc(64 * 1024);
    for (size_t count = 200; count <= 201; count++) {
        size_t len = (size_t)sprintf(params, "{\"user_id\":10002000,\"message\":[");
        for (size_t i = 0; i < count; i++)
            len += (size_t)sprintf(params + len, "%s" IMAGE("base64://" GIF), i ? "," : "");
        strcpy(params + len, "]}");
        if (count == 200)
            ask(w, BOT, "send_private_message", "%s", params);
        else
            refused(w, BOT, SB_BAD_URI, "200", "send_private_message", "%s", params);
    }
    free(params);
    assert_int_equal(stored(w), 1);
}

/* --- failures --- */

/* The handler refuses: the contents that were fetched for it are deleted. */
static void refused_handler(void **state)
{
    struct world *w = *state;
    refused(w, BOT, SB_NO_GROUP, "999", "send_group_message",
            "{\"group_id\":99999,\"message\":[" IMAGE("base64://" PNG) "]}");
    refused(w, BOT, SB_BAD_URI, "message[1].data.uri", "send_group_message",
            "{\"group_id\":700000001,\"message\":[" IMAGE("base64://" PNG) "," IMAGE("x:") "]}");
    assert_int_equal(stored(w) + incoming(w), 0);
}

/* The turn fails after the handler has run: the same. */
static void failed_turn(void **state)
{
    struct world *w = *state;
    world_sql(w, "CREATE TEMP TRIGGER broken BEFORE INSERT ON message"
                 " BEGIN SELECT RAISE(ABORT, 'broken'); END");
    refused(w, BOT, MILKY_INTERNAL, "database", "send_group_message",
            "{\"group_id\":700000001,\"message\":[" IMAGE("base64://" PNG) "]}");
    assert_int_equal(stored(w) + incoming(w), 0);
    world_sql(w, "DROP TRIGGER temp.broken");
    send_image(w, "base64://" PNG);
    assert_int_equal(stored(w), 1);
}

/* Two calls bring the same content; one of them fails, the other keeps it. */
static void shared_by_calls(void **state)
{
    struct world *w = *state;
    struct fake_reply bad, good;
    fake_call(&w->host, &w->backend, BOT, "send_group_message",
              "{\"group_id\":99999,\"message\":[" IMAGE("base64://" PNG) "]}", &bad);
    fake_call(&w->host, &w->backend, BOT, "send_group_message",
              "{\"group_id\":700000001,\"message\":[" IMAGE("base64://" PNG) "]}", &good);
    assert_false(bad.done || good.done);
    ask(w, BOT, "get_login_info", "{}"); /* overtakes them */
    while (!bad.done || !good.done) {
        uv_run(w->loop.uv, UV_RUN_ONCE);
        w->backend.table->turn_end(w->backend.self);
    }
    assert_int_equal(bad.retcode, SB_NO_GROUP);
    assert_int_equal(good.retcode, 0);
    assert_int_equal(stored(w), 1);
    assert_int_equal(incoming(w), 0);
    fake_reply_fini(&bad);
    fake_reply_fini(&good);
}

/* A waiting call ends with the sandbox, and leaves no files. */
static void stopped_meanwhile(void **state)
{
    struct world *w = *state;
    struct fake_reply reply;
    fake_call(&w->host, &w->backend, BOT, "send_group_message",
              "{\"group_id\":700000001,\"message\":[" IMAGE("base64://" PNG) "]}", &reply);
    assert_false(reply.done);
    world_stop(w);
    assert_true(reply.done);
    assert_int_equal(reply.retcode, MILKY_INTERNAL);
    assert_int_equal(stored(w) + incoming(w), 0);
    fake_reply_fini(&reply);
}

/*
 * A cancelled call: its URIs are not fetched, or their contents are dropped, and a thread that
 * reads one uses no memory of the call. Two threads work at a time, on five calls.
 */
static void cancelled_meanwhile(void **state)
{
    enum { CALLS = 5, LONG = 16 * 1024 * 1024 };
    struct world *w = *state;
    struct fake_reply replies[CALLS];
    char *params = malloc(LONG + 256);
    assert_non_null(params);
    size_t at = (size_t)sprintf(params, "{\"group_id\":700000001,\"message\":[{\"type\":\"image\","
                                        "\"data\":{\"uri\":\"base64://");
    memset(params + at, 'A', LONG);
    strcpy(params + at + LONG, "\"}}]}");
    for (size_t i = 0; i < CALLS; i++)
        fake_call(&w->host, &w->backend, BOT, "send_group_message", params, &replies[i]);
    while (incoming_bytes(w) == 0) /* a thread works on it */
        assert_false(replies[0].done);
    for (size_t i = 0; i < CALLS; i++) {
        assert_false(replies[i].done);
        fake_cancel(&w->host, &replies[i]);
        assert_int_equal(replies[i].retcode, 1);
    }
    free(params);
    ask(w, BOT, "get_login_info", "{}");
    while (uv_run(w->loop.uv, UV_RUN_ONCE))
        ;
    assert_int_equal(w->host.event_count, 0);
    assert_int_equal(stored(w) + incoming(w), 0);
    send_image(w, "base64://" PNG); /* the next ones find their threads */
    assert_int_equal(stored(w), 1);
}

/* Files that a crash between commit and move has left are moved at the next start; others are
 * deleted. */
static void after_a_crash(void **state)
{
    struct world *w = *state;
    send_image(w, "base64://" PNG);
    char id[SB_MEDIA_ID], from[256], to[256];
    snprintf(id, sizeof(id), "%s", event_str(w, 0, "/segments/0/data/resource_id"));
    world_stop(w);
    snprintf(from, sizeof(from), "%s/media/%s", w->dir, id);
    snprintf(to, sizeof(to), "%s/media/world.db.incoming/%s", w->dir, id);
    assert_int_equal(rename(from, to), 0);
    write_file(w, "media/world.db.incoming/abcdef", "half of something", 17);
    write_file(w,
               "media/world.db.incoming/"
               "0000000000000000000000000000000000000000000000000000000000000000",
               "unknown", 7);
    assert_int_equal(world_start(w), 0);
    assert_int_equal(incoming(w), 0);
    assert_int_equal(access(from, R_OK), 0);
    assert_int_equal(stored(w), 1);
    /* A loss of power may leave the name from before its turn, which is longer. */
    world_stop(w);
    assert_int_equal(rename(from, strcat(to, ".a1b2c3")), 0);
    assert_int_equal(world_start(w), 0);
    assert_int_equal(incoming(w), 0);
    assert_int_equal(access(from, R_OK), 0);
    assert_int_equal(stored(w), 1);
    /* And where the file is missing, the content may be stored again. */
    unlink(from);
    send_image(w, "base64://" PNG);
    assert_int_equal(access(from, R_OK), 0);
}

/* The disk has a content's name, and its folders', before its turn is committed. */
static void names_are_durable(void **state)
{
    struct world *w = *state;
    char media[128], folder[160];
    struct fake_reply reply;
    snprintf(media, sizeof(media), "%s/media", w->dir);
    snprintf(folder, sizeof(folder), "%s/world.db.incoming", media);
    synced_count = 0;
    fake_call(&w->host, &w->backend, BOT, "send_group_message",
              "{\"group_id\":700000001,\"message\":[" IMAGE("base64://" PNG) "]}", &reply);
    while (!world_db(w)->in_transaction) /* its handler has run */
        uv_run(w->loop.uv, UV_RUN_ONCE);
    assert_true(was_synced(w->dir));
    assert_true(was_synced(media));
    assert_true(was_synced(folder));
    w->backend.table->turn_end(w->backend.self);
    assert_int_equal(reply.retcode, 0);
    fake_reply_fini(&reply);
}

/* --- hashes and URLs --- */

static void hashes(void **state)
{
    struct world *w = *state;
    struct sb_media media;
    send_image(w, "base64://" PNG);
    const char *id = event_str(w, 0, "/segments/0/data/resource_id");
    assert_int_equal(sb_media_find(sandbox_of(w)->media, mk_slice_str(id), &media), 1);
    assert_int_equal(media.size, 37);
    uint8_t content[64], digest[MK_SHA256_LEN];
    char text[2 * MK_SHA256_LEN + 1];
    size_t len;
    assert_true(mk_base64_decode(MK_SLICE(PNG), content, &len));
    struct mk_digest *sha256 = mk_digest_sha256(), *sha1 = mk_digest_sha1();
    mk_digest_add(sha256, mk_slice_of((const char *)content, len));
    assert_int_equal(mk_digest_end(sha256, digest), 0);
    mk_hex_write(digest, MK_SHA256_LEN, text);
    assert_string_equal(text, id);
    mk_digest_add(sha1, mk_slice_of((const char *)content, len));
    mk_digest_add(sha1, MK_SLICE("\x25\0\0\0\0\0\0\0"));
    assert_int_equal(mk_digest_end(sha1, digest), 0);
    mk_hex_write(digest, MK_SHA1_LEN, text);
    assert_string_equal(text, media.tri_sha1);
    assert_int_equal(sb_media_find(sandbox_of(w)->media, MK_SLICE("abc"), &media), 0);
}

/* Beyond 30 MiB three runs of 10 MiB are hashed: first, middle, last. */
static void hash_of_a_large_one(void **state)
{
    struct world *w = *state;
    world_make_lenient(w); /* of an image of more than 30 MiB */
    struct sb_media media;
    const size_t mib = 1024 * 1024, len = 31 * mib + 3;
    char *data = malloc(len), uri[160], text[2 * MK_SHA1_LEN + 1];
    for (size_t i = 0; i < len; i++)
        data[i] = (char)(i * 2654435761u >> 13);
    memcpy(data, "GIF89a\3\0\2\0", 10);
    write_file(w, "large.gif", data, len);
    snprintf(uri, sizeof(uri), "file://%s/large.gif", w->dir);
    send_image(w, uri);
    char length[8] = { (char)len, (char)(len >> 8), (char)(len >> 16), (char)(len >> 24) };
    uint8_t digest[MK_SHA1_LEN];
    struct mk_digest *sha1 = mk_digest_sha1();
    mk_digest_add(sha1, mk_slice_of(data, 10 * mib));
    mk_digest_add(sha1, mk_slice_of(data + len / 2 - 5 * mib, 10 * mib));
    mk_digest_add(sha1, mk_slice_of(data + len - 10 * mib, 10 * mib));
    mk_digest_add(sha1, mk_slice_of(length, 8));
    assert_int_equal(mk_digest_end(sha1, digest), 0);
    mk_hex_write(digest, MK_SHA1_LEN, text);
    const char *id = event_str(w, 0, "/segments/0/data/resource_id");
    assert_int_equal(sb_media_find(sandbox_of(w)->media, mk_slice_str(id), &media), 1);
    assert_int_equal(media.size, len);
    assert_string_equal(media.tri_sha1, text);
    free(data);
}

/* --- URLs --- */

static int serve(struct world *w, const char *url, char *content, size_t room)
{
    struct fake_resource resource;
    char token[128];
    const char *at = strstr(url, "/resource/");
    assert_non_null(at);
    at += strlen("/resource/");
    snprintf(token, sizeof(token), "%.*s", (int)strcspn(at, "/"), at);
    fake_ask_resource(&w->host, &w->backend, token, &resource);
    if (resource.fd < 0)
        return resource.status == 404 ? -ENOENT : -EIO;
    ssize_t len = read(resource.fd, content, room);
    close(resource.fd);
    assert_non_null(strstr(resource.content_type, "image/"));
    return (int)len;
}

static void urls_end(void **state)
{
    struct world *w = *state;
    char content[512], url[SB_MEDIA_URL];
    send_image(w, "base64://" PNG);
    ask(w, BOT2, "get_resource_temp_url", "{\"resource_id\":\"%s\"}",
        event_str(w, 0, "/segments/0/data/resource_id"));
    snprintf(url, sizeof(url), "%s", str(w, "/url"));
    assert_int_equal(serve(w, url, content, sizeof(content)), 37);
    assert_memory_equal(content, "\x89PNG", 4);
    char *token = strstr(url, "/resource/") + strlen("/resource/");
    for (size_t i = 0; i < strcspn(token, "/"); i += 7) { /* any other letter is another token */
        char kept = token[i];
        token[i] = kept == 'A' ? 'B' : 'A';
        assert_int_equal(serve(w, url, content, sizeof(content)), -ENOENT);
        token[i] = kept;
    }
    struct sb_clock later = { .offset = SB_MEDIA_URL_SECONDS - 60 };
    sb_clock_set(world_db(w), &later);
    assert_int_equal(serve(w, url, content, sizeof(content)), 37);
    later.offset += 61;
    sb_clock_set(world_db(w), &later);
    assert_int_equal(serve(w, url, content, sizeof(content)), -ENOENT);
    later.offset = 0;
    sb_clock_set(world_db(w), &later);
}

/* The key belongs to the world: a URL outlives a restart, and is invalid in another world. */
static void urls_and_restarts(void **state)
{
    struct world *w = *state;
    char content[64], url[SB_MEDIA_URL];
    send_image(w, "base64://" PNG);
    snprintf(url, sizeof(url), "%s", event_str(w, 0, "/segments/0/data/temp_url"));
    world_stop(w);
    assert_int_equal(world_start(w), 0);
    assert_int_equal(serve(w, url, content, sizeof(content)), 37);
    world_sql(w, "DELETE FROM secret WHERE name = 'media'");
    world_stop(w);
    assert_int_equal(world_start(w), 0);
    assert_int_equal(serve(w, url, content, sizeof(content)), -ENOENT);
}

static void unknown_resources(void **state)
{
    struct world *w = *state;
    static const char *const ids[] = {
        "",
        "x",
        "0000000000000000000000000000000000000000000000000000000000000000",
    };
    for (size_t i = 0; i < 3; i++)
        refused(w, BOT, SB_NO_RESOURCE, "resource_id", "get_resource_temp_url",
                "{\"resource_id\":\"%s\"}", ids[i]);
    struct fake_resource resource;
    fake_ask_resource(&w->host, &w->backend, "", &resource);
    assert_int_equal(resource.status, 404);
    fake_ask_resource(&w->host, &w->backend, "../../etc/passwd", &resource);
    assert_int_equal(resource.status, 404);
}

/* --- where URLs appear --- */

static void in_forwards_and_replies(void **state)
{
    struct world *w = *state;
    send_image(w, "base64://" PNG);
    ask(w, BOT2, "send_group_message",
        "{\"group_id\":700000001,\"message\":[{\"type\":\"reply\",\"data\":{\"message_seq\":1}}]}");
    assert_non_null(
        strstr(event_str(w, 1, "/segments/0/data/segments/0/data/temp_url"), "10001000.test"));
    ask(w, BOT, "send_private_message",
        "{\"user_id\":10002000,\"message\":[{\"type\":\"forward\",\"data\":{\"messages\":["
        "{\"user_id\":10003001,\"sender_name\":\"n\",\"segments\":[" IMAGE(
            "base64://" GIF) "]}]}}]}");
    ask(w, BOT2, "get_forwarded_messages", "{\"forward_id\":\"%s\"}",
        event_str(w, 2, "/segments/0/data/forward_id"));
    assert_non_null(strstr(str(w, "/messages/0/segments/0/data/temp_url"), "10002000.test"));
    assert_int_equal(num(w, "/messages/0/segments/0/data/height"), 2);
    assert_int_equal(yyjson_obj_size(at(w, "/messages/0")), 5);
    char content[512];
    assert_true(serve(w, str(w, "/messages/0/avatar_url"), content, sizeof(content)) > 100);
}

/* Every bot of a group gets URLs of its own. */
static void urls_for_each_bot(void **state)
{
    struct world *w = *state;
    control(w, "say",
            "{\"as\":10003001,\"group\":700000001,\"message\":[" IMAGE("base64://" PNG) "]}");
    assert_int_equal(w->host.event_count, 2);
    for (size_t i = 0; i < 2; i++) {
        char host[64];
        snprintf(host, sizeof(host), "http://%llu.test/",
                 (unsigned long long)w->host.events[i].self_id);
        assert_non_null(strstr(event_str(w, i, "/segments/0/data/temp_url"), host));
    }
}

static void avatars(void **state)
{
    struct world *w = *state;
    char url[SB_MEDIA_URL], content[512];
    assert_int_equal(sb_avatar_of_person(sandbox_of(w), BOT, BOT, url), 0);
    assert_true(serve(w, url, content, sizeof(content)) > 100);
    ask(w, BOT, "set_avatar", "{\"uri\":\"base64://" PNG "\"}");
    assert_int_equal(sb_avatar_of_person(sandbox_of(w), BOT, BOT, url), 0);
    assert_int_equal(serve(w, url, content, sizeof(content)), 37);
    ask(w, BOT, "set_group_avatar", "{\"group_id\":700000001,\"image_uri\":\"base64://" GIF "\"}");
    assert_int_equal(sb_avatar_of_group(sandbox_of(w), BOT, GROUP, url), 0);
    assert_int_equal(serve(w, url, content, sizeof(content)), 13);
    refused(w, BOT2, SB_NO_PERMISSION, "admin", "set_group_avatar",
            "{\"group_id\":700000001,\"image_uri\":\"base64://" PNG "\"}");
    refused(w, BOT, SB_NO_GROUP, "99999", "set_group_avatar",
            "{\"group_id\":99999,\"image_uri\":\"base64://" PNG "\"}");
    refused(w, BOT, SB_BAD_MEDIA, "uri", "set_avatar", "{\"uri\":\"base64://AAAA\"}");
}

static void stickers(void **state)
{
    struct world *w = *state;
    ask(w, BOT, "get_custom_face_url_list", "{}");
    assert_json(at(w, "/urls"), "[]");
    send_image(w, "base64://" PNG);
    ask(w, BOT, "send_group_message",
        "{\"group_id\":700000001,\"message\":[{\"type\":\"image\",\"data\":{\"uri\":\"base64://" GIF
        "\",\"sub_type\":\"sticker\"}}]}");
    assert_string_equal(event_str(w, 1, "/segments/0/data/summary"), "[动画表情]");
    ask(w, BOT, "get_custom_face_url_list", "{}");
    assert_int_equal(yyjson_arr_size(at(w, "/urls")), 1);
    char content[64];
    assert_int_equal(serve(w, str(w, "/urls/0"), content, sizeof(content)), 13);
    ask(w, BOT2, "get_custom_face_url_list", "{}");
    assert_json(at(w, "/urls"), "[]");
}

static size_t count_folders(const char *folder, const char *prefix)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        count += entry->d_type == DT_DIR && strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    if (dir)
        closedir(dir);
    return count;
}

static void a_world_in_memory_has_a_folder(void **state)
{
    struct world *w = *state;
    char folder[] = "/tmp/milky-temporary-XXXXXX";
    assert_non_null(mkdtemp(folder));
    world_stop(w);
    w->media.temporary = folder;
    assert_int_equal(world_start(w), 0);
    send_image(w, "base64://" PNG);
    assert_int_equal(count_folders(folder, "milky-media-"), 1);
    world_stop(w);
    assert_int_equal(rmdir(folder), 0);
}

#define IN_FILE(name) cmocka_unit_test_setup_teardown(name, world_setup_file, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FILE(image_by_base64),
        IN_FILE(urls_are_not_stored),
        IN_FILE(stored_once),
        IN_FILE(four_slashes),
        IN_FILE(bad_uris),
        IN_FILE(base64_of_encoders),
        IN_FILE(bad_pictures),
        IN_FILE(paths),
        IN_FILE(special_files),
        IN_FILE(closed_files),
        cmocka_unit_test_setup_teardown(limits, small_setup, world_teardown),
        IN_FILE(many_uris),
        IN_FILE(refused_handler),
        IN_FILE(failed_turn),
        IN_FILE(shared_by_calls),
        IN_FILE(stopped_meanwhile),
        IN_FILE(cancelled_meanwhile),
        IN_FILE(after_a_crash),
        IN_FILE(names_are_durable),
        IN_FILE(hashes),
        IN_FILE(hash_of_a_large_one),
        IN_FILE(urls_end),
        IN_FILE(urls_and_restarts),
        IN_FILE(unknown_resources),
        IN_FILE(in_forwards_and_replies),
        IN_FILE(urls_for_each_bot),
        cmocka_unit_test_setup_teardown(avatars, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(stickers, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_world_in_memory_has_a_folder, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
