#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "phone/session.h"

static void new_session(struct phone_session *s, const char *keying, const char *codec,
                        uint16_t port)
{
    memset(s, 0, sizeof(*s));
    assert_int_equal(phone_session_set_keying(s, keying), 0);
    assert_int_equal(phone_session_set_codec(s, codec), 0);
    phone_session_init(s);
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), port, &s->rtp), 0);
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), (uint16_t)(port + 1), &s->rtcp), 0);
}

/* One exchange; the sentence of whoever refused, or NULL. */
static const char *agree(struct phone_session *a, struct phone_session *b)
{
    struct slice offer, answer;
    const char *why = phone_session_offer(a, &offer);

    if (!why)
        why = phone_session_answer(b, offer, &answer);
    return why ? why : phone_session_accept(a, answer);
}

static void keys_cross(void **state)
{
    struct phone_session a, b;

    (void)state;
    new_session(&a, "sdes", "PCMU,PCMA", 4000);
    new_session(&b, "sdes", "PCMA,PCMU", 5000);
    assert_null(agree(&a, &b));
    assert_true(a.terms.secure && b.terms.secure);
    assert_true(keying_keys_eq(&a.keying.tx, &b.keying.rx));
    assert_true(keying_keys_eq(&b.keying.tx, &a.keying.rx));
    assert_string_equal(a.codec, "PCMU"); /* the offerer's order */
    assert_int_equal(a.terms.pt, 0);
    assert_string_equal(b.terms.format.codec->name, "PCMU");
    assert_int_equal(a.terms.event_pt, b.terms.event_pt);
    assert_int_equal(a.terms.hear_count, 3); /* both codecs of its offer, and events */
    assert_true(a.terms.hears[1].pt == 8 && !a.terms.hears[1].is_event);
    assert_true(a.terms.hears[2].pt == 101 && a.terms.hears[2].is_event);
    assert_true(addr_eq(&a.terms.rtp, &b.rtp) && addr_eq(&b.terms.rtcp, &a.rtcp));
    phone_session_fini(&a);
    phone_session_fini(&b);
}

static void hold_keeps_keys(void **state)
{
    struct phone_session a, b;
    struct srtp_keys before;

    (void)state;
    new_session(&a, "sdes", "PCMA", 4000);
    new_session(&b, "sdes", "PCMA", 5000);
    assert_null(agree(&a, &b));
    before = a.keying.tx;
    a.wants = SDP_SENDONLY;
    assert_null(agree(&a, &b));
    assert_true(a.terms.send && !a.terms.receive);
    assert_true(!b.terms.send && b.terms.receive);
    assert_true(keying_keys_eq(&before, &a.keying.tx));
    a.wants = SDP_SENDRECV;
    assert_null(agree(&b, &a)); /* also when the other end asks */
    assert_true(a.terms.send && a.terms.receive && b.terms.send && b.terms.receive);
    phone_session_fini(&a);
    phone_session_fini(&b);
}

static void never_clear_where_required(void **state)
{
    struct phone_session a, b;

    (void)state;
    new_session(&a, "none", "PCMA", 4000);
    new_session(&b, "sdes", "PCMA", 5000);
    assert_non_null(agree(&a, &b));
    assert_false(b.agreed);
    assert_non_null(agree(&b, &a));
    assert_false(a.agreed);
    phone_session_fini(&a);
    phone_session_fini(&b);
}

/* Keys were agreed on once: an answer or an offer without them changes nothing. */
static void no_downgrade(void **state)
{
    struct phone_session a, b, clear;
    struct slice offer, answer;

    (void)state;
    new_session(&a, "sdes,none", "PCMA", 4000);
    new_session(&b, "sdes,none", "PCMA", 5000);
    new_session(&clear, "none", "PCMA", 5000);
    assert_null(agree(&a, &b));
    assert_true(a.terms.secure);
    assert_null(phone_session_offer(&clear, &offer));
    assert_non_null(phone_session_answer(&a, offer, &answer));
    assert_true(a.terms.secure);
    assert_int_equal(a.keying.active, KEYING_SDES);
    phone_session_fini(&a);
    phone_session_fini(&b);
    phone_session_fini(&clear);
}

static void no_codec_in_common(void **state)
{
    struct phone_session a, b;

    (void)state;
    new_session(&a, "none", "PCMA", 4000);
    new_session(&b, "none", "PCMU", 5000);
    assert_string_equal(agree(&a, &b), "no codec in common");
    phone_session_fini(&a);
    phone_session_fini(&b);
}

static void answer_without_offer(void **state)
{
    struct phone_session a;

    (void)state;
    new_session(&a, "none", "PCMA", 4000);
    assert_non_null(phone_session_accept(&a, SLICE_LIT("v=0\r\nm=audio 9 RTP/AVP 8\r\n")));
    assert_non_null(phone_session_accept(&a, SLICE_NONE));
    phone_session_fini(&a);
}

static void options(void **state)
{
    struct phone_session s = {0};

    (void)state;
    assert_int_equal(phone_session_set_keying(&s, "none"), 0);
    assert_int_equal(s.policy.protection, PROTECTION_OFF);
    assert_int_equal(phone_session_set_keying(&s, "none, sdes"), 0);
    assert_int_equal(s.policy.protection, PROTECTION_PREFERRED);
    assert_int_equal(phone_session_set_keying(&s, "rot13"), -EINVAL);
    assert_int_equal(phone_session_set_keying(&s, ""), -EINVAL);
    assert_int_equal(s.policy.protection, PROTECTION_PREFERRED); /* as it was */
    assert_int_equal(phone_session_set_suite(&s, "AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_32"), 0);
    assert_int_equal(s.policy.suite_count, 2);
    assert_int_equal(phone_session_set_suite(&s, "NULL_NULL"), -EINVAL);
    assert_int_equal(phone_session_set_codec(&s, "pcmu"), 0);
    assert_int_equal(s.codec_count, 1);
    assert_int_equal(phone_session_set_codec(&s, "speex"), -EINVAL);
    assert_int_equal(phone_session_set_codec(&s, "PCMA,PCMU,G722,opus,L16,PCMA"),
                     -EINVAL); /* one past the limit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_cross),
        cmocka_unit_test(hold_keeps_keys),
        cmocka_unit_test(never_clear_where_required),
        cmocka_unit_test(no_downgrade),
        cmocka_unit_test(no_codec_in_common),
        cmocka_unit_test(answer_without_offer),
        cmocka_unit_test(options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
