/*
 * unruly_backend: a backend, written from the headers alone, that makes every mistake: it answers
 * wrongly, twice, late and never, uses the numbers of other calls, and emits invalid events. The
 * param of get_resource_temp_url, "HOW:TAG", chooses how it answers; the right answer is {"url":
 * "TAG"}. In the same endpoint is one that always answers rightly. tests/e2e/unruly.test.mjs.
 *
 *   unruly_backend WEBSOCKET_URL WEBHOOK_URL
 *
 * Both bots, 10001 (unruly) and 10002 (steady), have all four communication methods; the URLs get
 * "/SELF_ID" appended. Behaviour of the library that contradicts its headers is printed to the
 * standard error output, and exits with 1.
 */
#include <milky/milky.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { UNRULY = 10001, STEADY = 10002, MOST_KEPT = 4096, MOST_TAG = 64, LATE_MS = 3500 };

static bool disappointed;

#define EXPECT(what)                                                                               \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "SURPRISE in line %d: %s\n", __LINE__, #what);                         \
            disappointed = true;                                                                   \
        }                                                                                          \
    } while (0)

struct kept {
    uint64_t call;
    uint64_t due; /* in ms of the loop; 0: at the end of the turn */
    bool open;    /* its answer is expected to count */
    char tag[MOST_TAG];
};

struct backend {
    struct milky_host *host;
    struct backend *other;
    uint64_t last; /* call */
    struct kept kept[MOST_KEPT];
    size_t kept_count;
    bool drops;
    uv_timer_t timer;
    uv_thread_t thread;
    bool has_thread;
    uint64_t posted;
    char posted_tag[MOST_TAG];
};

/* --- answering --- */

static int answer(struct backend *b, uint64_t call, const char *tag)
{
    char json[MOST_TAG + 16];
    int len = snprintf(json, sizeof(json), "{\"url\":\"%s\"}", tag);
    return milky_call_ok_json(b->host, call, json, (size_t)len);
}

static void keep(struct backend *b, uint64_t call, const char *tag, uint64_t ms, bool open)
{
    if (b->kept_count == MOST_KEPT)
        return;
    struct kept *kept = &b->kept[b->kept_count++];
    *kept = (struct kept){ .call = call, .open = open };
    kept->due = ms ? uv_now(milky_host_loop(b->host)) + ms : 0;
    snprintf(kept->tag, sizeof(kept->tag), "%s", tag);
}

static void answer_kept(struct backend *b, bool in_turn_end)
{
    uint64_t now = uv_now(milky_host_loop(b->host));
    for (size_t i = 0; i < b->kept_count;) {
        struct kept kept = b->kept[i];
        if (in_turn_end ? kept.due != 0 : kept.due == 0 || kept.due > now) {
            i++;
            continue;
        }
        b->kept[i] = b->kept[--b->kept_count];
        int rc = answer(b, kept.call, kept.tag);
        EXPECT(rc == -ENOENT || (kept.open && rc == 0)); /* its caller may have disconnected */
    }
}

static void ok(struct backend *b, uint64_t call, const char *tag)
{
    EXPECT(answer(b, call, tag) == 0);
}

static void later(struct backend *b, uint64_t call, const char *tag)
{
    keep(b, call, tag, 5, true);
}

static void turn_end(struct backend *b, uint64_t call, const char *tag)
{
    keep(b, call, tag, 0, true);
}

static void never(struct backend *b, uint64_t call, const char *tag)
{
    (void)b;
    (void)call;
    (void)tag;
}

static void late(struct backend *b, uint64_t call, const char *tag)
{
    keep(b, call, tag, LATE_MS, false);
}

static void twice(struct backend *b, uint64_t call, const char *tag)
{
    ok(b, call, tag);
    EXPECT(answer(b, call, "WRONG") == -ENOENT);
    EXPECT(milky_call_fail(b->host, call, -1, "%s", "WRONG") == -ENOENT);
    keep(b, call, "WRONG", 5, false);
    keep(b, call, "WRONG", 0, false);
}

