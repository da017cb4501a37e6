/* resource: files of a backend, asked for under a URL (milky_backend.resource), and its answers. */
#include "host/resource.h"

#include "base/log.h"
#include "host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void mk_host_ask_resource(struct milky_host *host, const char *token,
                          struct mk_resource_answer *answer)
{
    *answer = (struct mk_resource_answer){ .kind = MK_RESOURCE_NONE, .fd = -1 };
    host->resource = answer;
    host->table.resource(host->self, ++host->last_resource, token);
    host->resource = NULL;
}

void mk_resource_answer_fini(struct mk_resource_answer *answer)
{
    if (answer->fd >= 0)
        close(answer->fd);
    free(answer->text);
    free(answer->bytes);
    *answer = (struct mk_resource_answer){ .fd = -1 };
}

/* Where the answer to this request goes, once; NULL, logged, where it is not open. */
static struct mk_resource_answer *take(struct milky_host *host, uint64_t request)
{
    struct mk_resource_answer *answer = host->resource;
    if (!answer || request != host->last_resource) {
        mk_log_error(host->name, "the backend has answered a request for a file that is not open");
        return NULL;
    }
    host->resource = NULL;
    return answer;
}

static int fill(struct mk_resource_answer *answer, enum mk_resource_kind kind, const char *text)
{
    answer->text = mk_slice_dup(mk_slice_str(text));
    if (answer->text)
        answer->kind = kind;
    return answer->text ? 0 : -ENOMEM;
}

int milky_resource_fd(struct milky_host *host, uint64_t request, int fd, const char *content_type)
{
    struct mk_resource_answer *answer = take(host, request);
    if (!answer) {
        close(fd);
        return -ENOENT;
    }
    answer->fd = fd;
    return fill(answer, MK_RESOURCE_FD, content_type);
}

int milky_resource_bytes(struct milky_host *host, uint64_t request, const void *data, size_t len,
                         const char *content_type)
{
    struct mk_resource_answer *answer = take(host, request);
    if (!answer)
        return -ENOENT;
    answer->bytes = mk_slice_dup(mk_slice_of(data, len));
    answer->len = len;
    return answer->bytes ? fill(answer, MK_RESOURCE_BYTES, content_type) : -ENOMEM;
}

int milky_resource_redirect(struct milky_host *host, uint64_t request, const char *url)
{
    struct mk_resource_answer *answer = take(host, request);
    return answer ? fill(answer, MK_RESOURCE_REDIRECT, url) : -ENOENT;
}

int milky_resource_fail(struct milky_host *host, uint64_t request, unsigned status,
                        const char *message)
{
    struct mk_resource_answer *answer = take(host, request);
    if (!answer)
        return -ENOENT;
    answer->status = status >= 400 && status <= 599 ? status : 500;
    return fill(answer, MK_RESOURCE_FAIL, message);
}
