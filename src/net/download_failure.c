/* download_failure: why a download has failed, in our words: those of libraries are not for bots.
 */
#include "net/download_impl.h"

#include <errno.h>
#include <openssl/x509_vfy.h>

/* By what libcurl found. */
static const struct {
    CURLcode code;
    enum mk_failure_kind kind;
    struct mk_phrase words;
} causes[] = {
    { CURLE_COULDNT_RESOLVE_HOST, MK_FAILURE_NAME, { "the host is unknown", "未知的主机" } },
    { CURLE_COULDNT_RESOLVE_PROXY,
      MK_FAILURE_NAME,
      { "the host of the proxy is unknown", "未知的代理主机" } },
    { CURLE_COULDNT_CONNECT,
      MK_FAILURE_UNREACHABLE,
      { "its server cannot be reached", "无法连接其服务器" } },
    { CURLE_GOT_NOTHING,
      MK_FAILURE_CLOSED,
      { "its server closed the connection without an answer", "服务器未应答就关闭了连接" } },
    { CURLE_SEND_ERROR,
      MK_FAILURE_CLOSED,
      { "the connection to its server was lost", "与服务器的连接中断" } },
    { CURLE_RECV_ERROR,
      MK_FAILURE_CLOSED,
      { "the connection to its server was lost", "与服务器的连接中断" } },
    { CURLE_PARTIAL_FILE,
      MK_FAILURE_CLOSED,
      { "its server closed the connection before the end of the content",
        "服务器在内容结束之前关闭了连接" } },
    { CURLE_URL_MALFORMAT, MK_FAILURE_PROTOCOL, { "its URL is not valid", "URL 不合法" } },
};

static const struct mk_phrase no_tls = { "no TLS connection to its server can be made",
                                         "无法与其服务器建立 TLS 连接" };
static const struct mk_phrase no_http = { "its server does not answer as HTTP demands",
                                          "服务器的应答不符合 HTTP" };

/* By what OpenSSL found; anything else is not trusted. */
static const struct {
    long result;
    enum mk_failure_kind kind;
    struct mk_phrase words;
} certificates[] = {
    { X509_V_OK,
      MK_FAILURE_CERTIFICATE_HOST,
      { "the certificate of its server is for another host", "服务器的证书与主机名不符" } },
    { X509_V_ERR_CERT_HAS_EXPIRED,
      MK_FAILURE_CERTIFICATE_EXPIRED,
      { "the certificate of its server has expired", "服务器的证书已过期" } },
    { X509_V_ERR_CERT_NOT_YET_VALID,
      MK_FAILURE_CERTIFICATE_EARLY,
      { "the certificate of its server is not valid yet", "服务器的证书尚未生效" } },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
      MK_FAILURE_CERTIFICATE_SELF_SIGNED,
      { "the certificate of its server is self-signed", "服务器的证书为自签名" } },
};
static const struct mk_phrase not_trusted = { "the certificate of its server is not trusted",
                                              "服务器的证书不受信任" };

static void explain_certificate(struct mk_download *download)
{
    long result = 0;
    download->downloads->curl->easy_getinfo(download->easy, CURLINFO_SSL_VERIFYRESULT, &result);
    for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]); i++)
        if (certificates[i].result == result) {
            mk_failure_say(&download->failure, certificates[i].kind, &certificates[i].words);
            return;
        }
    mk_failure_say(&download->failure, MK_FAILURE_CERTIFICATE, &not_trusted);
}

static void explain_cause(struct mk_download *download, CURLcode code)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
        if (causes[i].code == code) {
            mk_failure_say(&download->failure, causes[i].kind, &causes[i].words);
            return;
        }
    mk_failure_say(&download->failure, MK_FAILURE_PROTOCOL, &no_http);
}

static void explain_libcurl(struct mk_download *download, CURLcode code)
{
    long error = 0;
    download->downloads->curl->easy_getinfo(download->easy, CURLINFO_OS_ERRNO, &error);
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        mk_failure_errno(&download->failure, -ENOMEM);
        return;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        explain_certificate(download);
        return;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_USE_SSL_FAILED:
        mk_failure_say(&download->failure, MK_FAILURE_TLS, &no_tls);
        return;
    default:
        break;
    }
    if (code == CURLE_COULDNT_CONNECT && error != 0)
        mk_failure_errno(&download->failure, (int)-error);
    else
        explain_cause(download, code);
}

