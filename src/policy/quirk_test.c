#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "policy/quirk.h"

static struct quirk_table t;

static const struct quirk *of(const char *agent)
{
    return quirk_find(&t, slice_from_str(agent));
}

static struct quirk line(const char *pattern)
{
    struct quirk q = {.digest = 0};
    assert_true(quirk_is_pattern(slice_from_str(pattern)));
    snprintf(q.pattern, sizeof(q.pattern), "%s", pattern);
    return q;
}

static void what_is_built_in(void **state)
{
    (void)state;
    quirk_table_init(&t, SLICE_NONE);
    assert_int_equal(of("baresip v1.0.0 (x86_64/linux)")->digest, QUIRK_DIGEST_MD5_ONLY);
    assert_int_equal(of("baresip v3.10.0 (x86_64/Linux)")->digest, QUIRK_DIGEST_SHA256_FIRST);
    assert_int_equal(of("LINPHONE-desktop/4")->digest, QUIRK_DIGEST_SHA256_FIRST);
    assert_int_equal(of("Janus WebRTC Server SIP Plugin 0.0.8")->digest, QUIRK_DIGEST_MD5_ONLY);
    assert_int_equal(of("sofia-sip/1.12.11")->digest, QUIRK_DIGEST_MD5_ONLY);
    assert_true(of("Yealink SIP-T46S 66.85.0.5")->no_aes256);
    assert_int_equal(of("Grandstream GXP2170 1.0.11")->crypto_lines, 1);
    assert_true(of("My Zoiper rv2")->aes_cm_256);
    assert_true(of("sotto/0.1")->gcm && !of("My Zoiper rv2")->gcm);
    assert_null(of("Snom870/8.7"));
    assert_null(of(""));
}

static void own_lines_come_first(void **state)
{
    (void)state;
    quirk_table_init(&t, SLICE_LIT("snom\toffer=savp digest=md5-first\nyealink\t\n"));
    assert_int_equal(t.own, 2);
    assert_int_equal(of("snom870")->offer, OFFER_SAVP);
    assert_int_equal(of("SNOM870")->digest, QUIRK_DIGEST_MD5_FIRST);
    assert_true(of("Yealink SIP-T46S")->overrides);
    assert_false(of("Yealink SIP-T46S")->no_aes256); /* switched off */
    struct quirk q = line("Yealink SIP-T46S");       /* the longer one counts, alone */
    q.crypto_lines = 3;
    assert_int_equal(quirk_table_put(&t, &q), 0);
    assert_int_equal(of("Yealink SIP-T46S 66")->crypto_lines, 3);
    assert_int_equal(of("Yealink SIP-T48S 66")->crypto_lines, 0);
    assert_true(quirk_table_remove(&t, SLICE_LIT("YEALINK")));
    assert_true(of("Yealink SIP-T48S")->no_aes256); /* what is built in is back */
    assert_false(quirk_table_remove(&t, SLICE_LIT("Yealink")));
    assert_false(quirk_table_remove(&t, SLICE_LIT("nobody")));
}

static void a_table_is_printed_as_it_is_read(void **state)
{
    (void)state;
    static const char text[] =
        "a b=c\tdigest=md5-only offer=dtls crypto-lines=8 aes256=no aes256-name=AES_CM_256 "
        "gcm=yes dtmf=info\nx\t\n";
    char room[512];
    struct buf b = buf_over(room, sizeof(room));
    quirk_table_init(&t, slice_from_str(text));
    quirk_table_print(&b, &t);
    quirk_table_init(&t, buf_slice(&b));
    assert_int_equal(t.own, 2);
    b = buf_over(room, sizeof(room));
    quirk_print(&b, of("a b=c"));
    assert_true(slice_eq_str(buf_slice(&b), "digest=md5-only offer=dtls crypto-lines=8 aes256=no "
                                            "aes256-name=AES_CM_256 gcm=yes dtmf=info"));
}

static void what_is_not_allowed(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"digest", ""},
        {"digest", "sha1"},
        {"offer", "clear"},
        {"offer", "none"},
        {"crypto-lines", "0"},
        {"crypto-lines", "9"},
        {"crypto-lines", ""},
        {"aes256", "maybe"},
        {"aes256-name", "x"},
        {"dtmf", "tone"},
        {"gcm", "first"},
        {"colour", "red"},
        {"", ""},
    };
    struct quirk q = {.digest = 0}, none = {.digest = 0};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(quirk_take(&q, slice_from_str(bad[i][0]), slice_from_str(bad[i][1])));
    assert_memory_equal(&q, &none, sizeof(q));
    assert_true(quirk_take(&q, SLICE_LIT("crypto-lines"), SLICE_LIT("8")));
    assert_false(quirk_is_pattern(SLICE_LIT("")));
    assert_false(quirk_is_pattern(SLICE_LIT(" x")));
    assert_false(quirk_is_pattern(SLICE_LIT("a\tb")));
    assert_true(quirk_is_pattern(SLICE_LIT("0123456789012345678901234567890123456789")));
    assert_false(quirk_is_pattern(SLICE_LIT("01234567890123456789012345678901234567890")));
    quirk_table_init(&t, SLICE_LIT("a\tdigest=no\nb\n\tx\n\n\na\t digest=md5-only"));
    assert_int_equal(t.own, 1); /* b, which says nothing */
}

static void there_is_an_end_to_them(void **state)
{
    (void)state;
    char room[STORE_SETTING_MAX];
    quirk_table_init(&t, SLICE_NONE);
    for (int i = 0; i <= QUIRKS_OWN_MAX; i++) {
        struct quirk q = {.digest = QUIRK_DIGEST_SHA256_FIRST,
                          .offer = OFFER_OSRTP,
                          .crypto_lines = 8,
                          .no_aes256 = true,
                          .aes_cm_256 = true,
                          .gcm = true,
                          .dtmf_info = true,
                          .pattern = {0}};
        snprintf(q.pattern, sizeof(q.pattern), "%c%d-345678901234567890123456789012345678",
                 'A' + i % 26, i / 26);
        assert_int_equal(quirk_table_put(&t, &q), i < QUIRKS_OWN_MAX ? 0 : -ENOSPC);
        if (i < QUIRKS_OWN_MAX)
            assert_int_equal(quirk_table_put(&t, &q), 0); /* the same again is no further one */
    }
    struct buf b = buf_over(room, sizeof(room)); /* the longest ones fit into the store */
    quirk_table_print(&b, &t);
    assert_false(b.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_built_in),
        cmocka_unit_test(own_lines_come_first),
        cmocka_unit_test(a_table_is_printed_as_it_is_read),
        cmocka_unit_test(what_is_not_allowed),
        cmocka_unit_test(there_is_an_end_to_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
