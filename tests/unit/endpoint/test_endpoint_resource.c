/*
 * endpoint_resource: files of a backend over HTTP: answered at once, later, twice, never, wrongly,
 * and with each of the four functions.
 */
#include "endpoint_testing.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct puppet first, second;
static struct milky_endpoint *endpoint;
static struct talk talk;
static char logged[8192];

static const struct milky_config_backend backends[] = { BACKEND("first", &first),
                                                        BACKEND("second", &second) };
static const struct milky_bot bots[] = { SERVED_BOT(BOT, "first") };
static const char content[] = "0123456789";

static void keep_line(const char *line, size_t len)
{
    size_t used = strlen(logged);
    snprintf(logged + used, sizeof(logged) - used, "%.*s", (int)len, line);
}

static int setup(void **state)
{
    (void)state;
    first = second = (struct puppet){ 0 };
    talk_count = 0;
    logged[0] = '\0';
    milky_log_to(keep_line, 1, false);
    const struct milky_config config = { .size = sizeof(config),
                                         .backends = backends,
                                         .backend_count = 2,
                                         .bots = bots,
                                         .bot_count = 1,
                                         .limits = { .call_seconds = 1 } };
    endpoint = start_endpoint(&config);
    dial(&talk, port_of(endpoint, BOT, "http_server"));
    alarm(PATIENCE_S);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    milky_endpoint_free(endpoint);
    alarm(0);
    milky_log_to(NULL, 0, false);
    while (talk_count > 0)
        hang_up(talks[0]);
    return 0;
}

static int open_file(const char *text)
{
    char path[] = "/tmp/milky-resource-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

static bool is_closed(int fd)
{
    bool closed = fcntl(fd, F_GETFD) < 0;
    errno = 0;
    return closed;
}

/* Requests a file, and returns the number of the request when the backend has it. */
static uint64_t ask(const char *method, const char *lines)
{
    size_t before = first.request_count;
    forget(&talk);
    get(&talk, method, "/resource/token/n%20ame.txt", lines);
    STEP_UNTIL(endpoint, first.request_count > before);
    assert_string_equal(first.token, "token");
    assert_int_equal(talk.len, 0);
    return first.requests[before % MOST_KEPT];
}

/* For a connection that has ended after its request. */
static void dial_again(void)
{
    STEP_UNTIL(endpoint, talk.ended);
    hang_up(&talk);
    dial(&talk, port_of(endpoint, BOT, "http_server"));
}

static const char *body(void)
{
    const char *end = strstr(talk.text, "\r\n\r\n");
    return end ? end + 4 : "(none)";
}

static void assert_has(const char *what)
{
    if (!has(&talk, what))
        fail_msg("no %s in %s", what, talk.text);
}

static void assert_line(const char *line)
{
    char whole[256];
    snprintf(whole, sizeof(whole), "\r\n%s\r\n", line);
    assert_has(whole);
}

/* --- right answers --- */

static void answer_at_once(void *self, uint64_t request, const char *token)
{
    struct puppet *puppet = self;
    puppet_resource(self, request, token);
    assert_int_equal(
        milky_resource_bytes(puppet->host, request, content, strlen(content), "text/plain"), 0);
}

static void test_a_file(void **state)
{
    (void)state;
    int fd = open_file(content);
    uint64_t request = ask("GET", "");
    assert_int_equal(milky_resource_fd(first.host, request, fd, "image/png"), 0);
    STEP_UNTIL(endpoint, talk.ended);
    assert_has("HTTP/1.1 200 OK\r\n");
    assert_line("Content-Type: image/png");
    assert_line("Content-Length: 10");
    assert_line("Content-Disposition: inline; filename=\"n_ame.txt\"; "
                "filename*=UTF-8''n%20ame.txt");
    assert_line("X-Content-Type-Options: nosniff");
    assert_line("Connection: close");
    assert_string_equal(body(), content);
    assert_true(is_closed(fd));
    assert_int_equal(milky_resource_fd(first.host, request, -1, NULL), -ENOENT);
}

static void test_bytes(void **state)
{
    (void)state;
    char bytes[] = "0123456789";
    uint64_t request = ask("GET", "");
    assert_int_equal(milky_resource_bytes(first.host, request, bytes, 10, NULL), 0);
    memset(bytes, 'x', 10); /* they were copied */
    STEP_UNTIL(endpoint, has(&talk, content));
    assert_has("HTTP/1.1 200 OK\r\n");
    assert_line("Content-Type: application/octet-stream");
    assert_line("Content-Length: 10");
    assert_line("Accept-Ranges: bytes");
    assert_has("Content-Disposition: attachment; filename=\"n_ame.txt\"");
    assert_string_equal(body(), content);
    assert_false(talk.ended); /* the connection stays open */

    request = ask("GET", "");
    assert_int_equal(milky_resource_bytes(first.host, request, NULL, 0, "text/plain"), 0);
    STEP_UNTIL(endpoint, has(&talk, "\r\n\r\n"));
    assert_line("Content-Length: 0");
}

static void test_a_redirect(void **state)
{
    (void)state;
    static const char *const urls[] = { "https://other.example/a?b=c%20d", "http://[::1]:80/", "/",
                                        "/event" };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        char line[128];
        uint64_t request = ask("GET", "");
        assert_int_equal(milky_resource_redirect(first.host, request, urls[i]), 0);
        STEP_UNTIL(endpoint, has(&talk, "\r\n\r\n"));
        snprintf(line, sizeof(line), "Location: %s", urls[i]);
        assert_has("HTTP/1.1 302 Found\r\n");
        assert_line(line);
        assert_string_equal(body(), "");
    }
}

