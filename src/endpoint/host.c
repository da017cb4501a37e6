/*
 * host: what a backend can ask of its endpoint (milky/backend.h): to emit events, to know its bots,
 * and URLs for its files. Making and running an endpoint is in endpoint.c.
 */
#include "endpoint/endpoint.h"

#include "base/log.h"
#include "transport/server.h"

#include <errno.h>
#include <stdlib.h>

struct mk_bot *mk_host_find_bot(const struct milky_host *host, uint64_t self_id)
{
    for (size_t i = 0; i < host->bot_count; i++)
        if (host->self_ids[i] == self_id)
            return host->bots[i];
    return NULL;
}

/* --- events --- */

int milky_emit(struct milky_host *host, uint64_t self_id, const char *type, uint64_t time,
               yyjson_mut_val *data)
{
    struct mk_event event = {
        .type = mk_event_type_find(mk_slice_str(type)),
        .self_id = self_id,
        .time = time,
        .data = data,
    };
    if (!event.type)
        return -EINVAL;
    struct mk_bot *bot = mk_host_find_bot(host, self_id);
    return bot ? mk_hub_emit(&bot->hub, &event) : -ENOENT;
}

uint64_t milky_host_last_event(const struct milky_host *host, uint64_t self_id)
{
    const struct mk_bot *bot = mk_host_find_bot(host, self_id);
    return bot ? bot->hub.events : 0;
}

int milky_host_flush(struct milky_host *host)
{
    return host->journal ? mk_journal_flush(host->journal) : -ENOTSUP;
}

/* --- bots --- */

const uint64_t *milky_host_bots(const struct milky_host *host, size_t *count)
{
    *count = host->bot_count;
    return host->self_ids;
}

int milky_host_drop_connections(struct milky_host *host, uint64_t self_id)
{
    struct mk_bot *bot = mk_host_find_bot(host, self_id);
    if (!bot)
        return -ENOENT;
    mk_bot_drop(bot);
    return 0;
}

struct uv_loop_s *milky_host_loop(const struct milky_host *host)
{
    return host->loop.uv;
}

/* --- resources --- */

static int write_base(const struct milky_host *host, uint64_t self_id, struct mk_buf *out)
{
    if (host->resource_base)
        return mk_buf_append_slice(out, mk_slice_str(host->resource_base));
    struct mk_bot *bot = mk_host_find_bot(host, self_id);
    int rc = bot ? mk_bot_write_base(bot, out) : -ENOENT;
    for (size_t i = 0; rc == -ENOENT && i < host->bot_count; i++)
        rc = mk_bot_write_base(host->bots[i], out);
    if (rc == -ENOENT && host->resources)
        rc = host->resources->class->write_base(host->resources, out);
    return rc;
}

int milky_host_resource_url(const struct milky_host *host, uint64_t self_id, const char *token,
                            const char *name, char *url, size_t size)
{
    struct mk_buf out;
    if (size == 0)
        return -ENOBUFS;
    mk_buf_init(&out, size - 1);
    int rc = write_base(host, self_id, &out);
    if (rc == 0)
        rc = mk_buf_printf(&out, "/resource/%s/", token);
    if (rc == 0)
        rc = mk_url_encode(&out, mk_slice_str(name));
    if (rc == 0) {
        memcpy(url, out.data, out.len);
        url[out.len] = '\0';
    }
    mk_buf_fini(&out);
    return rc;
}

int mk_host_resource_base(const char *url, char **base)
{
    *base = NULL;
    if (!url)
        return 0;
    struct mk_slice text = mk_slice_str(url);
    while (text.len > 0 && text.ptr[text.len - 1] == '/')
        text.len--;
    *base = mk_slice_dup(text);
    return *base ? 0 : -ENOMEM;
}

/* Bots that are reached by no TCP server still need somewhere to fetch files from. */
int mk_host_open_resources(struct milky_host *host)
{
    struct mk_address address;
    struct mk_buf base;
    mk_buf_init(&base, 1024);
    int found = write_base(host, 0, &base);
    mk_buf_fini(&base);
    if (!host->backend->resource || found == 0 || host->resources ||
        mk_address_parse(MK_SLICE("127.0.0.1:0"), &address))
        return 0;
    const struct mk_transport_context context = {
        .loop = &host->loop,
        .guard = host->guard,
        .dispatch = &host->dispatch,
    };
    host->resources = mk_server_new_for_files(&context, &address);
    int rc = host->resources ? mk_transport_start(host->resources) : -ENOMEM;
    if (rc < 0)
        mk_log_error("endpoint", "cannot listen on 127.0.0.1 to serve files: %s", strerror(-rc));
    return rc;
}
