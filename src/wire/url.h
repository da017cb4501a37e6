/*
 * url: the parts of an absolute URL (RFC 3986) of the schemes that we connect to, and queries.
 * Nothing is normalised, and no name is resolved.
 */
#ifndef MK_WIRE_URL_H
#define MK_WIRE_URL_H

#include "base/buf.h"

#include <stdint.h>

struct mk_url {
    struct mk_slice scheme;         /* as written: "ws", "wss", "http", "https" */
    struct mk_slice userinfo;       /* "user:password", or empty */
    struct mk_slice host;           /* without the brackets of an IPv6 literal */
    struct mk_slice authority_host; /* as it goes into a Host header: with the brackets */
    uint16_t port;                  /* the one written, or the scheme's own */
    bool default_port;              /* the port is the scheme's own */
    bool tls;                       /* wss or https */
    struct mk_slice path;           /* "/" at least where a path was written; "" where none was */
    struct mk_slice query;          /* without '?' and without the fragment */
    bool has_query;
};

/*
 * Parses a URL; the slices borrow from `text`. Returns NULL, or an English clause that describes
 * the error ("no host", "port out of range", "scheme must be ws, wss, http or https"). Spaces,
 * control characters and bytes beyond ASCII are refused.
 */
const char *mk_url_parse(struct mk_slice text, struct mk_url *url);

/*
 * Splits "host" or "host:port" (RFC 3986, 3.2.2): `host` keeps the brackets of an IPv6 literal and
 * is never empty, `port` is "" or 0 to 65535 as it was written. Names may hold any reg-name
 * character; zones and IPvFuture are refused. Returns false when `text` is malformed.
 */
bool mk_url_split_host(struct mk_slice text, struct mk_slice *host, struct mk_slice *port);

/*
 * Finds the first parameter of this name in a query ("a=1&b=2"); names are compared decoded, and
 * one with a bad escape is equal to none. The value is not yet decoded, and empty where there is no
 * '='. False where there is no such parameter.
 */
bool mk_url_query_find(struct mk_slice query, struct mk_slice name, struct mk_slice *value);

/*
 * Appends the request target of `url` ("/path?query") with `name`=`value` set in its query: it
 * replaces the first parameter of that name (further ones are dropped), or is appended. A NULL name
 * adds nothing. Both are escaped, and so is what a URL may hold in places where browsers accept it
 * ("a?b]c", RFC 3986 does not). Returns 0 or the error of the buf; then nothing was appended.
 */
int mk_url_write_target(struct mk_buf *out, const struct mk_url *url, const char *name,
                        struct mk_slice value);

#endif
