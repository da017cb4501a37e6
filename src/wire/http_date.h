/* http_date: the dates of HTTP (RFC 9110, 5.6.7), in all three formats. */
#ifndef MK_WIRE_HTTP_DATE_H
#define MK_WIRE_HTTP_DATE_H

#include "base/slice.h"

#include <stdint.h>

/*
 * Reads "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" (a year from 1970 to
 * 2069) or "Sun Nov  6 08:49:37 1994" as seconds since 1970. The day of the week is not checked.
 * Returns false for anything else.
 */
bool mk_http_date_parse(struct mk_slice text, int64_t *seconds);

#endif
