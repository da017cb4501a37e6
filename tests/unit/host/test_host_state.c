/*
 * host_state: everything of a backend but answers: states of bots, supported actions, the
 * implementation, events with keys, and posts from other threads.
 */
#include "host_world.h"

#include "hub/journal_private.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <uv.h>

static void assert_offline(struct world *world, size_t bot)
{
    size_t before = world->count;
    ask_in(world, MK_DIALECT_NEWEST, bot, "get_login_info", "{}");
    assert_int_equal(world->count, before);
    assert_int_equal(world->retcode, MILKY_OFFLINE);
    assert_string_equal(world->message, "the bot is offline");
    world->owner.language = MILKY_CHINESE;
    assert_int_equal(milky_host_language(world->host), MILKY_CHINESE);
    ask_in(world, MK_DIALECT_NEWEST, bot, "get_login_info", "{}");
    assert_string_equal(world->message, "Bot 已离线");
    world->owner.language = MILKY_ENGLISH;
}

/* --- online and offline --- */

static void test_offline_and_back(void **state)
{
    struct world *world = *state;
    struct milky_host *host = world->host;
    assert_int_equal(milky_host_state(host, BOT), MILKY_STATE_ONLINE);
    uint64_t own = ask_group(world);
    ask_in(world, MK_DIALECT_NEWEST, 1, "get_login_info", "{}");
    uint64_t others = world->calls[1];
    assert_int_equal(milky_host_set_state(host, BOT, MILKY_STATE_OFFLINE, "kicked"), 0);
    /* Its own call in flight has ended, that of the other bot has not. */
    assert_int_equal(world->replies, 1);
    assert_int_equal(world->retcode, MILKY_OFFLINE);
    assert_int_equal(world->cancelled_count, 1);
    assert_true(world->cancelled[0] == own);
    assert_int_equal(milky_call_ok(host, own, NULL), -ENOENT);
    assert_true(milky_call_open(host, others));
    assert_int_equal(milky_host_state(host, BOT), MILKY_STATE_OFFLINE);
    assert_int_equal(milky_host_state(host, BOT2), MILKY_STATE_ONLINE);
    assert_int_equal(milky_host_last_event(host, BOT), 1);
    assert_int_equal(milky_host_last_event(host, BOT2), 0);
    assert_offline(world, 0);
    /* A second time: a new reason, but no second event. */
    uint64_t since = world->bots[0].account.since;
    assert_true(since > 0);
    assert_int_equal(milky_host_set_state(host, BOT, MILKY_STATE_OFFLINE, "frozen\xff"), 0);
    assert_string_equal(world->bots[0].account.reason, "frozen\xef\xbf\xbd");
    assert_true(world->bots[0].account.since == since);
    assert_int_equal(milky_host_last_event(host, BOT), 1);
    assert_int_equal(milky_host_set_state(host, BOT, MILKY_STATE_ONLINE, "ignored"), 0);
    assert_int_equal(milky_host_set_state(host, BOT, MILKY_STATE_ONLINE, NULL), 0);
    assert_null(world->bots[0].account.reason);
    assert_true(ask_group(world) > 0);
    /* Another outage makes another event. */
    assert_int_equal(milky_host_set_state(host, BOT, MILKY_STATE_OFFLINE, NULL), 0);
    assert_string_equal(world->bots[0].account.reason, "");
    assert_int_equal(milky_host_last_event(host, BOT), 2);
    assert_int_equal(milky_host_set_state(host, 10001, MILKY_STATE_OFFLINE, "x"), -ENOENT);
    assert_int_equal(milky_host_state(host, 10001), MILKY_STATE_OFFLINE);
    assert_int_equal(milky_call_fail(host, others, -1, "x"), 0);
    assert_int_equal(world->errors, 0);
}

