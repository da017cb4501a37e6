/* range: see the header. */
#include "transport/range.h"

static bool read_number(struct mk_slice text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || __builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(text.ptr[i] - '0'), number))
            return false;
    return text.len > 0;
}

/* "FIRST-LAST", "FIRST-" or "-COUNT". */
static bool read_part(struct mk_slice text, struct mk_range *range)
{
    const char *dash = text.len > 0 ? memchr(text.ptr, '-', text.len) : NULL;
    if (!dash)
        return false;
    struct mk_slice first = mk_slice_of(text.ptr, (size_t)(dash - text.ptr));
    struct mk_slice last = mk_slice_from(text, first.len + 1);
    *range = (struct mk_range){ .is_part = true, .is_suffix = first.len == 0, .last = UINT64_MAX };
    if (first.len > 0 && !read_number(first, &range->first))
        return false;
    if ((last.len > 0 || range->is_suffix) && !read_number(last, &range->last))
        return false;
    return range->is_suffix || range->last >= range->first;
}

void mk_range_read(struct mk_range *range, const struct mk_http1_request *request)
{
    static const struct mk_slice unit = { "bytes=", sizeof("bytes=") - 1 };
    struct mk_slice text = mk_http1_find(request, MK_SLICE("Range"));
    bool is_read = mk_slice_eq(request->method, MK_SLICE("GET")) &&
                   mk_slice_starts_with(text, unit) &&
                   !mk_http1_find(request, MK_SLICE("If-Range")).ptr &&
                   read_part(mk_slice_from(text, unit.len), range);
    if (!is_read)
        *range = (struct mk_range){ 0 };
}

bool mk_range_resolve(const struct mk_range *range, uint64_t size, uint64_t *from, uint64_t *end)
{
    *from = 0;
    *end = size;
    if (!range->is_part)
        return true;
    if (range->is_suffix) {
        *from = range->last < size ? size - range->last : 0;
        return range->last > 0 && size > 0;
    }
    *from = range->first;
    if (range->last < size)
        *end = range->last + 1;
    return range->first < size;
}
