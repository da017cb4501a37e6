/* probe_boxes: see the header. */
#include "backend/sandbox/media/probe_boxes.h"

bool sb_media_next_box(struct sb_media_bytes *rest, struct sb_media_bytes *type,
                       struct sb_media_bytes *box)
{
    if (!sb_media_there(*rest, 0, 8) || !sb_media_step(*rest))
        return false;
    uint64_t size = sb_media_be32(*rest, 0), head = 8;
    if (size == 1) {
        if (!sb_media_there(*rest, 0, 16))
            return false;
        size = sb_media_be64(*rest, 8);
        head = 16;
    } else if (size == 0) {
        size = rest->len; /* to the end */
    }
    if (size < head || size > rest->len)
        return false;
    *type = sb_media_part(*rest, 4, 4);
    *box = sb_media_part(*rest, head, size - head);
    *rest = sb_media_part(*rest, size, rest->len - size);
    return true;
}

bool sb_media_find_box(struct sb_media_bytes in, struct mk_slice wanted, struct sb_media_bytes *box)
{
    struct sb_media_bytes type;
    while (sb_media_next_box(&in, &type, box))
        if (sb_media_has(type, 0, wanted))
            return true;
    return false;
}
