/*
 * http_request: one request of the HTTP client, from its options to its response. Requests are
 * reused, since an easy handle is large.
 */
#include "net/address.h"
#include "net/http_client_impl.h"
#include "net/stream_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SPARE_REQUESTS = 8,
    SPARE_BODY = 16 * 1024, /* bytes of a response buffer that are kept */
};

/* --- requests --- */

void mk_http_request_free(struct mk_http_request *request)
{
    mk_list_remove(&request->node);
    request->curl->easy_cleanup(request->easy);
    request->curl->slist_free_all(request->headers);
    mk_buf_fini(&request->body);
    free(request);
}

/* Resets it for reuse, or frees it where enough are kept. It must not be in the multi handle. */
static void request_put(struct mk_http_request *request)
{
    struct mk_http_client *client = request->client;
    if (client->freed || client->spare_count == SPARE_REQUESTS) {
        mk_http_request_free(request);
        return;
    }
    request->curl->easy_reset(request->easy);
    request->curl->slist_free_all(request->headers);
    request->headers = NULL;
    mk_buf_reset(&request->body, SPARE_BODY);
    mk_list_remove(&request->node);
    mk_list_push(&client->spare, &request->node);
    client->spare_count++;
}

static struct mk_http_request *request_get(struct mk_http_client *client)
{
    struct mk_http_request *request;
    if (client->spare_count > 0) {
        request = MK_CONTAINER_OF(client->spare.next, struct mk_http_request, node);
        mk_list_remove(&request->node);
        client->spare_count--;
        return request;
    }
    request = calloc(1, sizeof(*request));
    if (!request)
        return NULL;
    mk_list_init(&request->node);
    request->client = client;
    request->curl = client->curl;
    request->easy = request->curl->easy_init();
    if (request->easy)
        return request;
    free(request);
    return NULL;
}

static enum mk_failure_kind kind_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return MK_FAILURE_NAME;
    case CURLE_COULDNT_CONNECT:
        return MK_FAILURE_UNREACHABLE;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return MK_FAILURE_CLOSED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return MK_FAILURE_CERTIFICATE;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
        return MK_FAILURE_TLS;
    default:
        return MK_FAILURE_PROTOCOL;
    }
}

static void explain(struct mk_http_request *request, CURLcode code, struct mk_failure *failure)
{
    long error = 0;
    request->curl->easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &error);
    if (request->body_error == -ENOMEM || code == CURLE_OUT_OF_MEMORY)
        mk_failure_errno(failure, -ENOMEM);
    else if (request->body_error == -ENOBUFS || code == CURLE_FILESIZE_EXCEEDED)
        mk_failure_set(failure, MK_FAILURE_TOO_LONG, "the response is longer than %llu bytes",
                       "响应超过 %llu 字节", (unsigned long long)request->limit);
    else if (request->body_error < 0)
        mk_failure_errno(failure, request->body_error);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        mk_failure_timeout(failure, request->timeout_ms);
    else if (request->refused)
        mk_failure_set(failure, MK_FAILURE_FORBIDDEN, "its address is a private one",
                       "它的地址是内网地址");
    else if (code == CURLE_COULDNT_CONNECT && error != 0)
        mk_failure_errno(failure, (int)-error);
    else
        mk_failure_set(failure, kind_of(code), "%s", "%s",
                       request->text[0] ? request->text : request->curl->easy_strerror(code));
}

/* libcurl sets this time once it has begun to send the request on an established connection. */
static bool is_sent(const struct mk_http_request *request)
{
    curl_off_t began = 0;
    request->curl->easy_getinfo(request->easy, CURLINFO_PRETRANSFER_TIME_T, &began);
    return began > 0;
}

static const char *header_in(const struct mk_http_request *request, const char *name)
{
    struct curl_header *header;
    CURLHcode rc = request->curl->easy_header(request->easy, name, 0, CURLH_HEADER, -1, &header);
    return rc == CURLHE_OK ? header->value : NULL;
}

static time_t date_in(const struct mk_http_request *request, const char *name)
{
    const char *value = header_in(request, name);
    return value ? request->curl->getdate(value, NULL) : -1;
}

/*
 * Returns the seconds of Retry-After (RFC 9110, 10.2.3). A date counts from the response's Date,
 * since our clock and the server's may differ.
 */
