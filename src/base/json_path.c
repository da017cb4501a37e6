/* json_path: see the header. */
#include "base/json_path.h"

#include "base/escape.h"

enum { LONGEST_NAME = 60 };

static bool is_plain(struct mk_slice name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-$";
    for (size_t i = 0; i < name.len; i++)
        if (!memchr(plain, name.ptr[i], sizeof(plain) - 1))
            return false;
    return name.len > 0 && name.len <= LONGEST_NAME;
}

static int write_index(struct mk_buf *out, size_t index)
{
    int rc = mk_buf_append_char(out, '[');
    if (rc == 0)
        rc = mk_buf_append_u64(out, index);
    return rc < 0 ? rc : mk_buf_append_char(out, ']');
}

static int write_name(struct mk_buf *out, const struct mk_json_path *frame)
{
    int rc = frame->up ? mk_buf_append_char(out, '.') : 0;
    if (rc < 0)
        return rc;
    return is_plain(frame->name) ? mk_buf_append_slice(out, frame->name)
                                 : mk_escape_quote(out, frame->name, LONGEST_NAME);
}

int mk_json_path_write(struct mk_buf *out, const struct mk_json_path *path)
{
    if (!path)
        return 0;
    int rc = mk_json_path_write(out, path->up);
    size_t before = out->len;
    if (rc == 0)
        rc = path->name.ptr ? write_name(out, path) : write_index(out, path->index);
    if (rc < 0)
        out->len = before; /* no half of a frame */
    return rc;
}

void mk_json_path_copy(char *text, size_t size, const struct mk_json_path *path)
{
    struct mk_buf out;
    mk_buf_init(&out, size - 1);
    mk_json_path_write(&out, path);
    if (out.len > 0)
        memcpy(text, out.data, out.len);
    text[out.len] = '\0';
    mk_buf_fini(&out);
}