static void test_a_failure(void **state)
{
    (void)state;
    uint64_t request = ask("GET", "");
    assert_int_equal(milky_resource_fail(first.host, request, 410, "it \"was\" \xff here"), 0);
    STEP_UNTIL(endpoint, has(&talk, "}"));
    assert_has("HTTP/1.1 410 Gone\r\n");
    assert_string_equal(body(), "{\"status\":\"failed\",\"retcode\":-410,"
                                "\"message\":\"it \\\"was\\\" \xef\xbf\xbd here\"}");
    request = ask("GET", "");
    assert_int_equal(milky_resource_fail(first.host, request, 404, NULL), 0);
    STEP_UNTIL(endpoint, has(&talk, "}"));
    assert_has("HTTP/1.1 404 ");
}

static void test_head(void **state)
{
    (void)state;
    uint64_t request = ask("HEAD", "Range: bytes=1-2\r\n");
    milky_resource_bytes(first.host, request, content, 10, "text/plain");
    STEP_UNTIL(endpoint, has(&talk, "\r\n\r\n"));
    assert_has("HTTP/1.1 200 OK\r\n"); /* a range is for GET alone */
    assert_line("Content-Length: 10");
    assert_string_equal(body(), "");
    int fd = open_file(content);
    request = ask("HEAD", "");
    milky_resource_fd(first.host, request, fd, "text/plain");
    STEP_UNTIL(endpoint, talk.ended);
    assert_line("Content-Length: 10");
    assert_string_equal(body(), "");
    assert_true(is_closed(fd));
}

/* A part of the content, of bytes and of a file alike. */
static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        const char *status;
        const char *line;
        const char *body;
    } cases[] = {
        { "bytes=0-3", "206 ", "Content-Range: bytes 0-3/10", "0123" },
        { "bytes=7-", "206 ", "Content-Range: bytes 7-9/10", "789" },
        { "bytes=-2", "206 ", "Content-Range: bytes 8-9/10", "89" },
        { "bytes=-20", "206 ", "Content-Range: bytes 0-9/10", "0123456789" },
        { "bytes=9-99", "206 ", "Content-Range: bytes 9-9/10", "9" },
        { "bytes=10-", "416 ", "Content-Range: bytes */10", NULL },
        { "bytes=-0", "416 ", "Content-Range: bytes */10", NULL },
        { "bytes=3-1", "200 ", "Content-Length: 10", content },
        { "bytes=a-b", "200 ", "Content-Length: 10", content },
        { "bytes=-", "200 ", "Content-Length: 10", content },
        { "bytes=1-2,4-5", "200 ", "Content-Length: 10", content },
        { "lines=1-2", "200 ", "Content-Length: 10", content },
        { "bytes=1-2\r\nIf-Range: \"x\"", "200 ", "Content-Length: 10", content },
        { "bytes=99999999999999999999-", "200 ", "Content-Length: 10", content },
    };
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        char lines[64];
        const bool is_file = i % 2;
        snprintf(lines, sizeof(lines), "Range: %s\r\n", cases[i / 2].range);
        uint64_t request = ask("GET", lines);
        int rc = is_file ? milky_resource_fd(first.host, request, open_file(content), "text/plain")
                         : milky_resource_bytes(first.host, request, content, 10, "text/plain");
        assert_int_equal(rc, 0);
        STEP_UNTIL(endpoint, has(&talk, "\r\n\r\n"));
        settle(endpoint);
        assert_has(cases[i / 2].status);
        assert_line(cases[i / 2].line);
        if (cases[i / 2].body)
            assert_string_equal(body(), cases[i / 2].body);
        if (is_file && cases[i / 2].body)
            dial_again();
    }
}

