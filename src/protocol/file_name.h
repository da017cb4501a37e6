/* file_name: derives the name of a file from its URI (spec/dialects.md, upload_*). */
#ifndef MK_PROTOCOL_FILE_NAME_H
#define MK_PROTOCOL_FILE_NAME_H

#include "base/arena.h"

/*
 * The last part of the URI's path, percent-decoded: "a b.txt" of "file:///tmp/a%20b.txt?x=1".
 * "file" where there is none or it is not a valid file name (base64://, "..", a control character,
 * invalid UTF-8). NUL-terminated, in `arena`; returns 0 or -ENOMEM.
 */
int mk_file_name_of_uri(struct mk_slice uri, struct mk_arena *arena, struct mk_slice *name);

#endif
