/*
 * uid: the second id of a person, "u_" and 22 letters, in newer protocols of QQ. Here it is
 * computed from the QQ number, so it is the same in every world and needs no table.
 */
#ifndef SB_MODEL_UID_H
#define SB_MODEL_UID_H

#include "base/slice.h"

#include <stdint.h>

enum { SB_UID_LEN = 24 };

/* Writes the uid of `uin`, with a NUL at its end. */
void sb_uid_write(uint64_t uin, char uid[SB_UID_LEN + 1]);

/* Reads a uid. Returns false when it is no valid one. Does not check that the person exists. */
bool sb_uid_read(struct mk_slice uid, uint64_t *uin);

#endif