static void test_a_large_file_is_sent_in_pieces(void **state)
{
    (void)state;
    enum { SIZE = 64 * 1024 * 1024 }; /* more than the kernel buffers */
    int fd = open_file("");
    assert_int_equal(ftruncate(fd, SIZE), 0);
    uint64_t request = ask("GET", "");
    milky_resource_fd(first.host, request, fd, "video/mp4");
    STEP_UNTIL(endpoint, has(&talk, "\r\n\r\n"));
    assert_line("Content-Length: 67108864");
    struct talk other;
    dial(&other, port_of(endpoint, BOT, "http_server"));
    call_api(&other);
    STEP_UNTIL(endpoint, has(&other, OK_ANSWER));
    assert_false(is_closed(fd)); /* the client has not read it: its reading ends at MOST_TALK */
    reset(&talk);
    STEP_UNTIL(endpoint, is_closed(fd));
    dial(&talk, port_of(endpoint, BOT, "http_server"));
}

/* --- wrong answers --- */

static void assert_refused(int rc)
{
    assert_true(rc < 0 && rc != -ENOENT);
    STEP_UNTIL(endpoint, has(&talk, "}"));
    assert_has("HTTP/1.1 500 ");
    assert_null(strstr(talk.text, "Evil"));
    assert_false(talk.ended);
}

static void test_an_invalid_answer_is_a_failure(void **state)
{
    (void)state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_refused(milky_resource_fd(first.host, ask("GET", ""), pipes[0], "text/plain"));
    assert_true(is_closed(pipes[0]));
    close(pipes[1]);
    assert_refused(milky_resource_fd(first.host, ask("GET", ""), -1, "text/plain"));
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_refused(milky_resource_fd(first.host, ask("GET", ""), folder, "text/plain"));
    char path[] = "/tmp/milky-resource-XXXXXX";
    close(mkstemp(path));
    int write_only = open(path, O_WRONLY | O_CLOEXEC);
    unlink(path);
    assert_refused(milky_resource_fd(first.host, ask("GET", ""), write_only, "text/plain"));

    static const char *const types[] = { "text/plain\r\nEvil: yes", "", "text", "text/\xff" };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        int fd = open_file(content);
        assert_refused(milky_resource_fd(first.host, ask("GET", ""), fd, types[i]));
        assert_true(is_closed(fd));
        assert_refused(milky_resource_bytes(first.host, ask("GET", ""), content, 10, types[i]));
    }
    char *much = calloc(1, 33 * 1024 * 1024);
    assert_refused(
        milky_resource_bytes(first.host, ask("GET", ""), much, 33 * 1024 * 1024, "text/plain"));
    free(much);
    assert_non_null(strstr(logged, "something that cannot be sent"));
}

static void test_an_invalid_redirect_is_a_failure(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://a/\r\nEvil: yes",
        "javascript:alert(1)",
        "//evil.example/",
        "/\\evil.example/",
        "",
        "file:///etc/passwd",
        "ws://a/",
        "relative",
        "http://a/ b",
        "http://a/\xe4",
        "http://",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        assert_refused(milky_resource_redirect(first.host, ask("GET", ""), urls[i]));
    assert_refused(milky_resource_redirect(first.host, ask("GET", ""), NULL));
    assert_refused(milky_resource_fail(first.host, ask("GET", ""), 200, "fine"));
}

/* --- at the wrong time --- */