static uint64_t retry_after_of(const struct mk_http_request *request)
{
    const char *value = header_in(request, "Retry-After");
    curl_off_t seconds = 0;
    if (!value)
        return 0;
    bool is_number = value[strspn(value, "0123456789")] == '\0';
    time_t now = is_number ? -1 : date_in(request, "Date");
    time_t until = now == -1 ? -1 : date_in(request, "Retry-After");
    if (until != -1)
        return until > now ? (uint64_t)(until - now) : 0;
    request->curl->easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &seconds);
    return seconds > 0 ? (uint64_t)seconds : 0;
}

void mk_http_request_complete(struct mk_http_request *request, CURLcode code)
{
    struct mk_http_response response = { .content_type = MK_SLICE("") };
    struct mk_failure failure;
    long status = 0;
    request->curl->easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && (status < 100 || status > 999))
        code = CURLE_WEIRD_SERVER_REPLY; /* libcurl accepts "HTTP/2 00" and "HTTP/2 11200" */
    if (code == CURLE_OK) {
        const char *type = NULL;
        request->curl->easy_getinfo(request->easy, CURLINFO_CONTENT_TYPE, &type);
        response.status = (unsigned)status;
        response.content_type = mk_slice_str(type ? type : "");
        response.retry_after = retry_after_of(request);
        response.body = mk_buf_slice(&request->body);
    } else {
        explain(request, code, &failure);
        failure.is_sent = is_sent(request);
        response.failure = &failure;
    }
    request->curl->multi_remove_handle(request->client->multi, request->easy);
    mk_list_remove(&request->node); /* so that a client freed in `done` does not drop it */
    request->done(request->arg, &response);
    request_put(request);
}

/* --- starting --- */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct mk_http_request *request = arg;
    request->body_error = mk_buf_append(&request->body, data, size * count);
    return request->body_error == 0 ? size * count : 0;
}

/* Trusts the same roots as mk_connect. libcurl would load them once more. */
static CURLcode on_ssl_context(CURL *easy, void *context, void *arg)
{
    const struct mk_tls_roots *roots = mk_streams_roots(arg);
    (void)easy;
    if (!roots)
        return CURLE_OUT_OF_MEMORY;
    SSL_CTX_set1_cert_store(context, mk_tls_roots_store(roots));
    return CURLE_OK;
}

/*
 * curl_easy_reset does not report that it ran out of memory, and then leaves these sizes at 0, with
 * which libcurl (7.88 at least) overruns its buffers.
 */
static void set_buffers(struct mk_http_request *request)
{
    request->curl->easy_setopt(request->easy, CURLOPT_BUFFERSIZE, (long)CURL_MAX_WRITE_SIZE);
    request->curl->easy_setopt(request->easy, CURLOPT_UPLOAD_BUFFERSIZE, 64L * 1024);
}

/* Only for a libcurl with OpenSSL: others pass a context of another type. */
static void set_roots(struct mk_http_request *request)
{
    const curl_version_info_data *info = request->curl->version_info(CURLVERSION_NOW);
    if (!info->ssl_version || strncmp(info->ssl_version, "OpenSSL/3", 9) != 0)
        return;
    request->curl->easy_setopt(request->easy, CURLOPT_CAINFO, NULL);
    request->curl->easy_setopt(request->easy, CURLOPT_CAPATH, NULL);
    request->curl->easy_setopt(request->easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
    request->curl->easy_setopt(request->easy, CURLOPT_SSL_CTX_DATA, request->client->streams);
}

static bool set_text(struct mk_http_request *request, CURLoption option, const char *text)
{
    return request->curl->easy_setopt(request->easy, option, text) == CURLE_OK;
}

/* Returns false when out of memory: libcurl would then trust other roots. */
static bool set_tls(struct mk_http_request *request, const struct mk_tls_files *tls)
{
    CURL *easy = request->easy;
    bool ok = true;
    request->curl->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!tls || !tls->ca)
        set_roots(request);
    if (!tls)
        return true;
    if (tls->ca) {
        ok = set_text(request, CURLOPT_CAINFO, tls->ca);
        /* Otherwise the multi handle caches the file for a day, despite a reload. */
        request->curl->easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
        request->curl->easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (tls->certificate)
        ok = ok && set_text(request, CURLOPT_SSLCERT, tls->certificate) &&
             set_text(request, CURLOPT_SSLKEY, tls->key);
    if (tls->insecure_skip_verify) {
        request->curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        request->curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return ok;
}

static bool add_header(struct mk_http_request *request, const char *line)
{
    struct curl_slist *headers = request->curl->slist_append(request->headers, line);
    if (headers)
        request->headers = headers;
    return headers != NULL;
}

static bool set_headers(struct mk_http_request *request, const char *const *lines)
{
    for (; lines && *lines; lines++) {
        if (!add_header(request, *lines))
            return false;
    }
    /*
     * An empty value keeps libcurl from sending "Expect: 100-continue", which costs a round trip.
     */
    return add_header(request, "Expect:");
}

/* Sets the options of both kinds of request; `done`, `arg` and the times are set already. */
static bool prepare(struct mk_http_request *request, const char *url, const char *const *headers,
                    uint64_t limit)
{
    CURL *easy = request->easy;
    request->body_error = 0;
    request->body_len = 0;
    request->refused = false;
    request->limit = limit;
    request->text[0] = '\0';
    set_buffers(request);
    if (!set_headers(request, headers) || !set_text(request, CURLOPT_URL, url) ||
        !set_text(request, CURLOPT_PROTOCOLS_STR, "http,https"))
        return false;
    request->curl->easy_setopt(easy, CURLOPT_PRIVATE, request);
    request->curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, request->text);
    request->curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    request->curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    request->curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    request->curl->easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
    request->curl->easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)limit);
    request->curl->easy_setopt(easy, CURLOPT_WRITEDATA, request);
    return true;
}

