/*
 * quota: the bytes of contents that each bot may have in the world, and all bots together. A
 * content counts for the bot that brought it in first, until it is removed; one of an operator
 * counts in the sum alone, and is never refused. While it is fetched it counts as it grows.
 */
#include "backend/sandbox/media/private.h"
#include "base/base64.h"

#include <errno.h>
#include <stdlib.h>

#define MOST_BYTES ((uint64_t)16 * 1024 * 1024 * 1024)
#define MOST_BYTES_OF_BOT ((uint64_t)4 * 1024 * 1024 * 1024)

/* --- SQL: parameters are ?1, ?2 in the order of the comment --- */

/* bot; 0: all */
static const struct sb_query bytes_sql = { "SELECT bytes FROM media_bytes WHERE owner = ?1" };

static int read_stored(struct sb_db *db, struct sb_media_charge *charge)
{
    sqlite3_stmt *row = SB_DB_USE(db, &bytes_sql, charge->self_id);
    int rc = sb_db_step(db, row);
    if (rc >= 0)
        atomic_store(&charge->stored, rc > 0 ? sb_db_uint(row, 0) : 0);
    sqlite3_reset(row);
    return rc < 0 ? rc : 0;
}

void sb_media_quota_init(struct sb_media_store *store)
{
    const struct sb_media_config *config = store->config;
    mk_list_init(&store->charges);
    store->all.most = config->total_bytes ? config->total_bytes : MOST_BYTES;
    store->bot_bytes = config->bot_bytes ? config->bot_bytes : MOST_BYTES_OF_BOT;
}

/* That of a bot which is fetching something. NULL when out of memory. */
static struct sb_media_charge *charge_of(struct sb_media_store *store, uint64_t self_id)
{
    MK_LIST_FOR_EACH (node, &store->charges) {
        struct sb_media_charge *charge = MK_CONTAINER_OF(node, struct sb_media_charge, node);
        if (charge->self_id == self_id)
            return charge;
    }
    struct sb_media_charge *charge = calloc(1, sizeof(*charge));
    if (!charge)
        return NULL;
    charge->self_id = self_id;
    charge->most = store->bot_bytes;
    mk_list_push(&store->charges, &charge->node);
    return charge;
}

static uint64_t room_of(struct sb_media_charge *charge)
{
    uint64_t used = atomic_load(&charge->stored) + atomic_load(&charge->incoming);
    return used < charge->most ? charge->most - used : 0;
}

void sb_media_quota_refuse(struct sb_media_fetch *fetch)
{
    struct sb_media_charge *all = &fetch->store->all;
    if (room_of(fetch->amount.charge) <= room_of(all))
        sb_media_problem(&fetch->problem, SB_PROBLEM_FULL,
                         "the pictures and files of this bot would be more than %llu bytes "
                         "(limits.media_bytes_per_bot): recall messages or delete files with some "
                         "of them, or raise the limit",
                         "此 Bot 的图片与文件将超过 %llu 字节（limits.media_bytes_per_bot）："
                         "请撤回含图片的消息或删除文件，或提高该限制",
                         (unsigned long long)fetch->amount.charge->most);
    else
        sb_media_problem(&fetch->problem, SB_PROBLEM_FULL,
                         "the pictures and files of all bots would be more than %llu bytes "
                         "(limits.media_bytes): recall messages or delete files with some of them, "
                         "or raise the limit",
                         "所有 Bot 的图片与文件将超过 %llu 字节（limits.media_bytes）："
                         "请撤回含图片的消息或删除文件，或提高该限制",
                         (unsigned long long)all->most);
}

uint64_t sb_media_quota_room(const struct sb_media_fetch *fetch)
{
    if (!fetch->amount.charge)
        return UINT64_MAX;
    uint64_t own = room_of(fetch->amount.charge), all = room_of(&fetch->store->all);
    return own < all ? own : all;
}

bool sb_media_quota_admit(struct sb_media_fetch *fetch, uint64_t len)
{
    if (len <= sb_media_quota_room(fetch))
        return true;
    sb_media_quota_refuse(fetch);
    return false;
}

/*
 * The least number of bytes that the URI contains. Of base64 the characters are counted only
 * where its length, which lines add to, is more than there is room for.
 */
static uint64_t known_size(struct mk_slice uri, uint64_t room)
{
    static const struct mk_slice scheme = { "base64://", 9 };
    bool is_base64 =
        uri.len >= scheme.len && mk_slice_eq_nocase(mk_slice_of(uri.ptr, scheme.len), scheme);
    if (!is_base64)
        return 1;
    struct mk_slice text = mk_slice_from(uri, scheme.len);
    uint64_t size = mk_base64_bytes(text.len);
    return size <= room ? size : mk_base64_bytes(mk_base64_count(text));
}

void sb_media_quota_begin(struct sb_media_fetch *fetch)
{
    struct sb_media_store *store = fetch->store;
    if (fetch->self_id == 0)
        return;
    fetch->amount.charge = charge_of(store, fetch->self_id);
    int rc = fetch->amount.charge ? read_stored(store->db, fetch->amount.charge) : -ENOMEM;
    if (rc == 0)
        rc = read_stored(store->db, &store->all);
    if (fetch->amount.charge)
        fetch->amount.charge->uses++;
    if (rc < 0)
        sb_media_problem_of_disk(&fetch->problem, rc);
    else
        sb_media_quota_admit(fetch, known_size(fetch->uri, sb_media_quota_room(fetch)));
}

int sb_media_quota_add(struct sb_media_store *store, struct sb_media_amount *amount, uint64_t len)
{
    if (!amount->charge)
        return 0;
    amount->bytes += len;
    atomic_fetch_add(&amount->charge->incoming, len);
    atomic_fetch_add(&store->all.incoming, len);
    struct sb_media_charge *charges[] = { amount->charge, &store->all };
    for (size_t i = 0; i < 2; i++)
        if (atomic_load(&charges[i]->stored) + atomic_load(&charges[i]->incoming) >
            charges[i]->most)
            return -EDQUOT;
    return 0;
}

void sb_media_quota_end(struct sb_media_store *store, struct sb_media_amount *amount)
{
    struct sb_media_charge *charge = amount->charge;
    if (!charge)
        return;
    atomic_fetch_sub(&charge->incoming, amount->bytes);
    atomic_fetch_sub(&store->all.incoming, amount->bytes);
    *amount = (struct sb_media_amount){ 0 };
    if (--charge->uses > 0)
        return;
    mk_list_remove(&charge->node);
    free(charge);
}
