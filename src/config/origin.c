/* origin: see the header. */
#include "config/origin.h"

#include "wire/url.h"

#include <arpa/inet.h>

enum { LONGEST_ORIGIN = 512 };

static bool has_upper_case(struct mk_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z')
            return true;
    return false;
}

/* An address in the form of inet_ntop, which is that of browsers; of a name, none is needed. */
static bool is_canonical_host(const struct mk_url *url)
{
    char text[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN];
    struct in6_addr address;
    struct mk_slice host = url->host;
    bool is_ipv6 = url->authority_host.ptr[0] == '[';
    const char *last = host.ptr + host.len;
    while (last > host.ptr && last[-1] != '.')
        last--;
    if (!is_ipv6 && (last == host.ptr + host.len || *last < '0' || *last > '9'))
        return true; /* browsers take a host for an address if its last part is a number */
    int family = is_ipv6 ? AF_INET6 : AF_INET;
    if (host.len >= sizeof(text))
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    return inet_pton(family, text, &address) == 1 &&
           inet_ntop(family, &address, again, sizeof(again)) && strcmp(text, again) == 0;
}

/* The port as a browser writes it, if at all. */
static bool is_canonical_port(struct mk_mistakes *mistakes, const struct mk_url *url,
                              struct mk_slice port)
{
    const char *written = mk_mistakes_text(mistakes, ":%u", (unsigned)url->port);
    return url->port > 0 && mk_slice_eq(port, mk_slice_str(written));
}

const char *mk_config_origin_error(struct mk_mistakes *mistakes, struct mk_slice text)
{
    struct mk_url url;
    if (mk_slice_eq(text, MK_SLICE("*")))
        return NULL;
    if (mk_slice_eq(text, MK_SLICE("null")))
        return mk_tr("any page in a sandboxed frame has it", "沙盒框架中的任何网页都是此来源");
    if (memchr(text.ptr, '*', text.len))
        return mk_tr("a \"*\" stands alone: list the origins one by one",
                     "“*”只能单独使用：请逐一列出来源");
    if (text.len > LONGEST_ORIGIN)
        return mk_tr("it is too long", "过长");
    if (has_upper_case(text))
        return mk_tr("browsers send it in lower case", "浏览器以小写发送");
    const char *why = mk_url_parse(text, &url);
    if (why)
        return why;
    if (url.scheme.ptr[0] != 'h')
        return mk_tr("it begins with http:// or https://", "以 http:// 或 https:// 开头");
    if (url.userinfo.ptr || memchr(text.ptr, '@', text.len))
        return mk_tr("it has no user name", "不能含有用户名");
    struct mk_slice rest =
        mk_slice_from(text, (size_t)(url.authority_host.ptr + url.authority_host.len - text.ptr));
    if (mk_slice_eq(url.path, MK_SLICE("/")) && rest.ptr[rest.len - 1] == '/')
        return mk_tr("leave out the / at its end", "请去掉末尾的 /");
    if (rest.len > 0 && memchr(rest.ptr, '/', rest.len))
        return mk_tr("leave out the path: an origin is a scheme, a host and a port",
                     "请去掉路径：来源只有协议、主机与端口");
    if (memchr(text.ptr, '?', text.len) || memchr(text.ptr, '#', text.len))
        return mk_tr("leave out the query and the fragment", "请去掉查询部分与片段");
    if (rest.len > 0 && !is_canonical_port(mistakes, &url, rest))
        return mk_tr("the port is a number without zeros before it", "端口为不带前导零的数字");
    if (rest.len > 0 && url.default_port)
        return mk_tr("leave out the port: browsers do not send the usual one of the scheme",
                     "请去掉端口：浏览器不发送协议的默认端口");
    if (!is_canonical_host(&url))
        return mk_tr("browsers write this address in another way", "浏览器以其他形式书写此地址");
    return NULL;
}
