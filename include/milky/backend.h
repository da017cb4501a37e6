/*
 * milky/backend.h: be a backend.
 *
 * A backend answers calls and makes events: the sandbox, a bridge to another QQ implementation, or
 * a QQ core of your own. Fill in one `struct milky_backend`, name it in the configuration of an
 * endpoint (milky/milky.h), and the endpoint serves it over every communication method and in every
 * dialect.
 *
 * A backend speaks one dialect, Milky 1.2: names and shapes of calls, results and events are those
 * of spec/milky-1.2.json. Calls have been translated, checked against the tables and completed with
 * their defaults before they arrive; results and events are checked and translated on their way
 * out.
 *
 * JSON is text here, so that a backend can be written in any language. One in C may use the values
 * of yyjson instead (milky/json.h).
 *
 * Threads: the endpoint calls a backend on its own thread alone, and each function below is to be
 * called there, but for milky_host_post, which any thread may call.
 *
 * Mistakes of a backend cost its own bots only: a call that was answered already, or never existed,
 * is named by a number that is refused; a result or an event of a wrong shape is refused; a call
 * that is never answered ends by itself.
 */
#ifndef MILKY_BACKEND_H
#define MILKY_BACKEND_H

#include <milky/version.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MILKY_API __attribute__((visibility("default")))
#else
#define MILKY_API
#endif

struct uv_loop_s;
struct milky_operations;

enum milky_language { MILKY_ENGLISH, MILKY_CHINESE };

/*
 * The endpoint as one backend sees it: the bots that name this backend, and what it can ask for.
 * Valid from `start` until `free` has returned.
 */
struct milky_host;

/*
 * The table of a backend: constant, and shared by all of its instances. Each function gets as
 * `self` the pointer that was configured with the table. All but `name` and `call` may be NULL.
 *
 * `size` is sizeof(struct milky_backend) as the backend was compiled: functions that a later
 * version of this header adds at the end are NULL for it.
 */
struct milky_backend {
    size_t size;

    /* What kind of backend it is: "sandbox". For logs and status. A literal. */
    const char *name;

    /*
     * True: the backend has each event on its own disk before it emits it, deletes it there only
     * after milky_host_flush has returned 0, and emits it again from `start`, in order, where its
     * number is above milky_host_last_event. Then the endpoint writes the events of several turns
     * into its journal at once (within a second) and does not wait for the disk: a backend that has
     * stored an event does not pay for storing it again. False: the journal is the only copy, and
     * each turn with events ends when the disk has them.
     */
    bool keeps_events;

    /*
     * The endpoint starts, or a reload has added this backend: no call has come yet, and events may
     * be emitted from here on. Returns 0, or a negative errno after it has logged why
     * (milky_host_log); then the endpoint does not start (a reload changes nothing), and `free`
     * follows.
     */
    int (*start)(void *self, struct milky_host *host);

    /*
     * A bot has called an API. Answered with one of milky_call_ok_json, milky_call_fail and their
     * siblings, before this returns or any time later. `call` is a number that no other call of
     * this host has ever had.
     */
    void (*call)(void *self, uint64_t call);

    /*
     * A call has ended without an answer of the backend: its caller has gone, its bot went offline,
     * or the time for it (milky_limits.call_seconds) has passed. The call is not open any more;
     * what was borrowed of it is valid until this returns, in which threads must let go of it. An
     * answer that comes afterwards is dropped. A backend without this function goes on with such a
     * call: what it borrowed stays valid until it answers, and the answer is dropped then.
     */
    void (*cancelled)(void *self, uint64_t call);

    /*
     * An operator's request, outside the protocol (POST /NAME/ACTION on the control address, NAME
     * being the backend's in the configuration). Answered like a call, but without a deadline.
     *
     * Without `operations`, milky_call_action is ACTION as it was sent, the params are any JSON
     * object, unchecked, and there is no bot (milky_call_self_id is 0).
     *
     * With them, requests that they do not have are answered with -404, wrong params with -400, and
     * unknown fields are refused. The others come complete with their defaults; milky_call_self_id
     * is the person who acts, or 0. An API by its own name, or what is short for one, comes as that
     * API, its number in milky_call_number.
     */
    void (*control)(void *self, uint64_t call);

    /*
     * A turn of the loop ends: all calls that had arrived have been handed over, and nothing that
     * was answered or emitted in this turn has left yet. The place to commit a transaction and then
     * to answer what waited for it: one commit serves the whole turn.
     */
    void (*turn_end)(void *self);

