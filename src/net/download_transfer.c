/*
 * download_transfer: one download on the thread, from libcurl's options to the result. Each has
 * connections of its own: every address is checked by the rules of the download that connects, and
 * the bytes of a socket are those of one download.
 */
#include "base/write_all.h"
#include "net/address.h"
#include "net/download_impl.h"
#include "net/received.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PIECE = 64 * 1024,     /* bytes of a body that are written at a time */
    READ_SIZE = 16 * 1024, /* that libcurl reads at a time */
};

/* --- sockets --- */

static uint64_t received(const struct mk_download *download)
{
    const struct mk_download_socket *sockets = download->downloads->sockets;
    uint64_t sum = download->closed_len;
    for (size_t i = 0; i < MK_DOWNLOAD_MOST_SOCKETS; i++)
        if (sockets[i].fd >= 0 && sockets[i].owner == download)
            sum += mk_received(sockets[i].fd);
    return sum;
}

static struct mk_download_socket *find_socket(struct mk_downloads *downloads, int fd)
{
    for (size_t i = 0; i < MK_DOWNLOAD_MOST_SOCKETS; i++)
        if (downloads->sockets[i].fd == fd)
            return &downloads->sockets[i];
    return NULL;
}

static void set_socket(struct mk_downloads *downloads, struct mk_download_socket *socket, int fd,
                       struct mk_download *owner)
{
    uv_mutex_lock(&downloads->lock);
    socket->fd = fd;
    socket->owner = owner;
    uv_mutex_unlock(&downloads->lock);
}

/* Called before a connection to each address. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct mk_download *download = arg;
    struct mk_download_socket *unused = find_socket(download->downloads, -1);
    (void)purpose;
    download->is_resolving = false;
    if (download->public_only && !mk_address_is_public(&to->addr)) {
        download->end = MK_DOWNLOAD_FORBIDDEN;
        return CURL_SOCKET_BAD;
    }
    if (download->is_over || !unused)
        return CURL_SOCKET_BAD;
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    set_socket(download->downloads, unused, fd, download);
    return fd;
}

/* The download may have ended: libcurl may close a connection later. */
static int on_close(void *arg, curl_socket_t fd)
{
    struct mk_downloads *downloads = arg;
    struct mk_download_socket *socket = find_socket(downloads, fd);
    if (socket) {
        if (socket->owner)
            socket->owner->closed_len += mk_received(fd);
        set_socket(downloads, socket, -1, NULL);
    }
    return close(fd);
}

/* --- while it is under way --- */

static int on_resolving(void *resolver, void *reserved, void *arg)
{
    struct mk_download *download = arg;
    (void)resolver;
    (void)reserved;
    download->is_resolving = true;
    download->is_connected = false;
    download->connecting_at = uv_hrtime() / 1000000;
    return download->is_over; /* anything but 0 ends it */
}

static int on_connected(void *arg, char *to, char *from, int to_port, int from_port)
{
    struct mk_download *download = arg;
    (void)to, (void)from, (void)to_port, (void)from_port;
    download->is_connected = true;
    return download->is_over ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static bool is_header(const char *line, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    return len > name_len && strncasecmp(line, name, name_len) == 0 && line[name_len] == ':';
}

/*
 * libcurl would decode a coding that nobody asked for, and a few of them in a row make gigabytes of
 * some kilobytes, without one byte of a body.
 */
static bool is_coding_allowed(const char *line, size_t len)
{
    const char *at = memchr(line, ':', len);
    const char *until = line + len;
    for (at++; at < until && (*at == ' ' || *at == '\t'); at++)
        ;
    while (until > at && strchr(" \t\r\n", until[-1]))
        until--;
    return until - at == 7 && strncasecmp(at, "chunked", 7) == 0;
}

/* A line of a head or of trailers, as it was received. */
static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct mk_download *download = arg;
    size_t len = size * count;
    download->heads_len += len;
    if (download->heads_len > MK_DOWNLOAD_HEADS)
        download->end = MK_DOWNLOAD_LONG_HEADS;
    else if (is_header(data, len, "Transfer-Encoding") && !is_coding_allowed(data, len))
        download->end = MK_DOWNLOAD_CODING;
    else
        mk_download_note_header(download, mk_slice_of(data, len));
    return download->end == MK_DOWNLOAD_BY_LIBCURL ? len : 0;
}

static int flush(struct mk_download *download)
{
    size_t len = download->piece_len;
    int rc = download->admit ? download->admit(download->slot, len) : 0;
    download->piece_len = 0;
    return rc < 0 ? rc : mk_write_all(download->fd, download->piece, len);
}

static int add(struct mk_download *download, const char *data, size_t len)
{
    int rc = 0;
    while (rc == 0 && len > 0) {
        size_t room = PIECE - download->piece_len;
        size_t part = len < room ? len : room;
        memcpy(download->piece + download->piece_len, data, part);
        download->piece_len += part;
        data += part;
        len -= part;
        if (download->piece_len == PIECE)
            rc = flush(download);
    }
    return rc;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct mk_download *download = arg;
    size_t len = size * count;
    long status = 0;
    download->downloads->curl->easy_getinfo(download->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299)
        download->end = MK_DOWNLOAD_STATUS;
    else if (len > download->body_limit - download->body_len)
        download->end = MK_DOWNLOAD_LONG_BODY;
    else if ((download->error = add(download, data, len)) < 0)
        download->end = MK_DOWNLOAD_DISK;
    if (download->end != MK_DOWNLOAD_BY_LIBCURL)
        return 0;
    download->body_len += len;
    return len;
}

