/*
 * milky/backend.h: implement a backend.
 *
 * A backend answers calls and makes events: the sandbox, a bridge to another QQ implementation, or
 * a QQ core of your own. Fill in one `struct milky_backend`, name it in the configuration of an
 * endpoint (milky/milky.h), and the endpoint serves it over every communication method and in every
 * dialect.
 *
 * A backend uses one dialect, Milky 1.3: calls, results and events are those of
 * spec/milky-1.3.json. The endpoint translates calls, checks them against the tables and adds
 * defaults before it passes them to the backend; it checks and translates results and events.
 *
 * JSON is text here, so that a backend can be written in any language. A backend in C may use
 * values of yyjson instead (milky/json.h).
 *
 * Threads: the endpoint calls a backend on the endpoint's thread only, and all functions below must
 * be called on that thread, except milky_host_post, which any thread may call.
 *
 * Mistakes of a backend affect only its own bots: the number of a call that was answered already,
 * or never existed, is refused; a result or an event that does not match the tables is refused; a
 * call that is never answered ends after a time limit.
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
 * The endpoint as one backend sees it, with the bots that name this backend. Valid from `start`
 * until `free` has returned.
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

    /* The kind of backend: "sandbox". For logs and status. A literal. */
    const char *name;

    /*
     * True: the backend has each event on its own disk before it emits it, deletes it there only
     * after milky_host_flush has returned 0, and offers all it has from `start`, in order, under
     * the numbers they had (milky_emit_again_json). Then the endpoint writes the events of several
     * turns into its journal at once (within a second) and does not wait for the disk: a backend
     * that has stored an event does not pay for storing it again. False: the journal is the only
     * copy, and each turn with events ends when the disk has them.
     */
    bool keeps_events;

    /*
     * The endpoint starts, or a reload has added this backend. Comes before any call; the backend
     * may emit events from here on. Returns 0, or a negative errno after it has logged the reason
     * (milky_host_log); then the endpoint does not start (a reload changes nothing), and `free` is
     * called.
     */
    int (*start)(void *self, struct milky_host *host);

    /*
     * A bot has called an API. To be answered with one of milky_call_ok_json, milky_call_fail and
     * their siblings, before this returns or later. `call` is a number that no other call of this
     * host has ever had.
     */
    void (*call)(void *self, uint64_t call);

    /*
     * A call has ended without the backend's answer: its caller has gone, its bot went offline, or
     * its time limit (milky_limits.call_seconds) has passed. The call is not open any more; data
     * borrowed from it is valid until this returns, so threads must stop using it before that. A
     * later answer is dropped. If this function is NULL, borrowed data stays valid until the
     * backend answers such a call, and the answer is dropped.
     */
    void (*cancelled)(void *self, uint64_t call);

    /*
     * An operator's request, outside the protocol (POST /NAME/ACTION on the control address, NAME
     * being the backend's name in the configuration). To be answered like a call, but without a
     * time limit.
     *
     * Without `operations`, milky_call_action is ACTION unchanged, the params are any JSON object,
     * unchecked, and there is no bot (milky_call_self_id is 0).
     *
     * With `operations`, the endpoint answers unknown operations with -404, and wrong params and
     * unknown fields with -400. Other requests have their defaults added; milky_call_self_id is the
     * person who acts, or 0. The name of an API, or an operation that is short for one, becomes a
     * request of that API, with its number in milky_call_number.
     */
    void (*control)(void *self, uint64_t call);

    /*
     * A turn of the loop ends: all calls that had arrived have been passed on, and no answer or
     * event of this turn has been sent yet. A backend may commit a transaction here and then answer
     * the calls that waited for it: one commit for the whole turn.
     */
    void (*turn_end)(void *self);

    /*
     * All events that this backend has emitted so far are committed to the journal and survive the
     * end of the process (milky_host_flush makes them survive a power failure), so the backend may
     * delete its own records of them. Called at the end of a turn in which events were stored, with
     * `keeps_events` perhaps some turns later; never called without a journal.
     */
    void (*events_stored)(void *self);

    /*
     * A client requests a file under a URL of milky_host_resource_url. To be answered with one of
     * milky_resource_fd, _bytes, _redirect and _fail, before this returns or later (within
     * milky_limits.call_seconds).
     */
    void (*resource)(void *self, uint64_t request, const char *token);

    /* A reload has changed the bots (milky_host_bots). */
    void (*bots_changed)(void *self);

    /*
     * Returns the backend's time, in seconds since 1970, for events that the endpoint makes for it
     * (`bot_offline`). NULL: the system clock.
     */
    uint64_t (*now)(void *self);

    /*
     * Frees the backend, also one whose `start` was never called or has failed. Open calls were
     * answered (-500) and `cancelled` before. The backend must close its libuv handles (uv_close)
     * here at the latest; the loop runs until they are closed. A handle that is left open does not
     * keep the endpoint from ending (milky_endpoint_free). Threads that may call milky_host_post
     * must have ended when this returns.
     *
     * Called at the end of a turn after a reload has removed the backend, else by
     * milky_endpoint_free.
     */
    void (*free)(void *self);

    /*
     * The operators' requests that `control` accepts, generated from a table by
     * spec/generate_sandbox.py, for backends that are built together with the library. NULL: any,
     * unchecked.
     */
    const struct milky_operations *operations;

    /*
     * True: the backend takes "cache://ID" as a URI in the params of calls (milky_call_cached).
     * Only then may its bots upload files beforehand.
     */
    bool takes_cached;
};