static void go_offline(struct world *world, uint64_t call)
{
    assert_int_equal(milky_host_set_state(world->host, BOT, MILKY_STATE_OFFLINE, "x"), 0);
    assert_false(milky_call_open(world->host, call));
    assert_int_equal(milky_call_ok(world->host, call, NULL), -ENOENT);
}

/* Against the rules: the call in flight ends, and nothing else is affected. */
static void test_offline_from_within_a_call(void **state)
{
    struct world *world = *state;
    world->on_call = go_offline;
    ask_group(world);
    assert_int_equal(world->replies, 1);
    assert_int_equal(world->retcode, MILKY_OFFLINE);
    assert_int_equal(world->cancelled_count, 1);
    world->on_call = NULL;
    assert_offline(world, 0);
}

/* --- what it can do --- */

static void assert_unsupported(struct world *world, size_t bot, const char *action,
                               const char *params)
{
    size_t before = world->count;
    ask_in(world, MK_DIALECT_NEWEST, bot, action, params);
    assert_int_equal(world->count, before);
    assert_int_equal(world->retcode, MILKY_NOT_SUPPORTED);
    assert_non_null(strstr(world->message, "the backend mine does not support "));
    assert_non_null(strstr(world->message, action));
    world->owner.language = MILKY_CHINESE;
    ask_in(world, MK_DIALECT_NEWEST, bot, action, params);
    assert_non_null(strstr(world->message, "后端 mine 不支持 "));
    world->owner.language = MILKY_ENGLISH;
}

static bool reaches(struct world *world, size_t bot, const char *action, const char *params)
{
    size_t before = world->count;
    ask_in(world, MK_DIALECT_NEWEST, bot, action, params);
    if (world->count == before)
        return false;
    milky_call_fail(world->host, world->calls[before], -1, "x");
    return true;
}

static void test_supported_actions(void **state)
{
    struct world *world = *state;
    struct milky_host *host = world->host;
    static const char *const some[] = { "get_login_info", "quit_group" };
    static const char *const wrong[] = { "get_login_info", "dance" };
    static const char *const missing[] = { NULL };
    assert_true(reaches(world, 0, "get_group_info", GROUP)); /* at first all */
    assert_int_equal(milky_host_supports(host, 0, some, 2), 0);
    assert_true(reaches(world, 0, "get_login_info", "{}"));
    assert_true(reaches(world, 1, "quit_group", GROUP));
    assert_unsupported(world, 0, "get_group_info", GROUP);
    assert_unsupported(world, 1, "get_group_info", GROUP);
    /* For one bot alone; an unknown action is refused, and nothing changes. */
    assert_int_equal(milky_host_supports(host, BOT2, some, 1), 0);
    assert_unsupported(world, 1, "quit_group", GROUP);
    assert_true(reaches(world, 0, "quit_group", GROUP));
    assert_int_equal(milky_host_supports(host, BOT2, wrong, 2), -EINVAL);
    assert_logged(world, "dance");
    assert_int_equal(milky_host_supports(host, BOT2, missing, 1), -EINVAL);
    assert_int_equal(milky_host_supports(host, 10001, some, 1), -ENOENT);
    assert_unsupported(world, 1, "quit_group", GROUP);
    /* For all again: that replaces the lists of bots. */
    assert_int_equal(milky_host_supports(host, 0, some + 1, 1), 0);
    assert_true(reaches(world, 1, "quit_group", GROUP));
    assert_unsupported(world, 1, "get_login_info", "{}");
    assert_int_equal(milky_host_supports(host, 0, NULL, 0), 0);
    assert_unsupported(world, 0, "quit_group", GROUP);
    /* Malformed params are reported first, then the state. */
    ask_in(world, MK_DIALECT_NEWEST, 0, "quit_group", "{}");
    assert_int_equal(world->retcode, MILKY_MALFORMED);
    milky_host_set_state(host, BOT, MILKY_STATE_OFFLINE, "x");
    assert_offline(world, 0);
}

/* --- what is behind it --- */

