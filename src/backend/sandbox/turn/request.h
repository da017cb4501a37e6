/*
 * request: one call, as its handler sees it. A handler reads the params, looks at the world,
 * refuses or decides, and only then writes: each refusal, and each step that needs memory, comes
 * before its first write, so that a write fails only because of the disk. Such a failure rolls back
 * the whole turn: all its calls fail, and none of its events is sent. So no call needs a savepoint.
 */
#ifndef SB_TURN_REQUEST_H
#define SB_TURN_REQUEST_H

#include "backend/sandbox/store/clock.h"
#include "backend/sandbox/store/random.h"
#include "backend/sandbox/turn/retcode.h"
#include "backend/sandbox/turn/sandbox.h"
#include "base/json_path.h"

#include <milky/json.h>

struct sb_call_media;
struct sb_request;

/* A handler, of an API or of an operator's request. */
struct sb_api {
    const char *name;
    /* Returns 0 with `result` set, SB_REFUSED, or a negative errno. */
    int (*run)(struct sb_request *request);
    /* Optional, of an operator's request: may replace the params, whose URIs are fetched before
     * `run`. Returns 0, SB_REFUSED or a negative errno. */
    int (*prepare)(struct sb_request *request);
};

/* A call on its way to its handler. The params of an operator's request may stand for an API's. */
struct sb_call {
    uint64_t id; /* 0: the start of the sandbox, which no call brought */
    const char *action;
    yyjson_mut_doc *doc;
    const struct sb_api *api;
    uint64_t self_id;
    yyjson_mut_val *params;
    uint32_t delay_ms; /* of the reply */
    bool is_hidden;    /* no other person sees the message that it sends: a fault */
    bool takes_uris;   /* there may be URIs in the params */
};

enum {
    SB_REFUSED = 1,           /* the result of a handler that has refused */
    SB_REQUEST_MESSAGE = 512, /* bytes of the longest reason */
};

struct sb_request {
    struct sb_sandbox *sandbox;
    uint64_t call; /* its id */
    const char *action;
    uint64_t self_id; /* the bot that calls, or the person that an operator acts for; 0: none */
    yyjson_mut_val *params;
    yyjson_mut_doc *doc;    /* for all JSON that is made for this call */
    yyjson_mut_val *result; /* of success; NULL is {} */
    int retcode;            /* of refusal */
    char message[SB_REQUEST_MESSAGE];
    bool wrote;                  /* it has begun to write: a failure now rolls back the turn */
    struct sb_call_media *media; /* the contents that its URIs name (call_media.h); NULL: no URIs */
    uint32_t delay_ms;           /* of the reply */
    bool is_hidden;              /* no other person sees the message that it sends */
    struct sb_presence presence; /* a bot goes online or offline when the turn is committed, right
                                  * after the handler has returned */
};

/* The time of the world. */
static inline uint64_t sb_request_now(const struct sb_request *request)
{
    return sb_clock_now(&request->sandbox->db);
}

/* Makes the result {key: value}. Returns 0 or -ENOMEM. */
int sb_result(struct sb_request *request, const char *key, yyjson_mut_val *value);

/*
 * Queues an event, which is sent when the turn has been committed; an event for a bot that is not
 * online, or for a person, is dropped. `type` is a literal. Returns 0 or -ENOMEM.
 */
int sb_request_event(struct sb_request *request, uint64_t self_id, const char *type, uint64_t time,
                     yyjson_mut_val *data);

/* --- refusals: each function returns SB_REFUSED --- */

/* The language of its reason: that of replies; at the start of the sandbox, where it goes into the
 * log, that of the process. */
enum mk_language sb_request_language(const struct sb_request *request);

/*
 * Sets the retcode and the reason, in the language of the request. Both formats take the same
 * arguments; the second function takes a constant.
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

/* The refusals that many handlers share. */
int sb_refuse_no_friend(struct sb_request *request, uint64_t viewer, uint64_t user);
int sb_refuse_no_user(struct sb_request *request, uint64_t user);
int sb_refuse_no_group(struct sb_request *request, uint64_t viewer, uint64_t group);
int sb_refuse_no_member(struct sb_request *request, uint64_t group, uint64_t user);
int sb_refuse_no_message(struct sb_request *request, uint64_t seq);

#endif
