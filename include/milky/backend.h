/*
 * milky/backend.h: be a backend.
 *
 * A backend answers calls and makes events: the sandbox, a bridge to another QQ implementation, or
 * a QQ core of your own. Fill in one `struct milky_backend`, hand it to milky_endpoint_new
 * (milky/milky.h), and the endpoint serves it over every communication method and in both dialects.
 *
 * A backend speaks Milky 1.2 only: names and shapes of calls, results and events are those of
 * spec/milky-1.2.json. What a bot asks in the draft's dialect has been translated, checked against
 * the tables and completed with its defaults before it arrives here, and results and events are
 * translated on their way out.
 *
 * Everything runs on one thread: a backend is called from the endpoint's loop and calls back on it.
 * JSON values are those of yyjson (https://github.com/ibireme/yyjson).
 */
#ifndef MILKY_BACKEND_H
#define MILKY_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MILKY_API __attribute__((visibility("default")))
#else
#define MILKY_API
#endif

struct uv_loop_s;

/* What a backend can ask of the endpoint that it serves. Valid from `start` until `free`. */
struct milky_host;

/* One API request. It lives until it has been replied to, exactly once, now or later. */
struct milky_call;

/* A file that the endpoint serves (milky_host_resource_url). */
struct milky_resource {
    int fd;                   /* open for reading, of a regular file; the endpoint closes it */
    const char *content_type; /* a literal: "image/png" */
};

/*
 * The table of a backend. Every function gets the table itself first; embed it in a struct of your
 * own to find your state. Functions marked optional may be NULL.
 */
struct milky_backend {
    const char *name; /* "sandbox": for logs */

    /*
     * This backend keeps what it emits, safe from the loss of power, until milky_host_flush has
     * returned 0, and when it starts emits again what milky_host_last_event says is missing. So the
     * journal need not wait for the disk at the end of each turn that has events.
     */
    bool keeps_events;

    /*
     * The endpoint starts: no call has come yet, and events may be emitted from here on.
     * Returns 0, or a negative errno after it has logged why.
     */
    int (*start)(struct milky_backend *backend, struct milky_host *host);

    /* Answers a call with milky_call_ok or milky_call_fail, before it returns or any time later. */
    void (*call)(struct milky_backend *backend, struct milky_call *call);

    /*
     * Optional. An operator's request, outside the protocol, from the control socket: its action is
     * the path below /sandbox/ as it was sent, its params any JSON object, unchecked; there is no
     * bot (milky_call_self_id is 0). Replied to like a call.
     */
    void (*control)(struct milky_backend *backend, struct milky_call *call);

    /*
     * Optional. A turn of the loop ends: all calls that had arrived have been handed over, and
     * nothing that was replied or emitted in this turn has left yet. The place to commit a
     * transaction and then to reply to what waited for it: one commit serves the whole turn.
     */
    void (*turn_end)(struct milky_backend *backend);

    /*
     * Optional. Somebody asks for a file under a URL of milky_host_resource_url. Returns 0 with
     * `resource` filled, or a negative errno: -ENOENT for a token that is unknown or has expired.
     */
    int (*resource)(struct milky_backend *backend, const char *token,
                    struct milky_resource *resource);

    /* Optional. A reload has changed what milky_host_bots returns. */
    void (*bots_changed)(struct milky_backend *backend);

    /*
     * Frees the backend, also one whose `start` was never called or has failed. Calls still
     * unanswered must be failed here.
     */
    void (*free)(struct milky_backend *backend);
};

/* --- calls --- */

/*
 * Actions are numbered from 0 to milky_action_count() - 1, in no particular order, the same for the
 * life of the process: a backend can keep a table of its functions by number.
 * milky_action_number returns -1 for a name that Milky 1.2 does not have.
 */
MILKY_API size_t milky_action_count(void);
MILKY_API int milky_action_number(const char *name);
MILKY_API const char *milky_action_name(size_t number);

MILKY_API size_t milky_call_number(const struct milky_call *call);
MILKY_API const char *milky_call_action(const struct milky_call *call);

/* The bot that is asked (its QQ number). */
MILKY_API uint64_t milky_call_self_id(const struct milky_call *call);

/*
 * The params: an object with exactly the fields of the action in spec/milky-1.2.json. Each is
 * there with its type checked, but for optional ones without a default, which are absent where they
 * were not given. Borrowed, until the reply.
 */
MILKY_API yyjson_mut_val *milky_call_params(const struct milky_call *call);

/*
 * Fields of params (or of any object in them), by name. Where the field is not there or of another
 * type they return 0, false, or NULL with a length of 0; `len` may be NULL.
 */
MILKY_API uint64_t milky_uint(yyjson_mut_val *object, const char *name);
MILKY_API bool milky_bool(yyjson_mut_val *object, const char *name);
MILKY_API const char *milky_string(yyjson_mut_val *object, const char *name, size_t *len);

/* True when the field is there and not null. */
MILKY_API bool milky_has(yyjson_mut_val *object, const char *name);

