/* random: see the header. */
#include "backend/sandbox/store/random.h"

#include "base/random.h"

#include <string.h>

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

static const struct sb_query sent_sql = { "SELECT total(last_seq) + count(*) FROM conversation" };
enum { SENT_COUNT };

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next(struct sb_random *random)
{
    uint64_t mixed = random->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

void sb_random_bytes(struct sb_db *db, void *out, size_t len)
{
    if (!db->random.is_seeded) {
        mk_random_bytes(out, len);
        return;
    }
    char *to = out;
    for (size_t done = 0; done < len; done += sizeof(uint64_t)) {
        uint64_t number = next(&db->random);
        size_t left = len - done;
        memcpy(to + done, &number, left < sizeof(number) ? left : sizeof(number));
    }
}

/* Each message moves the sequence on: else a world that was dumped and loaded repeats its ids. */
int sb_random_seed(struct sb_db *db, const uint64_t *seed)
{
    uint64_t sent = 0;
    db->random = (struct sb_random){ .is_seeded = seed != NULL };
    if (!seed)
        return 0;
    sqlite3_stmt *row = sb_db_use(db, &sent_sql, 0, NULL);
    int rc = sb_db_step(db, row);
    if (rc > 0)
        sent = sb_db_uint(row, SENT_COUNT);
    sqlite3_reset(row);
    db->random.state = *seed;
    db->random.state = next(&db->random) ^ sent;
    return rc < 0 ? rc : 0;
}
