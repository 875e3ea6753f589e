#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "policy/policy.h"

static struct policy_target target(const char *uri)
{
    struct sip_uri u;
    struct policy_target t;
    assert_int_equal(sip_uri_parse(slice_from_str(uri), &u), SIP_URI_OK);
    policy_target_of(&u, SLICE_LIT("example.org"), &t);
    return t;
}

static void users_and_built_ins(void **state)
{
    (void)state;
    struct policy_target t = target("sip:1000@example.org");
    char s[128];
    assert_int_equal(t.kind, POLICY_TARGET_USER);
    policy_target_str(&t, s, sizeof(s));
    assert_string_equal(s, "1000@example.org");
    assert_int_equal(target("sip:echo@x").kind, POLICY_TARGET_ECHO);
    assert_int_equal(target("sip:Tone@x").kind, POLICY_TARGET_TONE);
    assert_int_equal(target("sip:clock@x").kind, POLICY_TARGET_CLOCK);
    assert_int_equal(target("sip:echo2@x").kind, POLICY_TARGET_USER);
    assert_int_equal(target("sip:example.org").kind, POLICY_TARGET_BAD);
}

static void escapes_and_numbers(void **state)
{
    (void)state;
    assert_string_equal(target("sip:%31000@x").name, "1000");
    assert_string_equal(target("tel:+1-(201)555.0123").name, "+12015550123");
    assert_int_equal(target("sip:a%00b@x").kind, POLICY_TARGET_BAD);
    char uri[STORE_NAME_MAX + 9];
    memset(uri, 'a', sizeof(uri));
    memcpy(uri, "sip:", 4);
    memcpy(uri + 4 + STORE_NAME_MAX, "@x", 3); /* as long as fits */
    assert_int_equal(target(uri).kind, POLICY_TARGET_USER);
    memcpy(uri + 4 + STORE_NAME_MAX, "a@x", 4); /* one past it */
    assert_int_equal(target(uri).kind, POLICY_TARGET_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_and_built_ins),
        cmocka_unit_test(escapes_and_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
