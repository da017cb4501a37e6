/* random: getrandom(2). */
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void mk_random_bytes(void *bytes, size_t len)
{
    char *out = bytes;
    while (len > 0) {
        ssize_t got = getrandom(out, len, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* no supported kernel refuses this; to go on would mean predictable keys */
        if (got > 0) {
            out += got;
            len -= (size_t)got;
        }
    }
}

uint32_t mk_random_u32(void)
{
    uint32_t value;
    mk_random_bytes(&value, sizeof(value));
    return value;
}

void mk_random_take(struct mk_random *random, void *out, size_t len)
{
    if (len > sizeof(random->stock)) {
        mk_random_bytes(out, len);
        return;
    }
    if (random->left < len) {
        mk_random_bytes(random->stock, sizeof(random->stock));
        random->left = sizeof(random->stock);
    }
    random->left -= len;
    memcpy(out, random->stock + random->left, len);
    memset(random->stock + random->left, 0, len);
}
