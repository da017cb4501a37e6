/*
 * media: the pictures, voices, videos and files of the world. Each content is stored once, named by
 * its SHA-256, in the folder `media` beside the database; the table `media` knows its size, its
 * TriSHA1 and what its headers say. Here is what handlers use:
 *
 *   call with URIs -> every URI is fetched, checked and hashed beside the loop (media_fetch.h)
 *                  -> the handler runs, with all of it at hand: sb_request_media
 *                  -> sb_request_write records what the handler asked for
 *                  -> the content is kept when the turn is committed, else it goes
 *
 * A handler thus never waits: a call that names media is only begun when they are there, and is
 * refused without its handler where one cannot be had. Calls without URIs overtake it.
 *
 * What is a URI: each string field `uri`, `thumb_uri`, `image_uri` or `file_uri`, however deep in
 * the params, of bots and operators alike.
 */
#ifndef SB_MEDIA_MEDIA_H
#define SB_MEDIA_MEDIA_H

#include "backend/sandbox/media/probe.h"
#include "backend/sandbox/turn/request.h"

enum {
    SB_MEDIA_ID = 65,                     /* bytes of an id with its NUL */
    SB_MEDIA_URL = 1024,                  /* bytes of the longest URL, likewise */
    SB_MEDIA_MOST_URIS = 200,             /* of one call */
    SB_MEDIA_MOST_OF_WORLD = 1024 * 1024, /* of an operator's, which may bring a whole world */
};

/* One content of the store. */
struct sb_media {
    char id[SB_MEDIA_ID]; /* its SHA-256 in lower-case hexadecimal: `resource_id` of messages */
    char tri_sha1[41];    /* `file_hash` of files */
    uint64_t size;        /* bytes, at least 1 */
    struct sb_media_info info; /* what it is; SB_MEDIA_OTHER where no header was understood */
    const char
        *wrong; /* of one just fetched: what keeps its header from being understood, or NULL */
};

/*
 * The content of a URI in the params; NULL where `uri` is no such string. The string counts, not
 * the value that holds it: a value made with the same `const char *` finds it too. Before
 * sb_request_write: what was asked for is recorded there. Lives until the reply.
 */
const struct sb_media *sb_request_media(struct sb_request *request, yyjson_mut_val *uri);

/*
 * Refuses content that is not of one of `kinds` (1 << SB_MEDIA_IMAGE | ...), in words that name the
 * params' path of `uri`. Returns 0 or SB_REFUSED.
 */
int sb_request_media_kind(struct sb_request *request, yyjson_mut_val *uri, unsigned kinds);

/* Looks a content up by its id. Returns 1, 0 where there is none, or -errno. */
int sb_media_find(struct sb_sandbox *sandbox, struct mk_slice id, struct sb_media *media);

/*
 * Makes a URL under which the endpoint serves the content `id` (not looked up) to whoever has it:
 * nobody can guess one, and it ends SB_MEDIA_URL_SECONDS from now in the time of the world.
 * `self_id` is the bot that gets it. `name` is what it is saved as: that of a file, or NULL for
 * "image.png" and the like (`media`: then it is needed, else it may be NULL). "" where the endpoint
 * serves nowhere. Returns 0 or -errno.
 */
enum { SB_MEDIA_URL_SECONDS = 2 * 60 * 60 };
int sb_media_url(struct sb_sandbox *sandbox, uint64_t self_id, const char *id, const char *name,
                 char url[SB_MEDIA_URL]);

/*
 * Adds `temp_url`, fresh, to the image, record and video segments of a message, those in replies
 * included. Messages are stored without: whoever shows segments to a bot calls this. 0 or -errno.
 */
int sb_media_fill_urls(struct sb_sandbox *sandbox, uint64_t self_id, yyjson_mut_doc *doc,
                       yyjson_mut_val *segments);

/* There is a segment among them that gets one. */
bool sb_media_in(yyjson_mut_val *segments);

/* The URL of a person's or a group's picture: the one that was set, or a plain one. 0 or -errno. */
int sb_media_person_avatar(struct sb_sandbox *sandbox, uint64_t self_id, uint64_t uin,
                           char url[SB_MEDIA_URL]);
int sb_media_group_avatar(struct sb_sandbox *sandbox, uint64_t self_id, uint64_t group,
                          char url[SB_MEDIA_URL]);

/* --- for sandbox.c --- */

/* Opens the store, inside the transaction of the start. Returns 0 or -errno, logged. */
int sb_media_start(struct sb_sandbox *sandbox);
/* Waits until what is under way has ended, and frees. All calls have. */
void sb_media_stop(struct sb_sandbox *sandbox);

/*
 * Takes a call over that has URIs: when all of them are here, sb_turn_run gets it, with
 * what it then has for `media`; where one cannot be had the call is failed. False: it has none.
 */
bool sb_media_prepare(struct sb_sandbox *sandbox, const struct sb_call *asked);
/*
 * The same for a part of params that no call brought, before the loop runs: waits for it, and sets
 * request->media. Returns 0, SB_REFUSED or -errno.
 */
int sb_media_fetch_now(struct sb_request *request, yyjson_mut_val *params);
/* A call has ended: what its URIs name is not wanted any more. Returns false where it has none that
 * are being fetched. */
bool sb_media_cancel(struct sb_sandbox *sandbox, uint64_t call);
/* The handler has run. NULL is allowed. */
void sb_media_call_done(struct sb_media_call *media);
/* Writes the rows of what the handler asked for. `request->media` may be NULL. 0 or -errno. */
int sb_media_record(struct sb_request *request);

/* The turn was committed, or was not. */
void sb_media_committed(struct sb_sandbox *sandbox);
void sb_media_rolled_back(struct sb_sandbox *sandbox);

/* milky_backend.resource: answers the request. */
void sb_media_resource(struct sb_sandbox *sandbox, uint64_t request, const char *token);

/* Opens the content for reading. Returns a descriptor, -ENOENT, or another -errno. */
int sb_media_open(struct sb_sandbox *sandbox, const char *id);

#endif
