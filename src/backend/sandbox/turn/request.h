/*
 * request: one call on its way through the sandbox. A handler reads params, looks at the world,
 * refuses or decides, and only then writes: everything that can be refused, and everything that
 * takes memory, comes before its first write, so that a write that fails is a failure of the disk.
 * Such a failure takes the whole turn with it: it is rolled back, all its calls are failed, and
 * none of its events leaves. That is what spares every call a savepoint of its own.
 */
#ifndef SB_TURN_REQUEST_H
#define SB_TURN_REQUEST_H

#include "backend/sandbox/media/config.h"
#include "backend/sandbox/turn/retcode.h"

#include "backend/sandbox/store/clock.h"
#include "backend/sandbox/store/db.h"
#include "backend/sandbox/store/random.h"
#include "backend/sandbox/turn/faults.h"
#include "backend/sandbox/turn/outbox.h"
#include "backend/sandbox/turn/unsent.h"
#include "base/buf.h"
#include "base/json_path.h"
#include "base/language.h"
#include "base/list.h"
#include <milky/json.h>

enum {
    SB_REFUSED = 1,           /* a handler's answer: sb_refuse has said why */
    SB_REQUEST_MESSAGE = 512, /* bytes of the longest reason */
};

/*
 * Who a bot is, as it was last asked for: bots ask again and again. It stands while nothing has
 * been written since: `changes` is sqlite3_total_changes64 of then. No name means that nothing is
 * known.
 */
struct sb_login {
    uint64_t self_id;
    int64_t changes;
    struct mk_buf nickname;
};

struct sb_media_store;
struct sb_media_call;

struct sb_sandbox {
    struct milky_host *host;
    char *path;
    char *old_path; /* "": there is none */
    struct sb_db db;
    struct sb_outbox outbox;
    struct sb_unsent unsent;
    struct sb_login login;
    struct sb_media_store *media; /* media/media.h */
    struct mk_list media_calls;   /* calls that wait for their media: call_media.h */
    struct sb_media_config media_config;
    struct sb_faults faults;
    const struct sb_api **apis; /* by action number; NULL for what is not supported */
    char *world;                /* the file that a reset goes back to, or NULL */
    uint64_t seed;
    bool is_seeded;
};

/*
 * What a call has turned out to ask for. The params are its own, or those that an operator's stand
 * for.
 */
struct sb_call {
    uint64_t call; /* 0: there is none */
    const char *action;
    yyjson_mut_doc *doc;
    const struct sb_api *api;
    uint64_t self_id;
    yyjson_mut_val *params;
    uint32_t delay_ms; /* of the reply */
    bool takes_uris;   /* there may be URIs in the params */
};

struct sb_request {
    struct sb_sandbox *sandbox;
    uint64_t call;
    const char *action;
    uint64_t self_id; /* the bot that asks, or the person that the operator is; 0: none */
    yyjson_mut_val *params;
    yyjson_mut_doc *doc;       /* for everything that is made for this call */
    yyjson_mut_val *result;    /* of success; NULL is {} */
    enum mk_language language; /* of the reason */
    int retcode;               /* of refusal */
    char message[SB_REQUEST_MESSAGE];
    bool wrote;                  /* something was written: failing now takes the turn along */
    struct sb_media_call *media; /* what its URIs named (media.h); NULL: it had none */
    uint32_t delay_ms;           /* of the reply */
    struct sb_presence presence; /* a bot goes online or offline when the turn is committed, which
                                  * is as soon as the handler has returned */
};

/* The language of replies. */
static inline enum mk_language sb_language(const struct sb_sandbox *sandbox)
{
    return (enum mk_language)milky_host_language(sandbox->host);
}

/* The time of the world. */
static inline uint64_t sb_request_now(const struct sb_request *request)
{
    return sb_clock_now(&request->sandbox->db);
}

/*
 * A handler returns 0 with `result` set, SB_REFUSED, or a negative errno.
 */
struct sb_api {
    const char *name;
    int (*run)(struct sb_request *request);
    /* Optional, of an operation: may put other params, whose URIs are fetched before `run`. Returns
     * 0, SB_REFUSED or a negative errno. */
    int (*prepare)(struct sb_request *request);
};

/*
 * Sets the reason, in the language of the request, and returns SB_REFUSED. Both formats take the
 * same arguments; the second function takes a constant.
 */
int sb_refuse(struct sb_request *request, int retcode, const char *en, const char *zh, ...)
    MK_FORMAT_PAIR(3, 4, 5);
int sb_refuse_with(struct sb_request *request, int retcode, const struct mk_phrase *why);

/*
 * Refuses the value at `path` in the params, or its field `name` (NULL: itself), as malformed:
 * "PATH: REASON". `path` NULL: the params.
 */
int sb_refuse_field(struct sb_request *request, const struct mk_json_path *path, const char *name,
                    const char *en, const char *zh, ...) MK_FORMAT_PAIR(4, 5, 6);

/* The refusals that many handlers share. Each returns SB_REFUSED. */
int sb_refuse_no_friend(struct sb_request *request, uint64_t viewer, uint64_t user);
int sb_refuse_no_user(struct sb_request *request, uint64_t user);
int sb_refuse_no_group(struct sb_request *request, uint64_t viewer, uint64_t group);
int sb_refuse_no_member(struct sb_request *request, uint64_t group, uint64_t user);
int sb_refuse_no_message(struct sb_request *request, uint64_t seq);

/* Makes the result {key: value}. Returns 0 or -ENOMEM. */
int sb_result(struct sb_request *request, const char *key, yyjson_mut_val *value);

/* Queues an event, to leave when the turn has been committed. `type` is a literal. 0 or -ENOMEM. */
int sb_request_event(struct sb_request *request, uint64_t self_id, const char *type, uint64_t time,
                     yyjson_mut_val *data);

#endif
