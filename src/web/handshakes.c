/* handshakes: see the header. */
#include "web/handshakes.h"

#include "base/log.h"

#include <inttypes.h>

void mk_handshakes_init(struct mk_handshakes *handshakes, uint64_t most)
{
    *handshakes = (struct mk_handshakes){ .most = most };
    mk_list_init(&handshakes->under_way);
}

/* Logs a flood of handshakes once, and again each time that it has doubled. */
static void log_flood(const struct mk_handshakes *handshakes)
{
    if ((handshakes->ended & (handshakes->ended - 1)) == 0)
        mk_log_warn("server",
                    "%" PRIu64
                    " TLS handshakes are under way: the oldest ends for a new one, %" PRIu64
                    " so far (limits.tls_handshakes)",
                    "正在进行的 TLS 握手已有 %" PRIu64
                    " 个：结束最早的一个以接受新的，迄今 %" PRIu64 " 次（limits.tls_handshakes）",
                    handshakes->most, handshakes->ended);
}

struct mk_handshake *mk_handshake_begin(struct mk_handshakes *handshakes,
                                        struct mk_handshake *handshake)
{
    struct mk_handshake *oldest = NULL;
    if (handshakes->count == handshakes->most) {
        oldest = MK_CONTAINER_OF(handshakes->under_way.next, struct mk_handshake, node);
        mk_handshake_done(oldest);
        handshakes->ended++;
        log_flood(handshakes);
    }
    handshake->of = handshakes;
    mk_list_push(&handshakes->under_way, &handshake->node);
    handshakes->count++;
    return oldest;
}

void mk_handshake_done(struct mk_handshake *handshake)
{
    if (!handshake->of)
        return;
    handshake->of->count--;
    handshake->of = NULL;
    mk_list_remove(&handshake->node);
}