/* Calls of the other backend, and none at all; its own next ones have other numbers. */
static void foreign(struct backend *b, uint64_t call, const char *tag)
{
    EXPECT(answer(b, call + (UINT64_C(1) << 60), "WRONG") == -ENOENT);
    EXPECT(answer(b, call & UINT32_MAX, "WRONG") == -ENOENT);
    EXPECT(answer(b, UINT64_MAX, "WRONG") == -ENOENT);
    if (b->other->last != call)
        EXPECT(answer(b, b->other->last | UINT64_C(1) << 50, "WRONG") == -ENOENT);
    for (uint32_t i = 0, x = 1; i < 1000; i++, x = x * 1103515245 + 12345)
        EXPECT(milky_call_fail_text(b->host, (uint64_t)x << 33 | 0xffff0000, -1, "WRONG") ==
               -ENOENT);
    ok(b, call, tag);
}

static void borrow(struct backend *b, uint64_t call, const char *tag)
{
    EXPECT(strcmp(milky_call_action(b->host, call), "get_resource_temp_url") == 0);
    EXPECT(milky_call_self_id(b->host, call) == UNRULY);
    ok(b, call, tag);
    EXPECT(!milky_call_open(b->host, call));
    EXPECT(strcmp(milky_call_params_json(b->host, call, NULL), "{}") == 0);
    EXPECT(milky_call_param_json(b->host, call, "resource_id", NULL) == NULL);
    EXPECT(*milky_call_action(b->host, call) == '\0' && milky_call_self_id(b->host, call) == 0);
}

/* Invalid JSON, or a result that does not match the table: the caller gets -500. */
static void misshapen(struct backend *b, uint64_t call, const char *tag)
{
    static const char *const results[] = { "{\"url\":", "{\"url\":\"\xff\"}", "[]",    "null",
                                           "{}",        "{\"url\":1}",        "\"x\"", "" };
    const char *json = results[strtoul(tag, NULL, 10) % (sizeof(results) / sizeof(results[0]))];
    EXPECT(milky_call_ok_json(b->host, call, json, strlen(json)) == -EINVAL);
}

static void deep(struct backend *b, uint64_t call, const char *tag)
{
    enum { DEPTH = 1000 * 1000 };
    char *json = malloc(DEPTH);
    (void)tag;
    memset(json, '[', DEPTH);
    EXPECT(milky_call_ok_json(b->host, call, json, DEPTH) == -EINVAL);
    free(json);
}

static void nothing(struct backend *b, uint64_t call, const char *tag)
{
    (void)tag;
    EXPECT(milky_call_ok_json(b->host, call, NULL, 0) == -EINVAL);
}

static void fail(struct backend *b, uint64_t call, const char *tag)
{
    (void)tag;
    EXPECT(milky_call_fail_text(b->host, call, -7, "\xff\xfe no UTF-8 \"\n") == 0);
}

static void fail_with_0(struct backend *b, uint64_t call, const char *tag)
{
    (void)tag;
    milky_call_fail_text(b->host, call, 0, NULL);
}

/* --- the rest of what it can do --- */

static int emit(struct backend *b, uint64_t self_id, const char *type, const char *json,
                const char *key)
{
    return milky_emit_json(b->host, self_id, type, 1, json, strlen(json), key, NULL);
}

static void events(struct backend *b, uint64_t call, const char *tag)
{
    char right[MOST_TAG + 16];
    snprintf(right, sizeof(right), "{\"reason\":\"%s\"}", tag);
    EXPECT(emit(b, UNRULY, "no_such_event", right, NULL) == -EINVAL);
    EXPECT(emit(b, UNRULY, "bot_offline", "{\"reason\":7}", NULL) == -EINVAL);
    EXPECT(emit(b, UNRULY, "bot_offline", "{\"reason\":", NULL) == -EINVAL);
    EXPECT(emit(b, UNRULY, "bot_offline", "[]", NULL) == -EINVAL);
    EXPECT(emit(b, STEADY, "bot_offline", right, NULL) == -ENOENT); /* another's */
    EXPECT(emit(b, 0, "bot_offline", right, NULL) == -ENOENT);
    EXPECT(emit(b, UNRULY, "bot_offline", right, tag) == 0);
    EXPECT(emit(b, UNRULY, "bot_offline", right, tag) == MILKY_REPEATED);
    ok(b, call, tag);
}

