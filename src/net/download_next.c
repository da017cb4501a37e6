/*
 * download_next: what follows an answer that is not the content: the request that it redirects to,
 * or the same one again with a Referer. libcurl could follow redirects too, but not those to names
 * beyond ASCII.
 */
#include "net/download_impl.h"
#include "net/web_url.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_URL = 8 * 1024, ESCAPED = 3 /* bytes for one */ };

static void take_url(struct mk_download *download, struct mk_buf *url)
{
    free(download->url);
    download->url = mk_slice_dup(mk_buf_slice(url));
}

int mk_download_clean_url(struct mk_download *download)
{
    struct mk_buf url;
    mk_buf_init(&url, ESCAPED * LONGEST_URL);
    int rc = mk_web_url_clean(&url, mk_slice_str(download->url));
    if (rc == 0)
        take_url(download, &url);
    mk_buf_fini(&url);
    return rc == 0 && !download->url ? -ENOMEM : rc;
}

void mk_download_note_header(struct mk_download *download, struct mk_slice line)
{
    static const struct mk_slice name = { "Location:", 9 };
    if (mk_slice_starts_with(line, MK_SLICE("HTTP/"))) { /* of this answer, not of one before it */
        free(download->location);
        download->location = NULL;
    } else if (!download->location && line.len > name.len &&
               mk_slice_eq_nocase(mk_slice_of(line.ptr, name.len), name)) {
        download->location = mk_slice_dup(mk_slice_from(line, name.len));
    }
}

/* Resolves a clean reference against the URL. Returns 0 or a negative errno. */
static int resolve(struct mk_download *download, struct mk_slice reference, struct mk_buf *url)
{
    const struct mk_curl *curl = download->downloads->curl;
    CURLU *parts = curl->url();
    char *text = mk_slice_dup(reference), *whole = NULL;
    int rc = parts && text ? 0 : -ENOMEM;
    if (rc == 0 &&
        (curl->url_set(parts, CURLUPART_URL, download->url, 0) != CURLUE_OK ||
         curl->url_set(parts, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
         curl->url_get(parts, CURLUPART_URL, &whole, 0) != CURLUE_OK))
        rc = -EINVAL;
    if (rc == 0)
        rc = mk_buf_append_slice(url, mk_slice_str(whole));
    curl->free(whole);
    curl->url_cleanup(parts);
    free(text);
    return rc;
}

static bool is_web(struct mk_slice url)
{
    return mk_slice_starts_with(url, MK_SLICE("http://")) ||
           mk_slice_starts_with(url, MK_SLICE("https://"));
}

/* Whether a reference has a scheme of its own, and another one. */
static bool leaves_web(struct mk_slice reference)
{
    size_t len = 0;
    while (len < reference.len && (isalnum((unsigned char)reference.ptr[len]) ||
                                   (len > 0 && strchr("+-.", reference.ptr[len]))))
        len++;
    struct mk_slice scheme = mk_slice_of(reference.ptr, len);
    return len > 0 && len < reference.len && reference.ptr[len] == ':' &&
           isalpha((unsigned char)reference.ptr[0]) &&
           !mk_slice_eq_nocase(scheme, MK_SLICE("http")) &&
           !mk_slice_eq_nocase(scheme, MK_SLICE("https"));
}

/* Sets the URL to the one that the answer redirects to. Returns false with the reason of an end. */
static bool redirect(struct mk_download *download)
{
    struct mk_buf reference, url;
    struct mk_slice location = mk_slice_str(download->location);
    mk_buf_init(&reference, ESCAPED * LONGEST_URL);
    mk_buf_init(&url, ESCAPED * LONGEST_URL);
    int rc = location.len <= LONGEST_URL ? mk_web_url_clean(&reference, location) : -EINVAL;
    bool leaves = rc == 0 && leaves_web(mk_buf_slice(&reference));
    if (rc == 0 && !leaves)
        rc = resolve(download, mk_buf_slice(&reference), &url);
    if (rc == 0 && !leaves && is_web(mk_buf_slice(&url)))
        take_url(download, &url);
    else
        download->end = rc == -ENOMEM ? MK_DOWNLOAD_MEMORY
                        : rc < 0      ? MK_DOWNLOAD_BAD_REDIRECT
                                      : MK_DOWNLOAD_REDIRECT_SCHEME;
    mk_buf_fini(&reference);
    mk_buf_fini(&url);
    if (download->followed++ == download->redirects)
        download->end = MK_DOWNLOAD_REDIRECTS;
    return download->end == MK_DOWNLOAD_BY_LIBCURL;
}

/* Sends the URL's own origin, as a browser does for a picture of the same site. */
static bool set_referer(struct mk_download *download)
{
    struct mk_buf origin;
    mk_buf_init(&origin, ESCAPED * LONGEST_URL);
    bool is_set = mk_web_url_origin(&origin, mk_slice_str(download->url)) == 0 &&
                  mk_buf_append_char(&origin, '\0') == 0 &&
                  download->downloads->curl->easy_setopt(download->easy, CURLOPT_REFERER,
                                                         origin.data) == CURLE_OK;
    mk_buf_fini(&origin);
    return is_set;
}

static bool send_again(struct mk_download *download)
{
    struct mk_downloads *downloads = download->downloads;
    const struct mk_curl *curl = downloads->curl;
    free(download->location);
    download->location = NULL;
    download->is_connected = false;
    download->connecting_at = uv_hrtime() / 1000000;
    curl->multi_remove_handle(downloads->multi, download->easy);
    bool is_set = download->url && (!download->has_referer || set_referer(download)) &&
                  curl->easy_setopt(download->easy, CURLOPT_URL, download->url) == CURLE_OK &&
                  curl->multi_add_handle(downloads->multi, download->easy) == CURLM_OK;
    if (!is_set)
        download->end = MK_DOWNLOAD_MEMORY;
    return is_set;
}

bool mk_download_goes_on(struct mk_download *download, CURLcode code)
{
    long status = 0;
    bool has_answer = (code == CURLE_OK && download->end == MK_DOWNLOAD_BY_LIBCURL) ||
                      (code == CURLE_WRITE_ERROR && download->end == MK_DOWNLOAD_STATUS);
    if (!has_answer || atomic_load(&download->cancelled))
        return false;
    download->downloads->curl->easy_getinfo(download->easy, CURLINFO_RESPONSE_CODE, &status);
    bool redirects =
        status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    bool follows = redirects && download->location && download->redirects > 0;
    if (!follows && (status != 403 || download->has_referer))
        return false;
    download->end = MK_DOWNLOAD_BY_LIBCURL;
    if (follows && !redirect(download))
        return false;
    download->has_referer = download->has_referer || !follows;
    return send_again(download);
}
