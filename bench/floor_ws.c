/*
 * floor_ws: the least that answers a call over WebSocket: epoll, one recv and one send per batch,
 * each message unmasked and parsed by yyjson, a constant answer.
 */
#include "floor.h"

#include <yyjson.h>

static const char answer[] =
    "{\"post_type\":\"action_response\",\"self_id\":10001000,\"data\":{\"status\":\"ok\","
    "\"retcode\":0,\"data\":{\"uin\":10001000,\"nickname\":\"Milky "
    "10001000\"},\"echo\":\"12345678\"}}";

static char in[FLOOR_BUFFER];
static char out[FLOOR_BUFFER * 4];
static char pool[65536];

static size_t put_answer(char *at)
{
    size_t len = sizeof(answer) - 1;
    at[0] = (char)0x81;
    at[1] = 126;
    at[2] = (char)(len >> 8);
    at[3] = (char)len;
    memcpy(at + 4, answer, len);
    return len + 4;
}

static void input(int fd)
{
    ssize_t got = recv(fd, in, sizeof(in), 0);
    size_t at = 0, sent = 0, size, len;
    char *text;
    if (got <= 0) {
        close(fd);
        return;
    }
    if (in[0] == 'G') {
        memcpy(out, floor_handshake, sent = sizeof(floor_handshake) - 1);
        at = (size_t)got;
    }
    while ((size = floor_frame(in + at, (size_t)got - at, &text, &len)) > 0) {
        yyjson_alc alc;
        yyjson_alc_pool_init(&alc, pool, sizeof(pool));
        floor_check(yyjson_read_opts(text, len, 0, &alc, NULL) != NULL, "JSON");
        sent += put_answer(out + sent);
        at += size;
    }
    floor_check(send(fd, out, sent, MSG_NOSIGNAL) == (ssize_t)sent || errno == ECONNRESET, "send");
}

/* floor_ws [PORT [BUSY_POLL_US]] */
int main(int argc, char **argv)
{
    floor_busy_poll_us = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    floor_run(argc > 1 ? atoi(argv[1]) : 8080, input);
}
