#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "call/offers.h"
#include "sip/msg.h"

static const uint8_t required = PROTECTION_REQUIRED, preferred = PROTECTION_PREFERRED,
                     off = PROTECTION_OFF;

static struct media_policy policy(uint8_t protection, size_t n, const uint8_t *keyings)
{
    struct media_policy p = {.protection = protection, .keying_count = (uint8_t)n};
    memcpy(p.keyings, keyings, n);
    return p;
}

static void expect(const struct media_policy *p, enum offer_shape start, const char *want)
{
    char text[128];
    struct buf b = buf_over(text, sizeof(text) - 1);
    struct offers o;
    offers_list(p, start, &o);
    for (size_t i = 0; i < o.count; i++)
        buf_printf(&b, "%s%s", i ? " " : "", offer_shape_name((enum offer_shape)o.shapes[i]));
    text[b.n] = '\0';
    assert_string_equal(text, want);
}

static void each_policy_has_its_own(void **state)
{
    (void)state;
    static const uint8_t usual[] = {KEYING_SDES, KEYING_DTLS, KEYING_ZRTP};
    static const uint8_t all[] = {KEYING_MIKEY, KEYING_ZRTP, KEYING_DTLS, KEYING_SDES};
    struct media_policy p = policy(required, 3, usual);
    expect(&p, OFFER_NONE, "savp dtls zrtp");
    p = policy(preferred, 3, usual);
    expect(&p, OFFER_NONE, "osrtp savp dtls zrtp clear");
    p = policy(off, 3, usual);
    expect(&p, OFFER_NONE, "clear");
    p = policy(preferred, 4, all);
    expect(&p, OFFER_NONE, "osrtp mikey zrtp dtls savp clear");
    p = policy(required, 1, usual);
    expect(&p, OFFER_NONE, "savp");
    p = policy(preferred, 0, usual);
    expect(&p, OFFER_NONE, "osrtp clear");
}

static void a_start_is_one_of_the_policys(void **state)
{
    (void)state;
    static const uint8_t usual[] = {KEYING_SDES, KEYING_DTLS};
    struct media_policy p = policy(required, 2, usual);
    expect(&p, OFFER_DTLS, "dtls savp");
    expect(&p, OFFER_ZRTP, "savp dtls");
    expect(&p, OFFER_OSRTP, "savp dtls");
    expect(&p, OFFER_CLEAR, "savp dtls");
    p = policy(preferred, 2, usual);
    expect(&p, OFFER_DTLS, "dtls osrtp savp clear");
    expect(&p, OFFER_CLEAR, "osrtp savp dtls clear"); /* never from what was so once */
}

static void no_offer_is_below_the_policy(void **state)
{
    (void)state;
    static const uint8_t usual[] = {KEYING_SDES, KEYING_DTLS, KEYING_ZRTP, KEYING_MIKEY};
    const uint8_t kinds[] = {required, preferred, off};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct media_policy p = policy(kinds[i], 4, usual);
        struct offers o;
        offers_list(&p, OFFER_NONE, &o);
        assert_true(o.count <= OFFERS_MAX);
        for (size_t k = 0; k < o.count; k++) {
            struct media_policy now;
            offers_policy(&p, (enum offer_shape)o.shapes[k], &now);
            if (p.protection == PROTECTION_REQUIRED)
                assert_int_equal(now.protection, PROTECTION_REQUIRED);
            if (now.protection == PROTECTION_OFF)
                assert_int_equal(o.shapes[k], OFFER_CLEAR);
            for (size_t n = 0; n < now.keying_count; n++)
                assert_non_null(memchr(p.keyings, now.keyings[n], p.keying_count));
        }
    }
}

static void a_shape_has_its_keying_alone(void **state)
{
    (void)state;
    static const uint8_t usual[] = {KEYING_SDES, KEYING_DTLS, KEYING_ZRTP};
    struct media_policy p = policy(preferred, 3, usual), now;
    offers_policy(&p, OFFER_OSRTP, &now);
    assert_memory_equal(&now, &p, sizeof(p));
    offers_policy(&p, OFFER_DTLS, &now);
    assert_int_equal(now.protection, PROTECTION_REQUIRED);
    assert_true(now.keying_count == 1 && now.keyings[0] == KEYING_DTLS);
    offers_policy(&p, OFFER_ZRTP, &now); /* in RTP/AVP, where a clear answer is one */
    assert_int_equal(now.protection, PROTECTION_PREFERRED);
    assert_true(now.keying_count == 1 && now.keyings[0] == KEYING_ZRTP);
    p = policy(required, 3, usual);
    offers_policy(&p, OFFER_SAVP, &now); /* the policy's own first choice: as without us */
    assert_memory_equal(&now, &p, sizeof(p));
    offers_policy(&p, OFFER_NONE, &now);
    assert_memory_equal(&now, &p, sizeof(p));
}

static bool refuses(const char *status, const char *warning)
{
    char text[512];
    struct sip_msg m;
    snprintf(text, sizeof(text),
             "SIP/2.0 %s\r\nVia: SIP/2.0/TLS a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
             "To: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n",
             status, warning);
    assert_int_equal(sip_msg_parse(slice_from_str(text), &m), SIP_PARSE_OK);
    return offers_is_refusal(&m);
}

static void what_refuses_an_offer(void **state)
{
    (void)state;
    assert_true(refuses("488 Not Acceptable Here", ""));
    assert_true(refuses("606 Not Acceptable", ""));
    assert_true(refuses("415 Unsupported Media Type", ""));
    assert_true(refuses("403 Forbidden", "Warning: 305 phone \"no SRTP\"\r\n"));
    assert_false(refuses("403 Forbidden", ""));
    assert_false(refuses("403 Forbidden", "Warning: 200 phone \"no\"\r\n"));
    assert_false(refuses("500 Error", "Warning: what\r\n"));
    assert_false(refuses("486 Busy Here", ""));
    assert_false(refuses("603 Decline", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_policy_has_its_own),
        cmocka_unit_test(a_start_is_one_of_the_policys),
        cmocka_unit_test(no_offer_is_below_the_policy),
        cmocka_unit_test(a_shape_has_its_keying_alone),
        cmocka_unit_test(what_refuses_an_offer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
