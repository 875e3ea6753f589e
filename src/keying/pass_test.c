#include "keying/pass.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "keying/zrtp_rig.h"

#define ALL 0xffu
#define HASH_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"

static struct keying_pass read_text(const char *text, unsigned allowed)
{
    struct keying_pass p;
    keying_pass_read(slice_from_str(text), allowed, &p);
    return p;
}

static void test_read(void **state)
{
    static const struct {
        const char *text;
        unsigned allowed, announced;
        uint8_t hashes;
    } rows[] = {
        {"", ALL, 0, 0},
        {"a=crypto:1 X inline:Y\r\n", ALL, 1u << KEYING_SDES, 0},
        {"a=setup:actpass\r\na=fingerprint:sha-256 00\r\n", ALL, 1u << KEYING_DTLS, 0},
        {"a=key-mgmt:mikey AQ==\r\n", ALL, 1u << KEYING_MIKEY, 0},
        {"a=zrtp-hash:1.10 " HASH_A "\r\n", ALL, 1u << KEYING_ZRTP, 1},
        {"a=zrtp-hash:1.10 " HASH_A "\r\na=crypto:1 X\r\n", ALL,
         1u << KEYING_ZRTP | 1u << KEYING_SDES, 1},
        {"a=zrtp-hash:1.10 " HASH_A "\r\na=crypto:1 X\r\n", 1u << KEYING_SDES, 1u << KEYING_SDES,
         0},
        {"a=zrtp-hash:1.10 0123\r\n", ALL, 0, 0}, /* a hash that nothing can match */
        {"a=zrtp-hash:2.00 " HASH_A "\r\n", ALL, 0, 0},
        {"a=zrtp-hash:1.10 " HASH_A "\r\na=zrtp-hash:1.11 " HASH_A "\r\na=zrtp-hash:1.12 " HASH_A
         "\r\n",
         ALL, 1u << KEYING_ZRTP, KEYING_PASS_HASHES_MAX},
        {"a=ice-ufrag:x\r\n", ALL, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct keying_pass p = read_text(rows[i].text, rows[i].allowed);
        assert_int_equal(p.announced, rows[i].announced);
        assert_int_equal(p.hash_count, rows[i].hashes);
    }
}

static enum keying_pass_event hear(const struct keying_pass *p, const char *type, uint8_t fill)
{
    uint8_t d[ZRTP_PACKET_MAX];
    size_t n = zrtp_rig_packet(d, type, fill);
    return keying_pass_hear(p, RTP_KIND_ZRTP, slice_from(d, n));
}

/* Announces the Hello that `make` fills with `fill`. */
static struct keying_pass announcing(uint8_t fill)
{
    struct keying_pass p = {.announced = 1u << KEYING_ZRTP, .hash_count = 1};
    uint8_t d[ZRTP_PACKET_MAX];
    size_t n = zrtp_rig_packet(d, "Hello   ", fill);
    struct slice message =
        slice_from(d + ZRTP_PACKET_HEADER, n - ZRTP_PACKET_HEADER - ZRTP_PACKET_CRC);
    crypto_sha256(&message, 1, p.hash[0]);
    return p;
}

static void test_zrtp(void **state)
{
    const struct keying_pass p = announcing(7), none = {0};
    uint8_t d[ZRTP_PACKET_MAX];
    size_t n = zrtp_rig_packet(d, "Hello   ", 7);
    (void)state;
    assert_int_equal(hear(&p, "Hello   ", 7), KEYING_PASS_HELLO);
    assert_int_equal(hear(&p, "Hello   ", 8), KEYING_PASS_HELLO_FOREIGN);
    assert_int_equal(hear(&none, "Hello   ", 8), KEYING_PASS_HELLO);
    assert_int_equal(hear(&p, "Confirm1", 7), KEYING_PASS_OTHER);
    assert_int_equal(hear(&p, "Confirm2", 7), KEYING_PASS_CONFIRM);
    assert_int_equal(hear(&p, "Conf2ACK", 7), KEYING_PASS_CONFIRMED);
    assert_int_equal(hear(&p, "GoClear ", 7), KEYING_PASS_GO_CLEAR);
    assert_int_equal(hear(&p, "Commit  ", 7), KEYING_PASS_OTHER);
    d[20] ^= 1; /* the checksum does not fit any more */
    assert_int_equal(keying_pass_hear(&p, RTP_KIND_ZRTP, slice_from(d, n)), KEYING_PASS_BAD);
    assert_int_equal(keying_pass_hear(&p, RTP_KIND_ZRTP, slice_from(d, 20)), KEYING_PASS_BAD);
}

static void test_dtls(void **state)
{
    static const uint8_t hello[] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0};
    static const uint8_t two[] = {20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1,
                                  22, 254, 253, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9};
    static const uint8_t unified[] = {0x2c, 0, 1, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t cut[] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 22, 254};
    const struct keying_pass p = {.announced = 1u << KEYING_DTLS};
    (void)state;
    assert_int_equal(keying_pass_hear(&p, RTP_KIND_DTLS, slice_from(hello, sizeof(hello))),
                     KEYING_PASS_OTHER);
    assert_int_equal(keying_pass_hear(&p, RTP_KIND_DTLS, slice_from(two, sizeof(two))),
                     KEYING_PASS_SECURE);
    assert_int_equal(keying_pass_hear(&p, RTP_KIND_DTLS, slice_from(unified, sizeof(unified))),
                     KEYING_PASS_SECURE);
    assert_int_equal(keying_pass_hear(&p, RTP_KIND_DTLS, slice_from(cut, sizeof(cut))),
                     KEYING_PASS_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_zrtp),
        cmocka_unit_test(test_dtls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