static void test_the_implementation(void **state)
{
    struct world *world = *state;
    struct milky_host *host = world->host;
    struct milky_impl impl = { sizeof(impl), "core", "2.0", "9.9.1", "linux" };
    assert_true(reaches(world, 0, "get_impl_info", "{}"));
    assert_int_equal(milky_host_set_impl(host, 0, &impl), 0);
    impl.impl_name = "changed"; /* it was copied */
    assert_false(reaches(world, 0, "get_impl_info", "{}"));
    assert_string_equal(world->body.data,
                        "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"impl_name\":\"core\","
                        "\"impl_version\":\"2.0\",\"qq_protocol_version\":\"9.9.1\","
                        "\"qq_protocol_type\":\"linux\",\"milky_version\":\"1.3\"}}");
    assert_int_equal(milky_host_set_impl(host, BOT2, &impl), 0);
    reaches(world, 1, "get_impl_info", "{}");
    assert_non_null(strstr(world->body.data, "\"impl_name\":\"changed\""));
    reaches(world, 0, "get_impl_info", "{}");
    assert_non_null(strstr(world->body.data, "\"impl_name\":\"core\""));
    /* It is answered whatever the backend supports, but not while the bot is offline. */
    assert_int_equal(milky_host_supports(host, 0, NULL, 0), 0);
    reaches(world, 0, "get_impl_info", "{}");
    assert_int_equal(world->retcode, 0);
    milky_host_set_state(host, BOT, MILKY_STATE_OFFLINE, "x");
    reaches(world, 0, "get_impl_info", "{}");
    assert_int_equal(world->retcode, MILKY_OFFLINE);
    /* An invalid one changes nothing. */
    impl.qq_protocol_type = "toaster";
    assert_int_equal(milky_host_set_impl(host, BOT2, &impl), -EINVAL);
    assert_logged(world, "qq_protocol_type");
    impl.qq_protocol_type = NULL;
    assert_int_equal(milky_host_set_impl(host, BOT2, &impl), -EINVAL);
    impl.qq_protocol_type = "ipad";
    impl.impl_name = "\xff";
    assert_int_equal(milky_host_set_impl(host, BOT2, &impl), -EINVAL);
    assert_logged(world, "not UTF-8");
    assert_int_equal(milky_host_set_impl(host, 10001, &impl), -ENOENT);
    impl.impl_name = NULL; /* is "" */
    assert_int_equal(milky_host_set_impl(host, 0, &impl), 0);
    reaches(world, 1, "get_impl_info", "{}");
    assert_non_null(strstr(world->body.data, "\"impl_name\":\"\",\"impl_version\":\"2.0\""));
}

/* --- events --- */

static int emit(struct world *world, uint64_t self_id, const char *reason, const char *key,
                uint64_t *number)
{
    char json[128];
    int len = snprintf(json, sizeof(json), "{\"reason\":\"%s\"}", reason);
    return milky_emit_json(world->host, self_id, "bot_offline", 1700000000, json, (size_t)len, key,
                           number);
}

