/*
 * cache: /cache of an http_server, an extension (docs/EXTENSIONS.md): a bot uploads a file, and
 * uses it as "cache://ID" in its calls (host/cache.h). Credentials, origins and answers are those
 * of /api.
 *
 *   GET    /cache             how much may be uploaded
 *   POST   /cache             announces a file
 *   PUT    /cache/ID/CHUNK    one chunk, with its SHA-256
 *   PUT    /cache/ID          all of it, or with Content-Range a part, as a stream
 *   GET    /cache/ID          what has arrived
 *   DELETE /cache/ID
 *
 * The body of a PUT goes to the disk as it arrives, and is read no faster than the disk takes it.
 */
#ifndef MK_TRANSPORT_CACHE_H
#define MK_TRANSPORT_CACHE_H

#include "host/cache.h"
#include "transport/http_answer.h"

/* Of one server. */
struct mk_cache_server {
    struct mk_cache *cache; /* NULL: there is none, and no such path */
    bool is_refused;        /* the bot's backend does not take "cache://" */
    uint64_t self_id;
    struct mk_access access;
    struct mk_list open; /* PUT requests under way */
};

/* A PUT under way on a connection. */
struct mk_cache_put;

void mk_cache_server_init(struct mk_cache_server *server, struct mk_cache *cache, uint64_t self_id);

/* Returns whether `path`, without the prefix, is one of these. */
bool mk_cache_server_match(const struct mk_cache_server *server, struct mk_slice path);

/*
 * Called at the head of such a request: refuses or accepts it. While a PUT is under way `*put` is
 * set; if the connection ends, it must be dropped.
 */
void mk_cache_server_head(struct mk_cache_server *server, struct mk_http_connection *connection,
                          const struct mk_http1_request *request, struct mk_slice path,
                          struct mk_cache_put **put);
void mk_cache_server_piece(struct mk_cache_put *put, struct mk_slice piece);
void mk_cache_server_request(struct mk_cache_server *server, struct mk_http_connection *connection,
                             const struct mk_http1_request *request, struct mk_slice path,
                             struct mk_cache_put *put);
/* NULL is allowed. */
void mk_cache_put_drop(struct mk_cache_put *put);

/* Ends all uploads that are under way: they can be continued at another time. */
void mk_cache_server_stop(struct mk_cache_server *server);

#endif
