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
            return "there is a file of this name that is no socket";
        return "is another milky running with this data_dir?";
    case -ENOENT:
        return "its folder is not there";
    case -EACCES:
    case -EROFS:
        return "its folder cannot be written to";
    default:
        return NULL;
    }
}

static const char *advice_for_port(const struct mk_address *address, int error)
{
    switch (error) {
    case -EADDRINUSE:
        return "is another milky running? `ss -ltnp` shows who listens there; or choose another "
               "port";
    case -EACCES:
        return port_of(address) < FIRST_FREE_PORT
                   ? "ports below 1024 want a capability (CAP_NET_BIND_SERVICE); or choose another "
                     "port"
                   : NULL;
    case -EADDRNOTAVAIL:
        return "no network interface of this machine has this address";
    case -EAFNOSUPPORT:
        return "this machine has no IPv6";
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
    snprintf(text, MK_LISTEN_ERROR, "cannot listen on %s: %s%s%s%s",
             mk_address_format(address, name), mk_error_text(-error), advice ? " (" : "",
             advice ? advice : "", advice ? ")" : "");
    return text;
}