static void test_a_key_is_emitted_once(void **state)
{
    struct world *world = *state;
    uint64_t number = 0;
    assert_int_equal(emit(world, BOT, "a", "one", &number), 0);
    assert_int_equal(number, 1);
    assert_int_equal(emit(world, BOT, "b", NULL, &number), 0);
    assert_int_equal(emit(world, BOT, "c", "", &number), 0); /* a key like any other */
    assert_int_equal(number, 3);
    number = 0;
    assert_int_equal(emit(world, BOT, "d", "one", &number), MILKY_REPEATED);
    assert_int_equal(number, 1);
    assert_int_equal(emit(world, BOT, "d", "", NULL), MILKY_REPEATED);
    assert_int_equal(milky_host_last_event(world->host, BOT), 3);
    assert_int_equal(emit(world, BOT2, "e", "one", &number), 0); /* another bot's */
    assert_int_equal(number, 1);
    /* The key of a refused event is not remembered. */
    assert_int_equal(milky_emit_json(world->host, BOT, "bot_offline", 1, "{}", 2, "two", NULL),
                     -EINVAL);
    assert_int_equal(milky_emit_json(world->host, BOT, "bot_offline", 1, "{", 1, "two", NULL),
                     -EINVAL);
    assert_int_equal(milky_emit_json(world->host, BOT, "bot_offline", 1, NULL, 0, "two", NULL),
                     -EINVAL);
    assert_int_equal(milky_emit_json(world->host, BOT, "dance", 1, "{}", 2, "two", NULL), -EINVAL);
    assert_int_equal(milky_emit_json(world->host, 10001, "bot_offline", 1, "{}", 2, "two", NULL),
                     -ENOENT);
    assert_int_equal(emit(world, BOT, "f", "two", &number), 0);
    assert_int_equal(number, 4);
}

/* The oldest keys are forgotten, and only those. */
static void test_the_number_of_remembered_keys_is_bounded(void **state)
{
    struct world *world = *state;
    char key[32];
    uint64_t number;
    for (int i = 0; i < MK_KEYS_MAX + 10; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        assert_int_equal(emit(world, BOT, "x", key, NULL), 0);
    }
    for (int i = 10; i < MK_KEYS_MAX + 10; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        assert_int_equal(emit(world, BOT, "x", key, &number), MILKY_REPEATED);
        assert_int_equal(number, i + 1);
    }
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        assert_int_equal(emit(world, BOT, "x", key, NULL), 0);
    }
}

/* However badly keys are spread, each leaves its bucket when another replaces it. */
static void test_many_keys_in_one_bucket(void **state)
{
    (void)state;
    struct mk_keys keys = { 0 };
    struct mk_key key = { { 0 } };
    for (uint32_t i = 0; i < MK_KEYS_MAX + 50; i++) {
        memcpy(key.bytes + 8, &i, sizeof(i));
        assert_int_equal(mk_keys_find(&keys, &key), 0);
        assert_int_equal(mk_keys_reserve(&keys), 0);
        mk_keys_add(&keys, &key, i + 1);
    }
    for (uint32_t i = 0; i < MK_KEYS_MAX + 60; i++) {
        bool is_known = i >= 50 && i < MK_KEYS_MAX + 50;
        memcpy(key.bytes + 8, &i, sizeof(i));
        assert_int_equal(mk_keys_find(&keys, &key), is_known ? i + 1 : 0);
    }
    mk_keys_fini(&keys);
    assert_int_equal(mk_keys_find(&keys, &key), 0);
}

static char path[64];

static void open_journal(struct world *world)
{
    const struct mk_journal_config config = { .path = path, .max_events = 100, .max_age = 1000000 };
    assert_int_equal(mk_journal_open(&config, &world->owner.journal), 0);
    start_host(world, &world->table);
}

static void close_journal(struct world *world)
{
    end_host(world);
    world->owner.journal = mk_journal_close(world->owner.journal);
}

