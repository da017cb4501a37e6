/*
 * metrics: the numbers of the endpoint for Prometheus. docs/OPERATIONS.md explains each.
 */
#ifndef MK_ENDPOINT_METRICS_H
#define MK_ENDPOINT_METRICS_H

#include "base/buf.h"

/* `arg` is the endpoint. Appends them in the text format; 0, -ENOMEM or -ENOBUFS. */
int mk_metrics_write(void *arg, struct mk_buf *out);

#endif