/* --- actions --- */

/*
 * Actions are numbered from 0 to milky_action_count() - 1, in an unspecified order that does not
 * change while the process runs: a backend can keep a table of its functions by number.
 * milky_action_number returns -1 for an unknown name, milky_action_name NULL for an unknown number.
 */
MILKY_API size_t milky_action_count(void);
MILKY_API int milky_action_number(const char *name);
MILKY_API const char *milky_action_name(size_t number);

/*
 * Returns whether the params of this action may contain URIs (`uri`, `image_uri`, ...), at any
 * depth.
 */
MILKY_API bool milky_action_takes_uris(size_t number);

/*
 * Checks JSON from another source than a bot (an upstream's answer, a file) against the params of
 * an API, or against its result. Returns 0; -EINVAL with a message, "PATH: expected WHAT, got
 * WHAT", in `problem` (cut to `size` bytes, NUL included; may be NULL with 0); -ENOENT if there is
 * no such API; -ENOMEM.
 */
MILKY_API int milky_check_params_json(const char *action, const char *json, size_t len,
                                      char *problem, size_t size);
MILKY_API int milky_check_result_json(const char *action, const char *json, size_t len,
                                      char *problem, size_t size);

/* The same for the fields of an operator's request, by a backend's `operations`. */
MILKY_API int milky_check_operation_json(const struct milky_operations *operations,
                                         const char *name, const char *json, size_t len,
                                         char *problem, size_t size);

/* --- calls --- */

/*
 * The contents of a call. For a call that is not open these return SIZE_MAX, "", 0 and "{}". Texts
 * are NUL-terminated UTF-8, borrowed until the call is answered.
 *
 * The params are an object with exactly the fields of the action in spec/milky-1.3.json, with
 * checked types; only optional fields without a default may be absent. `len` may be NULL.
 */
MILKY_API size_t milky_call_number(const struct milky_host *host, uint64_t call);
MILKY_API const char *milky_call_action(const struct milky_host *host, uint64_t call);
MILKY_API uint64_t milky_call_self_id(const struct milky_host *host, uint64_t call);
MILKY_API const char *milky_call_params_json(struct milky_host *host, uint64_t call, size_t *len);

/* One field of the params, as JSON text; NULL if it is absent. Otherwise as above. */
MILKY_API const char *milky_call_param_json(struct milky_host *host, uint64_t call,
                                            const char *name, size_t *len);

/*
 * Returns true until the call has ended, by an answer or without one. Work for a call that is not
 * open any more can be abandoned.
 */
MILKY_API bool milky_call_open(const struct milky_host *host, uint64_t call);

/*
 * Answers with a result: `json` is an object, the `data` of the reply (NULL is {}); it is copied. A
 * result that is not JSON or does not match the API's table is logged and becomes a failure (-500).
 *
 * Returns 0; -ENOENT if the call is not open: it was answered before (logged), or has ended without
 * an answer; -EINVAL for such a result; -ENOMEM. In each case the call has ended.
 */
MILKY_API int milky_call_ok_json(struct milky_host *host, uint64_t call, const char *json,
                                 size_t len);

/*
 * Answers with a failure: `retcode`, which is not 0, and the message are sent to the bot unchanged,
 * except for bytes that are not UTF-8, which are replaced. The message is copied; NULL is "".
 * Returns as above.
 */
MILKY_API int milky_call_fail_text(struct milky_host *host, uint64_t call, int retcode,
                                   const char *message);
