/*
 * failure: the reason why a connection or a request to another machine failed: as a kind for
 * programs, and in words for a person, in both languages. No code reads the words back.
 */
#ifndef MK_NET_FAILURE_H
#define MK_NET_FAILURE_H

#include "base/language.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { MK_FAILURE_TEXT = 256 };

/* Each kind has its own advice (transport/advice). */
enum mk_failure_kind {
    MK_FAILURE_NONE,
    /* --- no connection --- */
    MK_FAILURE_NAME,        /* the host's name is unknown */
    MK_FAILURE_NAME_SERVER, /* no name server answers, or not in time */
    MK_FAILURE_REFUSED,     /* nothing listens there */
    MK_FAILURE_UNREACHABLE, /* no route to it */
    MK_FAILURE_FORBIDDEN,   /* connecting to it is not allowed */
    MK_FAILURE_CONNECT_TIMEOUT,
    /* --- no TLS connection --- */
    MK_FAILURE_CERTIFICATE, /* the peer's certificate is not trusted, for another reason */
    MK_FAILURE_CERTIFICATE_EXPIRED,
    MK_FAILURE_CERTIFICATE_EARLY,       /* it is not valid yet */
    MK_FAILURE_CERTIFICATE_SELF_SIGNED, /* and not trusted */
    MK_FAILURE_CERTIFICATE_ISSUER,      /* nobody who is trusted has issued it */
    MK_FAILURE_CERTIFICATE_HOST,        /* it is for another host */
    MK_FAILURE_CERTIFICATE_WANTED,      /* the peer demands another one of ours, or any */
    MK_FAILURE_NO_TLS,                  /* the peer does not speak TLS */
    MK_FAILURE_TLS_CLOSED,              /* it closed the connection during the handshake */
    MK_FAILURE_TLS_TIMEOUT,
    MK_FAILURE_TLS, /* TLS, for another reason */
    /* --- no valid answer --- */
    MK_FAILURE_IS_TLS,    /* it speaks TLS, and was addressed without */
    MK_FAILURE_TIMEOUT,   /* it does not answer in time */
    MK_FAILURE_CLOSED,    /* the connection was closed or reset */
    MK_FAILURE_NO_ANSWER, /* the same, without any answer */
    MK_FAILURE_NOT_HTTP,
    MK_FAILURE_PROTOCOL, /* it violated the protocol */
    MK_FAILURE_TOO_LONG,
    MK_FAILURE_STATUS, /* it answered with an HTTP status that is a failure */
    /* --- of a WebSocket --- */
    MK_FAILURE_HANDSHAKE,   /* it answered 101, but not the handshake of RFC 6455 */
    MK_FAILURE_EXTENSION,   /* it chose what was not offered */
    MK_FAILURE_SUBPROTOCOL, /* the same */
    MK_FAILURE_CLOSE,       /* it sent a close frame: see `status` for the code */
    MK_FAILURE_LOST,        /* the connection ended without one */
    MK_FAILURE_PING,        /* a ping was not answered */
    MK_FAILURE_FRAMES,      /* it sent what RFC 6455 forbids */
    MK_FAILURE_BEHIND,      /* it does not receive what it is sent */
    /* --- of this machine --- */
    MK_FAILURE_NO_MEMORY,
    MK_FAILURE_SYSTEM, /* another error: out of descriptors, a file that cannot be written */
    MK_FAILURE_KINDS,  /* their number */
};

struct mk_failure {
    enum mk_failure_kind kind;
    int error; /* a negative errno; 0: none */
    /* The HTTP status of the answer, or the code of the close frame; 0: there was none. */
    unsigned status;
    /*
     * Of an HTTP request: the connection stood, TLS and proxy included, and at least a part of the
     * request was sent. False: the other side cannot know of it.
     */
    bool is_sent;
    /* The words, without secrets, cut to fit. */
    char en[MK_FAILURE_TEXT];
    char zh[MK_FAILURE_TEXT];
};

/* The words in the language of the process. */
const char *mk_failure_text(const struct mk_failure *failure);

/* The setters return `failure`. */
struct mk_failure *mk_failure_set(struct mk_failure *failure, enum mk_failure_kind kind,
                                  const char *en, const char *zh, ...) MK_FORMAT_PAIR(3, 4, 5);

/* The same with constant words. */
struct mk_failure *mk_failure_say(struct mk_failure *failure, enum mk_failure_kind kind,
                                  const struct mk_phrase *words);

/* Sets it from a negative errno or libuv error: "connection refused". */
struct mk_failure *mk_failure_errno(struct mk_failure *failure, int error);

/*
 * Appends text of others to the words, quoted, escaped, without the queries of URLs in it, and at
 * most `most` bytes of it.
 */
struct mk_failure *mk_failure_quote(struct mk_failure *failure, struct mk_slice text, size_t most);
/* Appends words of ours. */
struct mk_failure *mk_failure_add(struct mk_failure *failure, const struct mk_phrase *words);

/* Masks a secret that the words repeat, unless it is very short. NULL is allowed. */
void mk_failure_hide(struct mk_failure *failure, const char *secret);

/* Returns whether the peer's certificate is the reason. */
bool mk_failure_is_certificate(const struct mk_failure *failure);

/* "timed out after 10 s", "timed out after 250 ms". */
struct mk_failure *mk_failure_timeout(struct mk_failure *failure, uint64_t ms);

/* "it answered 404". */
struct mk_failure *mk_failure_status(struct mk_failure *failure, unsigned status);

#endif
