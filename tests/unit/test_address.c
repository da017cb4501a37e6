/* Addresses to listen on, from text and back. */
#include "net/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void good_ones_come_back_as_they_were(void **state)
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

static void bad_ones_are_explained(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        { "", "the port is missing" },
        { "127.0.0.1", "the port is missing" },
        { ":3000", "the host is empty" },
        { "[]:3000", "the host is empty" },
        { "[::1]", "the port is no number from 0 to 65535" },
        { "127.0.0.1:", "the port is no number from 0 to 65535" },
        { "127.0.0.1:65536", "the port is no number from 0 to 65535" },
        { "127.0.0.1:000001", "the port is no number from 0 to 65535" },
        { "127.0.0.1:+1", "the port is no number from 0 to 65535" },
        { "127.0.0.1:1 ", "the port is no number from 0 to 65535" },
        { "::1:3000", "an IPv6 address must stand in brackets" },
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
                        "the host is no IP address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_come_back_as_they_were),
        cmocka_unit_test(bad_ones_are_explained),
        cmocka_unit_test(paths_have_their_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
