/*
 * path: where in a JSON value something stands, for messages: "message[0].data.text". It is a chain
 * of frames on the stack of whoever walks the value, and costs nothing until a message is written.
 */
#ifndef MK_PROTOCOL_PATH_H
#define MK_PROTOCOL_PATH_H

#include "base/buf.h"

struct mk_path {
    const struct mk_path *up; /* NULL: this stands at the top */
    struct mk_slice name;     /* of a field; ptr is NULL for an element of an array */
    size_t index;
};

/* Appends the path; an empty one (NULL) is `root`. Errors are those of the buf. */
int mk_path_write(struct mk_buf *out, const struct mk_path *path, const char *root);

#endif
