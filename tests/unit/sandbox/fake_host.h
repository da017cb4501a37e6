/*
 * fake_host: replaces the endpoint, to test a backend without sockets: it implements the functions
 * of milky/backend.h, hands calls over and keeps their replies and the events. It checks params,
 * results and events against the protocol's tables, as the real one does.
 */
#ifndef TEST_FAKE_HOST_H
#define TEST_FAKE_HOST_H

#include <milky/json.h>

enum { FAKE_MAX_BOTS = 8 };

struct fake_event {
    uint64_t self_id;
    char type[64];
    uint64_t time;
    yyjson_doc *data;
};

/* The reply to one call. */
struct fake_reply {
    bool done;
    int retcode; /* 0 is success */
    char message[1024];
    yyjson_doc *data;     /* of success; NULL where the backend gave none */
    size_t events_before; /* how many events had been emitted when it came */
};

/* The backend under test. */
struct fake_backend {
    const struct milky_backend *table;
    void *self;
};

struct fake_call;

struct milky_host {
    uint64_t bots[FAKE_MAX_BOTS];
    size_t bot_count;
    enum milky_language language; /* of replies; English, unless a test sets it */
    void *loop; /* what milky_host_loop returns: the uv_loop_t of an mk_loop, for calls with URIs */
    struct fake_event *events;
    size_t event_count;
    uint64_t last_event[FAKE_MAX_BOTS]; /* of each bot, the forgotten ones included */
    bool own_messages;                  /* bots hear themselves */
    uint64_t dropped;                   /* whose connections were dropped last */
    size_t drops;
    size_t flushes;
    int flush_error; /* what milky_host_flush returns */
    /* The document of a call gives out so many pieces of memory and no more; 0 is no limit. */
    size_t memory;
    /* Called with every reply, from within it: the next call of a pipeline. Cleared before. */
    void (*on_reply)(void *context);
    void *context;
    bool offline[FAKE_MAX_BOTS];
    bool *supported;                    /* by number of action; NULL: all */
    struct milky_impl impl;             /* how the backend has described itself: literals */
    const struct fake_backend *backend; /* the one that was called last */
    struct fake_call *calls;            /* that are open */
    uint64_t last_call;                 /* the number of the newest */
    uint64_t resource; /* the number of the request for a file that is open; 0: none */
    struct fake_resource *answer;
};

/* The answer to a request for a file. */
struct fake_resource {
    int fd; /* -1 for none */
    unsigned status;
    char content_type[64];
};

/* Forgets the events so far. */
void fake_host_forget(struct milky_host *host);

/* Hands a call over. `params` is JSON. The reply must live until it is done; free it afterwards. */
void fake_call(struct milky_host *host, const struct fake_backend *backend, uint64_t self_id,
               const char *action, const char *params, struct fake_reply *reply);

/* The same for backend->control, which no table describes: params are handed over unchecked. */
void fake_control(struct milky_host *host, const struct fake_backend *backend, const char *action,
                  const char *params, struct fake_reply *reply);

/* Ends the call of this reply as one whose caller has gone: the reply is done, with retcode 1. */
void fake_cancel(struct milky_host *host, struct fake_reply *reply);

/* Ends all calls, as the endpoint does before it frees a backend. */
void fake_host_stop(struct milky_host *host);

/* Frees the host's memory. */
void fake_host_fini(struct milky_host *host);

/* Asks for a file; the backend answers at once. */
void fake_ask_resource(struct milky_host *host, const struct fake_backend *backend,
                       const char *token, struct fake_resource *answer);

void fake_reply_fini(struct fake_reply *reply);

#endif