    /*
     * Every event that this backend emitted before is committed to the journal, and survives the
     * end of the process: what made it may be forgotten (milky_host_flush is for the loss of
     * power). Called at the end of a turn in which events were stored (with `keeps_events` also
     * some turns later); not where no journal is kept.
     */
    void (*events_stored)(void *self);

    /*
     * A client asks for a file under a URL of milky_host_resource_url. Answered with one of
     * milky_resource_fd, _bytes, _redirect and _fail, before this returns or any time later (within
     * milky_limits.call_seconds).
     */
    void (*resource)(void *self, uint64_t request, const char *token);

    /* A reload has changed what milky_host_bots returns. */
    void (*bots_changed)(void *self);

    /*
     * Seconds since 1970 as this backend counts them: the time of events that the endpoint makes in
     * its name (`bot_offline`). NULL: the machine's clock.
     */
    uint64_t (*now)(void *self);

    /*
     * Frees the backend, also one whose `start` was never called or has failed. Calls still open
     * have been answered (-500) and `cancelled`. libuv handles of the backend are to be closed
     * (uv_close) in here at the latest: the loop runs until they are. A handle that is left open
     * does not keep the endpoint from ending (milky_endpoint_free). Threads that may call
     * milky_host_post have ended when this returns.
     *
     * Called from the end of a turn where a reload has taken the backend out, else from
     * milky_endpoint_free.
     */
    void (*free)(void *self);

    /*
     * The requests of operators that `control` takes, as spec/generate_sandbox.py makes them of a
     * table, for backends that are built together with the library. NULL: any, unchecked.
     */
    const struct milky_operations *operations;
};

/* --- actions --- */

/*
 * Actions are numbered from 0 to milky_action_count() - 1, in no particular order, the same for the
 * life of the process: a backend can keep a table of its functions by number. milky_action_number
 * returns -1 for a name that no API has, milky_action_name NULL for a number that none has.
 */
MILKY_API size_t milky_action_count(void);
MILKY_API int milky_action_number(const char *name);
MILKY_API const char *milky_action_name(size_t number);

/* The params of this action may have URIs in them (`uri`, `image_uri`, ...), at whatever depth. */
MILKY_API bool milky_action_takes_uris(size_t number);

/*
 * Checks JSON that did not come from a bot (an upstream's answer, a file) as if it had: `json`
 * against the params of an API, or against its result. Returns 0; -EINVAL with what is wrong,
 * "PATH: expected WHAT, got WHAT", in `problem` (cut to `size` bytes with its NUL; may be NULL with
 * 0); -ENOENT where there is no such API; -ENOMEM.
 */
MILKY_API int milky_check_params_json(const char *action, const char *json, size_t len,
                                      char *problem, size_t size);
MILKY_API int milky_check_result_json(const char *action, const char *json, size_t len,
                                      char *problem, size_t size);

/* The same, against the fields of an operator's request of a backend's `operations`. */
MILKY_API int milky_check_operation_json(const struct milky_operations *operations,
                                         const char *name, const char *json, size_t len,
                                         char *problem, size_t size);

/* --- calls --- */

/*
 * What is asked. For a call that is not open these return SIZE_MAX, "", 0 and "{}". Texts are
 * NUL-terminated UTF-8, borrowed until the call is answered.
 *
 * The params are an object with exactly the fields of the action in spec/milky-1.2.json. Each is
 * there with its type checked, but for optional ones without a default, which are absent where they
 * were not given. `len` may be NULL.
 */
MILKY_API size_t milky_call_number(const struct milky_host *host, uint64_t call);
MILKY_API const char *milky_call_action(const struct milky_host *host, uint64_t call);
MILKY_API uint64_t milky_call_self_id(const struct milky_host *host, uint64_t call);
MILKY_API const char *milky_call_params_json(struct milky_host *host, uint64_t call, size_t *len);

/* One field of the params, as JSON text; NULL where it is absent. Otherwise as above. */
MILKY_API const char *milky_call_param_json(struct milky_host *host, uint64_t call,
                                            const char *name, size_t *len);

/*
 * True until the call has ended, by an answer or without one. Work for a call that is not open any
 * more can be given up.
 */
MILKY_API bool milky_call_open(const struct milky_host *host, uint64_t call);

/*
 * Answers with a result: `json` is an object, the `data` of the reply (NULL is {}); it is copied.
 * A result that is no JSON or not of the API's shape is logged and becomes a failure (-500).
 *
 * Answering returns 0; -ENOENT where the call is not open: it was answered before (logged), or has
 * ended without an answer; -EINVAL for such a result; -ENOMEM. The call has ended in each case.
 */