/* Starts a prepared request, or puts it back. */
static struct mk_http_request *begin(struct mk_http_request *request, bool prepared)
{
    struct mk_http_client *client = request->client;
    if (!prepared || client->curl->multi_add_handle(client->multi, request->easy) != CURLM_OK) {
        request_put(request);
        return NULL;
    }
    mk_list_push(&client->active, &request->node);
    return request;
}

struct mk_http_request *mk_http_client_post(struct mk_http_client *client,
                                            const struct mk_http_post *post)
{
    struct mk_http_request *request = request_get(client);
    if (!request)
        return NULL;
    CURL *easy = request->easy;
    request->done = post->done;
    request->arg = post->arg;
    request->timeout_ms = post->timeout_ms;
    if (request->body.cap > post->response_limit)
        mk_buf_fini(&request->body); /* kept memory would be used in spite of a smaller limit */
    request->body.max = post->response_limit;
    request->curl->easy_setopt(easy, CURLOPT_POST, 1L);
    request->curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.len);
    request->curl->easy_setopt(easy, CURLOPT_POSTFIELDS, post->body.ptr ? post->body.ptr : "");
    request->curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    return begin(request, set_tls(request, post->tls) &&
                              prepare(request, post->url, post->headers, post->response_limit));
}

/* --- getting --- */

/* Drops the body of a failure, or of a redirect that is not followed. */
static size_t on_body_piece(char *data, size_t size, size_t count, void *arg)
{
    struct mk_http_request *request = arg;
    size_t len = size * count;
    long status = 0;
    request->curl->easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (len > request->limit - request->body_len)
        request->body_error = -ENOBUFS;
    else if (status >= 200 && status < 300)
        request->body_error = request->body_to(request->arg, data, len);
    request->body_len += len;
    return request->body_error == 0 ? len : 0;
}

/* Called before a connection to each address. */
static curl_socket_t on_open_public(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct mk_http_request *request = arg;
    (void)purpose;
    if (!mk_address_is_public(&to->addr)) {
        request->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

struct mk_http_request *mk_http_client_get(struct mk_http_client *client,
                                           const struct mk_http_get *get)
{
    struct mk_http_request *request = request_get(client);
    if (!request)
        return NULL;
    CURL *easy = request->easy;
    request->done = get->done;
    request->arg = get->arg;
    request->body_to = get->body;
    request->timeout_ms = get->timeout_ms;
    request->curl->easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    request->curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)get->connect_ms);
    request->curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, get->redirects > 0 ? 1L : 0L);
    request->curl->easy_setopt(easy, CURLOPT_MAXREDIRS, (long)get->redirects);
    bool ok = set_text(request, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    request->curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body_piece);
    if (get->public_only) {
        request->curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_public);
        request->curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, request);
        ok = ok && set_text(request, CURLOPT_PROXY, "");
    }
    return begin(request, ok && set_tls(request, NULL) &&
                              prepare(request, get->url, get->headers, get->body_limit));
}

struct mk_http_request *mk_http_request_cancel(struct mk_http_request *request)
{
    if (!request)
        return NULL;
    request->curl->multi_remove_handle(request->client->multi, request->easy);
    request_put(request);
    return NULL;
}
