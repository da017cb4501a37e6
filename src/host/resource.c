/* resource: see the header. */
#include "host/resource.h"

#include "base/error_text.h"
#include "base/log.h"
#include "host/host.h"

#include <errno.h>
#include <unistd.h>

static int answer(struct mk_resource_request *request, struct mk_resource_answer *given)
{
    request->host = NULL;
    int rc = request->answered(request, given);
    if (given->fd >= 0)
        close(given->fd);
    return rc;
}

static void fail(struct mk_resource_request *request, unsigned status, const char *message)
{
    answer(request, &(struct mk_resource_answer){
                        .kind = MK_RESOURCE_FAIL, .fd = -1, .status = status, .text = message });
}

/* --- asking --- */

void mk_host_ask_resource(struct milky_host *host, const char *token,
                          struct mk_resource_request *request)
{
    if (!host || host->closed || !host->table.resource) {
        fail(request, 404, MK_RESOURCE_UNKNOWN);
        return;
    }
    struct mk_slot *slot = mk_calls_take(&host->resources);
    if (!slot) {
        fail(request, 500, "out of memory");
        return;
    }
    slot->resource = request;
    request->host = host;
    request->number = slot->number;
    host->table.resource(host->self, slot->number, token);
}

void mk_resource_request_drop(struct mk_resource_request *request)
{
    struct milky_host *host = request->host;
    if (!host)
        return;
    struct mk_slot *slot = mk_calls_find(&host->resources, request->number);
    request->host = NULL;
    slot->unanswered = true;
    mk_calls_remove(&host->resources, slot);
}

void mk_host_fail_resources(struct milky_host *host, const char *message)
{
    for (uint32_t i = 0; i < host->resources.count; i++) {
        struct mk_slot *slot = mk_calls_at(&host->resources, i);
        struct mk_resource_request *request = slot->resource;
        if (slot->state != MK_SLOT_OPEN)
            continue;
        slot->unanswered = true;
        mk_calls_remove(&host->resources, slot);
        fail(request, 500, message);
    }
}

/* --- answering --- */

/* Logs the mistake, except for an answer to a client that has gone. */
static int refuse(struct milky_host *host, uint64_t number)
{
    const struct mk_slot *slot = mk_calls_trace(&host->resources, number);
    bool is_late = slot && (slot->unanswered || slot->generation != (uint32_t)(number >> 32));
    enum mk_log_level level = host->misuse_logged ? MK_LOG_DEBUG : MK_LOG_ERROR;
    if (is_late)
        mk_log_debug(host->name,
                     "the backend has answered a request for a file that is not open any more: "
                     "%llx",
                     "后端应答了已结束的文件请求：%llx", (unsigned long long)number);
    else if (slot)
        mk_log(level, host->name,
               "the backend has answered a request for a file that it had answered before: %llx",
               "后端重复应答了一个文件请求：%llx", (unsigned long long)number);
    else
        mk_log(level, host->name,
               "the backend has answered a request for a file that never was: %llx",
               "后端应答了不存在的文件请求：%llx", (unsigned long long)number);
    host->misuse_logged |= !is_late;
    return -ENOENT;
}

static int answer_open(struct milky_host *host, uint64_t number, struct mk_resource_answer *given)
{
    struct mk_slot *slot = mk_calls_find(&host->resources, number);
    if (!slot) {
        if (given->fd >= 0)
            close(given->fd);
        return refuse(host, number);
    }
    struct mk_resource_request *request = slot->resource;
    mk_calls_remove(&host->resources, slot);
    int rc = answer(request, given);
    if (rc < 0)
        mk_log_error(
            host->name,
            "the backend has answered a request for a file with something that cannot be sent: %s",
            "后端对文件请求给出了无法发送的应答：%s", mk_error_text(-rc));
    return rc;
}

int milky_resource_fd(struct milky_host *host, uint64_t request, int fd, const char *content_type)
{
    return answer_open(
        host, request,
        &(struct mk_resource_answer){ .kind = MK_RESOURCE_FD, .fd = fd, .text = content_type });
}

int milky_resource_bytes(struct milky_host *host, uint64_t request, const void *data, size_t len,
                         const char *content_type)
{
    return answer_open(host, request,
                       &(struct mk_resource_answer){ .kind = MK_RESOURCE_BYTES,
                                                     .fd = -1,
                                                     .text = content_type,
                                                     .bytes = mk_slice_of(data, len) });
}

int milky_resource_redirect(struct milky_host *host, uint64_t request, const char *url)
{
    return answer_open(
        host, request,
        &(struct mk_resource_answer){ .kind = MK_RESOURCE_REDIRECT, .fd = -1, .text = url });
}

int milky_resource_fail(struct milky_host *host, uint64_t request, unsigned status,
                        const char *message)
{
    return answer_open(host, request,
                       &(struct mk_resource_answer){
                           .kind = MK_RESOURCE_FAIL, .fd = -1, .status = status, .text = message });
}
