/*
 * json_path: the position of a value in a JSON document, for messages: "message[0].data.text". It
 * is a chain of frames on the stack of the function that walks the document, and costs nothing
 * until it is written.
 */
#ifndef MK_BASE_JSON_PATH_H
#define MK_BASE_JSON_PATH_H

#include "base/buf.h"

struct mk_json_path {
    const struct mk_json_path *up; /* NULL: this is a member or element of the document itself */
    struct mk_slice name;          /* of a member; its ptr is NULL for an element of an array */
    size_t index;                  /* of an element */
};

/*
 * Appends the path; NULL is the document itself, "". A name that is not made of letters, digits,
 * '_', '-' and '$' alone, or that is long, is written as a JSON string of its first bytes. Returns
 * 0, -ENOBUFS or -ENOMEM; then a part of the path may have been appended.
 */
int mk_json_path_write(struct mk_buf *out, const struct mk_json_path *path);

/*
 * Writes the path to `text`, NUL-terminated. A path that does not fit into `size` bytes (at least
 * 1) ends behind the last frame that does.
 */
void mk_json_path_copy(char *text, size_t size, const struct mk_json_path *path);

#endif