MILKY_API int milky_call_ok_json(struct milky_host *host, uint64_t call, const char *json,
                                 size_t len);

/*
 * Answers with a failure: `retcode` is not 0 and goes to the bot as it is, as does the message,
 * which is copied (bytes that are no UTF-8 are replaced). NULL is "". Returns as above.
 */
MILKY_API int milky_call_fail_text(struct milky_host *host, uint64_t call, int retcode,
                                   const char *message);
MILKY_API int milky_call_fail(struct milky_host *host, uint64_t call, int retcode,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Retcodes with a meaning of their own; others are the backend's choice (the draft has -100). */
enum milky_retcode {
    MILKY_MALFORMED = -400,     /* JSON or params (the endpoint checks these itself) */
    MILKY_OFFLINE = -403,       /* the bot is not logged in (milky_host_set_state) */
    MILKY_UNKNOWN = -404,       /* no such API (the endpoint checks this itself) */
    MILKY_INTERNAL = -500,      /* the backend itself failed: disk full, out of memory, too late */
    MILKY_NOT_SUPPORTED = -501, /* this backend cannot do that (milky_host_supports) */
};

/* --- events --- */

/*
 * Emits an event to all receivers of bot `self_id`. `type` is an event_type of spec/milky-1.2.json,
 * `json` its data (an object), `time` in seconds since 1970. Everything is copied, and leaves when
 * the turn of the loop has ended.
 *
 * `key` may be NULL, or names the event (any text): a second event of this bot with the same key is
 * not emitted, so that what an upstream reports twice arrives once. A bot's last 8,192 keys are
 * known, over a restart too where a journal is kept, in which a key is stored together with its
 * event. `*number` (may be NULL) becomes the event's number; each event of a bot gets the next one,
 * from 1; a repeated event has that of the first.
 *
 * Returns 0; MILKY_REPEATED for a known key; -ENOENT when no bot of this backend has that number;
 * -EINVAL for a type or data that the tables do not know (logged); -ENOMEM; -EIO.
 */
enum { MILKY_REPEATED = 1 };
MILKY_API int milky_emit_json(struct milky_host *host, uint64_t self_id, const char *type,
                              uint64_t time, const char *json, size_t len, const char *key,
                              uint64_t *number);

/*
 * The number of the last event of a bot; 0 before the first, and for no such bot. The next event
 * gets the next number. In `start` it is the last number in the journal: a backend that
 * `keeps_events` emits those again that come after it.
 */
MILKY_API uint64_t milky_host_last_event(const struct milky_host *host, uint64_t self_id);

/*
 * Commits the journal and waits until the disk has all events that were emitted so far (it does not
 * wait for the disk where the configuration says so: `journal.flush`): from now on a backend that
 * `keeps_events` may delete its copies of them. Returns 0; -ENOTSUP where no journal is kept;
 * another negative errno, logged, where they are not safe yet.
 */
MILKY_API int milky_host_flush(struct milky_host *host);

/* --- what the endpoint should know --- */

enum milky_state {
    MILKY_STATE_ONLINE,
    MILKY_STATE_OFFLINE,
};

/*
 * A bot is logged in, or is not; at first each is. While it is offline each call of it is answered
 * with -403, those in flight too (they are `cancelled`), and status, metrics and readiness show it,
 * with `reason` (for a person; copied; NULL is ""). Going offline emits one `bot_offline` with the
 * reason; a second MILKY_STATE_OFFLINE only replaces the reason. Not from within `call` and
 * `control` of the same bot's call that is to be answered afterwards: answer it first.
 * Returns 0, -ENOENT when no bot of this backend has that number, -ENOMEM.
 *
 * milky_host_state: a bot that is not there is offline.
 */
MILKY_API int milky_host_set_state(struct milky_host *host, uint64_t self_id,
                                   enum milky_state state, const char *reason);
MILKY_API enum milky_state milky_host_state(const struct milky_host *host, uint64_t self_id);

/*
 * Names the actions that a bot (0: each bot of this backend, future ones too) can do: others are
 * answered with -501 and do not reach the backend. Until this is called all are. Replaces what was
 * named before, for 0 also what was named for each bot; names that no API has are refused. Copied.
 * Returns 0, -EINVAL (logged), -ENOENT, -ENOMEM.
 */
MILKY_API int milky_host_supports(struct milky_host *host, uint64_t self_id,
                                  const char *const *actions, size_t count);

/* What get_impl_info answers; see spec/milky-1.2.json. A text that is NULL is "". */
struct milky_impl {
    size_t size; /* sizeof(struct milky_impl) */
    const char *impl_name;
    const char *impl_version;
    const char *qq_protocol_version;
    const char *qq_protocol_type; /* "linux", ... of the enum in the table */
};

/*
 * Describes the implementation behind a bot (0: each bot of this backend, future ones too, and
 * whatever was said of one before): the endpoint answers get_impl_info itself from now on, while
 * the bot is online, whether it is supported or not. Copied. Returns 0, -EINVAL (logged),
 * -ENOENT, -ENOMEM.
 */
MILKY_API int milky_host_set_impl(struct milky_host *host, uint64_t self_id,
                                  const struct milky_impl *impl);

/* --- the endpoint --- */

/*
 * The bots that name this backend, in the order of the configuration. Borrowed until bots_changed
 * has returned: ask again rather than keep it.
 */
MILKY_API const uint64_t *milky_host_bots(const struct milky_host *host, size_t *count);

/* The backend's name in the configuration, under which its control requests come. Borrowed. */
MILKY_API const char *milky_host_name(const struct milky_host *host);

/*
 * The language for replies to bots, as the configuration names it: messages of failed calls, and
 * other words that a person may read behind the bot. A reload may change it.
 */
MILKY_API enum milky_language milky_host_language(const struct milky_host *host);

/* Logs a line under the backend's name; levels as in milky_log_to (0 error ... 3 debug). */
MILKY_API void milky_host_log(const struct milky_host *host, int level, const char *text);

/*
 * Runs `run(arg)` on the endpoint's thread, soon, and not from within this. Any thread may call
 * this, until `free` of the backend returns; posts run in the order in which they came, and those
 * that are still waiting when the endpoint is freed run then. They do not keep a loop running that
 * has nothing else to wait for. Returns 0; -ENOMEM; -ESHUTDOWN once the endpoint is being freed:
 * then `run` is not called.
 */
MILKY_API int milky_host_post(struct milky_host *host, void (*run)(void *arg), void *arg);

/*
 * Ends every connection of a bot at once, as a broken network does: servers go on listening, and
 * WebSocket clients connect again. Not from within `call` and `control`; from `turn_end` on.
 * Webhooks have no connection to lose. Returns 0, or -ENOENT when there is no such bot.
 */
MILKY_API int milky_host_drop_connections(struct milky_host *host, uint64_t self_id);

/*
 * Writes the URL under which the endpoint serves a file of the backend (`resource`) to each client
 * that has the URL:
 *   http://HOST:PORT[PREFIX]/resource/TOKEN/NAME
 * `token` is the backend's, of letters, digits, '-' and '_', and long enough that it cannot be
 * guessed. `name` is any UTF-8; it decides nothing but what the file is saved as. The address is
 * the configuration's resource_url, or else that of the first server of bot `self_id` that listens
 * on TCP, or of another bot's, or a port that is opened for this alone. Valid once the endpoint has
 * started. Returns 0; -ENOENT where nothing is served, -ENOBUFS.
 */
MILKY_API int milky_host_resource_url(const struct milky_host *host, uint64_t self_id,
                                      const char *token, const char *name, char *url, size_t size);

/*
 * The libuv loop that everything runs on, for a backend's own timers and connections. Handles are
 * to be closed in `free` at the latest.
 */
MILKY_API struct uv_loop_s *milky_host_loop(const struct milky_host *host);

/* --- resources --- */

/*
 * Answers to `resource`. Each returns 0; -ENOENT where the request is not open: it was answered
 * before (logged), its client has gone, or it was too late (milky_limits.call_seconds; the client
 * got 504); or another negative errno, logged, for an answer that no client can be given (it got
 * 500). `content_type` is "image/png", copied; NULL is "application/octet-stream".
 *
 * _fd:       the content of a regular file, open for reading; the endpoint closes it in each case.
 * _bytes:    these bytes, copied; 32 MiB at most.
 * _redirect: 302 to another URL: http, https, or a path ("/...").
 * _fail:     a status from 400 to 599 (404 for a token that is unknown or has expired), and why.
 *
 * HEAD and one range of bytes (RFC 9110, 14) are the endpoint's to see to.
 */
MILKY_API int milky_resource_fd(struct milky_host *host, uint64_t request, int fd,
                                const char *content_type);
MILKY_API int milky_resource_bytes(struct milky_host *host, uint64_t request, const void *data,
                                   size_t len, const char *content_type);
MILKY_API int milky_resource_redirect(struct milky_host *host, uint64_t request, const char *url);
MILKY_API int milky_resource_fail(struct milky_host *host, uint64_t request, unsigned status,
                                  const char *message);

#ifdef __cplusplus
}
#endif
#endif