static void test_an_answer_from_within_the_request(void **state)
{
    (void)state;
    struct milky_backend table = puppet_table;
    table.resource = answer_at_once;
    const struct milky_config_backend another = { sizeof(another), "third", &table, &second };
    const struct milky_config_backend three[] = { backends[0], another };
    const struct milky_config config = {
        .size = sizeof(config), .backends = three, .backend_count = 2, .bots = bots, .bot_count = 1
    };
    assert_int_equal(milky_endpoint_reload(endpoint, &config, NULL),
                     -EINVAL); /* the backend's self is in use */
    const struct milky_config_backend *without = backends;
    struct milky_config less = config;
    less.backends = without;
    less.backend_count = 1;
    assert_int_equal(milky_endpoint_reload(endpoint, &less, NULL), 0);
    STEP_UNTIL(endpoint, second.frees == 1);
    second = (struct puppet){ 0 };
    assert_int_equal(milky_endpoint_reload(endpoint, &config, NULL), 0);
    get(&talk, "GET", "/resource/third.x", "");
    STEP_UNTIL(endpoint, has(&talk, content));
    assert_string_equal(second.token, "x");
    assert_string_equal(body(), content);
}

static void test_a_second_answer_and_unknown_numbers_are_refused(void **state)
{
    (void)state;
    uint64_t request = ask("GET", "");
    assert_int_equal(milky_resource_bytes(first.host, request + 1, "x", 1, NULL), -ENOENT);
    assert_int_equal(milky_resource_bytes(first.host, 0, "x", 1, NULL), -ENOENT);
    assert_int_equal(milky_resource_bytes(first.host, UINT64_MAX, "x", 1, NULL), -ENOENT);
    assert_int_equal(milky_resource_bytes(second.host, request, "x", 1, NULL), -ENOENT);
    assert_non_null(strstr(logged, "a request for a file that never was"));
    assert_int_equal(milky_resource_bytes(first.host, request, content, 10, NULL), 0);
    int fd = open_file(content);
    assert_int_equal(milky_resource_fd(first.host, request, fd, NULL), -ENOENT);
    assert_true(is_closed(fd));
    STEP_UNTIL(endpoint, has(&talk, content));
    settle(endpoint);
    assert_int_equal(count_of(&talk, "HTTP/1.1"), 1);

    /* A number names one request for ever, and cannot affect the next one. */
    uint64_t next = ask("GET", "");
    assert_true(next != request);
    assert_int_equal(milky_resource_fail(first.host, request, 404, "x"), -ENOENT);
    settle(endpoint);
    assert_int_equal(talk.len, 0);
    assert_int_equal(milky_resource_bytes(first.host, next, content, 10, NULL), 0);
    STEP_UNTIL(endpoint, has(&talk, content));
}

static void test_a_request_without_an_answer_times_out(void **state)
{
    (void)state;
    uint64_t before = uv_hrtime();
    uint64_t request = ask("GET", "");
    STEP_UNTIL(endpoint, has(&talk, "}"));
    assert_in_range((uv_hrtime() - before) / 1000000, 900, 3000);
    assert_has("HTTP/1.1 504 Gateway Timeout\r\n");
    assert_false(talk.ended);
    int fd = open_file(content);
    logged[0] = '\0';
    assert_int_equal(milky_resource_fd(first.host, request, fd, "text/plain"), -ENOENT);
    assert_true(is_closed(fd));
    assert_string_equal(logged, ""); /* it is no mistake to be late */
    request = ask("GET", "");
    assert_int_equal(milky_resource_bytes(first.host, request, content, 10, NULL), 0);
    STEP_UNTIL(endpoint, has(&talk, content));
}

static void test_a_disconnected_client_gets_nothing(void **state)
{
    (void)state;
    uint64_t request = ask("GET", "");
    reset(&talk);
    int fd = open_file(content);
    settle(endpoint);
    assert_int_equal(milky_resource_fd(first.host, request, fd, "text/plain"), -ENOENT);
    assert_true(is_closed(fd));
    dial(&talk, port_of(endpoint, BOT, "http_server"));
}

static void test_a_connection_requests_one_file_at_a_time(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        get(&talk, "GET", "/resource/token", "");
    for (size_t i = 0; i < 3; i++) {
        STEP_UNTIL(endpoint, first.request_count == i + 1);
        settle(endpoint);
        assert_int_equal(first.request_count, i + 1);
        assert_int_equal(milky_resource_bytes(first.host, first.requests[i], "x", 1, NULL), 0);
    }
    STEP_UNTIL(endpoint, count_of(&talk, "HTTP/1.1 200") == 3);
}

/* --- whose --- */

