/*
 * failure: what went wrong with another machine: as a kind for programs, and in words for a person.
 * Nothing is ever read back out of the words.
 */
#ifndef MK_NET_FAILURE_H
#define MK_NET_FAILURE_H

#include <stdint.h>

enum { MK_FAILURE_TEXT = 256 };

enum mk_failure_kind {
    MK_FAILURE_NONE,
    MK_FAILURE_NAME,        /* the host's name is not known, or no name server answers */
    MK_FAILURE_REFUSED,     /* nothing listens there */
    MK_FAILURE_UNREACHABLE, /* there is no way to it */
    MK_FAILURE_FORBIDDEN,   /* it is not to be connected to */
    MK_FAILURE_TIMEOUT,
    MK_FAILURE_CLOSED,      /* the connection was closed or reset */
    MK_FAILURE_NO_ANSWER,   /* it was closed instead of an answer */
    MK_FAILURE_CERTIFICATE, /* the peer's certificate is not trusted */
    MK_FAILURE_TLS,         /* TLS, for another reason */
    MK_FAILURE_PROTOCOL,    /* the peer does not speak what it should */
    MK_FAILURE_STATUS,      /* it answered with an HTTP status that is a failure */
    MK_FAILURE_TOO_LONG,
    MK_FAILURE_NO_MEMORY,
    MK_FAILURE_SYSTEM, /* this machine's: out of descriptors, a file that cannot be written */
};

struct mk_failure {
    enum mk_failure_kind kind;
    int error;                  /* a negative errno; 0: none */
    unsigned status;            /* of HTTP, that the peer answered with; 0: it did not */
    char text[MK_FAILURE_TEXT]; /* in English, without secrets, cut to fit */
};

/* The setters return `failure`. */
struct mk_failure *mk_failure_set(struct mk_failure *failure, enum mk_failure_kind kind,
                                  const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Of a negative errno or libuv error: "connection refused". */
struct mk_failure *mk_failure_errno(struct mk_failure *failure, int error);

/* "timed out after 10 s", "timed out after 250 ms". */
struct mk_failure *mk_failure_timeout(struct mk_failure *failure, uint64_t ms);

/* "it answered 404", and, where `more` is not "", that. */
struct mk_failure *mk_failure_status(struct mk_failure *failure, unsigned status, const char *more);

#endif
