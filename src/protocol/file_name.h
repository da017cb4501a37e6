/* file_name: the name of a file that only its URI is known of (spec/dialects.md, upload_*). */
#ifndef MK_PROTOCOL_FILE_NAME_H
#define MK_PROTOCOL_FILE_NAME_H

#include "base/arena.h"

/*
 * The last part of the URI's path, percent-decoded: "a b.txt" of "file:///tmp/a%20b.txt?x=1".
 * "file" where there is none or it could not be the name of a file (base64://, "..", a control
 * character, no UTF-8). NUL-terminated, in `arena`; returns 0 or -ENOMEM.
 */
int mk_file_name_of_uri(struct mk_slice uri, struct mk_arena *arena, struct mk_slice *name);

#endif