/* An error of a disk, or of mk_download_clean_url. */
void mk_download_explain_url(struct mk_download *download, int error)
{
    struct mk_failure *failure = &download->failure;
    if (error == -ENOSYS)
        mk_failure_set(failure, MK_FAILURE_SYSTEM,
                       "its host has letters beyond ASCII, which need libidn2 on this machine",
                       "其主机名含非 ASCII 字符，需要本机安装 libidn2");
    else if (error == -ENOMEM)
        mk_failure_errno(failure, error);
    else
        mk_failure_set(failure, MK_FAILURE_PROTOCOL, "its URL has no valid host",
                       "URL 中没有合法的主机名");
}

/* Reasons that are the server's. */
static void explain_server(struct mk_download *download)
{
    struct mk_failure *failure = &download->failure;
    if (download->end == MK_DOWNLOAD_LONG_BODY)
        mk_failure_set(failure, MK_FAILURE_TOO_LONG, "the response is longer than %llu bytes",
                       "响应超过 %llu 字节", (unsigned long long)download->body_limit);
    else if (download->end == MK_DOWNLOAD_LONG)
        mk_failure_set(failure, MK_FAILURE_PROTOCOL,
                       "its server sent more than %llu bytes for it, most of them not its content",
                       "服务器为它发送了超过 %llu 字节，其中多数不是内容",
                       (unsigned long long)mk_download_most_received(download->body_limit));
    else if (download->end == MK_DOWNLOAD_LONG_HEADS)
        mk_failure_set(failure, MK_FAILURE_PROTOCOL,
                       "the headers of its server are longer than %d bytes",
                       "服务器的头部超过 %d 字节", MK_DOWNLOAD_HEADS);
    else if (download->end == MK_DOWNLOAD_CODING)
        mk_failure_set(failure, MK_FAILURE_PROTOCOL,
                       "its server uses a Transfer-Encoding other than chunked",
                       "服务器使用了 chunked 以外的 Transfer-Encoding");
    else if (download->end == MK_DOWNLOAD_REDIRECTS)
        mk_failure_set(failure, MK_FAILURE_PROTOCOL, "it needs more than %u redirects",
                       "重定向超过 %u 次", download->redirects);
    else if (download->end == MK_DOWNLOAD_REDIRECT_SCHEME)
        mk_failure_set(failure, MK_FAILURE_PROTOCOL,
                       "its server redirects to what is neither http nor https",
                       "服务器重定向到了 http 与 https 以外的地址");
    else
        mk_failure_set(failure, MK_FAILURE_PROTOCOL,
                       "its server redirects to a URL that is not valid",
                       "服务器重定向到了不合法的 URL");
}

void mk_download_explain(struct mk_download *download, CURLcode code)
{
    struct mk_failure *failure = &download->failure;
    switch (download->end) {
    case MK_DOWNLOAD_FORBIDDEN:
        mk_failure_set(failure, MK_FAILURE_FORBIDDEN, "its address is a private one",
                       "它的地址是内网地址");
        return;
    case MK_DOWNLOAD_DISK:
        mk_failure_errno(failure, download->error);
        return;
    case MK_DOWNLOAD_MEMORY:
        mk_failure_errno(failure, -ENOMEM);
        return;
    case MK_DOWNLOAD_TIME:
        mk_failure_timeout(failure, download->timeout_ms);
        return;
    case MK_DOWNLOAD_CONNECT_TIME:
        mk_failure_timeout(failure, download->connect_ms);
        return;
    case MK_DOWNLOAD_BY_LIBCURL:
    case MK_DOWNLOAD_STATUS:
        explain_libcurl(download, code);
        return;
    case MK_DOWNLOAD_LONG_BODY:
    case MK_DOWNLOAD_LONG_HEADS:
    case MK_DOWNLOAD_LONG:
    case MK_DOWNLOAD_CODING:
    case MK_DOWNLOAD_REDIRECTS:
    case MK_DOWNLOAD_BAD_REDIRECT:
    case MK_DOWNLOAD_REDIRECT_SCHEME:
        explain_server(download);
    }
}
