#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "call/reach.h"

static struct addr at(const char *host)
{
    struct addr a = {0};
    if (*host)
        assert_int_equal(addr_parse(slice_from_str(host), 5000, &a), 0);
    return a;
}

static void test_reach(void **state)
{
    static const struct {
        const char *a_said, *a_seen, *b_said, *b_seen;
        enum reach want;
    } rows[] = {
        {"198.51.100.1", "198.51.100.1", "203.0.113.9", "203.0.113.9", REACH_OK},
        {"10.1.2.3", "10.1.2.3", "10.9.9.9", "10.9.9.9", REACH_OK},
        {"10.1.2.3", "10.1.2.3", "192.168.0.1", "192.168.0.1", REACH_NETWORKS},
        {"10.1.2.3", "10.1.2.3", "198.51.100.1", "198.51.100.1", REACH_NETWORKS},
        {"172.16.0.1", "172.16.0.1", "172.31.255.1", "172.31.255.1", REACH_OK},
        {"172.16.0.1", "172.16.0.1", "172.32.0.1", "172.32.0.1", REACH_NETWORKS},
        {"100.64.0.1", "100.64.0.1", "100.127.0.1", "100.127.0.1", REACH_OK},
        {"100.64.0.1", "100.64.0.1", "100.128.0.1", "100.128.0.1", REACH_NETWORKS},
        {"127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", REACH_OK},
        /* behind a NAT: one, both behind different ones, both behind the same */
        {"192.168.0.2", "198.51.100.1", "203.0.113.9", "203.0.113.9", REACH_NAT},
        {"192.168.0.2", "198.51.100.1", "192.168.0.3", "203.0.113.9", REACH_NAT},
        {"192.168.0.2", "198.51.100.1", "192.168.0.3", "198.51.100.1", REACH_OK},
        {"192.168.0.2", "198.51.100.1", "10.0.0.3", "198.51.100.1", REACH_NETWORKS},
        /* a name tells nothing */
        {"", "198.51.100.1", "203.0.113.9", "203.0.113.9", REACH_NAT},
        {"", "198.51.100.1", "", "198.51.100.1", REACH_NAT},
        {"2001:db8::1", "2001:db8::1", "2001:db8:5::9", "2001:db8:5::9", REACH_OK},
        {"2001:db8::1", "2001:db8::1", "198.51.100.1", "198.51.100.1", REACH_NETWORKS},
        {"fd00::1", "fd00::1", "fcff::2", "fcff::2", REACH_OK},
        {"fd00::1", "fd00::1", "fe80::2", "fe80::2", REACH_NETWORKS},
        {"fd00::1", "fd00::1", "2001:db8::1", "2001:db8::1", REACH_NETWORKS},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reach_place a = {at(rows[i].a_said), at(rows[i].a_seen)};
        struct reach_place b = {at(rows[i].b_said), at(rows[i].b_seen)};
        if (reach_of(&a, &b) != rows[i].want || reach_of(&b, &a) != rows[i].want)
            fail_msg("row %zu: %d, %d", i, (int)reach_of(&a, &b), (int)reach_of(&b, &a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reach)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
