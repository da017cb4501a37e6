/* files: see the header. */
#include "endpoint/files.h"

#include "base/error_text.h"
#include "base/log.h"
#include "base/percent.h"
#include "endpoint/hosts.h"
#include "transport/server.h"

#include <errno.h>
#include <stdlib.h>

/* --- URLs --- */

static int write_base(const struct milky_endpoint *endpoint, const struct mk_bot *bot,
                      struct mk_buf *out)
{
    if (endpoint->resource_base)
        return mk_buf_append_slice(out, mk_slice_str(endpoint->resource_base));
    int rc = bot ? mk_bot_write_base(bot, out) : -ENOENT;
    for (size_t i = 0; rc == -ENOENT && i < endpoint->bot_count; i++)
        rc = mk_bot_write_base(endpoint->bots[i], out);
    if (rc == -ENOENT && endpoint->file_server)
        rc = endpoint->file_server->class->write_base(endpoint->file_server, out);
    return rc;
}

int mk_files_url(struct milky_endpoint *endpoint, const struct milky_host *host,
                 struct mk_account *account, const char *token, const char *name, char *url,
                 size_t size)
{
    const struct mk_bot *bot = account ? MK_CONTAINER_OF(account, struct mk_bot, account) : NULL;
    bool is_plain = strcmp(host->name, endpoint->plain_name) == 0;
    struct mk_buf out;
    if (size == 0)
        return -ENOBUFS;
    mk_buf_init(&out, size - 1);
    int rc = write_base(endpoint, bot, &out);
    if (rc == 0)
        rc = mk_buf_printf(&out, "/resource/%s%s%s/", is_plain ? "" : host->name,
                           is_plain ? "" : ".", token);
    if (rc == 0)
        rc = mk_percent_encode(&out, mk_slice_str(name));
    if (rc == 0) {
        memcpy(url, out.data, out.len);
        url[out.len] = '\0';
    }
    mk_buf_fini(&out);
    return rc;
}

int mk_files_base(const char *url, char **base)
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

/* --- requests --- */

static struct milky_host *find_host(const struct milky_endpoint *endpoint, struct mk_slice name)
{
    for (size_t i = 0; i < endpoint->host_count; i++)
        if (mk_slice_eq(mk_slice_str(endpoint->hosts[i]->name), name))
            return endpoint->hosts[i];
    return NULL;
}

static void ask(struct mk_resource_source *source, const char *token,
                struct mk_resource_request *request)
{
    const struct milky_endpoint *endpoint = MK_CONTAINER_OF(source, struct milky_endpoint, files);
    const char *dot = strchr(token, '.');
    struct mk_slice name = mk_slice_str(endpoint->plain_name);
    if (dot)
        name = mk_slice_of(token, (size_t)(dot - token));
    mk_host_ask_resource(find_host(endpoint, name), dot ? dot + 1 : token, request);
}

void mk_files_look(struct milky_endpoint *endpoint)
{
    endpoint->files.offers = false;
    for (size_t i = 0; i < endpoint->host_count; i++)
        if (endpoint->hosts[i]->table.resource)
            endpoint->files.offers = true;
}

int mk_files_init(struct milky_endpoint *endpoint, const struct milky_config *config)
{
    endpoint->files.ask = ask;
    endpoint->files.patience_ms = endpoint->owner.call_ms;
    mk_files_look(endpoint);
    endpoint->plain_name = mk_slice_dup(mk_slice_str(endpoint->hosts[0]->name));
    int rc = mk_files_base(config->resource_url, &endpoint->resource_base);
    return endpoint->plain_name ? rc : -ENOMEM;
}

void mk_files_fini(struct milky_endpoint *endpoint)
{
    mk_transport_free(endpoint->file_server);
    free(endpoint->resource_base);
    free(endpoint->plain_name);
}

/* A bot without a server on TCP needs an address to fetch files from, too. */
int mk_files_open(struct milky_endpoint *endpoint)
{
    struct mk_address address;
    struct mk_buf base;
    mk_buf_init(&base, 1024);
    int found = write_base(endpoint, NULL, &base);
    mk_buf_fini(&base);
    if (!endpoint->files.offers || found == 0 || endpoint->file_server ||
        mk_address_parse(MK_SLICE("127.0.0.1:0"), &address))
        return 0;
    const struct mk_transport_context context = {
        .loop = endpoint->loop,
        .guard = endpoint->guard,
        .files = &endpoint->files,
    };
    endpoint->file_server = mk_server_new_for_files(&context, &address);
    int rc = endpoint->file_server ? mk_transport_start(endpoint->file_server) : -ENOMEM;
    if (rc < 0)
        mk_log_error("endpoint", "cannot listen on 127.0.0.1 to serve files: %s",
                     "无法监听 127.0.0.1 以提供文件：%s", mk_error_text(-rc));
    return rc;
}
