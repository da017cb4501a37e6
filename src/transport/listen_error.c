/* listen_error: see the header. */
#include "transport/listen_error.h"

#include "base/error_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>

enum { FIRST_FREE_PORT = 1024 };

static uint16_t port_of(const struct mk_address *address)
{
    if (address->socket.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&address->socket)->sin_port);
    return ntohs(((const struct sockaddr_in6 *)&address->socket)->sin6_port);
}

static const char *advice_for_path(const struct mk_address *address, int error)
{
    const char *path = ((const struct sockaddr_un *)&address->socket)->sun_path;
    struct stat file;
    switch (error) {
    case -EADDRINUSE:
        if (lstat(path, &file) == 0 && !S_ISSOCK(file.st_mode))
            return mk_tr("there is a file of this name that is not a socket",
                         "此处有同名文件，且不是套接字");
        return mk_tr("is another milky running with this data_dir?",
                     "是否有另一个 milky 正在使用此 data_dir？");
    case -ENOENT:
        return mk_tr("its folder does not exist", "所在目录不存在");
    case -EACCES:
    case -EROFS:
        return mk_tr("its folder cannot be written to", "所在目录不可写");
    default:
        return NULL;
    }
}

static const char *advice_for_port(const struct mk_address *address, int error)
{
    switch (error) {
    case -EADDRINUSE:
        return mk_tr("is another milky running? `ss -ltnp` shows the program that listens there; "
                     "or choose another port",
                     "是否有另一个 milky 正在运行？`ss -ltnp` 可显示监听此端口的程序；或更换端口");
    case -EACCES:
        return port_of(address) < FIRST_FREE_PORT
                   ? mk_tr("ports below 1024 need a capability (CAP_NET_BIND_SERVICE); or choose "
                           "another port",
                           "1024 以下的端口需要 CAP_NET_BIND_SERVICE 权限；或更换端口")
                   : NULL;
    case -EADDRNOTAVAIL:
        return mk_tr("no network interface of this machine has this address",
                     "本机的网络接口都没有此地址");
    case -EAFNOSUPPORT:
        return mk_tr("this machine has no IPv6", "本机没有 IPv6");
    default:
        return NULL;
    }
}

const char *mk_listen_error(const struct mk_address *address, int error, char text[MK_LISTEN_ERROR])
{
    char name[MK_ADDRESS_TEXT];
    bool is_path = address->socket.ss_family == AF_UNIX;
    const char *advice =
        is_path ? advice_for_path(address, error) : advice_for_port(address, error);
    mk_address_format(address, name);
    if (advice)
        snprintf(text, MK_LISTEN_ERROR,
                 mk_tr("cannot listen on %s: %s (%s)", "无法监听 %s：%s（%s）"), name,
                 mk_error_text(-error), advice);
    else
        snprintf(text, MK_LISTEN_ERROR, mk_tr("cannot listen on %s: %s", "无法监听 %s：%s"), name,
                 mk_error_text(-error));
    return text;
}
