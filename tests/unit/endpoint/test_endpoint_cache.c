/* endpoint_cache: uploads as an embedder and its backend see them (milky_call_cached). */
#include "endpoint_testing.h"

#include <dirent.h>
#include <sys/stat.h>

static struct puppet puppet;
static struct milky_backend table; /* of the puppet, with or without takes_cached */
static struct milky_endpoint *endpoint;
static struct talk talk, other;
static char folder[64], id[64], uri[96];

static void start(bool takes_cached, const char *cache)
{
    table = puppet_table;
    table.takes_cached = takes_cached;
    const struct milky_config_backend backend = { sizeof(backend), "first", &table, &puppet };
    const struct milky_bot bots[] = { SERVED_BOT(BOT, "first"), SERVED_BOT(BOT + 1, "first") };
    const struct milky_config config = { .size = sizeof(config),
                                         .backends = &backend,
                                         .backend_count = 1,
                                         .bots = bots,
                                         .bot_count = 2,
                                         .limits = { .call_seconds = 1 },
                                         .cache = cache };
    endpoint = start_endpoint(&config);
    dial(&talk, port_of(endpoint, BOT, "http_server"));
    dial(&other, port_of(endpoint, BOT + 1, "http_server"));
}

static int setup(void **state)
{
    (void)state;
    puppet = (struct puppet){ .is_mute = true };
    talk_count = 0;
    strcpy(folder, "/tmp/milky-uploads-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static size_t count_files(void)
{
    size_t count = 0;
    const struct dirent *entry;
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

static int teardown(void **state)
{
    (void)state;
    milky_endpoint_free(endpoint);
    while (talk_count > 0)
        hang_up(talks[0]);
    assert_int_equal(count_files(), 0);
    rmdir(folder);
    return 0;
}

/* Announces five bytes, and uploads `count` of them. */
static void upload(const char *lifetime, size_t count)
{
    char text[256];
    snprintf(text, sizeof(text), "{\"size\":5,\"lifetime\":\"%s\"}", lifetime);
    forget(&talk);
    post(&talk, "/cache", text);
    STEP_UNTIL(endpoint, has(&talk, "\"missing_chunks\":[0]}}"));
    const char *at = strstr(talk.text, "\"cache_id\":\"") + strlen("\"cache_id\":\"");
    snprintf(id, sizeof(id), "%.32s", at);
    snprintf(uri, sizeof(uri), "cache://%s", id);
    snprintf(text, sizeof(text),
             "PUT /cache/%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n"
             "Content-Range: bytes 0-%zu/5\r\n\r\n%.*s",
             id, count, count - 1, (int)count, "01234");
    forget(&talk);
    say(&talk, text);
    STEP_UNTIL(endpoint, has(&talk, "\"missing_chunks\":["));
}

/* Returns whether the upload is still there. */
static bool is_there(void)
{
    char path[128];
    snprintf(path, sizeof(path), "/cache/%s", id);
    forget(&talk);
    get(&talk, "GET", path, "");
    STEP_UNTIL(endpoint, has(&talk, "\r\n\r\n{"));
    bool there = has(&talk, " 200 OK\r\n");
    assert_true(there || has(&talk, " 404 Not Found\r\n"));
    return there;
}

/* Calls an API, and returns the number of the call. */
static uint64_t call_from(struct talk *from)
{
    size_t before = puppet.call_count;
    forget(from);
    call_api(from);
    STEP_UNTIL(endpoint, puppet.call_count > before);
    return puppet.calls[before % MOST_KEPT];
}

static void answer(struct talk *to, uint64_t call, bool well)
{
    if (well)
        milky_call_ok_json(puppet.host, call, "{}", 2);
    else
        milky_call_fail(puppet.host, call, -1, "no");
    STEP_UNTIL(endpoint, has(to, "\"retcode\""));
}

static void check_file(int fd)
{
    char bytes[8];
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), 5);
    assert_memory_equal(bytes, "01234", 5);
    close(fd);
}

static void test_once(void **state)
{
    (void)state;
    start(true, folder);
    upload("once", 5);
    uint64_t call = call_from(&talk);
    check_file(milky_call_cached(puppet.host, call, uri));
    check_file(milky_call_cached(puppet.host, call, uri));
    answer(&talk, call, false);
    assert_true(is_there());
    call = call_from(&talk);
    check_file(milky_call_cached(puppet.host, call, uri));
    answer(&talk, call, true);
    assert_false(is_there());
    assert_int_equal(milky_call_cached(puppet.host, call, uri), -ENOENT); /* it is not open */
}

static void test_until_stop(void **state)
{
    (void)state;
    start(true, folder);
    upload("until_stop", 5);
    for (int i = 0; i < 2; i++) {
        uint64_t call = call_from(&talk);
        check_file(milky_call_cached(puppet.host, call, uri));
        answer(&talk, call, true);
        assert_true(is_there());
    }
    assert_int_equal(count_files(), 1);
}

static void test_refused(void **state)
{
    (void)state;
    start(true, folder);
    upload("once", 3);
    uint64_t call = call_from(&talk), foreign = call_from(&other);
    assert_int_equal(milky_call_cached(puppet.host, call, uri), -EAGAIN);
    upload("once", 5);
    assert_int_equal(milky_call_cached(puppet.host, foreign, uri), -ENOENT);
    assert_int_equal(milky_call_cached(puppet.host, 12345, uri), -ENOENT);
    assert_int_equal(milky_call_cached(puppet.host, call, "cache://"), -ENOENT);
    assert_int_equal(milky_call_cached(puppet.host, call, id), -ENOENT);
    answer(&other, foreign, true);
    assert_true(is_there());
}

/* A call that ends without its backend's answer has not used it. */
static void test_cancelled(void **state)
{
    (void)state;
    struct talk second;
    start(true, folder);
    upload("once", 5);
    dial(&second, port_of(endpoint, BOT, "http_server"));
    uint64_t first = call_from(&second), call = call_from(&talk);
    check_file(milky_call_cached(puppet.host, first, uri));
    assert_int_equal(milky_call_cached(puppet.host, call, uri), -EBUSY);
    reset(&second);
    STEP_UNTIL(endpoint, puppet.cancelled_count > 0);
    check_file(milky_call_cached(puppet.host, call, uri));
    STEP_UNTIL(endpoint, has(&talk, "timed out"));
    assert_true(is_there());
    /* One that is open when the endpoint ends. */
    check_file(milky_call_cached(puppet.host, call_from(&talk), uri));
}

static void test_result_that_is_refused(void **state)
{
    (void)state;
    start(true, folder);
    upload("once", 5);
    uint64_t call = call_from(&talk);
    check_file(milky_call_cached(puppet.host, call, uri));
    assert_int_equal(milky_call_ok_json(puppet.host, call, "{", 1), -EINVAL);
    STEP_UNTIL(endpoint, has(&talk, "\"retcode\":-500"));
    assert_true(is_there());
}

static void test_without(void **state)
{
    (void)state;
    start(false, folder);
    post(&talk, "/cache", "{\"size\":5}");
    STEP_UNTIL(endpoint, has(&talk, " 501 "));
    assert_true(has(&talk, "\"retcode\":-501,\"message\":\"the backend of this bot takes no "));
    milky_endpoint_free(endpoint);
    while (talk_count > 0)
        hang_up(talks[0]);
    puppet = (struct puppet){ .is_mute = true };
    start(true, NULL);
    get(&talk, "GET", "/cache", "");
    STEP_UNTIL(endpoint, has(&talk, " 404 "));
    assert_int_equal(milky_call_cached(puppet.host, call_from(&other), "cache://x"), -ENOENT);
}

static void test_folder_that_cannot_be(void **state)
{
    (void)state;
    char path[96];
    struct milky_error error = { .size = sizeof(error) };
    const struct milky_config_backend backend = { sizeof(backend), "first", &puppet_table,
                                                  &puppet };
    const struct milky_bot bot = SERVED_BOT(BOT, "first");
    const struct milky_config config = { .size = sizeof(config),
                                         .backends = &backend,
                                         .backend_count = 1,
                                         .bots = &bot,
                                         .bot_count = 1,
                                         .cache = path };
    snprintf(path, sizeof(path), "%s/none/cache", folder);
    assert_int_equal(milky_endpoint_new(&config, &endpoint, &error), -ENOENT);
    assert_string_equal(error.path, "cache");
    endpoint = NULL;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_once),
        TEST(test_until_stop),
        TEST(test_refused),
        TEST(test_cancelled),
        TEST(test_result_that_is_refused),
        TEST(test_without),
        TEST(test_folder_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