static void test_an_invalid_token_does_not_reach_the_backend(void **state)
{
    (void)state;
    static const char *const paths[] = { "/resource/",        "/resource//x",
                                         "/resource/a%20b",   "/resource/a*b/c",
                                         "/resource/third.x", "/resource/second.second.x/y" };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        forget(&talk);
        get(&talk, "GET", paths[i], "");
        STEP_UNTIL(endpoint, has(&talk, "}") || second.request_count > 0);
        if (second.request_count >
            0) { /* "second.x" is requested from the second backend, which does not have it */
            assert_string_equal(second.token, "second.x");
            milky_resource_fail(second.host, second.requests[0], 404, "none");
            STEP_UNTIL(endpoint, has(&talk, "}"));
        }
        assert_has("HTTP/1.1 404 ");
    }
    assert_int_equal(first.request_count, 0);
    forget(&talk);
    get(&talk, "DELETE", "/resource/token", "");
    STEP_UNTIL(endpoint, has(&talk, "}"));
    assert_has("HTTP/1.1 405 ");
    assert_line("Allow: GET, HEAD");
}

static void assert_leads_to(const char *path, struct puppet *puppet)
{
    size_t before = puppet->request_count;
    forget(&talk);
    get(&talk, "GET", path, "");
    STEP_UNTIL(endpoint, puppet->request_count > before);
    milky_resource_bytes(puppet->host, puppet->requests[before % MOST_KEPT], content, 10, NULL);
    STEP_UNTIL(endpoint, has(&talk, content));
}

/* Also when a reload adds a backend before it. */
static void test_urls_stay_valid_over_a_reload(void **state)
{
    (void)state;
    char url[256], other_url[256];
    assert_int_equal(milky_host_resource_url(first.host, BOT, "t1", "n", url, sizeof(url)), 0);
    assert_int_equal(
        milky_host_resource_url(second.host, 0, "t2", "n", other_url, sizeof(other_url)), 0);
    assert_non_null(strstr(url, "/resource/t1/n"));
    assert_non_null(strstr(other_url, "/resource/second.t2/n"));
    assert_leads_to("/resource/t1/n", &first);
    assert_leads_to("/resource/second.t2/n", &second);
    const struct milky_config_backend turned[] = { backends[1], backends[0] };
    const struct milky_config config = {
        .size = sizeof(config), .backends = turned, .backend_count = 2, .bots = bots, .bot_count = 1
    };
    assert_int_equal(milky_endpoint_reload(endpoint, &config, NULL), 0);
    assert_leads_to("/resource/t1/n", &first);
    assert_leads_to("/resource/second.t2/n", &second);
    assert_int_equal(milky_host_resource_url(first.host, BOT, "t1", "n", url, sizeof(url)), 0);
    assert_non_null(strstr(url, "/resource/t1/n"));
}

static void test_a_removed_backend_answers_open_requests(void **state)
{
    (void)state;
    get(&talk, "GET", "/resource/second.t", "");
    STEP_UNTIL(endpoint, second.request_count == 1);
    const struct milky_config config = { .size = sizeof(config),
                                         .backends = backends,
                                         .backend_count = 1,
                                         .bots = bots,
                                         .bot_count = 1 };
    assert_int_equal(milky_endpoint_reload(endpoint, &config, NULL), 0);
    settle(endpoint);
    assert_int_equal(second.frees, 0);
    struct talk other;
    dial(&other, port_of(endpoint, BOT, "http_server"));
    get(&other, "GET", "/resource/second.t", "");
    STEP_UNTIL(endpoint, has(&other, "404 ")); /* no new request */
    milky_resource_bytes(second.host, second.requests[0], content, 10, NULL);
    STEP_UNTIL(endpoint, has(&talk, content) && second.frees == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_file),
        TEST(test_bytes),
        TEST(test_a_redirect),
        TEST(test_a_failure),
        TEST(test_head),
        TEST(test_ranges),
        TEST(test_a_large_file_is_sent_in_pieces),
        TEST(test_an_invalid_answer_is_a_failure),
        TEST(test_an_invalid_redirect_is_a_failure),
        TEST(test_an_answer_from_within_the_request),
        TEST(test_a_second_answer_and_unknown_numbers_are_refused),
        TEST(test_a_request_without_an_answer_times_out),
        TEST(test_a_disconnected_client_gets_nothing),
        TEST(test_a_connection_requests_one_file_at_a_time),
        TEST(test_an_invalid_token_does_not_reach_the_backend),
        TEST(test_urls_stay_valid_over_a_reload),
        TEST(test_a_removed_backend_answers_open_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
