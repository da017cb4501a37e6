/*
 * soak_client: one of the clients of tests/tools/soak: shakes hands, gets events or makes calls,
 * looks at everything that it is sent, and leaves in one of many ways.
 *
 * It believes nothing: what is missing, out of order, unasked for or malformed ends the program.
 */
#ifndef TESTS_SOAK_CLIENT_H
#define TESTS_SOAK_CLIENT_H

#include "load_socket.h"

enum client_kind {
    CLIENT_DRAFT,   /* a WebSocket of the draft: events, and calls now and then */
    CLIENT_DEFLATE, /* the same with permessage-deflate */
    CLIENT_BARE,    /* a WebSocket of 1.x at /event */
    CLIENT_SSE,     /* server-sent events at /event */
    CLIENT_CALLER,  /* HTTP that is kept alive: calls */
    CLIENT_SPEAKER, /* a WebSocket of the other bot: its calls are the events of all others */
    CLIENT_GHOST,   /* says half of something, and goes away */
    CLIENT_KINDS,
};

enum client_state {
    CLIENT_GONE,
    CLIENT_SHAKING, /* the answer to its handshake is awaited */
    CLIENT_OPEN,
    CLIENT_LEAVING, /* has ended its side; waits for the server to end its own */
};

enum client_departure {
    DEPART_RESET,      /* at once */
    DEPART_TORN,       /* ... in the middle of a frame or a request */
    DEPART_UNANSWERED, /* ... with a call that nobody waits for any more */
    DEPART_END,        /* ends its side of the connection */
    DEPART_CLOSE,      /* a WebSocket says goodbye */
    DEPARTURES,
};

struct client {
    struct load_socket socket;
    enum client_kind kind;
    enum client_state state;
    size_t index;
    uint64_t last;        /* event that it got, and would go on behind; 0: none yet */
    uint64_t said_before; /* events made before it was open: those behind must come */
    uint64_t since_ms;    /* when it came into its state */
    uint64_t asked_ms;    /* when its call went out; 0: none is under way */
    uint64_t calm_ms;     /* when it was last answered, or came */
    uint32_t echo;
    char *rest; /* what came of a message that is not complete */
    size_t rest_len;
};

/* What all clients share, and what they have seen so far. */
struct clients {
    int http_port, websocket_port, speaker_port;
    int epoll;
    uint64_t now_ms;
    uint64_t said;      /* events that were made: each has the next number in its text */
    uint64_t confirmed; /* ... and the speaker has been told so */
    uint64_t offset;    /* what an event's number in the journal is ahead of that; or NO_OFFSET */
    uint64_t open;      /* clients, without speaker and ghosts */
    uint64_t events;    /* that came */
    uint64_t replies;   /* to calls */
    uint64_t arrivals;  /* handshakes that were done */
    uint64_t replays;   /* ... by clients that went on where they had stopped */
    uint64_t departures[DEPARTURES];
    uint64_t slowest_ms; /* a reply, or a handshake */
};
#define NO_OFFSET UINT64_MAX /* nobody has told it yet */
extern struct clients clients;

/* A connection for a client that is gone. `resume`: goes on behind its last event, where it can. */
void client_arrive(struct client *client, bool resume);

/* Makes a call, where it is open and none is under way; the speaker makes `count` events. */
void client_ask(struct client *client, unsigned count);

/* Its socket has something. */
void client_receive(struct client *client);

void client_depart(struct client *client, enum client_departure how);
/* Ends it at once, whatever it waits for. */
void client_drop(struct client *client);

bool client_gets_events(const struct client *client);

#endif
