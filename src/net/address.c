/* address: text to sockaddr and back. Names are not looked up here. */
#include "net/address.h"

#include "base/language.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

static bool parse_port(struct mk_slice text, in_port_t *port)
{
    unsigned number = 0;
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        number = number * 10 + (unsigned)(text.ptr[i] - '0');
    }
    if (number > UINT16_MAX)
        return false;
    *port = htons((uint16_t)number);
    return true;
}

static const char *parse_unix(struct mk_slice path, struct mk_address *address)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&address->socket;
    if (path.len == 0)
        return mk_tr("the path of the Unix socket is empty", "Unix 套接字的路径为空");
    if (path.len >= sizeof(un->sun_path))
        return mk_tr("the path of a Unix socket can have 107 bytes at most",
                     "Unix 套接字的路径最长 107 字节");
    if (memchr(path.ptr, '\0', path.len))
        return mk_tr("the path of the Unix socket has a NUL in it",
                     "Unix 套接字的路径中有 NUL 字节");
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path.ptr, path.len);
    address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    return NULL;
}

static const char *parse_host(struct mk_slice host, bool ipv6, in_port_t port,
                              struct mk_address *address)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&address->socket;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address->socket;
    char text[INET6_ADDRSTRLEN];
    if (mk_slice_eq(host, MK_SLICE("localhost")))
        host = MK_SLICE("127.0.0.1");
    if (host.len == 0)
        return mk_tr("the host is empty", "主机为空");
    if (host.len >= sizeof(text))
        return mk_tr("the host is not an IP address", "主机不是 IP 地址");
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (ipv6) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = port;
        address->len = sizeof(*in6);
        return inet_pton(AF_INET6, text, &in6->sin6_addr) == 1
                   ? NULL
                   : mk_tr("there is no IPv6 address between the brackets",
                           "方括号中不是 IPv6 地址");
    }
    in->sin_family = AF_INET;
    in->sin_port = port;
    address->len = sizeof(*in);
    return inet_pton(AF_INET, text, &in->sin_addr) == 1
               ? NULL
               : mk_tr("the host is neither an IPv4 address nor \"localhost\"",
                       "主机既不是 IPv4 地址，也不是 \"localhost\"");
}

const char *mk_address_parse(struct mk_slice text, struct mk_address *address)
{
    struct mk_address parsed = { 0 };
    struct mk_slice host;
    const char *error;
    if (mk_slice_starts_with(text, MK_SLICE("unix:"))) {
        error = parse_unix(mk_slice_from(text, 5), &parsed);
    } else {
        const char *colon = text.len > 0 ? memrchr(text.ptr, ':', text.len) : NULL;
        in_port_t port;
        if (!colon)
            return mk_tr("the port is missing", "缺少端口");
        host = mk_slice_of(text.ptr, (size_t)(colon - text.ptr));
        if (!parse_port(mk_slice_from(text, host.len + 1), &port))
            return mk_tr("the port is not a number from 0 to 65535", "端口不是 0 到 65535 的数字");
        bool brackets = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
        if (brackets)
            host = mk_slice_of(host.ptr + 1, host.len - 2);
        else if (host.len > 0 && memchr(host.ptr, ':', host.len))
            return mk_tr("an IPv6 address must be in brackets", "IPv6 地址应放在方括号中");
        error = parse_host(host, brackets, port, &parsed);
    }
    if (!error)
        *address = parsed;
    return error;
}

bool mk_address_is_local(const struct mk_address *address)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->socket;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->socket;
    switch (address->socket.ss_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && in6->sin6_addr.s6_addr[12] == 127);
    default:
        return false;
    }
}

void mk_address_reachable(const struct mk_address *listening, struct mk_address *address)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&listening->socket;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&listening->socket;
    bool is_v4 = listening->socket.ss_family == AF_INET;
    bool is_any =
        is_v4 ? in->sin_addr.s_addr == htonl(INADDR_ANY)
              : listening->socket.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
    *address = *listening;
    if (!is_any)
        return;
    in_port_t port = is_v4 ? in->sin_port : in6->sin6_port; /* "[::]" accepts IPv4 as well */
    memset(&address->socket, 0, sizeof(address->socket));
    struct sockaddr_in *to = (struct sockaddr_in *)&address->socket;
    to->sin_family = AF_INET;
    to->sin_port = port;
    to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->len = sizeof(*to);
}

/* The special-purpose registry of RFC 6890. */
static bool is_public_v4(uint32_t ip)
{
    static const struct {
        uint32_t network;
        unsigned bits;
    } special[] = {
        { 0x00000000, 8 },  /* this network */
        { 0x0a000000, 8 },  /* private */
        { 0x64400000, 10 }, /* carrier-grade NAT */
        { 0x7f000000, 8 },  /* this machine */
        { 0xa9fe0000, 16 }, /* link-local: cloud metadata services */
        { 0xac100000, 12 }, /* private */
        { 0xc0000000, 24 }, /* protocol assignments */
        { 0xc0000200, 24 }, /* documentation */
        { 0xc0586300, 24 }, /* 6to4 relays */
        { 0xc0a80000, 16 }, /* private */
        { 0xc6120000, 15 }, /* benchmarks */
        { 0xc6336400, 24 }, /* documentation */
        { 0xcb007100, 24 }, /* documentation */
        { 0xe0000000, 3 },  /* multicast, reserved, broadcast */
    };
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
        if ((ip ^ special[i].network) >> (32 - special[i].bits) == 0)
            return false;
    return true;
}

static uint32_t v4_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/*
 * Global unicast is 2000::/3, without the special 2001::/23 (with Teredo), 2001:db8::/32 and
 * 3fff::/20.
 */
static bool is_public_v6(const uint8_t ip[16])
{
    static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    if (memcmp(ip, nat64, sizeof(nat64)) == 0)
        return is_public_v4(v4_at(ip + 12));
    if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)ip))
        return is_public_v4(v4_at(ip + 12));
    if (ip[0] == 0x20 && ip[1] == 0x02)
        return is_public_v4(v4_at(ip + 2));
    if (ip[0] == 0x20 && ip[1] == 0x01 && (ip[2] < 0x02 || (ip[2] == 0x0d && ip[3] == 0xb8)))
        return false;
    if (ip[0] == 0x3f && ip[1] == 0xff && ip[2] < 0x10)
        return false;
    return ip[0] >> 5 == 1;
}

bool mk_address_is_public(const struct sockaddr *address)
{
    const void *any = address;
    if (address->sa_family == AF_INET)
        return is_public_v4(ntohl(((const struct sockaddr_in *)any)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6)
        return is_public_v6(((const struct sockaddr_in6 *)any)->sin6_addr.s6_addr);
    return false;
}

const char *mk_address_format(const struct mk_address *address, char text[MK_ADDRESS_TEXT])
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->socket;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->socket;
    const struct sockaddr_un *un = (const struct sockaddr_un *)&address->socket;
    char host[INET6_ADDRSTRLEN] = "?";
    switch (address->socket.ss_family) {
    case AF_UNIX:
        snprintf(text, MK_ADDRESS_TEXT, "unix:%.*s", (int)sizeof(un->sun_path), un->sun_path);
        break;
    case AF_INET:
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        snprintf(text, MK_ADDRESS_TEXT, "%s:%u", host, ntohs(in->sin_port));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(text, MK_ADDRESS_TEXT, "[%s]:%u", host, ntohs(in6->sin6_port));
        break;
    default:
        snprintf(text, MK_ADDRESS_TEXT, "?");
    }
    return text;
}
