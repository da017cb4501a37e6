/*
 * uid: the other name of a person, "u_" and 22 letters, which QQ's newer protocols use. Here it is
 * worked out of the QQ number, so it is the same in every world and needs no table.
 */
#ifndef SB_MODEL_UID_H
#define SB_MODEL_UID_H

#include "base/slice.h"

#include <stdint.h>

enum { SB_UID_LEN = 24 };

/* Writes the uid of `uin`, with a NUL at its end. */
void sb_uid_write(uint64_t uin, char uid[SB_UID_LEN + 1]);

/* Whose uid it is; false when it is nobody's. Whether the person exists is not looked up. */
bool sb_uid_read(struct mk_slice uid, uint64_t *uin);

#endif
