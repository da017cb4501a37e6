/* http1_method: the methods that are registered for HTTP, and refusals in words. */
#include "wire/http1.h"

#include <stdio.h>

/* IANA, HTTP Method Registry. */
static const char *const registered[] = {
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
};

bool mk_http1_knows_method(struct mk_slice method)
{
    if (mk_slice_eq(method, MK_SLICE("POST")) || mk_slice_eq(method, MK_SLICE("GET")))
        return true; /* the usual ones */
    for (size_t i = 0; i < sizeof(registered) / sizeof(registered[0]); i++)
        if (mk_slice_eq_nocase(method, mk_slice_str(registered[i])))
            return true;
    return false;
}

void mk_http1_error_text(const struct mk_http1_error *error, char text[MK_HTTP1_ERROR_TEXT])
{
    unsigned byte = error->byte, position = error->position;
    if (position == 0)
        snprintf(text, MK_HTTP1_ERROR_TEXT, "%s", error->reason);
    else if (byte > ' ' && byte < 0x7f)
        snprintf(text, MK_HTTP1_ERROR_TEXT, "%s: '%c' at position %u", error->reason, (int)byte,
                 position);
    else
        snprintf(text, MK_HTTP1_ERROR_TEXT, "%s: byte 0x%02x at position %u", error->reason, byte,
                 position);
}
