/* client: see the header. The only file besides net that uses libcurl. */
#include "cli/client.h"
#include "base/error_text.h"

#include "base/json.h"
#include "cli/command.h"
#include "net/address.h"
#include "net/curl.h"
#include "wire/url.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum { MAX_REPLY = 64 * 1024 * 1024, CONNECT_SECONDS = 10, SECONDS = 120 };

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct mk_buf *body = arg;
    return mk_buf_append(body, data, size * count) == 0 ? size * count : 0;
}

static const struct mk_curl *curl; /* loaded for the first exchange */

static bool add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl->slist_append(*headers, line);
    if (longer)
        *headers = longer;
    return longer;
}

static bool add_headers(struct curl_slist **headers, const char *token)
{
    char *line = NULL;
    if (!add_header(headers, "Content-Type: application/json") || !add_header(headers, "Expect:"))
        return false;
    if (!token)
        return true;
    bool added =
        asprintf(&line, "Authorization: Bearer %s", token) >= 0 && add_header(headers, line);
    free(line);
    return added;
}

/* An address of this machine, in any form that libcurl understands (127.1 too). */
static bool is_local(const char *host)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    struct mk_address address = { 0 };
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    memcpy(&address.socket, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return mk_address_is_local(&address);
}

/* A proxy of the environment is for other machines, not for this one. */
static bool needs_no_proxy(const struct mk_client_request *request)
{
    struct mk_url url;
    if (request->unix_path || request->own)
        return true;
    if (mk_url_parse(mk_slice_str(request->url), &url))
        return false;
    char *host = mk_slice_dup(url.host);
    bool local = host && is_local(host);
    free(host);
    return local;
}

/* Returns 0 or -ENOMEM: then libcurl would trust other certificates than it should. */
static int set_trust(CURL *easy, const struct mk_client_request *request)
{
    const char *file = getenv("SSL_CERT_FILE");
    if (request->ca) {
        file = request->ca;
        curl->easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (!file || !*file)
        return 0;
    return curl->easy_setopt(easy, CURLOPT_CAINFO, file) == CURLE_OK ? 0 : -ENOMEM;
}

/* Prints why libcurl failed. */
static void explain(CURLcode code, const char *why)
{
    mk_command_failed("%s", "%s", *why ? why : curl->easy_strerror(code));
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        mk_command_failed("%s", "%s", mk_client_untrusted());
}

static void set_options(CURL *easy, const struct mk_client_request *request,
                        const struct curl_slist *headers, struct mk_buf *body)
{
    curl->easy_setopt(easy, CURLOPT_URL, request->url);
    curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (request->unix_path)
        curl->easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_path);
    curl->easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    curl->easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.ptr);
    curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl->easy_setopt(easy, CURLOPT_WRITEDATA, body);
    curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl->easy_setopt(easy, CURLOPT_TIMEOUT, (long)SECONDS);
    curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (needs_no_proxy(request))
        curl->easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

/* Returns 0 or a negative errno; `status` and `body` are the response's. */
static int exchange(const struct mk_client_request *request, long *status, struct mk_buf *body)
{
    const char *error;
    curl = mk_curl_load(&error);
    if (!curl) {
        mk_command_failed("libcurl: %s", "libcurl：%s", error);
        return -ELIBACC;
    }
    struct curl_slist *headers = NULL;
    CURL *easy = curl->easy_init();
    char why[CURL_ERROR_SIZE] = "";
    int rc = -ENOMEM;
    if (request->token && strpbrk(request->token, "\r\n")) {
        rc = -EINVAL; /* it would be more than one header */
        mk_command_failed("the access token has a line break in it", "访问令牌中含有换行");
    } else if (easy && add_headers(&headers, request->token) && set_trust(easy, request) == 0) {
        set_options(easy, request, headers, body);
        curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
        CURLcode code = curl->easy_perform(easy);
        curl->easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
        if (code == CURLE_OK)
            rc = 0;
        else if (code == CURLE_COULDNT_CONNECT)
            rc = -ECONNREFUSED;
        else
            rc = -EIO;
        if (rc == -EIO)
            explain(code, why);
    }
    if (rc == -ENOMEM)
        mk_command_failed("%s", "%s", mk_error_text(ENOMEM));
    curl->slist_free_all(headers);
    curl->easy_cleanup(easy);
    return rc;
}