MILKY_API int milky_call_fail(struct milky_host *host, uint64_t call, int retcode,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * A bot may upload a file before it uses it (milky_config.cache), and name it "cache://ID" wherever
 * a call has a URI. Opens that file for an open call, and returns a descriptor of a regular file,
 * which the backend closes, at any time: the content never changes. An upload that is for one use
 * is removed when the call has been answered with success.
 *
 * Returns -ENOENT if the bot has no such upload (never had, has deleted it, or used it up), or the
 * call is not open; -EAGAIN if it is not complete; -EBUSY if it is for one use and another call
 * has it open; or another negative errno.
 */
MILKY_API int milky_call_cached(struct milky_host *host, uint64_t call, const char *uri);

/* Retcodes with a defined meaning; others are the backend's choice (the draft has -100). */
enum milky_retcode {
    MILKY_MALFORMED = -400,     /* JSON or params (the endpoint checks these itself) */
    MILKY_OFFLINE = -403,       /* the bot is not logged in (milky_host_set_state) */
    MILKY_UNKNOWN = -404,       /* no such API (the endpoint checks this itself) */
    MILKY_INTERNAL = -500,      /* the backend failed: disk full, out of memory, time limit */
    MILKY_BUSY = -503,          /* other calls hold too much memory (the endpoint checks this) */
    MILKY_NOT_SUPPORTED = -501, /* the backend does not support it (milky_host_supports) */
};

/* --- events --- */

/*
 * Emits an event to all receivers of bot `self_id`. `type` is an event_type of spec/milky-1.3.json,
 * `json` its data (an object), `time` in seconds since 1970. All arguments are copied; the event is
 * sent when the turn of the loop has ended.
 *
 * `key` may be NULL, or any text that identifies the event: a second event of this bot with the
 * same key is not emitted, so that an event that an upstream reports twice arrives once. A bot's
 * last 8,192 keys are kept; with a journal, which stores a key together with its event, also over a
 * restart. `number` may be NULL; `*number` becomes the event's number: the events of a bot are
 * numbered from 1, and a repeated event has the number of the first.
 *
 * Returns 0; MILKY_REPEATED for a known key; -ENOENT when no bot of this backend has that number;
 * -EINVAL for a type or data that do not match the tables (logged); -ENOMEM; -EIO.
 */
enum { MILKY_REPEATED = 1 };
MILKY_API int milky_emit_json(struct milky_host *host, uint64_t self_id, const char *type,
                              uint64_t time, const char *json, size_t len, const char *key,
                              uint64_t *number);

/*
 * Emits an event from the backend's own copy, in `start`, under the number that it had: for a
 * backend that `keeps_events`. If the journal does not have it (a crash came before it was written,
 * or the file was damaged), it is stored again, so that receivers get it when they come to its
 * number. Returns 0; MILKY_REPEATED if the journal has it or has deleted it as too old; -EINVAL
 * also for the number 0; otherwise as milky_emit_json.
 */
MILKY_API int milky_emit_again_json(struct milky_host *host, uint64_t self_id, uint64_t number,
                                    const char *type, uint64_t time, const char *json, size_t len);

/*
 * In `start`, of a backend that `keeps_events`: its copies may lack the last ones, for its file is
 * damaged or new. Where a loss of power may have taken the last numbers, too, the next events get
 * numbers that were certainly not given before.
 */
MILKY_API void milky_host_lost_events(struct milky_host *host);

/*
 * The number of the last event of a bot; 0 before the first, and for no such bot. The next event
 * gets the next number. In `start` it is the last one that is known to have been given: the journal
 * may lack events before it, where its file was damaged.
 */
MILKY_API uint64_t milky_host_last_event(const struct milky_host *host, uint64_t self_id);

/*
 * Returns whether a transport of the bot is to send the bot's own messages too (`own_messages`).
 * Only then need a backend emit a `message_receive` for them, with the bot as sender_id; transports
 * that do not want it leave it out. It may change when bots_changed is called.
 */
MILKY_API bool milky_host_wants_own_messages(const struct milky_host *host, uint64_t self_id);

/*
 * Commits the journal and waits until the disk has all events that were emitted so far (it does not
 * wait for the disk where the configuration says so: `journal.flush`): from now on a backend that
 * `keeps_events` may delete its copies of them. Returns 0; -ENOTSUP where no journal is kept;
 * another negative errno, logged, where they are not safe yet.
 */
MILKY_API int milky_host_flush(struct milky_host *host);

/* --- states and capabilities --- */

enum milky_state {
    MILKY_STATE_ONLINE,
    MILKY_STATE_OFFLINE,
};

/*
 * Sets whether a bot is logged in; initially each is. While it is offline all its calls are
 * answered with -403, those in flight too (they are `cancelled`), and status, metrics and readiness
 * report it, with `reason` (a text for people; copied; NULL is ""). Going offline emits one
 * `bot_offline` with the reason; a second MILKY_STATE_OFFLINE only replaces the reason. Within
 * `call` and `control`, answer that call before this. Returns 0, -ENOENT when no bot of this
 * backend has that number, -ENOMEM.
 *
 * milky_host_state returns MILKY_STATE_OFFLINE for an unknown bot.
 */
MILKY_API int milky_host_set_state(struct milky_host *host, uint64_t self_id,
                                   enum milky_state state, const char *reason);
MILKY_API enum milky_state milky_host_state(const struct milky_host *host, uint64_t self_id);

/*
 * Sets the actions that a bot (0: each bot of this backend, future ones too) supports: others are
 * answered with -501 and do not reach the backend. By default all are supported. Replaces earlier
 * settings of this bot, with 0 also those of each bot; unknown names are refused. Copied. Returns
 * 0, -EINVAL (logged), -ENOENT, -ENOMEM.
 */
MILKY_API int milky_host_supports(struct milky_host *host, uint64_t self_id,
                                  const char *const *actions, size_t count);

/* The result of get_impl_info; see spec/milky-1.3.json. A text that is NULL is "". */
struct milky_impl {
    size_t size; /* sizeof(struct milky_impl) */
    const char *impl_name;
    const char *impl_version;
    const char *qq_protocol_version;
    const char *qq_protocol_type; /* "linux", ...: a value of the table's enum */
};

/*
 * Describes the implementation behind a bot (0: each bot of this backend, future ones too; replaces
 * those of single bots): from now on the endpoint answers get_impl_info itself while the bot is
 * online, even if the action is not supported. Copied. Returns 0, -EINVAL (logged), -ENOENT,
 * -ENOMEM.
 */
MILKY_API int milky_host_set_impl(struct milky_host *host, uint64_t self_id,
                                  const struct milky_impl *impl);

/* --- the endpoint --- */

/*
 * The bots that name this backend, in the order of the configuration. Borrowed until bots_changed
 * has returned: call this again instead of keeping the pointer.
 */
MILKY_API const uint64_t *milky_host_bots(const struct milky_host *host, size_t *count);

/*
 * The backend's name in the configuration, which is part of the path of control requests. Borrowed.
 */
MILKY_API const char *milky_host_name(const struct milky_host *host);

/*
 * The language of replies to bots, from the configuration: for messages of failed calls, and other
 * text that a bot may show to people. A reload may change it.
 */
MILKY_API enum milky_language milky_host_language(const struct milky_host *host);

/* Logs a line under the backend's name; levels as in milky_log_to (0 error ... 3 debug). */
MILKY_API void milky_host_log(const struct milky_host *host, int level, const char *text);

/*
 * Runs `run(arg)` on the endpoint's thread, soon, and never from within this function. Any thread
 * may call this, until `free` of the backend returns. Posts run in the order of the calls; those
 * that still wait when the endpoint is freed run then. Posts do not keep a loop running that has
 * nothing else to wait for. Returns 0; -ENOMEM; -ESHUTDOWN once the endpoint is being freed: then
 * `run` is not called.
 */
MILKY_API int milky_host_post(struct milky_host *host, void (*run)(void *arg), void *arg);

/*
 * Ends every connection of a bot at once, as a network failure does: servers keep listening, and
 * WebSocket clients reconnect. Webhooks have no lasting connection. Must not be called from within
 * `call` and `control`; from within `turn_end` it may. Returns 0, or -ENOENT when there is no such
 * bot.
 */
MILKY_API int milky_host_drop_connections(struct milky_host *host, uint64_t self_id);

/*
 * Writes the URL under which the endpoint serves a file of the backend (`resource`) to any client
 * that has the URL:
 *   http://HOST:PORT[PREFIX]/resource/TOKEN/NAME
 * `token` is chosen by the backend: letters, digits, '-' and '_', long enough to be unguessable.
 * `name` is any UTF-8; it is only the name under which the file is saved. The address is the
 * configuration's resource_url, or else that of the first server of bot `self_id` on TCP, or of
 * another bot's, or a port that is opened for files only. May be called once the endpoint has
 * started. Returns 0; -ENOENT if files are not served, -ENOBUFS.
 */
MILKY_API int milky_host_resource_url(const struct milky_host *host, uint64_t self_id,
                                      const char *token, const char *name, char *url, size_t size);

/*
 * The libuv loop of the endpoint, for the backend's own timers and connections. Handles must be
 * closed in `free` at the latest.
 */
MILKY_API struct uv_loop_s *milky_host_loop(const struct milky_host *host);

/* --- resources --- */

/*
 * Answers to `resource`. Each returns 0; -ENOENT if the request is not open: it was answered before
 * (logged), its client has gone, or its time limit has passed (milky_limits.call_seconds; the
 * client got 504); or another negative errno, logged, for an invalid answer (the client got 500).
 * `content_type` is "image/png", copied; NULL is "application/octet-stream".
 *
 * _fd:       the content of a regular file, open for reading; the endpoint closes it in each case.
 * _bytes:    these bytes, copied; 32 MiB at most.
 * _redirect: 302 to another URL: http, https, or a path ("/...").
 * _fail:     a status from 400 to 599 (404 for a token that is unknown or has expired), and why.
 *
 * The endpoint handles HEAD and one range of bytes (RFC 9110, 14).
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
