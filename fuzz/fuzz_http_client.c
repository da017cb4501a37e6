/*
 * fuzz_http_client: any bytes as the response to our POST, as of webhooks (web/http_client). Each
 * request ends once, with a response or with a reason for its failure; no body is longer than its
 * limit; the result does not depend on the splits.
 *
 * The first byte: bit 1 chooses a small limit, the others seed the pieces.
 */
#include "fuzz.h"
#include "web/http_client.h"
#include "wire/http1.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

enum { SMALL = 20, LARGE = 1024 * 1024, PATIENCE_MS = 10 * 1000, MOST_PIECE = 50 };

static struct mk_loop loop;
static int listening = -1;
static char url[64];

/* One request, and its result. */
struct exchange {
    unsigned ended;
    size_t limit;
    struct mk_buf result; /* all of it as text */
};

static void listen_on_loopback(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(listening, (struct sockaddr *)&address, len) == 0 && listen(listening, 8) == 0 &&
              getsockname(listening, (struct sockaddr *)&address, &len) == 0,
          "cannot listen");
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
    check(mk_loop_init(&loop, NULL) == 0, "no loop");
}

/* --- the client --- */

static void on_done(void *arg, const struct mk_web_response *response)
{
    struct exchange *exchange = arg;
    exchange->ended++;
    if (response->failure) {
        bool too_long = response->failure->kind == MK_FAILURE_TOO_LONG;
        check(response->failure->en[0] != '\0' && response->failure->kind != MK_FAILURE_NONE,
              "no reason");
        mk_buf_printf(&exchange->result, "none, too long: %d", too_long);
        return;
    }
    check(response->status >= 100 && response->status <= 999, "status");
    check(response->body.len <= exchange->limit, "longer than its limit");
    /* The distance of a date in Retry-After depends on the time. */
    mk_buf_printf(&exchange->result, "%u %d ", response->status, response->retry_after > 0);
    mk_buf_append_slice(&exchange->result, response->body);
}

static struct mk_web_request *ask(struct mk_web_client *client, struct exchange *exchange)
{
    static const char *const headers[] = { "Content-Type: application/json", NULL };
    struct mk_web_post post = { .url = url,
                                .headers = headers,
                                .body = MK_SLICE("{}"),
                                .timeout_ms = PATIENCE_MS,
                                .response_limit = exchange->limit,
                                .done = on_done,
                                .arg = exchange };
    return mk_web_client_post(client, &post);
}

/* --- the server --- */

/* Turns the loop until the socket has something to read, or the request has ended. */
static void turn_until_readable(int fd, const struct exchange *exchange)
{
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    while (exchange->ended == 0 && poll(&waiting, 1, 0) == 0)
        uv_run(loop.uv, UV_RUN_NOWAIT);
}

/* Accepts connections of the request until it has ended: one that was not answered is made again.
 */
static void serve(struct exchange *exchange, struct mk_slice response, uint32_t most, uint32_t seed)
{
    char request[4096];
    int one = 1;
    turn_until_readable(listening, exchange);
    if (exchange->ended > 0)
        return;
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    check(fd >= 0, "cannot accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    turn_until_readable(fd, exchange);
    check(recv(fd, request, sizeof(request), MSG_DONTWAIT) > 0, "no request");
    while (response.len > 0 && exchange->ended == 0) {
        size_t len = most > 0 ? 1 + next_random(&seed) % most : response.len;
        len = len < response.len ? len : response.len;
        if (send(fd, response.ptr, len, MSG_NOSIGNAL) < 0)
            break;
        response = mk_slice_from(response, len);
        for (int i = 0; most > 0 && i < 2; i++)
            uv_run(loop.uv, UV_RUN_NOWAIT);
    }
    shutdown(fd, SHUT_WR);
    for (int i = 0; exchange->ended == 0 && i < PATIENCE_MS; i++) {
        struct pollfd again = { .fd = listening, .events = POLLIN };
        uv_run(loop.uv, UV_RUN_NOWAIT);
        if (poll(&again, 1, 0) > 0)
            break;
    }
    close(fd);
}

static struct mk_buf exchange_of(uint8_t options, struct mk_slice response, uint32_t most)
{
    struct exchange exchange = { .limit = options & 2 ? SMALL : LARGE };
    struct mk_web_client *poster = mk_web_client_new(&loop, NULL);
    mk_buf_init(&exchange.result, SIZE_MAX / 2);
    check(poster && ask(poster, &exchange), "no request");
    for (int tries = 0; exchange.ended == 0; tries++) {
        check(tries < 8, "it asks again and again");
        serve(&exchange, response, most, options);
    }
    check(exchange.ended == 1, "not ended once");
    mk_web_client_free(poster);
    uv_run(loop.uv, UV_RUN_NOWAIT);
    return exchange.result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mk_slice input = mk_slice_of((const char *)data, size);
    uint8_t options = take_byte(&input);
    if (listening < 0)
        listen_on_loopback();
    struct mk_buf whole = exchange_of(options, input, 0);
    struct mk_buf split = exchange_of(options, input, MOST_PIECE);
    struct mk_http1_response head;
    size_t len;
    /* libcurl refuses a NUL in a head only where it comes in the same piece as what is before it.
     */
    bool has_nul = input.len > 0 && memchr(input.ptr, '\0', input.len);
    bool is_ours = !(options & 1);
    if (is_ours)
        check(mk_slice_eq(mk_buf_slice(&whole), mk_buf_slice(&split)),
              "pieces have another result");
    else if (!has_nul && mk_http1_read_response(input, &head, &len) == MK_HTTP1_HEAD)
        check(mk_slice_eq(mk_buf_slice(&whole), mk_buf_slice(&split)),
              "pieces have another result");
    mk_buf_fini(&whole);
    mk_buf_fini(&split);
    return 0;
}