/*
 * Checks what did not come from a bot (an operator's request, a file) as if it had: the object
 * `given` against the params of an API, or against its result. Where it is right, `*checked` is a
 * copy of it in `doc` that is complete like milky_call_params, without unknown fields.
 * Returns 0; -EINVAL with what is wrong, "PATH: expected WHAT, got WHAT", in `problem` (cut to
 * `size` bytes with its NUL); -ENOENT where there is no such API; -ENOMEM.
 */
MILKY_API int milky_check_params(const char *action, yyjson_mut_val *given, yyjson_mut_doc *doc,
                                 yyjson_mut_val **checked, char *problem, size_t size);
MILKY_API int milky_check_result(const char *action, yyjson_mut_val *given, yyjson_mut_doc *doc,
                                 yyjson_mut_val **checked, char *problem, size_t size);

/*
 * The document to make the result in: it lives until the reply. Results that were made in another
 * document are fine too, as long as they live during milky_call_ok.
 */
MILKY_API yyjson_mut_doc *milky_call_doc(const struct milky_call *call);

/* Replies with a result, the `data` of the reply; NULL is {}. The call is gone afterwards. */
MILKY_API void milky_call_ok(struct milky_call *call, yyjson_mut_val *data);

/*
 * Replies with a failure: `retcode` is not 0 and goes to the bot as it is, as does the message.
 * The call is gone afterwards.
 */
MILKY_API void milky_call_fail(struct milky_call *call, int retcode, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Retcodes with a meaning of their own; others are the backend's choice (the draft has -100). */
enum milky_retcode {
    MILKY_MALFORMED = -400,     /* JSON or params (the endpoint checks these itself) */
    MILKY_OFFLINE = -403,       /* the bot is not logged in */
    MILKY_UNKNOWN = -404,       /* no such API (the endpoint checks this itself) */
    MILKY_INTERNAL = -500,      /* the backend itself failed: disk full, out of memory */
    MILKY_NOT_SUPPORTED = -501, /* this backend cannot do that */
};

/* --- events --- */

/*
 * Something happened: sends an event to everything that listens to bot `self_id`. `type` is an
 * event_type of spec/milky-1.2.json, `data` its data, `time` in seconds since 1970. All is encoded
 * before this returns, and leaves when the turn of the loop has ended.
 * Returns 0; -ENOENT when there is no such bot; -EINVAL for a type or data that the tables do not
 * know; -ENOMEM.
 */
MILKY_API int milky_emit(struct milky_host *host, uint64_t self_id, const char *type, uint64_t time,
                         yyjson_mut_val *data);

/*
 * The number of the last event of a bot, 0 before the first: each that is emitted gets the next
 * one. When the backend starts it is that of the last event in the journal, so that a backend can
 * tell what it had stored and a crash kept it from emitting. 0 for no such bot.
 */
MILKY_API uint64_t milky_host_last_event(const struct milky_host *host, uint64_t self_id);

/*
 * Waits until the disk has all events that were emitted in earlier turns of the loop, or does
 * nothing where the configuration does not want that (`journal.flush`). Returns 0; -ENOTSUP where
 * no journal is kept; another negative errno, logged, where they are not safe yet.
 */
MILKY_API int milky_host_flush(struct milky_host *host);

/* --- the endpoint --- */

/*
 * The bots of the configuration, in its order. Borrowed until the next reload, of which a backend
 * is told only where the bots change: ask again rather than keep it. What was returned before
 * such a change is valid until bots_changed has returned.
 */
MILKY_API const uint64_t *milky_host_bots(const struct milky_host *host, size_t *count);

/*
 * Ends every connection of a bot at once, as a broken network does: servers go on listening, and
 * WebSocket clients connect again. Not from within `call` and `control`; from `turn_end` on.
 * Webhooks have no connection to lose. Returns 0, or -ENOENT when there is no such bot.
 */
MILKY_API int milky_host_drop_connections(struct milky_host *host, uint64_t self_id);

/*
 * Writes the URL under which the endpoint serves a file of the backend (`resource`) to anybody:
 *   http://HOST:PORT[PREFIX]/resource/TOKEN/NAME
 * `token` is the backend's, of letters, digits, '-' and '_'; since whoever has the URL has the
 * file, nobody must be able to guess one. `name` is any UTF-8; it decides nothing but what the file
 * is saved as. The address is the configuration's resource_url, or else that of the first server of
 * bot `self_id` that listens on TCP, or of another bot's, or a port that is opened for this alone.
 * Valid once the endpoint has started. Returns 0; -ENOENT where nothing is served, -ENOBUFS.
 */
MILKY_API int milky_host_resource_url(const struct milky_host *host, uint64_t self_id,
                                      const char *token, const char *name, char *url, size_t size);

/* The libuv loop that everything runs on, for a backend's own timers and connections. */
MILKY_API struct uv_loop_s *milky_host_loop(const struct milky_host *host);

#ifdef __cplusplus
}
#endif
#endif
