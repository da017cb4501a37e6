/*
 * soak_client: one of the clients of tests/tools/soak: does a handshake, gets events or makes
 * calls, checks everything that it gets, and disconnects in one of many ways.
 *
 * Anything missing, out of order, unexpected or malformed ends the program.
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
    CLIENT_GHOST,   /* sends half of a message, and disconnects */
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
    DEPART_UNANSWERED, /* ... with a call in flight */
    DEPART_END,        /* ends its side of the connection */
    DEPART_CLOSE,      /* a WebSocket sends a close frame */
    DEPARTURES,
};

struct client {
    struct load_socket socket;
    enum client_kind kind;
    enum client_state state;
    size_t index;
    uint64_t last;        /* the last event that it got, after which it resumes; 0: none yet */
    uint64_t said_before; /* events made before it was open: it must get later ones */
    uint64_t since_ms;    /* when it came into its state */
    uint64_t asked_ms;    /* when its call went out; 0: none is under way */
    uint64_t calm_ms;     /* when it was last answered, or connected */
    uint32_t echo;
    char *rest; /* the beginning of an incomplete message */
    size_t rest_len;
};

/* Shared by all clients, and their counts so far. */
struct clients {
    int http_port, websocket_port, speaker_port;
    int epoll;
    uint64_t now_ms;
    uint64_t said;      /* events that were made: each has the next number in its text */
    uint64_t confirmed; /* ... and the speaker has the reply */
    uint64_t offset; /* the difference of an event's number in the journal and that; or NO_OFFSET */
    uint64_t open;   /* clients, without speaker and ghosts */
    uint64_t events; /* that came */
    uint64_t replies;  /* to calls */
    uint64_t arrivals; /* handshakes that were done */
    uint64_t replays;  /* ... by clients that resumed */
    uint64_t departures[DEPARTURES];
    uint64_t slowest_ms; /* a reply, or a handshake */
};
#define NO_OFFSET UINT64_MAX /* not known yet */
extern struct clients clients;

/* Connects a disconnected client. `resume`: continues after its last event, where possible. */
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
