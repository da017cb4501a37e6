/*
 * web_url: a URL as people copy it from a browser, made one that a server takes (the URL Standard,
 * and UTS 46 for the names of hosts): "http://例子.com/图 1.png" becomes
 * "http://xn--fsqu00a.com/%E5%9B%BE%201.png".
 */
#ifndef MK_NET_WEB_URL_H
#define MK_NET_WEB_URL_H

#include "base/buf.h"

/*
 * Appends the URL, or the reference of a redirect, which may lack a scheme and a host: without
 * white space around it and its fragment, escaped, with its host in ASCII. What is escaped already
 * stays so. Returns 0; -EINVAL for a host that cannot be one; -ENOSYS where its letters are beyond
 * ASCII and libidn2, which libcurl comes with, is missing; or the error of the buf.
 */
int mk_web_url_clean(struct mk_buf *out, struct mk_slice text);

/* Appends "https://host:port/" of a clean URL, without its user. Returns 0 or the buf's error. */
int mk_web_url_origin(struct mk_buf *out, struct mk_slice url);

#endif