static int setup_with_journal(void **state)
{
    setup_without_host(state);
    snprintf(path, sizeof(path), "/tmp/milky-host-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    open_journal(*state);
    return 0;
}

static int teardown_with_journal(void **state)
{
    struct world *world = *state;
    static const char *const endings[] = { "", "-wal", "-shm", "-journal" };
    close_journal(world);
    for (size_t i = 0; i < 4; i++) {
        char name[80];
        snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        unlink(name);
    }
    return teardown(state);
}

/* Also beyond the remembered ones: the event of a key may be deleted before the key. */
static void test_keys_outlive_a_restart(void **state)
{
    struct world *world = *state;
    char key[32];
    uint64_t number;
    for (int i = 0; i < MK_KEYS_MAX + 100; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        assert_int_equal(emit(world, BOT, "x", key, NULL), 0);
    }
    for (int round = 0; round < 2; round++) {
        close_journal(world);
        open_journal(world);
        assert_int_equal(emit(world, BOT, "x", "key 8291", &number), MILKY_REPEATED);
        assert_int_equal(number, 8292);
        assert_int_equal(emit(world, BOT, "x", "key 100", &number), MILKY_REPEATED);
        assert_int_equal(number, 101);
        assert_int_equal(emit(world, BOT2, "x", "key 100", &number), round ? MILKY_REPEATED : 0);
        assert_int_equal(number, 1);
    }
    assert_int_equal(emit(world, BOT, "x", "key 99", &number), 0);
    assert_int_equal(number, MK_KEYS_MAX + 101);
    assert_int_equal(emit(world, BOT, "x", "key 100", NULL),
                     0); /* which was displaced by that one */
    close_journal(world);
    open_journal(world);
    assert_int_equal(emit(world, BOT, "x", "key 99", &number), MILKY_REPEATED);
    assert_int_equal(emit(world, BOT, "x", "key 100", &number), MILKY_REPEATED);
    assert_int_equal(number, MK_KEYS_MAX + 102);
    assert_int_equal(emit(world, BOT, "x", "key 101", NULL), 0);
}

/* The process ends before the turn: neither the event nor its key is stored. */
static void test_a_key_is_stored_with_its_event(void **state)
{
    struct world *world = *state;
    uint64_t number;
    assert_int_equal(emit(world, BOT, "x", "stored", NULL), 0);
    close_journal(world);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        open_journal(world);
        _exit(emit(world, BOT, "x", "lost", &number) == 0 && number == 2 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    open_journal(world);
    assert_int_equal(milky_host_last_event(world->host, BOT), 1);
    assert_int_equal(emit(world, BOT, "x", "lost", &number), 0);
    assert_int_equal(number, 2);
    assert_int_equal(emit(world, BOT, "x", "stored", &number), MILKY_REPEATED);
    assert_int_equal(number, 1);
}

static int refuse_once(void *arg)
{
    return (*(int *)arg)++ == 0;
}

/* A transaction that SQLite has rolled back is written again, with its keys. */
static void test_keys_survive_a_rolled_back_transaction(void **state)
{
    struct world *world = *state;
    uint64_t number;
    assert_int_equal(emit(world, BOT, "x", "first", NULL), 0);
    assert_int_equal(mk_journal_commit(world->owner.journal), 0);
    assert_int_equal(emit(world, BOT, "x", "second", NULL), 0);
    struct mk_journal *journal = world->owner.journal;
    int commits = 0;
    sqlite3_commit_hook(journal->db, refuse_once, &commits);
    assert_int_equal(emit(world, BOT, "x", "third", NULL), 0);
    assert_int_equal(mk_journal_commit(journal), 0);
    assert_int_equal(commits, 2);
    sqlite3_commit_hook(journal->db, NULL, NULL);
    close_journal(world);
    open_journal(world);
    assert_int_equal(milky_host_last_event(world->host, BOT), 3);
    assert_int_equal(emit(world, BOT, "x", "second", &number), MILKY_REPEATED);
    assert_int_equal(number, 2);
    assert_int_equal(emit(world, BOT, "x", "third", &number), MILKY_REPEATED);
    assert_int_equal(number, 3);
}

/* Data that JSON cannot hold is no event: it gets no number, and the journal has no gap. */
static void test_data_that_is_no_json(void **state)
{
    struct world *world = *state;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, data, "reason", "\xff");
    assert_int_equal(milky_emit(world->host, BOT, "bot_offline", 1, data), -EINVAL);
    yyjson_mut_doc_free(doc);
    assert_int_equal(milky_host_last_event(world->host, BOT), 0);
    assert_int_equal(mk_journal_commit(world->owner.journal), 0);
    assert_int_equal(emit(world, BOT, "x", NULL, NULL), 0);
    assert_int_equal(mk_journal_commit(world->owner.journal), 0);
}

static void test_notification_of_stored_events(void **state)
{
    struct world *world = *state;
    assert_false(mk_host_notify_stored(world->host));
    assert_int_equal(world->stored, 0);
    assert_int_equal(emit(world, BOT, "x", NULL, NULL), 0);
    assert_int_equal(emit(world, BOT, "x", "k", NULL), 0);
    assert_false(mk_host_notify_stored(world->host));
    assert_int_equal(world->stored, 1);
    assert_int_equal(emit(world, BOT, "x", "k", NULL), MILKY_REPEATED); /* is none */
    assert_false(mk_host_notify_stored(world->host));
    assert_int_equal(world->stored, 1);
    milky_host_set_state(world->host, BOT, MILKY_STATE_OFFLINE, "x"); /* emits one */
    mk_host_notify_stored(world->host);
    assert_int_equal(world->stored, 2);
}

/* --- posts --- */

enum { THREADS = 4, POSTS = 2000 };

static struct world *posted_to;
static unsigned seen[THREADS];
static size_t ran;
static uv_thread_t loop_thread;

static void run_post(void *arg)
{
    unsigned *post = arg; /* thread * POSTS + order */
    uv_thread_t self = uv_thread_self();
    assert_true(uv_thread_equal(&self, &loop_thread));
    assert_int_equal(*post % POSTS, seen[*post / POSTS]++);
    free(post);
    ran++;
}

static int post_number(unsigned number)
{
    unsigned *post = malloc(sizeof(*post));
    assert_non_null(post);
    *post = number;
    int rc = milky_host_post(posted_to->host, run_post, post);
    if (rc < 0)
        free(post);
    return rc;
}

static void post_many(void *arg)
{
    unsigned thread = *(unsigned *)arg;
    for (unsigned i = 0; i < POSTS; i++)
        if (post_number(thread * POSTS + i) != 0)
            return; /* which the count proves */
}

static void test_posts_from_threads(void **state)
{
    uv_thread_t threads[THREADS];
    unsigned numbers[THREADS];
    posted_to = *state;
    loop_thread = uv_thread_self();
    memset(seen, 0, sizeof(seen));
    ran = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(uv_thread_create(&threads[i], post_many, &numbers[i]), 0);
    }
    struct mk_timer *timer = mk_timer_new(&posted_to->loop, nothing, NULL); /* keeps the loop on */
    mk_timer_start(timer, 3600 * 1000);
    TURN_UNTIL(&posted_to->loop, ran == THREADS * POSTS);
    mk_timer_free(timer);
    for (unsigned i = 0; i < THREADS; i++) {
        uv_thread_join(&threads[i]);
        assert_int_equal(seen[i], POSTS);
    }
}

