/* cors: see the header. */
#include "web/cors.h"

static const struct mk_slice any = { "*", 1 };

static bool has(struct mk_slice origins, struct mk_slice origin)
{
    struct mk_slice rest = origins, listed;
    while (mk_slice_next(&rest, '\n', &listed))
        if (mk_slice_eq(listed, origin))
            return true;
    return false;
}

bool mk_cors_lists(struct mk_slice origins, struct mk_slice origin)
{
    return origin.len > 0 && (has(origins, any) || has(origins, origin));
}

bool mk_cors_is_preflight(struct mk_slice origins, const struct mk_http1_request *request)
{
    return mk_slice_eq(request->method, MK_SLICE("OPTIONS")) &&
           mk_http1_find(request, MK_SLICE("Access-Control-Request-Method")).len > 0 &&
           mk_cors_lists(origins, mk_http1_find(request, MK_SLICE("Origin")));
}

char *mk_cors_join(const char *const *origins, size_t count)
{
    struct mk_buf list;
    mk_buf_init(&list, SIZE_MAX / 2);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = mk_buf_append_slice(&list, mk_slice_str(origins[i]));
        if (rc == 0)
            rc = mk_buf_append_char(&list, '\n');
    }
    char *text = rc == 0 ? mk_slice_dup(mk_buf_slice(&list)) : NULL;
    mk_buf_fini(&list);
    return text;
}

static int write_allowed(struct mk_buf *out, struct mk_slice origin)
{
    int rc = mk_buf_append_slice(out, MK_SLICE("Access-Control-Allow-Origin: "));
    if (rc == 0)
        rc = mk_buf_append_slice(out, origin);
    if (rc == 0)
        rc = mk_buf_append_slice(
            out, MK_SLICE("\r\nAccess-Control-Expose-Headers: Retry-After, Content-Range, "
                          "Content-Disposition\r\n"));
    return rc;
}

int mk_cors_write(struct mk_buf *out, struct mk_slice origins,
                  const struct mk_http1_request *request)
{
    struct mk_slice origin = mk_http1_find(request, MK_SLICE("Origin"));
    bool is_listed = mk_cors_lists(origins, origin);
    if (has(origins, any))
        return is_listed ? write_allowed(out, any) : 0;
    int rc = is_listed ? write_allowed(out, origin) : 0;
    /* Another origin gets another answer: a cache must not mix them. */
    if (rc == 0 && origins.len > 0)
        rc = mk_buf_append_slice(out, MK_SLICE("Vary: Origin\r\n"));
    return rc;
}

int mk_cors_write_preflight(struct mk_buf *out, const struct mk_http1_request *request)
{
    int rc = mk_buf_append_slice(
        out, MK_SLICE("Access-Control-Allow-Methods: GET, HEAD, POST, PUT, DELETE\r\n"
                      "Access-Control-Allow-Headers: Authorization, Content-Type, Last-Event-ID, "
                      "Cache-Control, Range, If-Range, Content-Range, X-Content-SHA256\r\n"
                      "Access-Control-Max-Age: 600\r\n"));
    bool is_private =
        mk_slice_eq(mk_http1_find(request, MK_SLICE("Access-Control-Request-Private-Network")),
                    MK_SLICE("true"));
    if (rc == 0 && is_private)
        rc = mk_buf_append_slice(out, MK_SLICE("Access-Control-Allow-Private-Network: true\r\n"));
    return rc;
}
