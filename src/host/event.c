/* event: the functions of milky/backend.h and milky/json.h about events. */
#include "host/host.h"

#include "base/digest.h"
#include "base/json.h"
#include "base/json_error.h"
#include "base/log.h"
#include "net/loop.h"

#include <errno.h>
#include <milky/json.h>

enum { LONGEST_EVENT = 64 * 1024 * 1024 };

/* The first half of the key's SHA-256. Returns 0 or -ENOMEM. */
static int digest_key(const char *text, struct mk_key *key)
{
    uint8_t whole[MK_SHA256_LEN];
    struct mk_digest *digest = mk_digest_sha256();
    mk_digest_add(digest, mk_slice_str(text));
    int rc = mk_digest_end(digest, whole);
    if (rc == 0)
        memcpy(key->bytes, whole, sizeof(key->bytes));
    return rc;
}

static int emit(struct mk_account *account, const struct mk_event_type *type, uint64_t time,
                yyjson_mut_val *data, const char *name, uint64_t *number)
{
    struct mk_key key;
    struct mk_event event = {
        .type = type,
        .self_id = account->self_id,
        .time = time,
        .data = data,
        .is_kept = account->host->table.keeps_events,
    };
    int rc = name ? digest_key(name, &key) : 0;
    if (rc < 0)
        return rc;
    rc = name ? mk_hub_emit_once(account->hub, &key, &event) : mk_hub_emit(account->hub, &event);
    if (rc >= 0 && number)
        *number = event.number;
    if (rc == 0) {
        account->host->unstored = true;
        mk_loop_wake(account->host->owner->loop);
    }
    return rc == MK_HUB_REPEATED ? MILKY_REPEATED : rc;
}

/* The account and the type of an event. Returns 0, -ENOENT, or -EINVAL, logged. */
static int find(struct milky_host *host, uint64_t self_id, const char *name,
                struct mk_account **account, const struct mk_event_type **type)
{
    *type = mk_event_type_find(mk_slice_str(name));
    if (!*type) {
        mk_log_error(host->name, "the backend has emitted an event of an unknown type: \"%s\"",
                     "后端发出了未知类型的事件：\"%s\"", name ? name : "");
        return -EINVAL;
    }
    *account = mk_host_find(host, self_id);
    return *account ? 0 : -ENOENT;
}

int milky_emit(struct milky_host *host, uint64_t self_id, const char *name, uint64_t time,
               yyjson_mut_val *data)
{
    struct mk_account *account;
    const struct mk_event_type *type;
    int rc = find(host, self_id, name, &account, &type);
    return rc == 0 ? emit(account, type, time, data, NULL, NULL) : rc;
}

int milky_emit_again(struct milky_host *host, uint64_t self_id, uint64_t number, const char *name,
                     uint64_t time, yyjson_mut_val *data)
{
    struct mk_account *account;
    const struct mk_event_type *type;
    int rc = find(host, self_id, name, &account, &type);
    if (rc < 0)
        return rc;
    struct mk_event event = {
        .type = type,
        .self_id = self_id,
        .number = number,
        .time = time,
        .data = data,
        .is_kept = host->table.keeps_events,
    };
    rc = mk_hub_emit_again(account->hub, &event);
    if (rc == 0) {
        host->unstored = true;
        mk_loop_wake(host->owner->loop);
    }
    return rc == MK_HUB_REPEATED ? MILKY_REPEATED : rc;
}

/* Returns 0; -EINVAL, logged; -ENOMEM. The document is on the heap. */
static int read_data(struct milky_host *host, const char *name, struct mk_slice json,
                     yyjson_mut_doc **data)
{
    yyjson_read_err error = { .code = YYJSON_READ_SUCCESS, .msg = NULL };
    yyjson_doc *doc = json.len <= LONGEST_EVENT ? mk_json_read(json, NULL, &error) : NULL;
    *data = doc ? yyjson_doc_mut_copy(doc, NULL) : NULL;
    bool was_read = doc != NULL;
    yyjson_doc_free(doc);
    if (*data)
        return 0;
    if (was_read || error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return -ENOMEM;
    mk_log_error(host->name, "data of %s, made by the backend, at byte %zu: %s",
                 "后端给出的 %s 的数据，第 %zu 字节：%s", name, error.pos,
                 error.msg ? mk_json_error_text(mk_language_get(), &error)
                           : mk_tr("longer than 64 MiB", "超过 64 MiB"));
    return -EINVAL;
}

int milky_emit_json(struct milky_host *host, uint64_t self_id, const char *name, uint64_t time,
                    const char *json, size_t len, const char *key, uint64_t *number)
{
    struct mk_account *account;
    const struct mk_event_type *type;
    yyjson_mut_doc *doc = NULL;
    int rc = find(host, self_id, name, &account, &type);
    if (rc == 0)
        rc = read_data(host, name, mk_slice_of(json, json ? len : 0), &doc);
    if (rc == 0)
        rc = emit(account, type, time, yyjson_mut_doc_get_root(doc), key, number);
    yyjson_mut_doc_free(doc);
    return rc;
}

int milky_emit_again_json(struct milky_host *host, uint64_t self_id, uint64_t number,
                          const char *name, uint64_t time, const char *json, size_t len)
{
    yyjson_mut_doc *doc = NULL;
    int rc = read_data(host, name ? name : "", mk_slice_of(json, json ? len : 0), &doc);
    if (rc == 0)
        rc = milky_emit_again(host, self_id, number, name, time, yyjson_mut_doc_get_root(doc));
    yyjson_mut_doc_free(doc);
    return rc;
}

uint64_t milky_host_last_event(const struct milky_host *host, uint64_t self_id)
{
    const struct mk_account *account = mk_host_find(host, self_id);
    return account ? account->hub->events : 0;
}

void milky_host_lost_events(struct milky_host *host)
{
    size_t count;
    const uint64_t *bots = milky_host_bots(host, &count);
    for (size_t i = 0; i < count; i++)
        mk_hub_lost_events(mk_host_find(host, bots[i])->hub);
}

int milky_host_flush(struct milky_host *host)
{
    return host->owner->journal ? mk_journal_flush(host->owner->journal) : -ENOTSUP;
}
