/* redo: see the header. A record is followed by its texts; it may be unaligned, so it is copied. */
#include "hub/redo.h"

int mk_redo_add(struct mk_buf *log, const struct mk_redo *record)
{
    int rc = mk_buf_reserve(log, sizeof(*record) + record->texts[0].len + record->texts[1].len);
    if (rc < 0)
        return rc;
    mk_buf_append(log, record, sizeof(*record));
    mk_buf_append_slice(log, record->texts[0]);
    mk_buf_append_slice(log, record->texts[1]);
    return 0;
}

bool mk_redo_next(struct mk_slice *rest, struct mk_redo *record)
{
    if (rest->len == 0)
        return false;
    memcpy(record, rest->ptr, sizeof(*record));
    size_t at = sizeof(*record);
    for (size_t i = 0; i < 2; i++) {
        record->texts[i].ptr = rest->ptr + at;
        at += record->texts[i].len;
    }
    *rest = mk_slice_from(*rest, at);
    return true;
}
