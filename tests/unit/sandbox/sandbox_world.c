/* sandbox_world: see the header. */
#include "sandbox_world.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- life --- */

void world_make_plain(struct world *world)
{
    world_sql(world, "DELETE FROM member WHERE group_id = 700000002;"
                     "DELETE FROM qq_group WHERE group_id = 700000002;"
                     "DELETE FROM group_notice; DELETE FROM group_notice_for;"
                     "DELETE FROM friend_request;"
                     "DELETE FROM member WHERE uin > 10008000;"
                     "DELETE FROM friend_category WHERE owner > 10008000;"
                     "DELETE FROM person WHERE uin > 10008000;"
                     "UPDATE member SET role = 0 WHERE uin = 10003001;"
                     "UPDATE member SET role = 2 WHERE uin = 10001000");
}

int world_start(struct world *world)
{
    struct sb_sandbox_config config = { .path = world->path, .media = world->media };
    world->backend = (struct fake_backend){ &sb_backend, sb_sandbox_new(&config) };
    memset(world->host.offline, 0, sizeof(world->host.offline));
    assert_non_null(world->backend.self);
    int rc = sb_backend.start(world->backend.self, &world->host);
    if (rc < 0) {
        sb_backend.free(world->backend.self);
        world->backend.self = NULL;
    }
    return rc;
}

/* Statements of a start and of the list of the whole world, which may scan a table. */
static const char *const walking[] = {
    "is_bot FROM person ORDER BY uin",
    "FROM qq_group WHERE dissolved = 0",
    "FROM unsent",
    "SELECT total(last_seq)",
};

/* However large the world, no statement that the test has run scans a table. */
static void check_plan(sqlite3 *db, const char *sql)
{
    for (size_t i = 0; i < sizeof(walking) / sizeof(walking[0]); i++)
        if (strstr(sql, walking[i]))
            return;
    char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *plan;
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        if (strstr(step, "SCAN") || strstr(step, "TEMP B-TREE"))
            fail_msg("%s: %s", sql, step);
    }
    sqlite3_finalize(plan);
    sqlite3_free(text);
}

static void check_plans(struct world *world)
{
    sqlite3 *db = world_db(world)->handle;
    const char *sqls[256];
    size_t count = 0;
    for (sqlite3_stmt *one = sqlite3_next_stmt(db, NULL); one; one = sqlite3_next_stmt(db, one))
        sqls[count++] = sqlite3_sql(one);
    for (size_t i = 0; i < count; i++)
        check_plan(db, sqls[i]);
}

void world_stop(struct world *world)
{
    fake_host_stop(&world->host);
    if (world->backend.self)
        sb_backend.free(world->backend.self);
    world->backend.self = NULL;
}

static int set_up(void **state, bool in_file)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->host.bots[0] = BOT;
    world->host.bots[1] = BOT2;
    world->host.bot_count = 2;
    assert_int_equal(mk_loop_init(&world->loop, NULL), 0);
    world->host.loop = world->loop.uv;
    strcpy(world->path, ":memory:");
    if (in_file) {
        strcpy(world->dir, "/tmp/milky-sandbox-XXXXXX");
        assert_non_null(mkdtemp(world->dir));
        snprintf(world->path, sizeof(world->path), "%s/world.db", world->dir);
        world->root = world->dir;
        world->media = (struct sb_media_config){ .roots = &world->root, .root_count = 1 };
    }
    *state = world;
    int rc = world_start(world);
    if (rc == 0)
        world_make_plain(world);
    return rc;
}

int world_setup(void **state)
{
    return set_up(state, false);
}

