/* cache_impl: what cache.c (paths, and requests without an upload) and cache_put.c share. */
#ifndef MK_TRANSPORT_CACHE_IMPL_H
#define MK_TRANSPORT_CACHE_IMPL_H

#include "transport/cache.h"

/* Decimal digits alone. */
bool mk_cache_read_number(struct mk_slice text, uint64_t *number);
/* 64 hexadecimal digits in either case. */
bool mk_cache_read_sha256(struct mk_slice text, uint8_t sha256[MK_CACHE_SHA256]);

void mk_cache_answer_unknown(struct mk_http_connection *connection);
void mk_cache_answer_status(struct mk_http_connection *connection,
                            const struct mk_cached *resource);

/* At the head of a PUT: refuses it, or begins its upload. `chunk` is NULL for a stream. */
void mk_cache_put_begin(struct mk_cache_server *server, struct mk_http_connection *connection,
                        const struct mk_http1_request *request, struct mk_cached *resource,
                        const uint64_t *chunk, struct mk_cache_put **slot);
/* Its body is complete. */
void mk_cache_put_finish(struct mk_cache_put *put);

#endif
