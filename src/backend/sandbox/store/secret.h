/* secret: keys of a world, which never leave its database. */
#ifndef SB_STORE_SECRET_H
#define SB_STORE_SECRET_H

#include "backend/sandbox/store/db.h"

enum { SB_SECRET_LEN = 32 };

/* Returns 1 with `secret` set, 0 when there is none of that name, or -errno. */
int sb_secret_read(struct sb_db *db, const char *name, uint8_t secret[SB_SECRET_LEN]);

/* Reads the secret, or makes a random one. Inside the transaction. Returns 0 or -errno. */
int sb_secret_make(struct sb_db *db, const char *name, uint8_t secret[SB_SECRET_LEN]);

#endif
