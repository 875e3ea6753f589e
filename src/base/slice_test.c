#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/slice.h"

static void numbers_are_whole_slices(void **state)
{
    (void)state;
    uint32_t v = 7;
    assert_int_equal(slice_to_u32(SLICE_LIT("4294967295"), &v), 0);
    assert_int_equal(v, 4294967295u);
    assert_int_equal(slice_to_u32(SLICE_LIT("4294967296"), &v), -ERANGE);
    assert_int_equal(slice_to_u32(SLICE_LIT(""), &v), -EINVAL);
    assert_int_equal(slice_to_u32(SLICE_LIT("1 "), &v), -EINVAL);
    assert_int_equal(slice_to_u32(SLICE_LIT("-1"), &v), -EINVAL);
    assert_int_equal(v, 4294967295u);
    uint64_t w;
    assert_int_equal(slice_to_u64(SLICE_LIT("18446744073709551615"), &w), 0);
    assert_int_equal(slice_to_u64(SLICE_LIT("18446744073709551616"), &w), -ERANGE);
}

static void cut_walks_a_list(void **state)
{
    (void)state;
    struct slice s = SLICE_LIT("a;bc;");
    assert_true(slice_eq_str(slice_cut(&s, ';'), "a"));
    assert_true(slice_eq_str(slice_cut(&s, ';'), "bc"));
    assert_true(slice_is_empty(s));
    assert_true(slice_is_empty(slice_cut(&s, ';')));
}

static void compare_and_find(void **state)
{
    (void)state;
    assert_true(slice_eq_nocase(SLICE_LIT("Via"), SLICE_LIT("vIA")));
    assert_false(slice_eq_nocase(SLICE_LIT("Via"), SLICE_LIT("Via ")));
    assert_true(slice_starts_with_nocase(SLICE_LIT("SIP/2.0 200"), SLICE_LIT("sip/2.0")));
    assert_false(slice_starts_with(SLICE_LIT("SI"), SLICE_LIT("SIP")));
    assert_true(slice_ends_with_nocase(SLICE_LIT("a.EXAMPLE.org"), SLICE_LIT(".example.ORG")));
    assert_int_equal(slice_find(SLICE_LIT("a\r\n\r\nb"), SLICE_LIT("\r\n\r\n")), 1);
    assert_int_equal(slice_find(SLICE_LIT("abc"), SLICE_LIT("x")), 3);
    assert_true(slice_eq_str(slice_trim(SLICE_LIT(" \r\n x y\t")), "x y"));
    assert_int_equal(slice_skip(SLICE_LIT("ab"), 9).n, 0);
}

static void to_str_refuses_what_does_not_fit(void **state)
{
    (void)state;
    char s[4];
    assert_true(slice_to_str(SLICE_LIT("abc"), s, sizeof(s)));
    assert_string_equal(s, "abc");
    assert_false(slice_to_str(SLICE_LIT("abcd"), s, sizeof(s)));
    assert_string_equal(s, "");
    assert_false(slice_to_str(SLICE_LIT("a\0b"), s, sizeof(s)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_whole_slices),
        cmocka_unit_test(cut_walks_a_list),
        cmocka_unit_test(compare_and_find),
        cmocka_unit_test(to_str_refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
