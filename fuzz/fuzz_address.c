/*
 * fuzz_address: any bytes as an address to listen on, and as addresses of the Internet. An accepted
 * address is printed as a text that means the same; an IPv4 address wrapped in IPv6 is as public as
 * the IPv4 address; an address of this machine is not public.
 */
#include "fuzz.h"
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static void check_written(const struct mk_address *address)
{
    char text[MK_ADDRESS_TEXT], again[MK_ADDRESS_TEXT];
    struct mk_address read, reachable;
    mk_address_format(address, text);
    check(mk_address_parse(mk_slice_str(text), &read) == NULL, "what was written is refused");
    check(read.len == address->len && memcmp(&read.socket, &address->socket, read.len) == 0,
          "another address the second time");
    check(strcmp(mk_address_format(&read, again), text) == 0, "another text the second time");
    mk_address_reachable(address, &reachable);
    check(mk_address_parse(mk_slice_str(mk_address_format(&reachable, text)), &read) == NULL,
          "it cannot be reached");
    if (mk_address_is_local(address))
        check(mk_address_is_local(&reachable) &&
                  !mk_address_is_public((const struct sockaddr *)&address->socket),
              "of this machine and of the Internet");
}

static bool is_public_v4(const uint8_t *bytes)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    memcpy(&in.sin_addr, bytes, 4);
    return mk_address_is_public((const struct sockaddr *)&in);
}

static bool is_public_v6(const uint8_t *bytes)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    memcpy(&in6.sin6_addr, bytes, 16);
    return mk_address_is_public((const struct sockaddr *)&in6);
}

static void check_wrapped(const uint8_t *bytes)
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    uint8_t wrapped[16];
    bool is_public = is_public_v4(bytes);
    check(!is_public || (bytes[0] != 127 && bytes[0] != 10 && bytes[0] != 0 && bytes[0] < 224),
          "a private address is public");
    memcpy(wrapped, mapped, 12);
    memcpy(wrapped + 12, bytes, 4);
    check(is_public_v6(wrapped) == is_public, "mapped");
    memcpy(wrapped, nat64, 12);
    check(is_public_v6(wrapped) == is_public, "NAT64");
    memcpy(wrapped, bytes, 16);
    wrapped[0] = 0x20;
    wrapped[1] = 0x02;
    memcpy(wrapped + 2, bytes, 4);
    check(is_public_v6(wrapped) == is_public, "6to4");
    wrapped[0] = 0xfc | (bytes[0] & 3); /* unique local, link-local, multicast */
    check(!is_public_v6(wrapped), "a private address of IPv6 is public");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = copy_of(data, size);
    struct mk_address address;
    const char *wrong = mk_address_parse(mk_slice_of(copy, size), &address);
    check(!wrong || wrong[0], "no reason");
    if (!wrong)
        check_written(&address);
    free(copy);
    if (size >= 16)
        check_wrapped(data);
    return 0;
}
