/* remote: see the header. */
#include "transport/remote.h"

#include "base/log.h"
#include "transport/transport.h"
#include "wire/url.h"

static struct mk_tls_files files_of(const char *transport, const struct milky_remote *remote)
{
    const struct milky_remote_tls *tls = &remote->tls;
    struct mk_url url;
    if (tls->insecure_skip_verify && !mk_url_parse(mk_slice_str(remote->url), &url))
        mk_log_warn(transport,
                    "%.*s: INSECURE: insecure_skip_verify is set, so ANY certificate is accepted: "
                    "anyone on the way can read and change everything",
                    "%.*s：不安全：已设置 "
                    "insecure_skip_verify，将接受任何证书：途中的任何人都能读取和篡改全部内容",
                    (int)url.authority_host.len, url.authority_host.ptr);
    return (struct mk_tls_files){
        .ca = tls->ca,
        .certificate = tls->certificate,
        .key = tls->key,
        .insecure_skip_verify = tls->insecure_skip_verify,
    };
}

int mk_remote_load_tls(const char *transport, const struct milky_remote *remote,
                       struct mk_tls_context **tls)
{
    const struct mk_tls_files files = files_of(transport, remote);
    struct mk_tls_fault fault;
    *tls = NULL;
    if (!files.ca && !files.certificate && !files.insecure_skip_verify)
        return 0;
    *tls = mk_tls_context_client(&files, &fault);
    return *tls ? 0 : mk_transport_refuse(transport, fault.path, fault.why);
}
