/*
 * url: the parts of an absolute URL (RFC 3986) of the schemes that we connect to, percent-coding
 * and queries.
 */
#ifndef MK_WIRE_URL_H
#define MK_WIRE_URL_H

#include "base/buf.h"

#include <stdint.h>

struct mk_url {
    struct mk_slice scheme;   /* as written: "ws", "wss", "http", "https" */
    struct mk_slice userinfo; /* "user:password", or empty */
    struct mk_slice host;     /* without the brackets of an IPv6 literal */
    struct mk_slice authority_host; /* as it goes into a Host header: with the brackets */
    uint16_t port;            /* the one written, or the scheme's own */
    bool default_port;        /* the port is the scheme's own */
    bool tls;                 /* wss or https */
    struct mk_slice path;     /* "/" at least where a path was written; "" where none was */
    struct mk_slice query;    /* without '?' and without the fragment */
    bool has_query;
};

/*
 * Takes a URL apart; the slices borrow from `text`. Returns NULL, or what is wrong with it as an
 * English clause ("no host", "port out of range", "scheme must be ws, wss, http or https").
 * Spaces, control characters and bytes beyond ASCII are refused.
 */
const char *mk_url_parse(struct mk_slice text, struct mk_url *url);

/*
 * Appends `text` with its percent escapes decoded. Returns 0, -EINVAL for an escape that is none,
 * or the error of the buf. '+' is left as it is.
 */
int mk_url_decode(struct mk_buf *out, struct mk_slice text);

/* Appends `text` with everything but unreserved characters escaped (encodeURIComponent's set). */
int mk_url_encode(struct mk_buf *out, struct mk_slice text);

/*
 * Finds the first parameter of this name in a query ("a=1&b=2"); names are compared decoded. The
 * value is not yet decoded; false where there is no such parameter.
 */
bool mk_url_query_find(struct mk_slice query, struct mk_slice name, struct mk_slice *value);

/*
 * Appends the request target of `url` ("/path?query") with `name`=`value` set in its query: in the
 * place of a parameter of that name, else at the end. A NULL name adds nothing. The value is escaped.
 */
int mk_url_write_target(struct mk_buf *out, const struct mk_url *url, const char *name,
                        struct mk_slice value);

/* 0 to 15 for a hexadecimal digit, else -1. */
int mk_hex_digit(char c);

#endif
