#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "keying/sdes.h"

#define KEY30 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
#define KEY46 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ"
#define CM80 "AES_CM_128_HMAC_SHA1_80"

struct row {
    const char *value;
    int verdict;
};

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct sdes_line line;
        int r = sdes_line_parse(slice_from_str(rows[i].value), &line);
        if (r != rows[i].verdict)
            fail_msg("%s: %d, not %d", rows[i].value, r, rows[i].verdict);
    }
}

static void a_line_gives_tag_suite_and_key(void **state)
{
    (void)state;
    struct sdes_line line;
    assert_int_equal(sdes_line_parse(SLICE_LIT("7 " CM80 " inline:" KEY30), &line), SDES_OK);
    assert_int_equal(line.tag, 7);
    assert_true(slice_eq_str(line.suite_name, CM80));
    assert_int_equal(line.keys.suite, SRTP_AES_CM_128_HMAC_SHA1_80);
    assert_int_equal(line.keys.master.n, 30);
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(line.keys.master.b[i], i);
}

/* After the lines that RFC 4568 shows in s.4.1, s.5.1 and s.6. */
static void lines_as_the_rfc_shows_them(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32",
         SDES_MKI},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20", SDES_OK},
        {"2 AES_CM_128_HMAC_SHA1_80 inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4;"
         "inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|3:4",
         SDES_MKI},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:d/16Q/V5ckk2ME0PzWd1w4Ks4BAQDcJzKhmNRFLT FEC_ORDER="
         "FEC_SRTP",
         SDES_SESSION_PARAM},
        {"1 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4",
         SDES_UNKNOWN_SUITE},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