int world_setup_file(void **state)
{
    return set_up(state, true);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

int world_teardown(void **state)
{
    struct world *world = *state;
    if (world->backend.self && world_db(world)->handle)
        check_plans(world);
    world_stop(world);
    mk_loop_fini(&world->loop);
    fake_reply_fini(&world->reply);
    fake_host_forget(&world->host);
    fake_host_fini(&world->host);
    if (world->dir[0])
        nftw(world->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(world);
    return 0;
}

struct sb_db *world_db(struct world *world)
{
    return &((struct sb_sandbox *)world->backend.self)->db;
}

void world_make_lenient(struct world *world)
{
    ((struct sb_sandbox *)world->backend.self)->is_lenient = true;
}

void world_sql(struct world *world, const char *sql)
{
    char *error = NULL;
    if (sqlite3_exec(world_db(world)->handle, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
}

static int add_row(void *context, int count, char **values, char **names)
{
    (void)names;
    uint64_t *print = context;
    for (int i = 0; i < count; i++) {
        const char *text = values[i] ? values[i] : "\1";
        for (; *text; text++)
            *print = (*print ^ (unsigned char)*text) * 1099511628211u;
        *print = (*print ^ 0xff) * 1099511628211u;
    }
    return 0;
}

static int add_table(void *context, int count, char **values, char **names)
{
    (void)names;
    struct world *world = context;
    assert_int_equal(count, 1);
    char *query = sqlite3_mprintf("SELECT * FROM \"%w\"", values[0]);
    assert_non_null(query);
    assert_int_equal(sqlite3_exec(world_db(world)->handle, query, add_row, &world->print, NULL),
                     SQLITE_OK);
    sqlite3_free(query);
    return 0;
}

uint64_t world_print(struct world *world)
{
    world->print = 14695981039346656037u;
    assert_int_equal(sqlite3_exec(world_db(world)->handle,
                                  "SELECT name FROM sqlite_schema WHERE type = 'table'"
                                  " AND name NOT LIKE 'sqlite_%' AND name <> 'unsent'"
                                  " ORDER BY name",
                                  add_table, world, NULL),
                     SQLITE_OK);
    return world->print;
}

/* --- asking --- */

static char *format_params(const char *params, va_list args)
{
    char *text = NULL;
    assert_true(vasprintf(&text, params, args) >= 0);
    return text;
}

static void send_and_end(struct world *world, uint64_t bot, const char *action, const char *params)
{
    fake_reply_fini(&world->reply);
    if (bot)
        fake_call(&world->host, &world->backend, bot, action, params, &world->reply);
    else
        fake_control(&world->host, &world->backend, action, params, &world->reply);
    world_settle(world);
}

void world_settle(struct world *world)
{
    world->backend.table->turn_end(world->backend.self);
    while (!world->reply.done) { /* its media are being fetched */
        int alive = uv_run(world->loop.uv, UV_RUN_ONCE);
        world->backend.table->turn_end(world->backend.self);
        assert_true(alive || world->reply.done);
    }
}

static void must_succeed(struct world *world, uint64_t bot, const char *action, char *params)
{
    send_and_end(world, bot, action, params);
    if (world->reply.retcode != 0)
        fail_msg("%s: %d %s (%s)", action, world->reply.retcode, world->reply.message, params);
    free(params);
}

static bool has_chinese(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0xe4 && (unsigned char)*text <= 0xe9)
            return true;
    return false;
}

/*
 * The same call is refused in Chinese, unless the host has refused it. Messages about malformed
 * params are the protocol's, in English.
 */
static void must_be_refused_in_chinese(struct world *world, uint64_t bot, const char *action,
                                       const char *params)
{
    char english[sizeof(world->reply.message)];
    int retcode = world->reply.retcode;
    bool is_hosts = retcode == MILKY_OFFLINE || retcode == MILKY_UNKNOWN ||
                    strcmp(world->reply.message, action) == 0;
    if (world->asks_once || is_hosts)
        return;
    memcpy(english, world->reply.message, sizeof(english));
    world->host.language = MILKY_CHINESE;
    send_and_end(world, bot, action, params);
    world->host.language = MILKY_ENGLISH;
    assert_int_equal(world->reply.retcode, retcode);
    bool is_same = strcmp(english, world->reply.message) == 0;
    bool is_protocols = retcode == MILKY_MALFORMED && (is_same || strstr(english, "expected "));
    if (!is_protocols && !has_chinese(world->reply.message))
        fail_msg("%s %s: %s; in Chinese: %s", action, params, english, world->reply.message);
}

static void must_be_refused(struct world *world, uint64_t bot, int retcode, const char *part,
                            const char *action, char *params)
{
    uint64_t before = world_print(world);
    size_t events = world->host.event_count;
    send_and_end(world, bot, action, params);
    if (world->reply.retcode != retcode || !strstr(world->reply.message, part))
        fail_msg("%s %s: %d %s; expected %d ...%s...", action, params, world->reply.retcode,
                 world->reply.message, retcode, part);
    must_be_refused_in_chinese(world, bot, action, params);
    assert_int_equal(world->host.event_count, events);
    assert_true(world_print(world) == before);
    free(params);
}

void ask(struct world *world, uint64_t bot, const char *action, const char *params, ...)
{
    va_list args;
    va_start(args, params);
    must_succeed(world, bot, action, format_params(params, args));
    va_end(args);
}

void refused(struct world *world, uint64_t bot, int retcode, const char *part, const char *action,
             const char *params, ...)
{
    va_list args;
    va_start(args, params);
    must_be_refused(world, bot, retcode, part, action, format_params(params, args));
    va_end(args);
}

void control(struct world *world, const char *action, const char *params, ...)
{
    va_list args;
    va_start(args, params);
    must_succeed(world, 0, action, format_params(params, args));
    va_end(args);
}

void control_refused(struct world *world, int retcode, const char *part, const char *action,
                     const char *params, ...)
{
    va_list args;
    va_start(args, params);
    must_be_refused(world, 0, retcode, part, action, format_params(params, args));
    va_end(args);
}

/* The turn of one request without a call. */
static int do_action(struct world *world, world_action *run, const void *context,
                     struct sb_request *request)
{
    struct sb_sandbox *sandbox = world->backend.self;
    struct sb_outbox *outbox = &sandbox->outbox;
    *request = (struct sb_request){ .sandbox = sandbox, .doc = yyjson_mut_doc_new(NULL) };
    assert_non_null(request->doc);
    int rc = run(request, context);
    if (rc == 0 && sandbox->db.in_transaction)
        assert_int_equal(sb_db_commit(&sandbox->db), 0);
    assert_true(rc == 0 || !request->wrote);
    for (size_t i = 0; rc == 0 && i < outbox->event_count; i++)
        milky_emit(&world->host, outbox->events[i].self_id, outbox->events[i].type,
                   outbox->events[i].time, outbox->events[i].data);
    sb_outbox_drop_events(outbox);
    yyjson_mut_doc_free(request->doc);
    return rc;
}

void act(struct world *world, world_action *run, const void *context)
{
    struct sb_request request;
    if (do_action(world, run, context, &request) != 0)
        fail_msg("%d %s", request.retcode, request.message);
}

void act_refused(struct world *world, int retcode, const char *part, world_action *run,
                 const void *context)
{
    struct sb_request request;
    uint64_t before = world_print(world);
    assert_int_equal(do_action(world, run, context, &request), SB_REFUSED);
    if (request.retcode != retcode || !strstr(request.message, part))
        fail_msg("%d %s; expected %d ...%s...", request.retcode, request.message, retcode, part);
    assert_true(world_print(world) == before);
}

void ask_with_little_memory(struct world *world, uint64_t bot, const char *action,
                            const char *params)
{
    uint64_t before = world_print(world);
    for (size_t memory = 1;; memory++) {
        assert_true(memory < 10000);
        size_t events = world->host.event_count;
        world->host.memory = memory;
        send_and_end(world, bot, action, params);
        world->host.memory = 0;
        if (world->reply.retcode == 0) {
            assert_true(memory > 1); /* the ration does count */
            return;
        }
        assert_int_equal(world->reply.retcode, MILKY_INTERNAL);
        assert_non_null(strstr(world->reply.message, "out of memory"));
        assert_true(world_print(world) == before);
        assert_int_equal(world->host.event_count, events);
    }
}

/* --- looking --- */

static yyjson_val *in_doc(yyjson_doc *doc, const char *pointer)
{
    return yyjson_doc_ptr_get(doc, pointer);
}

static uint64_t number(yyjson_val *value, const char *pointer)
{
    if (!yyjson_is_uint(value))
        fail_msg("no number at %s", pointer ? pointer : "");
    return yyjson_get_uint(value);
}

static const char *string(yyjson_val *value, const char *pointer)
{
    if (!yyjson_is_str(value))
        fail_msg("no string at %s", pointer ? pointer : "");
    return yyjson_get_str(value);
}

yyjson_val *at(struct world *world, const char *pointer)
{
    return in_doc(world->reply.data, pointer);
}

uint64_t num(struct world *world, const char *pointer)
{
    return number(at(world, pointer), pointer);
}

const char *str(struct world *world, const char *pointer)
{
    return string(at(world, pointer), pointer);
}

yyjson_val *event_at(struct world *world, size_t i, const char *pointer)
{
    assert_true(i < world->host.event_count);
    return in_doc(world->host.events[i].data, pointer);
}

uint64_t event_num(struct world *world, size_t i, const char *pointer)
{
    return number(event_at(world, i, pointer), pointer);
}

const char *event_str(struct world *world, size_t i, const char *pointer)
{
    return string(event_at(world, i, pointer), pointer);
}

void assert_json(yyjson_val *value, const char *json)
{
    yyjson_doc *expected = yyjson_read(json, strlen(json), 0);
    assert_non_null(expected);
    if (!yyjson_equals(value, yyjson_doc_get_root(expected))) {
        char *text = yyjson_val_write(value, 0, NULL);
        fail_msg("got %s, expected %s", text ? text : "nothing", json);
    }
    yyjson_doc_free(expected);
}
