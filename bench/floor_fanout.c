/*
 * floor_fanout: the least that sends events to many: frames that were encoded beforehand, and one
 * send per client and batch of triggers. The batch is one contiguous block, or (argument "single")
 * each event is sent by itself. A client that asks for /trigger makes events, others get them.
 */
#include "floor.h"

enum { FRAME = 354, MOST_READY = 1024 };

static int clients[FLOOR_DESCRIPTORS];
static int client_count;
static char frames[MOST_READY * FRAME];
static char in[FLOOR_BUFFER];
static bool single;

static void make_frames(void)
{
    for (int i = 0; i < MOST_READY; i++) {
        char *frame = frames + i * FRAME;
        memset(frame, 'x', FRAME);
        frame[0] = (char)0x81;
        frame[1] = 126;
        frame[2] = (char)((FRAME - 4) >> 8);
        frame[3] = (char)(FRAME - 4);
    }
}

static void send_events(size_t count)
{
    size_t at_once = single ? 1 : count;
    for (size_t done = 0; done < count; done += at_once)
        for (int i = 0; i < client_count; i++)
            send(clients[i], frames, at_once * FRAME, MSG_NOSIGNAL);
}

static void drop(int fd)
{
    for (int i = 0; i < client_count; i++)
        if (clients[i] == fd)
            clients[i--] = clients[--client_count];
    close(fd);
}

static void input(int fd)
{
    ssize_t got = recv(fd, in, sizeof(in), 0);
    size_t count = 0, at = 0, size, len;
    char *text;
    if (got <= 0) {
        drop(fd);
        return;
    }
    if (in[0] == 'G') {
        if (!memmem(in, (size_t)got, "/trigger", 8))
            clients[client_count++] = fd;
        send(fd, floor_handshake, sizeof(floor_handshake) - 1, MSG_NOSIGNAL);
        return;
    }
    for (; (size = floor_frame(in + at, (size_t)got - at, &text, &len)) > 0; at += size)
        count++;
    send_events(count);
    for (size_t i = 0; i < count; i++)
        send(fd, "\x81\x02ok", 4, MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
    make_frames();
    single = argc > 2 && strcmp(argv[2], "single") == 0;
    floor_run(argc > 1 ? atoi(argv[1]) : 8080, input);
}
