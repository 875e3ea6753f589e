#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/addr.h"

static void check(const char *in, const char *out)
{
    struct addr a;
    char s[ADDR_STR_MAX];
    assert_int_equal(addr_parse_hostport(slice_from_str(in), 5061, &a), 0);
    assert_string_equal(addr_str(&a, s), out);
}

static void parse_and_print(void **state)
{
    (void)state;
    check("192.0.2.1", "192.0.2.1:5061");
    check("192.0.2.1:7", "192.0.2.1:7");
    check("0.9.10.99", "0.9.10.99:5061");
    check("100.199.200.255", "100.199.200.255:5061");
    check("[2001:db8::1]:7", "[2001:db8::1]:7");
    check("[2001:db8::1]", "[2001:db8::1]:5061");
    check("2001:db8::1", "[2001:db8::1]:5061");
    check("[::ffff:192.0.2.1]:9", "192.0.2.1:9");
    struct addr a;
    static const char *const bad[] = {
        "",     "x",      "1.2.3",     "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536",
        "[::1", "[::1]x", "[1.2.3.4]", "::1%eth0"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(addr_parse_hostport(slice_from_str(bad[i]), 1, &a), -EINVAL);
}

static void compare(void **state)
{
    (void)state;
    struct addr a, b;
    assert_int_equal(addr_parse_hostport(SLICE_LIT("[::ffff:127.0.0.1]:5"), 0, &a), 0);
    assert_int_equal(addr_parse_hostport(SLICE_LIT("127.0.0.1:6"), 0, &b), 0);
    assert_false(addr_host_eq(&a, &b));
    addr_unmap(&a);
    assert_true(addr_host_eq(&a, &b));
    assert_false(addr_eq(&a, &b));
    addr_set_port(&a, 6);
    assert_true(addr_eq(&a, &b));
    assert_true(addr_is_loopback(&a));
    assert_false(addr_is_any(&a));
}

static void beside(void **state)
{
    (void)state;
    struct addr four, six, a;
    assert_int_equal(addr_parse(SLICE_LIT("127.0.0.1"), 5060, &four), 0);
    assert_int_equal(addr_parse(SLICE_LIT("::1"), 5061, &six), 0);
    int r = addr_beside(&six, &a);
    if (r == -ENOENT) { /* a machine without IPv6 */
        assert_int_equal(addr_beside(&four, &a), -ENOENT);
    } else {
        assert_int_equal(r, 0);
        assert_true(addr_host_eq(&a, &four));
        assert_int_equal(addr_port(&a), 0);
        assert_int_equal(addr_beside(&four, &a), 0);
        assert_true(addr_host_eq(&a, &six));
    }
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), 0, &four), 0); /* nobody's */
    assert_int_equal(addr_beside(&four, &a), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_and_print),
        cmocka_unit_test(compare),
        cmocka_unit_test(beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
