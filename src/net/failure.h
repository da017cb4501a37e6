/* failure: what went wrong on the network, in words for a person. */
#ifndef MK_NET_FAILURE_H
#define MK_NET_FAILURE_H

#include <stdint.h>

enum { MK_FAILURE_TEXT = 256 };

/* A negative errno: "connection refused". */
void mk_failure_errno(char text[MK_FAILURE_TEXT], int error);

/* "timed out after 10 s", "timed out after 250 ms". */
void mk_failure_timeout(char text[MK_FAILURE_TEXT], uint64_t ms);

#endif
