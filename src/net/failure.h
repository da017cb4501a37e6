/*
 * failure: the reason why a connection or a request to another machine failed: as a kind for
 * programs, and in words for a person, in both languages. No code reads the words back.
 */
#ifndef MK_NET_FAILURE_H
#define MK_NET_FAILURE_H

#include "base/language.h"

#include <stdbool.h>
#include <stdint.h>

enum { MK_FAILURE_TEXT = 256 };

enum mk_failure_kind {
    MK_FAILURE_NONE,
    MK_FAILURE_NAME,        /* the host's name is unknown, or no name server answers */
    MK_FAILURE_REFUSED,     /* nothing listens there */
    MK_FAILURE_UNREACHABLE, /* no route to it */
    MK_FAILURE_FORBIDDEN,   /* connecting to it is not allowed */
    MK_FAILURE_TIMEOUT,
    MK_FAILURE_CLOSED,      /* the connection was closed or reset */
    MK_FAILURE_NO_ANSWER,   /* it was closed without an answer */
    MK_FAILURE_CERTIFICATE, /* the peer's certificate is not trusted */
    MK_FAILURE_TLS,         /* TLS, for another reason */
    MK_FAILURE_PROTOCOL,    /* the peer violated the protocol */
    MK_FAILURE_STATUS,      /* it answered with an HTTP status that is a failure */
    MK_FAILURE_TOO_LONG,
    MK_FAILURE_NO_MEMORY,
    MK_FAILURE_SYSTEM, /* an error of this machine: out of descriptors, a file that cannot be
                          written */
};

struct mk_failure {
    enum mk_failure_kind kind;
    int error;       /* a negative errno; 0: none */
    unsigned status; /* the HTTP status of the answer; 0: there was none */
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

/* "timed out after 10 s", "timed out after 250 ms". */
struct mk_failure *mk_failure_timeout(struct mk_failure *failure, uint64_t ms);

/* "it answered 404". */
struct mk_failure *mk_failure_status(struct mk_failure *failure, unsigned status);

#endif
