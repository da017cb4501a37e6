/* process: the resources that this process uses. */
#ifndef MK_ENDPOINT_PROCESS_H
#define MK_ENDPOINT_PROCESS_H

#include <stdint.h>

struct mk_process {
    double cpu_seconds; /* user and system */
    uint64_t resident;  /* bytes of memory */
    uint64_t open_fds;
    uint64_t most_fds;    /* its limit */
    uint64_t log_dropped; /* lines of the log that could not be written in time */
};

/* A number that is not available is 0. */
void mk_process_measure(struct mk_process *process);

#endif
