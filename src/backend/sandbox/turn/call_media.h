/*
 * call_media: the URIs in the params of a call, and the contents that they name:
 *
 *   call with URIs -> every URI is fetched, checked and hashed beside the loop (media/fetch.c)
 *                  -> the handler runs, with all contents at hand: sb_request_media
 *                  -> sb_turn_write records those that the handler asked for
 *                  -> a content is kept when the turn is committed, otherwise removed
 *
 * A handler thus never waits: a call that names media begins when they are there, and is refused
 * without its handler where one cannot be had. Calls without URIs overtake it.
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
    SB_CALL_MOST_URIS_OF_WORLD = 1024 * 1024, /* of an operator, whose call may bring a world */
};

/*
 * The content of a URI in the params; NULL where `uri` is no such string. The string counts, not
 * the value that holds it: a value made with the same `const char *` finds it too. Before
 * sb_turn_write: what was asked for is recorded there. Lives until the reply.
 */
const struct sb_media *sb_request_media(struct sb_request *request, yyjson_mut_val *uri);

/*
 * Refuses content that is not of one of `kinds` (1 << SB_MEDIA_IMAGE | ...), in words that name the
 * params' path of `uri`. Returns 0 or SB_REFUSED.
 */
int sb_request_media_kind(struct sb_request *request, yyjson_mut_val *uri, unsigned kinds);

/*
 * Takes over a call that has URIs: when all contents are there, it hands the call to `run` with
 * what it then has for `request->media`; where one cannot be had, it fails the call. Returns false
 * where the call has no URIs.
 */
typedef void sb_call_media_run(struct sb_sandbox *sandbox, const struct sb_call *call,
                               struct sb_media_call *media);
bool sb_call_media_prepare(struct sb_sandbox *sandbox, const struct sb_call *call,
                           sb_call_media_run *run);
/*
 * The same for a part of params that no call brought, before the loop runs: waits for it, and sets
 * request->media. Returns 0, SB_REFUSED or -errno.
 */
int sb_call_media_fetch_now(struct sb_request *request, yyjson_mut_val *params);
/*
 * A call has ended, and its URIs are not wanted any more. Returns false where none of them is being
 * fetched.
 */
bool sb_call_media_cancel(struct sb_sandbox *sandbox, uint64_t call);
/* The handler has run. NULL is allowed. */
void sb_call_media_done(struct sb_media_call *media);
/* Writes the rows of what the handler asked for. `request->media` may be NULL. 0 or -errno. */
int sb_call_media_record(struct sb_request *request);
/* Waits until no call of the sandbox fetches any more. All calls have ended. */
void sb_call_media_drain(struct sb_sandbox *sandbox);

#endif
