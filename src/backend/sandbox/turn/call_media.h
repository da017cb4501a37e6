/*
 * call_media: the URIs in the params of a call, and the contents that they name:
 *
 *   call with URIs -> every URI is fetched, checked and hashed beside the loop (media/fetch.c)
 *                  -> the handler runs, and reads all contents: sb_request_media
 *                  -> sb_turn_write records those that the handler uses
 *                  -> a content is kept when the turn is committed, otherwise removed
 *
 * So a handler never waits: a call with URIs begins when all of them have been fetched, and is
 * refused without its handler when one cannot be fetched. Calls without URIs overtake it.
 *
 * A URI is each string field `uri`, `thumb_uri`, `image_uri` or `file_uri`, however deep in the
 * params, of bots and operators alike.
 */
#ifndef SB_TURN_CALL_MEDIA_H
#define SB_TURN_CALL_MEDIA_H

#include "backend/sandbox/media/media.h"
#include "backend/sandbox/turn/request.h"

enum {
    SB_CALL_MOST_URIS = 200,
    SB_CALL_MOST_URIS_OF_WORLD = 128 * 1024, /* of an operator, whose call may bring a world */
};

/*
 * The content of a URI in the params; NULL where `uri` is no such string. The string counts, not
 * the value that holds it: a value made with the same `const char *` finds it too. To be called
 * before sb_turn_write, which records the content. Valid until the reply.
 */
const struct sb_media *sb_request_media(struct sb_request *request, yyjson_mut_val *uri);

/*
 * Refuses content that is not of one of `kinds` (1 << SB_MEDIA_IMAGE | ...); the reason names the
 * JSON path of `uri` in the params. Returns 0 or SB_REFUSED.
 */
int sb_request_media_kind(struct sb_request *request, yyjson_mut_val *uri, unsigned kinds);

/*
 * Takes over a call that has URIs: when all contents have been fetched, it passes the call to `run`
 * with the value of `request->media`; when one cannot be fetched, it fails the call. Returns false
 * when the call has no URIs.
 */
typedef void sb_call_media_run(struct sb_sandbox *sandbox, const struct sb_call *call,
                               struct sb_call_media *media);
bool sb_call_media_prepare(struct sb_sandbox *sandbox, const struct sb_call *call,
                           sb_call_media_run *run);

/*
 * The same before the loop runs, for `params` that no call brought: waits for the contents, and
 * sets request->media. Returns 0, SB_REFUSED or -errno.
 */
int sb_call_media_fetch_now(struct sb_request *request, yyjson_mut_val *params);

/* A call has ended: abandons its URIs. Returns false when none of them is being fetched. */
bool sb_call_media_cancel(struct sb_sandbox *sandbox, uint64_t call);

/* The handler has run. NULL is allowed. */
void sb_call_media_done(struct sb_call_media *media);

/* Records the contents that the handler uses. `request->media` may be NULL. Returns 0 or -errno. */
int sb_call_media_record(struct sb_request *request);

/* Waits until no call of the sandbox is fetching. All calls have ended. */
void sb_call_media_drain(struct sb_sandbox *sandbox);

#endif
