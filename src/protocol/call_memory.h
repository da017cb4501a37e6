/*
 * call_memory: how much memory a call holds while it waits for its reply. A large request is read
 * into a document that is freed when its params have been made (mk_dispatch.reading), and its text
 * stays only where most of it is in the params, as a picture is.
 */
#ifndef MK_PROTOCOL_CALL_MEMORY_H
#define MK_PROTOCOL_CALL_MEMORY_H

#include "protocol/call.h"

enum {
    MK_CALL_LARGE = 16 * 1024,             /* bytes of a text; a shorter one stays with its call */
    MK_CALL_LARGEST_ECHO = 4 * 1024 * 1024 /* bytes of the JSON; so each reply can be sent */
};

/*
 * To be called when the params of a call have been made of call->text: frees the document, and the
 * text too unless more than half of it is in the params. Returns 0 or -ENOMEM.
 */
int mk_call_free_text(struct mk_call *call);

/*
 * Counts the memory of the call. Returns false if it is too much beside the other calls in flight
 * of its bot. A call counts as at most three quarters of the bound: so one of the largest size
 * fits, and small calls beside it, but no second one.
 */
bool mk_call_admit(struct mk_call *call);

#endif