static void on_post(void *arg)
{
    struct backend *b = arg;
    ok(b, b->posted, b->posted_tag);
    uv_thread_join(&b->thread);
    b->has_thread = false;
}

static void run_thread(void *arg)
{
    struct backend *b = arg;
    EXPECT(milky_host_post(b->host, on_post, b) == 0);
}

static void post(struct backend *b, uint64_t call, const char *tag)
{
    if (b->has_thread) {
        ok(b, call, tag);
        return;
    }
    b->posted = call;
    snprintf(b->posted_tag, sizeof(b->posted_tag), "%s", tag);
    b->has_thread = uv_thread_create(&b->thread, run_thread, b) == 0;
}

/* All open calls fail with -403, this one too; then it is online again. */
static void offline(struct backend *b, uint64_t call, const char *tag)
{
    EXPECT(milky_host_set_state(b->host, UNRULY, MILKY_STATE_OFFLINE, "\xff") == 0);
    EXPECT(milky_host_set_state(b->host, STEADY, MILKY_STATE_OFFLINE, NULL) == -ENOENT);
    EXPECT(answer(b, call, tag) == -ENOENT);
    EXPECT(milky_host_set_state(b->host, UNRULY, MILKY_STATE_ONLINE, NULL) == 0);
}

static void drop(struct backend *b, uint64_t call, const char *tag)
{
    (void)call;
    (void)tag;
    EXPECT(milky_host_drop_connections(b->host, STEADY) == -ENOENT);
    b->drops = true; /* not from within a call */
}

static const struct {
    const char *name;
    void (*run)(struct backend *b, uint64_t call, const char *tag);
} ways[] = {
    { "ok", ok },
    { "later", later },
    { "turn_end", turn_end },
    { "never", never },
    { "late", late },
    { "twice", twice },
    { "foreign", foreign },
    { "borrow", borrow },
    { "misshapen", misshapen },
    { "deep", deep },
    { "nothing", nothing },
    { "fail", fail },
    { "fail_with_0", fail_with_0 },
    { "events", events },
    { "post", post },
    { "offline", offline },
    { "drop", drop },
};

/* --- the tables --- */

static void on_timer(uv_timer_t *timer)
{
    answer_kept(timer->data, false);
}

static int on_start(void *self, struct milky_host *host)
{
    struct backend *b = self;
    b->host = host;
    uv_timer_init(milky_host_loop(host), &b->timer);
    b->timer.data = b;
    return uv_timer_start(&b->timer, on_timer, 5, 5);
}

/* "HOW:TAG" in its quotes. */
static void on_call(void *self, uint64_t call)
{
    struct backend *b = self;
    char text[MOST_TAG] = "\"";
    const char *param = milky_call_param_json(b->host, call, "resource_id", NULL);
    snprintf(text, sizeof(text), "%s", param ? param : "\"\"");
    text[strcspn(text + 1, "\"") + 1] = '\0';
    char *tag = strchr(text, ':');
    if (tag)
        *tag++ = '\0';
    b->last = call;
    for (size_t i = 0; tag && i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(text + 1, ways[i].name) == 0) {
            ways[i].run(b, call, tag);
            return;
        }
    milky_call_fail(b->host, call, MILKY_NOT_SUPPORTED, "it knows no %s", text + 1);
}

static void on_cancelled(void *self, uint64_t call)
{
    struct backend *b = self;
    EXPECT(!milky_call_open(b->host, call));
    EXPECT(answer(b, call, "WRONG") == -ENOENT);
}

static void on_turn_end(void *self)
{
    struct backend *b = self;
    answer_kept(b, true);
    if (b->drops)
        EXPECT(milky_host_drop_connections(b->host, UNRULY) == 0);
    b->drops = false;
}

