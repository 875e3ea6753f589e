#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "policy/menu.h"

static void phones_by_their_names(void **state)
{
    (void)state;
    assert_non_null(policy_menu_srtp(SLICE_LIT("Yealink SIP-T46S 66.85.0.5")));
    assert_string_equal(policy_menu_srtp(SLICE_LIT("YEALINK")),
                        policy_menu_srtp(SLICE_LIT("yealink")));
    assert_non_null(policy_menu_srtp(SLICE_LIT("snom320/8.7")));
    assert_non_null(policy_menu_srtp(SLICE_LIT("Cisco/SPA504G-7.6.2")));
    assert_null(policy_menu_srtp(SLICE_LIT("Acme 1.0")));
    assert_null(policy_menu_srtp(SLICE_LIT("")));
    assert_null(policy_menu_srtp(SLICE_LIT("yealin")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(phones_by_their_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