bool mk_download_is_beyond(struct mk_download *download, uint64_t now)
{
    if (received(download) > mk_download_most_received(download->body_limit))
        download->end = MK_DOWNLOAD_LONG;
    else if (now - download->began_at >= download->timeout_ms)
        download->end = MK_DOWNLOAD_TIME;
    else if (!download->is_connected && now - download->connecting_at >= download->connect_ms)
        download->end = MK_DOWNLOAD_CONNECT_TIME;
    else
        return false;
    return true;
}

static uint64_t left_of(uint64_t limit, uint64_t since, uint64_t now)
{
    return now - since >= limit ? 0 : limit - (now - since);
}

uint64_t mk_download_patience(const struct mk_download *download, uint64_t now)
{
    uint64_t all = left_of(download->timeout_ms, download->began_at, now);
    uint64_t connect =
        download->is_connected ? all : left_of(download->connect_ms, download->connecting_at, now);
    return connect < all ? connect : all;
}

/* --- the start --- */

static const struct mk_tls_roots *roots_of(struct mk_downloads *downloads)
{
    if (!downloads->roots)
        downloads->roots = mk_tls_roots_new();
    return downloads->roots;
}

/*
 * Trusts the same roots as mk_connect; libcurl would load them once more for each download. Without
 * AUTO_RETRY a read ends after each record, also after those without data: a server that sends
 * nothing but such records gets no more of a step than others.
 */
static CURLcode on_ssl_context(CURL *easy, void *context, void *arg)
{
    const struct mk_tls_roots *roots = roots_of(arg);
    (void)easy;
    if (!roots)
        return CURLE_OUT_OF_MEMORY;
    SSL_CTX_set1_cert_store(context, mk_tls_roots_store(roots));
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    return CURLE_OK;
}

/* Only for a libcurl with OpenSSL: others pass a context of another type. */
static void set_roots(struct mk_download *download)
{
    const struct mk_curl *curl = download->downloads->curl;
    const curl_version_info_data *info = curl->version_info(CURLVERSION_NOW);
    if (!info->ssl_version || strncmp(info->ssl_version, "OpenSSL/3", 9) != 0)
        return;
    curl->easy_setopt(download->easy, CURLOPT_CAINFO, NULL);
    curl->easy_setopt(download->easy, CURLOPT_CAPATH, NULL);
    curl->easy_setopt(download->easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
    curl->easy_setopt(download->easy, CURLOPT_SSL_CTX_DATA, download->downloads);
}

static void set_functions(struct mk_download *download)
{
    const struct mk_curl *curl = download->downloads->curl;
    CURL *easy = download->easy;
    curl->easy_setopt(easy, CURLOPT_PRIVATE, download);
    curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl->easy_setopt(easy, CURLOPT_WRITEDATA, download);
    curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl->easy_setopt(easy, CURLOPT_HEADERDATA, download);
    curl->easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_resolving);
    curl->easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, download);
    curl->easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl->easy_setopt(easy, CURLOPT_PREREQDATA, download);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, download);
    curl->easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl->easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, download->downloads);
}

/* Returns false when out of memory. */
static bool set_options(struct mk_download *download)
{
    const struct mk_curl *curl = download->downloads->curl;
    CURL *easy = download->easy;
    set_functions(download);
    set_roots(download);
    curl->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl->easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)READ_SIZE);
    curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* waits for no lookup of a name */
    curl->easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl->easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl->easy_setopt(easy, CURLOPT_HTTPHEADER, download->headers);
    curl->easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)download->body_limit);
    return curl->easy_setopt(easy, CURLOPT_URL, download->url) == CURLE_OK &&
           curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           (!download->public_only || curl->easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK);
}

bool mk_download_begin(struct mk_download *download)
{
    struct mk_downloads *downloads = download->downloads;
    download->piece = malloc(PIECE);
    download->easy = downloads->curl->easy_init();
    int rc = download->piece && download->easy ? mk_download_clean_url(download) : -ENOMEM;
    if (rc == 0 && set_options(download) &&
        downloads->curl->multi_add_handle(downloads->multi, download->easy) == CURLM_OK)
        return true;
    download->has_failed = true;
    mk_download_explain_url(download, rc < 0 ? rc : -ENOMEM);
    return false;
}

/* --- the end --- */

void mk_download_conclude(struct mk_download *download, CURLcode code)
{
    long status = 0;
    download->downloads->curl->easy_getinfo(download->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_FILESIZE_EXCEEDED)
        download->end = MK_DOWNLOAD_LONG_BODY;
    if (code == CURLE_OK && (status < 100 || status > 999))
        code = CURLE_WEIRD_SERVER_REPLY; /* libcurl accepts "HTTP/2 00" and "HTTP/2 11200" */
    if (code == CURLE_OK && (download->error = flush(download)) < 0) {
        download->end = MK_DOWNLOAD_DISK;
        code = CURLE_WRITE_ERROR;
    }
    download->status = (unsigned)status;
    bool is_led_astray = download->end >= MK_DOWNLOAD_MEMORY;
    download->has_failed =
        is_led_astray || (code != CURLE_OK && download->end != MK_DOWNLOAD_STATUS);
    if (download->has_failed)
        mk_download_explain(download, code);
}

void mk_download_detach(struct mk_download *download)
{
    struct mk_downloads *downloads = download->downloads;
    if (download->easy) {
        downloads->curl->multi_remove_handle(downloads->multi, download->easy);
        downloads->curl->easy_cleanup(download->easy);
    }
    for (size_t i = 0; i < MK_DOWNLOAD_MOST_SOCKETS; i++)
        if (downloads->sockets[i].fd >= 0 && downloads->sockets[i].owner == download)
            set_socket(downloads, &downloads->sockets[i], downloads->sockets[i].fd, NULL);
    download->easy = NULL;
    free(download->piece);
    download->piece = NULL;
}
