#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sip/head.h"

static void test_size(void **state)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const size_t whole = sizeof(head) - 1;
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < whole; i++)
        assert_int_equal(sip_head_size(slice_from(head, i), 100, &n), SIP_FRAME_MORE);
    assert_int_equal(sip_head_size(SLICE_LIT("GET / HTTP/1.1\r\nHost: a\r\n\r\nmore"), 100, &n),
                     SIP_FRAME_OK);
    assert_int_equal(n, whole);
    /* At the limit, and one past it. */
    assert_int_equal(sip_head_size(slice_from(head, whole), whole, &n), SIP_FRAME_OK);
    assert_int_equal(sip_head_size(slice_from(head, whole), whole - 1, &n), SIP_FRAME_TOO_LARGE);
    assert_int_equal(sip_head_size(slice_from(head, whole - 1), whole - 1, &n),
                     SIP_FRAME_TOO_LARGE);
    assert_int_equal(sip_head_size(SLICE_LIT("GET / HTTP/1.1\nHost: a\n\n"), 100, &n),
                     SIP_FRAME_BAD);
    assert_int_equal(sip_head_size(SLICE_LIT("GET / HTTP/1.1\rHost: a\r\n"), 100, &n),
                     SIP_FRAME_BAD);
    assert_int_equal(sip_head_size(SLICE_NONE, 100, &n), SIP_FRAME_MORE);
}

static void test_fields(void **state)
{
    struct slice rest = SLICE_LIT("GET / HTTP/1.1\r\nHost:a \r\nX-Y:\r\n\r\nbody"), name, value;

    (void)state;
    assert_true(slice_eq_str(sip_head_line(&rest), "GET / HTTP/1.1"));
    assert_int_equal(sip_head_next(&rest, &name, &value), SIP_HEAD_FIELD);
    assert_true(slice_eq_str(name, "Host") && slice_eq_str(value, "a"));
    assert_int_equal(sip_head_next(&rest, &name, &value), SIP_HEAD_FIELD);
    assert_true(slice_eq_str(name, "X-Y") && value.n == 0);
    assert_int_equal(sip_head_next(&rest, &name, &value), SIP_HEAD_END);
    assert_true(slice_eq_str(rest, "body"));
}

static void test_bad_fields(void **state)
{
    static const char *const bad[] = {"Host : a\r\n\r\n", "Host\r\n\r\n", ": a\r\n\r\n",
                                      " Host: a\r\n\r\n", "Host: a\r\n b\r\n\r\n"};
    struct slice name, value;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct slice rest = slice_from_str(bad[i]);
        assert_int_equal(sip_head_next(&rest, &name, &value), SIP_HEAD_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_bad_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