int mk_client_post(const struct mk_client_request *request, struct mk_client_reply *reply)
{
    struct mk_client_reply got = { .message = "" };
    struct mk_buf body;
    mk_buf_init(&body, MAX_REPLY);
    int rc = exchange(request, &got.status, &body);
    if (rc == 0) {
        got.doc = mk_json_read(mk_buf_slice(&body), NULL, NULL);
        yyjson_val *root = yyjson_doc_get_root(got.doc);
        yyjson_val *message = yyjson_obj_get(root, "message");
        yyjson_val *retcode = yyjson_obj_get(root, "retcode");
        got.ok = yyjson_equals_str(yyjson_obj_get(root, "status"), "ok");
        got.retcode = yyjson_is_raw(retcode) ? strtol(yyjson_get_raw(retcode), NULL, 10) : 0;
        if (yyjson_is_str(message))
            got.message = yyjson_get_str(message);
        if (!yyjson_is_obj(root)) {
            rc = -EPROTO;
            mk_command_failed("the answer is not a JSON object: this is not a Milky endpoint "
                              "(HTTP status %ld)",
                              "应答不是 JSON 对象：对方不是 Milky 协议端（HTTP 状态码 %ld）",
                              got.status);
        }
    }
    mk_buf_fini(&body);
    if (rc == 0)
        *reply = got;
    else
        mk_client_reply_fini(&got);
    return rc;
}

void mk_client_reply_fini(struct mk_client_reply *reply)
{
    yyjson_doc_free(reply->doc);
    reply->doc = NULL;
}

const char *mk_client_advice(long status, bool token, bool option)
{
    if (status == 401 && !token && option)
        return mk_tr("the server wants an access token: MILKY_ACCESS_TOKEN=... or --access-token",
                     "服务器要求访问令牌：MILKY_ACCESS_TOKEN=... 或 --access-token");
    if (status == 401 && !token)
        return mk_tr("the server wants an access token: MILKY_ACCESS_TOKEN=...",
                     "服务器要求访问令牌：MILKY_ACCESS_TOKEN=...");
    bool is_refused = status == 401 || status == 403 || status == 429;
    if (!is_refused || !token) /* 403 without a token refuses the client */
        return NULL;
    return option
               ? mk_tr("the access token is not the server's: --access-token names another",
                       "访问令牌与服务器的不一致：可用 --access-token 指定")
               : mk_tr("the access token is not the server's: set it with MILKY_ACCESS_TOKEN=...",
                       "访问令牌与服务器的不一致：请用 MILKY_ACCESS_TOKEN=... 指定");
}

struct mk_tls_context *mk_client_trust(const char *ca)
{
    struct mk_tls_fault fault;
    const struct mk_tls_files files = { .ca = ca };
    struct mk_tls_context *context = mk_tls_context_client(&files, &fault);
    if (!context)
        mk_command_failed("--ca %s: %s", "--ca %s：%s", ca, fault.why);
    return context;
}

const char *mk_client_untrusted(void)
{
    return mk_tr("to trust the server, name its certificate or its authority's: --ca FILE or "
                 "SSL_CERT_FILE=FILE",
                 "如要信任此服务器，请给出其证书或签发机构的证书：--ca FILE 或 "
                 "SSL_CERT_FILE=FILE");
}

unsigned long long mk_client_uint(yyjson_val *object, const char *name)
{
    bool negative;
    uint64_t value;
    return mk_json_integer(yyjson_obj_get(object, name), &negative, &value) ? value : 0;
}

int mk_client_print(const yyjson_val *value, bool pretty)
{
    bool many = pretty || isatty(STDOUT_FILENO);
    char *text = yyjson_val_write(value, many ? YYJSON_WRITE_PRETTY_TWO_SPACES : 0, NULL);
    if (text)
        mk_text_show(stdout, mk_slice_str(text), true);
    putchar('\n');
    bool bad = !text || fflush(stdout) != 0;
    free(text);
    if (!bad)
        return 0;
    mk_command_failed("%s", "%s", mk_error_text(errno ? errno : ENOMEM));
    return -EIO;
}
