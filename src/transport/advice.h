/*
 * advice: what a person should do about the failure of a webhook or of a websocket_client: one
 * table, from the kind of a failure (net/failure) and its status to words in both languages.
 */
#ifndef MK_TRANSPORT_ADVICE_H
#define MK_TRANSPORT_ADVICE_H

#include "net/failure.h"

/* Failures by the part that is to be looked at, for scripts. */
enum mk_trouble {
    MK_TROUBLE_NONE,
    MK_TROUBLE_UNREACHABLE, /* no connection */
    MK_TROUBLE_NAME,        /* the host's name is not known */
    MK_TROUBLE_TLS,
    MK_TROUBLE_TOKEN,    /* 401, 403 */
    MK_TROUBLE_ADDRESS,  /* 404, 405, a redirect, not a WebSocket, not HTTP */
    MK_TROUBLE_BUSY,     /* 429, 503, 1013: the other side asks to wait */
    MK_TROUBLE_FAILING,  /* any other status */
    MK_TROUBLE_SLOW,     /* it does not answer in time */
    MK_TROUBLE_GONE,     /* 410 */
    MK_TROUBLE_PROTOCOL, /* one of the two sides violates a protocol */
    MK_TROUBLE_CLOSED,   /* an open connection has ended */
    MK_TROUBLE_HERE,     /* this machine */
};
/* "unreachable", as in the status. */
const char *mk_trouble_name(enum mk_trouble trouble);

/* What the advice depends on besides the failure. */
enum mk_remote_trait {
    MK_REMOTE_WEBSOCKET = 1 << 0,
    MK_REMOTE_WEBHOOK = 1 << 1,
    MK_REMOTE_TLS = 1 << 2, /* https or wss */
    MK_REMOTE_PLAIN = 1 << 3,
    MK_REMOTE_TOKEN = 1 << 4, /* an access_token is configured */
    MK_REMOTE_NO_TOKEN = 1 << 5,
    MK_REMOTE_ORIGIN = 1 << 6, /* an origin is configured */
};

struct mk_advice {
    enum mk_trouble trouble;
    struct mk_phrase words; /* NULLs: there is nothing to do */
};

/* `traits` are those of the remote. Never NULL; static. */
const struct mk_advice *mk_advice_on(const struct mk_failure *failure, unsigned traits);

#endif
