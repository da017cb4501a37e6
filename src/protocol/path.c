/* path: see the header. */
#include "protocol/path.h"

static int write_frames(struct mk_buf *out, const struct mk_path *path)
{
    int rc = path->up ? write_frames(out, path->up) : 0;
    if (rc < 0)
        return rc;
    if (!path->name.ptr)
        return mk_buf_printf(out, "[%zu]", path->index);
    return mk_buf_printf(out, "%s%.*s", path->up ? "." : "", (int)path->name.len, path->name.ptr);
}

int mk_path_write(struct mk_buf *out, const struct mk_path *path, const char *root)
{
    return path ? write_frames(out, path) : mk_buf_append_slice(out, mk_slice_str(root));
}
