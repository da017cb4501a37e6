/* random: getrandom(2) behind a small pool, since a mask key needs only four bytes. */
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void from_kernel(char *out, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(out, len, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* no kernel that we run on refuses this; going on would mean guessable keys */
        if (got > 0) {
            out += got;
            len -= (size_t)got;
        }
    }
}

void mk_random_bytes(void *out, size_t len)
{
    static char pool[256];
    static size_t left;
    if (len > sizeof(pool)) {
        from_kernel(out, len);
        return;
    }
    if (left < len) {
        from_kernel(pool, sizeof(pool));
        left = sizeof(pool);
    }
    left -= len;
    memcpy(out, pool + left, len);
    memset(pool + left, 0, len);
}

uint32_t mk_random_u32(void)
{
    uint32_t value;
    mk_random_bytes(&value, sizeof(value));
    return value;
}
