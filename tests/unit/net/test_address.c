/* Addresses to listen on, parsed and printed. */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void valid_addresses_are_printed_as_parsed(void **state)
{
    static const struct {
        const char *text;
        const char *again;
        bool local;
    } cases[] = {
        { "127.0.0.1:3000", "127.0.0.1:3000", true },
        { "127.9.9.9:1", "127.9.9.9:1", true },
        { "localhost:0", "127.0.0.1:0", true },
        { "0.0.0.0:65535", "0.0.0.0:65535", false },
        { "192.168.1.20:80", "192.168.1.20:80", false },
        { "[::1]:3000", "[::1]:3000", true },
        { "[::]:3000", "[::]:3000", false },
        { "[0:0:0:0:0:0:0:1]:03", "[::1]:3", true },
        { "[fe80::1]:7", "[fe80::1]:7", false },
        { "[::ffff:127.0.0.1]:7", "[::ffff:127.0.0.1]:7", true },
        { "[::ffff:8.8.8.8]:7", "[::ffff:8.8.8.8]:7", false },
        { "unix:/run/milky.sock", "unix:/run/milky.sock", true },
        { "unix:a:1", "unix:a:1", true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_address address;
        char text[MK_ADDRESS_TEXT];
        const char *error = mk_address_parse(mk_slice_str(cases[i].text), &address);
        if (error)
            fail_msg("%s: %s", cases[i].text, error);
        assert_string_equal(mk_address_format(&address, text), cases[i].again);
        assert_int_equal(mk_address_is_local(&address), cases[i].local);
    }
}

static void invalid_addresses_have_a_reason(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        { "", "the port is missing" },
        { "127.0.0.1", "the port is missing" },
        { ":3000", "the host is empty" },
        { "[]:3000", "the host is empty" },
        { "[::1]", "the port is not a number from 0 to 65535" },
        { "127.0.0.1:", "the port is not a number from 0 to 65535" },
        { "127.0.0.1:65536", "the port is not a number from 0 to 65535" },
        { "127.0.0.1:000001", "the port is not a number from 0 to 65535" },
        { "127.0.0.1:+1", "the port is not a number from 0 to 65535" },
        { "127.0.0.1:1 ", "the port is not a number from 0 to 65535" },
        { "::1:3000", "an IPv6 address must be in brackets" },
        { "[127.0.0.1]:1", "there is no IPv6 address between the brackets" },
        { "[fe80::1%lo]:1", "there is no IPv6 address between the brackets" },
        { "example.org:1", "the host is neither an IPv4 address nor \"localhost\"" },
        { "127.1:1", "the host is neither an IPv4 address nor \"localhost\"" },
        { "300.0.0.1:1", "the host is neither an IPv4 address nor \"localhost\"" },
        { "unix:", "the path of the Unix socket is empty" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_address address = { .len = 77 };
        const char *error = mk_address_parse(mk_slice_str(cases[i].text), &address);
        assert_non_null(error);
        assert_string_equal(error, cases[i].error);
        assert_int_equal(address.len, 77); /* untouched */
    }
}

static void paths_have_their_limits(void **state)
{
    struct mk_address address;
    char text[200] = "unix:";
    char again[MK_ADDRESS_TEXT];
    (void)state;
    memset(text + 5, 'p', 107);
    assert_null(mk_address_parse(mk_slice_of(text, 112), &address));
    assert_string_equal(mk_address_format(&address, again), text);
    text[112] = 'p';
    assert_non_null(mk_address_parse(mk_slice_of(text, 113), &address));
    assert_non_null(mk_address_parse(MK_SLICE("unix:a\0b"), &address));
    memset(text, '1', sizeof(text));
    memcpy(text + 195, ":1234", 5);
    assert_string_equal(mk_address_parse(mk_slice_of(text, sizeof(text)), &address),
                        "the host is not an IP address");
}

static bool is_public(const char *text)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return mk_address_is_public((const struct sockaddr *)&in);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return mk_address_is_public((const struct sockaddr *)&in6);
}

static void private_addresses_are_recognized(void **state)
{
    static const char *const public[] = {
        "1.1.1.1",         "8.8.8.8",         "9.255.255.255", "11.0.0.0",         "100.63.255.255",
        "100.128.0.0",     "126.255.255.255", "128.0.0.0",     "169.253.255.255",  "172.15.0.1",
        "172.32.0.0",      "192.167.255.255", "192.169.0.0",   "198.17.0.1",       "198.20.0.0",
        "223.255.255.255", "2606:4700::1111", "2a00::1",       "64:ff9b::8.8.8.8", "::ffff:8.8.8.8",
        "2002:808:808::1", "2001:200::1",     "3fff:1000::1",
    };
    static const char *const private[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "4000::1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(public) / sizeof(public[0]); i++)
        if (!is_public(public[i]))
            fail_msg("%s is public", public[i]);
    for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
        if (is_public(private[i]))
            fail_msg("%s is private", private[i]);
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    assert_false(mk_address_is_public((const struct sockaddr *)&un));
}

static void wildcard_addresses_are_reached_by_loopback(void **state)
{
    static const char *const cases[][2] = {
        { "0.0.0.0:80", "127.0.0.1:80" }, { "[::]:80", "127.0.0.1:80" }, { "[::1]:80", "[::1]:80" },
        { "10.0.0.1:80", "10.0.0.1:80" }, { "unix:x", "unix:x" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mk_address listening, address;
        char text[MK_ADDRESS_TEXT];
        assert_null(mk_address_parse(mk_slice_str(cases[i][0]), &listening));
        mk_address_reachable(&listening, &address);
        assert_string_equal(mk_address_format(&address, text), cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_addresses_are_printed_as_parsed),
        cmocka_unit_test(invalid_addresses_have_a_reason),
        cmocka_unit_test(paths_have_their_limits),
        cmocka_unit_test(private_addresses_are_recognized),
        cmocka_unit_test(wildcard_addresses_are_reached_by_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
