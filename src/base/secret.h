/* secret: comparison of secrets. */
#ifndef MK_BASE_SECRET_H
#define MK_BASE_SECRET_H

#include "base/slice.h"

/*
 * Compares in a time that depends on the length of `given` alone, not on how much of it is right
 * nor on the length of `secret`.
 */
bool mk_secret_eq(struct mk_slice secret, struct mk_slice given);

#endif