static void count_post(void *arg)
{
    free(arg);
    ran++;
}

static int post_counted(void)
{
    void *arg = malloc(1);
    int rc = milky_host_post(posted_to->host, count_post, arg);
    if (rc < 0)
        free(arg);
    return rc;
}

static void post_counted_until_the_end(void *arg)
{
    size_t count = 0;
    int rc;
    while ((rc = post_counted()) == 0)
        count++;
    *(size_t *)arg = rc == -ESHUTDOWN ? count : SIZE_MAX;
}

/* Each accepted post runs, also during the end; later ones are refused. */
static void test_posts_during_the_end(void **state)
{
    uv_thread_t threads[THREADS];
    size_t counts[THREADS], taken = 0;
    posted_to = *state;
    ran = 0;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(uv_thread_create(&threads[i], post_counted_until_the_end, &counts[i]), 0);
    struct mk_timer *timer = mk_timer_new(&posted_to->loop, nothing, NULL);
    mk_timer_start(timer, 3600 * 1000);
    TURN_UNTIL(&posted_to->loop, ran > 100);
    mk_timer_free(timer);
    mk_host_stop(posted_to->host);
    for (unsigned i = 0; i < THREADS; i++) {
        uv_thread_join(&threads[i]);
        assert_true(counts[i] != SIZE_MAX);
        taken += counts[i];
    }
    assert_int_equal(ran, taken);
    assert_int_equal(post_counted(), -ESHUTDOWN);
}

