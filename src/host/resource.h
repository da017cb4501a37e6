/*
 * resource: a file of a backend, asked for by a client under a URL of milky_host_resource_url, and
 * what the backend answers.
 */
#ifndef MK_HOST_RESOURCE_H
#define MK_HOST_RESOURCE_H

#include <stddef.h>

struct milky_host;

enum mk_resource_kind {
    MK_RESOURCE_NONE, /* there is no answer, for want of memory or of a backend that gives one */
    MK_RESOURCE_FD,
    MK_RESOURCE_BYTES,
    MK_RESOURCE_REDIRECT,
    MK_RESOURCE_FAIL,
};

/* The message of 404. */
#define MK_RESOURCE_UNKNOWN "there is no such resource, or its URL has expired"

struct mk_resource_answer {
    enum mk_resource_kind kind;
    int fd;          /* or -1; open for reading, of a regular file */
    unsigned status; /* of a failure */
    char *text;      /* the content type, the URL or the message */
    char *bytes;
    size_t len;
};

/* Asks a backend that has `resource`. The answer is to be finished in any case. */
void mk_host_ask_resource(struct milky_host *host, const char *token,
                          struct mk_resource_answer *answer);
void mk_resource_answer_fini(struct mk_resource_answer *answer);

#endif