static void on_free(void *self)
{
    struct backend *b = self;
    for (size_t i = 0; i < b->kept_count; i++)
        EXPECT(answer(b, b->kept[i].call, "WRONG") == -ENOENT);
    if (b->has_thread)
        uv_thread_join(&b->thread);
    if (b->host)
        uv_close((uv_handle_t *)&b->timer, NULL);
}

static const struct milky_backend unruly_table = { .size = sizeof(unruly_table),
                                                   .name = "unruly",
                                                   .start = on_start,
                                                   .call = on_call,
                                                   .cancelled = on_cancelled,
                                                   .turn_end = on_turn_end,
                                                   .free = on_free };
/* It is not notified of calls that end without an answer. */
static const struct milky_backend steady_table = { .size = sizeof(steady_table),
                                                   .name = "steady",
                                                   .start = on_start,
                                                   .call = on_call,
                                                   .free = on_free };

/* --- the endpoint --- */

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    milky_endpoint_stop(handle->data);
    uv_close((uv_handle_t *)handle, NULL);
}

static void log_line(const char *line, size_t len)
{
    fwrite(line, 1, len, stderr);
}

static int serve(const struct milky_config *config)
{
    struct milky_error error = { .size = sizeof(error) };
    struct milky_port port = { .size = sizeof(port) };
    struct milky_endpoint *endpoint = NULL;
    uv_signal_t terminate;
    int rc = milky_endpoint_new(config, &endpoint, &error);
    if (rc == 0)
        rc = milky_endpoint_start(endpoint, &error);
    if (rc < 0) {
        fprintf(stderr, "%s\n", error.text);
        milky_endpoint_free(endpoint);
        return 2;
    }
    uv_signal_init(milky_endpoint_loop(endpoint), &terminate);
    terminate.data = endpoint;
    uv_signal_start(&terminate, on_signal, SIGTERM);
    for (size_t i = 0; milky_endpoint_port(endpoint, i, &port); i++)
        printf("%llu %s %s\n", (unsigned long long)port.self_id, port.transport, port.address);
    puts("ready");
    fflush(stdout);
    milky_endpoint_run(endpoint);
    milky_endpoint_free(endpoint);
    return disappointed;
}

int main(int argc, char **argv)
{
    static struct backend unruly, steady;
    static char urls[2][2][256];
    struct milky_remote clients[2], hooks[2];
    struct milky_bot bots[2];
    const struct milky_server server = { .size = sizeof(server),
                                         .listen = "127.0.0.1:0",
                                         .dialect = MILKY_DIALECT_1_2 };
    if (argc != 3)
        return 2;
    unruly.other = &steady;
    steady.other = &unruly;
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++)
            snprintf(urls[i][j], sizeof(urls[i][j]), "%s/%d", argv[1 + j], UNRULY + i);
        clients[i] = (struct milky_remote){ .size = sizeof(clients[i]), .url = urls[i][0] };
        hooks[i] = (struct milky_remote){ .size = sizeof(hooks[i]), .url = urls[i][1] };
        clients[i].dialect = hooks[i].dialect = MILKY_DIALECT_1_2;
        bots[i] = (struct milky_bot){ .size = sizeof(bots[i]),
                                      .self_id = (uint64_t)(UNRULY + i),
                                      .backend = i == 0 ? "unruly" : "steady",
                                      .http_server = &server,
                                      .http_server_count = 1,
                                      .websocket_server = &server,
                                      .websocket_server_count = 1,
                                      .websocket_client = &clients[i],
                                      .websocket_client_count = 1,
                                      .webhook = &hooks[i],
                                      .webhook_count = 1 };
    }
    const struct milky_config_backend backends[] = {
        { sizeof(backends[0]), "unruly", &unruly_table, &unruly },
        { sizeof(backends[0]), "steady", &steady_table, &steady },
    };
    const struct milky_config config = { .size = sizeof(config),
                                         .backends = backends,
                                         .backend_count = 2,
                                         .bots = bots,
                                         .bot_count = 2,
                                         .control = "127.0.0.1:0",
                                         .limits = { .call_seconds = 3 } };
    milky_log_to(log_line, 1, false);
    return serve(&config);
}