/* rtpengine#57 and the phones of 2011: never refuse a lifetime. */
static void lifetimes_are_accepted_as_decimal_or_power_of_two(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 " CM80 " inline:" KEY30 "|2^20", SDES_OK},
        {"1 " CM80 " inline:" KEY30 "|2^31", SDES_OK},
        {"1 " CM80 " inline:" KEY30 "|2^32", SDES_OK},
        {"1 " CM80 " inline:" KEY30 "|2^48", SDES_OK},
        {"1 " CM80 " inline:" KEY30 "|1048576", SDES_OK},
        {"1 " CM80 " inline:" KEY30 "|99999999999999999999999999", SDES_OK},
        {"1 " CM80 " inline:" KEY30 "|", SDES_OK},
        {"1 " CM80 " inline:" KEY30 "||", SDES_OK},
        {"1 " CM80 " inline:" KEY30 "|2^", SDES_BAD_LIFETIME},
        {"1 " CM80 " inline:" KEY30 "|forever", SDES_BAD_LIFETIME},
        {"1 " CM80 " inline:" KEY30 "|-1", SDES_BAD_LIFETIME},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

/* asterisk#825: implement it or skip the line; never accept and ignore. */
static void a_line_with_mki_is_not_usable(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 " CM80 " inline:" KEY30 "|1:4", SDES_MKI},
        {"1 " CM80 " inline:" KEY30 "|2^20|1:4", SDES_MKI},
        {"1 " CM80 " inline:" KEY30 "||1:4", SDES_MKI},
        {"1 " CM80 " inline:" KEY30 ";inline:" KEY30, SDES_MKI},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

/* livekit media-sdk#73 */
static void session_parameters_are_heeded(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 " CM80 " inline:" KEY30 " UNENCRYPTED_SRTP", SDES_SESSION_PARAM},
        {"1 " CM80 " inline:" KEY30 " UNENCRYPTED_SRTCP", SDES_SESSION_PARAM},
        {"1 " CM80 " inline:" KEY30 " UNAUTHENTICATED_SRTP", SDES_SESSION_PARAM},
        {"1 " CM80 " inline:" KEY30 " KDR=1", SDES_SESSION_PARAM},
        {"1 " CM80 " inline:" KEY30 " KDR=0", SDES_OK},
        {"1 " CM80 " inline:" KEY30 " WSH=128", SDES_OK},
        {"1 " CM80 " inline:" KEY30 " FEC_ORDER=FEC_SRTP", SDES_SESSION_PARAM},
        {"1 " CM80 " inline:" KEY30 " FEC_KEY=inline:" KEY30, SDES_SESSION_PARAM},
        {"1 " CM80 " inline:" KEY30 " X-unknown", SDES_SESSION_PARAM},
        {"1 " CM80 " inline:" KEY30 " -X-optional", SDES_OK},
        {"1 " CM80 " inline:" KEY30 " WSH=64 UNENCRYPTED_SRTP", SDES_SESSION_PARAM},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

/* rtpengine#1197 */
static void base64_is_read_with_and_without_padding(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 AES_256_CM_HMAC_SHA1_80 inline:" KEY46, SDES_OK},
        {"1 AES_256_CM_HMAC_SHA1_80 inline:" KEY46 "==", SDES_OK},
        {"1 AES_256_CM_HMAC_SHA1_80 inline:" KEY46 "==|2^31", SDES_OK},
        {"1 AES_256_CM_HMAC_SHA1_80 inline:" KEY46 "===", SDES_BAD_KEY},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void base64_is_always_written_padded(void **state)
{
    (void)state;
    char text[256];
    struct buf b = buf_over(text, sizeof(text));
    struct sdes_line line;
    assert_int_equal(sdes_line_parse(SLICE_LIT("1 AES_256_CM_HMAC_SHA1_80 inline:" KEY46), &line),
                     SDES_OK);
    sdes_line_print(&b, 3, SLICE_LIT("AES_CM_256_HMAC_SHA1_80"), &line.keys);
    assert_true(
        slice_eq_str(buf_slice(&b), "a=crypto:3 AES_CM_256_HMAC_SHA1_80 inline:" KEY46 "==\r\n"));
}

static void both_names_of_aes_256_are_read(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 AES_256_CM_HMAC_SHA1_80 inline:" KEY46, SDES_OK},
        {"1 AES_CM_256_HMAC_SHA1_80 inline:" KEY46, SDES_OK},
        {"1 AES_CM_256_HMAC_SHA1_32 inline:" KEY46, SDES_OK},
        {"1 aes_cm_128_hmac_sha1_80 inline:" KEY30, SDES_OK},
        {"1 AEAD_AES_128_GCM_8 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==",
         SDES_UNKNOWN_SUITE},
        {"1 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==", SDES_OK},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void tags_have_one_to_nine_digits(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"0 " CM80 " inline:" KEY30, SDES_OK},
        {"999999999 " CM80 " inline:" KEY30, SDES_OK},
        {"1000000000 " CM80 " inline:" KEY30, SDES_BAD_TAG},
        {"x " CM80 " inline:" KEY30, SDES_BAD_TAG},
        {"-1 " CM80 " inline:" KEY30, SDES_BAD_TAG},
        {"", SDES_BAD_TAG},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void keys_must_fit_their_suite(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 " CM80 " inline:" KEY46, SDES_BAD_KEY},
        {"1 AES_256_CM_HMAC_SHA1_80 inline:" KEY30, SDES_BAD_KEY},
        {"1 " CM80 " inline:", SDES_BAD_KEY},
        {"1 " CM80 " inline", SDES_BAD_KEY},
        {"1 " CM80, SDES_BAD_KEY},
        {"1 " CM80 " uri:" KEY30, SDES_BAD_KEY},
        {"1 " CM80 " inline:!!ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd", SDES_BAD_KEY},
        {"1 " CM80 " inline:" KEY30 KEY46 KEY46, SDES_BAD_KEY},
        {"1 " CM80 "  INLINE:" KEY30 "  ", SDES_OK},
        {"1\t" CM80 "\tinline:" KEY30, SDES_OK},
        {"1", SDES_UNKNOWN_SUITE},
    };
    check_rows(rows, ARRAY_LEN(rows));
    for (int v = 0; v < SDES_VERDICT_COUNT; v++)
        assert_non_null(sdes_verdict_why((enum sdes_verdict)v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_gives_tag_suite_and_key),
        cmocka_unit_test(lines_as_the_rfc_shows_them),
        cmocka_unit_test(lifetimes_are_accepted_as_decimal_or_power_of_two),
        cmocka_unit_test(a_line_with_mki_is_not_usable),
        cmocka_unit_test(session_parameters_are_heeded),
        cmocka_unit_test(base64_is_read_with_and_without_padding),
        cmocka_unit_test(base64_is_always_written_padded),
        cmocka_unit_test(both_names_of_aes_256_are_read),
        cmocka_unit_test(tags_have_one_to_nine_digits),
        cmocka_unit_test(keys_must_fit_their_suite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
