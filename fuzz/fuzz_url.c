/*
 * fuzz_url: any bytes as a URL and as the value of a parameter. A value that was set in a query is
 * found in it; an escaped text decodes to itself; a URL that was parsed is parsed to the same when
 * it is put together from its parts.
 */
#include "base/percent.h"
#include "fuzz.h"
#include "net/web_url.h"
#include "wire/url.h"

static void check_escapes(struct mk_slice text)
{
    struct mk_buf escaped;
    struct mk_buf decoded;
    mk_buf_init(&escaped, SIZE_MAX / 2);
    mk_buf_init(&decoded, SIZE_MAX / 2);
    check(mk_percent_encode(&escaped, text) == 0, "encode");
    check(mk_percent_decode(&decoded, mk_buf_slice(&escaped)) == 0, "decode");
    check(mk_slice_eq(mk_buf_slice(&decoded), text), "escapes");
    mk_buf_reset(&decoded, 0);
    int rc = mk_percent_decode(&decoded, text);
    check(rc == 0 ? decoded.len <= text.len : decoded.len == 0, "decoded length");
    mk_buf_fini(&escaped);
    mk_buf_fini(&decoded);
}

static void check_target(const struct mk_url *url, struct mk_slice value)
{
    struct mk_buf target;
    struct mk_buf decoded;
    mk_buf_init(&target, SIZE_MAX / 2);
    mk_buf_init(&decoded, SIZE_MAX / 2);
    check(mk_url_write_target(&target, url, "a&b", value) == 0, "target");
    struct mk_slice query = mk_buf_slice(&target);
    const char *mark = memchr(query.ptr, '?', query.len);
    check(query.ptr[0] == '/' && mark, "form of the target");
    query = mk_slice_from(query, (size_t)(mark - query.ptr) + 1);
    struct mk_slice found;
    check(mk_url_query_find(query, MK_SLICE("a&b"), &found), "parameter is lost");
    check(mk_percent_decode(&decoded, found) == 0, "value");
    check(mk_slice_eq(mk_buf_slice(&decoded), value), "another value");
    mk_buf_fini(&target);
    mk_buf_fini(&decoded);
}

static void check_again(const struct mk_url *url)
{
    struct mk_buf text;
    struct mk_url again;
    mk_buf_init(&text, SIZE_MAX / 2);
    mk_buf_printf(&text, "%.*s://%.*s@%.*s:%u", (int)url->scheme.len, url->scheme.ptr,
                  (int)url->userinfo.len, url->userinfo.ptr, (int)url->authority_host.len,
                  url->authority_host.ptr, url->port);
    check(mk_url_write_target(&text, url, NULL, (struct mk_slice){ 0 }) == 0, "target");
    check(mk_url_parse(mk_buf_slice(&text), &again) == NULL, "refused the second time");
    check(mk_slice_eq(again.host, url->host) && mk_slice_eq(again.userinfo, url->userinfo) &&
              again.port == url->port && again.tls == url->tls &&
              again.default_port == url->default_port && again.has_query == url->has_query &&
              mk_slice_eq(again.query, url->query),
          "another URL the second time");
    mk_buf_fini(&text);
}

/* A URL that was cleaned is of ASCII without white space, and stays as it is. */
static void check_clean(struct mk_slice text)
{
    struct mk_buf clean, again;
    mk_buf_init(&clean, SIZE_MAX / 2);
    mk_buf_init(&again, SIZE_MAX / 2);
    if (mk_web_url_clean(&clean, text) == 0) {
        for (size_t i = 0; i < clean.len; i++)
            check(clean.data[i] > ' ' && clean.data[i] < 0x7f, "clean: characters");
        check(mk_web_url_clean(&again, mk_buf_slice(&clean)) == 0, "clean: again");
        check(mk_slice_eq(mk_buf_slice(&clean), mk_buf_slice(&again)), "clean: the same");
    } else {
        check(clean.len == 0, "clean: all or nothing");
    }
    mk_buf_fini(&clean);
    mk_buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mk_slice text = mk_slice_of((const char *)data, size);
    struct mk_slice host;
    struct mk_slice port;
    struct mk_url url;
    check_escapes(text);
    check_clean(text);
    if (mk_url_split_host(text, &host, &port))
        check(host.len > 0 && host.len + port.len <= text.len, "host");
    if (mk_url_parse(text, &url) == NULL) {
        check(url.host.len > 0 && url.port > 0, "parts");
        check_target(&url, text);
        check_again(&url);
    }
    return 0;
}