static void test_a_post_that_waits_at_the_end(void **state)
{
    posted_to = *state;
    ran = 0;
    assert_int_equal(post_counted(), 0);
    assert_int_equal(post_counted(), 0);
    mk_host_stop(posted_to->host);
    assert_int_equal(ran, 2);
    turn(&posted_to->loop);
    assert_int_equal(ran, 2);
}

static void post_again(void *arg)
{
    ran++;
    if (ran < 3)
        assert_int_equal(milky_host_post(posted_to->host, post_again, arg), 0);
}

/* A post from within a post runs in a later turn; posts alone do not keep a loop running. */
static void test_a_post_from_a_post(void **state)
{
    posted_to = *state;
    ran = 0;
    assert_false(uv_loop_alive(posted_to->loop.uv));
    assert_int_equal(milky_host_post(posted_to->host, post_again, NULL), 0);
    assert_int_equal(ran, 0);
    turn(&posted_to->loop);
    TURN_UNTIL(&posted_to->loop, ran == 3);
}

/* --- checking --- */

static void test_params_and_results_from_elsewhere_are_checked(void **state)
{
    (void)state;
    char problem[64] = "";
    const char *params = "{\"group_id\":7}", *good = "{\"group_id\":700000001}";
    assert_int_equal(milky_check_params_json("quit_group", good, strlen(good), NULL, 0), 0);
    assert_int_equal(
        milky_check_params_json("quit_group", params, strlen(params), problem, sizeof(problem)),
        -EINVAL);
    assert_ptr_equal(strstr(problem, "group_id: expected "), problem);
    assert_int_equal(milky_check_params_json("quit_group", "{", 1, problem, 12), -EINVAL);
    assert_string_equal(problem, "malformed J");
    assert_int_equal(milky_check_params_json("dance", "{}", 2, problem, sizeof(problem)), -ENOENT);
    assert_int_equal(milky_check_result_json("dance", "{}", 2, problem, sizeof(problem)), -ENOENT);
    assert_int_equal(milky_check_result_json("quit_group", "{}", 2, NULL, 0), 0);
    const char *login = "{\"uin\":10001000,\"nickname\":7}";
    assert_int_equal(
        milky_check_result_json("get_login_info", login, strlen(login), problem, sizeof(problem)),
        -EINVAL);
    assert_string_equal(problem, "nickname: expected string, got number");
}

#define TEST_WITH_JOURNAL(name)                                                                    \
    cmocka_unit_test_setup_teardown(name, setup_with_journal, teardown_with_journal)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_offline_and_back),
        TEST(test_offline_from_within_a_call),
        TEST(test_supported_actions),
        TEST(test_the_implementation),
        TEST(test_a_key_is_emitted_once),
        TEST(test_the_number_of_remembered_keys_is_bounded),
        cmocka_unit_test(test_many_keys_in_one_bucket),
        TEST_WITH_JOURNAL(test_a_key_is_emitted_once),
        TEST_WITH_JOURNAL(test_keys_outlive_a_restart),
        TEST_WITH_JOURNAL(test_a_key_is_stored_with_its_event),
        TEST_WITH_JOURNAL(test_keys_survive_a_rolled_back_transaction),
        TEST_WITH_JOURNAL(test_data_that_is_no_json),
        TEST_WITH_JOURNAL(test_notification_of_stored_events),
        TEST(test_posts_from_threads),
        TEST(test_posts_during_the_end),
        TEST(test_a_post_that_waits_at_the_end),
        TEST(test_a_post_from_a_post),
        cmocka_unit_test(test_params_and_results_from_elsewhere_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
