/*
 * exposition: writes numbers in Prometheus' text format 0.0.4: families, each with its samples
 * behind it. Knows nothing of what they mean.
 */
#ifndef MK_BASE_EXPOSITION_H
#define MK_BASE_EXPOSITION_H

#include "base/buf.h"

/* The first error stays, and nothing is written after it. */
struct mk_exposition {
    struct mk_buf *out;
    const char *name; /* of the family; borrowed */
    int rc;
};

/* Begins a family: `type` is "counter", "gauge" or "histogram"; `help` one line. */
void mk_exposition_family(struct mk_exposition *x, const char *name, const char *type,
                          const char *help);

/*
 * A sample of the family. Behind the value: names and values of labels in turn, then NULL. Values
 * may be any UTF-8. The suffix ("_bucket") is put behind the family's name.
 */
void mk_exposition_count(struct mk_exposition *x, const char *suffix, uint64_t value, ...)
    __attribute__((sentinel));
void mk_exposition_number(struct mk_exposition *x, const char *suffix, double value, ...)
    __attribute__((sentinel));

#endif
