/*
 * exposition: writes numbers in Prometheus' text format 0.0.4: families, each followed by its
 * samples. It does not know what the numbers mean.
 */
#ifndef MK_BASE_EXPOSITION_H
#define MK_BASE_EXPOSITION_H

#include "base/buf.h"

/* `rc` keeps the first error; nothing is written after it. */
struct mk_exposition {
    struct mk_buf *out;
    const char *name; /* of the family; borrowed */
    int rc;
};

/* Begins a family: `type` is "counter", "gauge" or "histogram"; `help` one line. */
void mk_exposition_family(struct mk_exposition *x, const char *name, const char *type,
                          const char *help);

/*
 * Writes a sample of the family. After the value come names and values of labels in turn, then
 * NULL. Values may be any UTF-8. The suffix ("_bucket") is appended to the family's name.
 */
void mk_exposition_count(struct mk_exposition *x, const char *suffix, uint64_t value, ...)
    __attribute__((sentinel));
void mk_exposition_number(struct mk_exposition *x, const char *suffix, double value, ...)
    __attribute__((sentinel));

#endif
