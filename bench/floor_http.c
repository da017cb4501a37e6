/*
 * floor_http: the least that answers a JSON POST: epoll, one recv and one send per batch, the body
 * parsed by yyjson into a pool that is used again, a constant answer.
 */
#include "floor.h"

#include <yyjson.h>

#define BODY                                                                                       \
    "{\"status\":\"ok\",\"retcode\":0,\"data\":{\"uin\":10001000,\"nickname\":\"Milky "            \
    "10001000\"}}"

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 79\r\n"
    "Date: Sat, 01 Jan 2022 00:00:00 GMT\r\n\r\n" BODY;
_Static_assert(sizeof(BODY) - 1 == 79, "the Content-Length of the answer");

static char in[FLOOR_BUFFER + 1];
static char out[FLOOR_BUFFER * 4];
static char pool[65536];

/* Returns the length of the request, or 0 where it is not whole or not JSON. */
static size_t take(char *at, size_t len)
{
    char *body = memmem(at, len, "\r\n\r\n", 4);
    if (!body)
        return 0;
    body += 4;
    size_t head = (size_t)(body - at);
    char *length = memmem(at, head, "\r\nContent-Length: ", 18);
    size_t size = length ? strtoul(length + 18, NULL, 10) : 0;
    if (head + size > len)
        return 0;
    yyjson_alc alc;
    yyjson_alc_pool_init(&alc, pool, sizeof(pool));
    return yyjson_read_opts(body, size, 0, &alc, NULL) ? head + size : 0;
}

static void input(int fd)
{
    ssize_t got = recv(fd, in, FLOOR_BUFFER, 0);
    size_t at = 0, sent = 0, size;
    if (got <= 0) {
        close(fd);
        return;
    }
    while (at < (size_t)got && (size = take(in + at, (size_t)got - at)) > 0) {
        memcpy(out + sent, answer, sizeof(answer) - 1);
        sent += sizeof(answer) - 1;
        at += size;
    }
    floor_check(send(fd, out, sent, MSG_NOSIGNAL) == (ssize_t)sent || errno == ECONNRESET, "send");
}

int main(int argc, char **argv)
{
    floor_run(argc > 1 ? atoi(argv[1]) : 8080, input);
}
