/* What happens between an INVITE and its answer: CANCEL, early media, late offers, PRACK. */
#include "signal/testduo.h"

/* --- CANCEL ---------------------------------------------------------------------------------- */

static void test_cancel_before_media_answers(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    k->media.holds = true;
    dial(&t.x, &t.a, "sip:1001@example.org");
    await_nothing(&t.b);
    side_cancel(&t.x);
    await_487(&t);
    kit_media_release(k); /* what was opened for nobody is closed */
    await_nothing(&t.b);
    fini(&t);
}

static void test_cancel_before_the_callees_media_answers(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    k->media.holds = true;
    dial(&t.x, &t.a, "sip:1001@example.org");
    kit_media_release(k);
    side_callee(&t.y, &t.b);
    side_cancel(&t.x);
    await_487(&t);
    await_nothing(&t.b);
    side_answer(&t.y, "100 Trying", "", NULL);
    await(&t.b, "CANCEL ");
    side_answer(&t.y, "487 Request Terminated", "", NULL);
    await(&t.b, "ACK ");
    fini(&t);
}

static void test_cancel_while_ringing(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_cancel(&t.x);
    await_487(&t);
    await(&t.b, "CANCEL ");
    side_answer(&t.y, "487 Request Terminated", "", NULL);
    await(&t.b, "ACK ");
    assert_true(kit_cdr_has(k, "the caller gave up"));
    assert_false(kit_show_has(k, false, "the caller gave up"));
    fini(&t);
}

static void test_cancel_crosses_the_200(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_cancel(&t.x);
    await_487(&t);
    await(&t.b, "CANCEL ");
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    fini(&t);
}

static void test_cancel_while_the_answer_is_applied(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    k->media.holds = true;
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_cancel(&t.x);
    await_487(&t);
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    kit_media_release(k);
    fini(&t);
}

static void test_cancel_after_the_200_has_no_effect(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_cancel(&t.x);
    side_await(&t.x, "200");
    await(&t.a, "SIP/2.0 200");
    side_ack(&t.x, NULL);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_nobody_answers(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    kit_advance(k, 59900);
    await_nothing(&t.a);
    kit_advance(k, 200);
    side_await(&t.x, "480");
    side_ack_failure(&t.x);
    await(&t.b, "CANCEL ");
    side_answer(&t.y, "487 Request Terminated", "", NULL);
    await(&t.b, "ACK ");
    fini(&t);
}

static void test_cancelled_phone_stays_silent(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_cancel(&t.x);
    await_487(&t);
    await(&t.b, "CANCEL ");
    kit_advance(k, 33000); /* 64*T1 after the CANCEL (s.9.1) */
    assert_int_equal(signal_role_calls(k->role), 0);
    fini(&t);
}

static void test_bye_of_a_ringing_phone(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_send(&t.y, "BYE", "", NULL);
    await(&t.b, "SIP/2.0 200");
    await(&t.b, "CANCEL ");
    side_await(&t.x, "480");
    side_ack_failure(&t.x);
    side_answer(&t.y, "487 Request Terminated", "", NULL);
    await(&t.b, "ACK ");
    fini(&t);
}

static void test_bye_of_a_waiting_caller(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_send(&t.x, "BYE", "", NULL);
    await(&t.a, "SIP/2.0 200");
    side_await(&t.x, "487");
    side_send_as(&t.x, "ACK", t.x.invite_branch, NULL);
    await(&t.b, "CANCEL ");
    side_answer(&t.y, "487 Request Terminated", "", NULL);
    await(&t.b, "ACK ");
    fini(&t);
}

/* --- early media ----------------------------------------------------------------------------- */

static void test_early_media(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    const char *answer = phone_sdp(&t.b, 6000, "sendrecv");
    side_answer(&t.y, "183 Session Progress", "", answer);
    side_await(&t.x, "183");
    assert_got(&t.a, "m=audio 2");
    assert_not_got(&t.a, "10.0.0.3");
    struct kit_endpoint *e = kit_endpoint_of(&k->media, 1, 0);
    assert_true(e && e->mode == MEDIA_MODE_RELAY && addr_port(&e->remote) == 6000);
    unsigned requests = k->media.requests;
    side_answer(&t.y, "200 OK", "", answer);
    assert_int_equal(k->media.requests, requests); /* nothing new was said */
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    assert_got(&t.a, "m=audio 2");
    side_ack(&t.x, NULL);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_early_media_then_200_without_body(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    side_answer(&t.y, "183 Session Progress", "", phone_sdp(&t.b, 6000, "sendrecv"));
    side_await(&t.x, "183");
    side_answer(&t.y, "200 OK", "", NULL);
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    assert_got(&t.a, "m=audio 2");
    side_ack(&t.x, NULL);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_200_overtakes_early_media(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    const char *answer = phone_sdp(&t.b, 6000, "sendrecv");
    k->media.holds = true;
    side_answer(&t.y, "183 Session Progress", "", answer);
    side_answer(&t.y, "200 OK", "", answer);
    await(&t.b, "ACK ");
    await_nothing(&t.a);
    kit_media_release(k);
    side_await(&t.x, "200");
    side_ack(&t.x, NULL);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_early_media_of_two_forks(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    phone_up(k, &t.c, 3, "1001", TRANSPORT_TLS);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    side_callee(&t.z, &t.c);
    side_answer(&t.y, "183 Session Progress", "", phone_sdp(&t.b, 6000, "sendrecv"));
    side_await(&t.x, "183");
    char first[64];
    memcpy(first, t.x.remote_tag, sizeof(first));
    side_answer(&t.z, "183 Session Progress", "", phone_sdp(&t.c, 6002, "sendrecv"));
    side_await(&t.x, "183");
    assert_string_not_equal(first, t.x.remote_tag);
    /* The first one answers after all: it is connected again. */
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    await(&t.c, "CANCEL ");
    side_answer(&t.z, "487 Request Terminated", "", NULL);
    await(&t.c, "ACK ");
    side_await(&t.x, "200");
    assert_string_equal(first, t.x.remote_tag);
    side_ack(&t.x, NULL);
    struct kit_endpoint *a = kit_endpoint_of(&k->media, 0, 0);
    struct kit_endpoint *b = kit_endpoint_of(&k->media, 1, 0);
    assert_true(a && b && a->peer == b->id);
    assert_null(kit_endpoint_of(&k->media, 2, 0));
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_early_media_refused_by_policy(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    const char *clear = phone_sdp_as(&t.b, 6000, "RTP/AVP", "", "sendrecv");
    side_answer(&t.y, "183 Session Progress", "", clear);
    side_await(&t.x, "183");
    assert_not_got(&t.a, "m=audio");
    side_answer(&t.y, "200 OK", "", clear);
    await(&t.b, "ACK ");
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    side_await(&t.x, "488");
    assert_got(&t.a, "the callee's phone offers no encryption, which user 1001 requires");
    side_ack_failure(&t.x);
    fini(&t);
}

static void test_answer_without_description(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_answer(&t.y, "200 OK", "", NULL);
    await(&t.b, "ACK ");
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    side_await(&t.x, "502");
    side_ack_failure(&t.x);
    fini(&t);
}

static void test_answer_that_does_not_fit(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_answer(&t.y, "200 OK", "",
                "v=0\r\no=- 1 1 IN IP4 10.0.0.3\r\ns=-\r\nc=IN IP4 10.0.0.3\r\nt=0 0\r\n"
                "m=audio 6000 RTP/SAVP 18\r\nm=video 6002 RTP/SAVP 99\r\n");
    await(&t.b, "ACK ");
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    side_await(&t.x, "488");
    side_ack_failure(&t.x);
    fini(&t);
}

/* --- late offers ----------------------------------------------------------------------------- */

static void late_until_200(struct duo *t)
{
    side_caller(&t->x, &t->a, "sip:1001@example.org");
    side_invite(&t->x, "", NULL);
    side_callee(&t->y, &t->b);
    assert_got(&t->b, "Content-Length: 0\r\n");
    assert_not_got(&t->b, "100rel");
    side_answer(&t->y, "180 Ringing", "", NULL);
    side_await(&t->x, "180");
    side_answer(&t->y, "200 OK", "", phone_sdp(&t->b, 6000, "sendrecv"));
    await_nothing(&t->b); /* the ACK waits for the caller's answer */
    side_await(&t->x, "200");
    assert_got(&t->a, "m=audio 2");
    assert_not_got(&t->a, "PHONE2KEY");
    assert_not_got(&t->a, "10.0.0.3");
}

static void test_late_offer(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    late_until_200(&t);
    side_ack(&t.x, phone_sdp(&t.a, 4000, "sendrecv"));
    await(&t.b, "ACK ");
    assert_got(&t.b, "m=audio 2");
    assert_not_got(&t.b, "PHONE1KEY");
    struct kit_endpoint *a = kit_endpoint_of(&k->media, 0, 0);
    struct kit_endpoint *b = kit_endpoint_of(&k->media, 1, 0);
    assert_true(a && b && a->peer == b->id && b->peer == a->id);
    assert_int_equal(addr_port(&a->remote), 4000);
    assert_int_equal(addr_port(&b->remote), 6000);
    /* The callee's 200 again: so is the ACK, with its answer. */
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    assert_got(&t.b, "m=audio 2");
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void late_fails(void **state, const char *answer)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    late_until_200(&t);
    side_ack(&t.x, answer);
    await(&t.b, "ACK ");
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    side_await_request(&t.x, "BYE");
    side_reply(&t.x, "200 OK", "", NULL);
    fini(&t);
}

static void test_late_offer_without_answer(void **state)
{
    late_fails(state, NULL);
}

static void test_late_offer_with_a_bad_answer(void **state)
{
    late_fails(state, "v=0\r\nrubbish");
}

static void test_late_offer_answered_in_clear(void **state)
{
    late_fails(state, "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n"
                      "m=audio 4000 RTP/AVP 8\r\n");
}

static void test_late_offer_never_acknowledged(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    late_until_200(&t);
    kit_advance(k, 33000);
    await(&t.b, "ACK ");
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    side_await_request(&t.x, "BYE");
    side_reply(&t.x, "200 OK", "", NULL);
    fini(&t);
}

/* --- RFC 3262 -------------------------------------------------------------------------------- */

static void test_callee_sends_reliably(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    assert_got(&t.b, "Supported: timer, 100rel");
    side_answer(&t.y, "180 Ringing", "Require: 100rel\r\nRSeq: 7\r\n", NULL);
    side_await_request(&t.y, "PRACK");
    assert_got(&t.b, "RAck: 7 ");
    assert_got(&t.b, " INVITE\r\n");
    side_reply(&t.y, "200 OK", "", NULL);
    side_await(&t.x, "180");
    assert_not_got(&t.a, "RSeq");
    /* Again: acknowledged again, told once. */
    side_answer(&t.y, "180 Ringing", "Require: 100rel\r\nRSeq: 7\r\n", NULL);
    side_await_request(&t.y, "PRACK");
    side_reply(&t.y, "200 OK", "", NULL);
    await_nothing(&t.a);
    side_answer(&t.y, "183 Session Progress", "Require: 100rel\r\nRSeq: 9\r\n", NULL); /* a gap */
    await_nothing(&t.b);
    await_nothing(&t.a);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    side_ack(&t.x, NULL);
    hang_up(&t.y, &t.x);
    fini(&t);
}

static void rel_dial(struct duo *t)
{
    side_caller(&t->x, &t->a, "sip:1001@example.org");
    side_invite(&t->x, "Require: 100rel\r\n", phone_sdp(&t->a, 4000, "sendrecv"));
    side_callee(&t->y, &t->b);
}

/* PRACK of the provisional that came last. */
static void prack(struct side *x, const char *status)
{
    char h[80];
    uint32_t rseq = 0;
    struct slice params;
    assert_int_equal(sip_number_parse(sip_msg_value(&x->p->msg, SIP_HDR_RSEQ), &rseq, &params),
                     SIP_PARSE_OK);
    snprintf(h, sizeof(h), "RAck: %u %u INVITE\r\n", rseq, x->invite_cseq);
    side_send(x, "PRACK", h, NULL);
    await(x->p, status);
}

static void test_caller_requires_reliability(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up_over(k, &t, TRANSPORT_UDP);
    rel_dial(&t);
    side_answer(&t.y, "180 Ringing", "", NULL);
    side_await(&t.x, "180");
    assert_got(&t.a, "Require: 100rel\r\nRSeq: ");
    kit_advance(k, 499);
    await_nothing(&t.a);
    kit_advance(k, 2);
    side_await(&t.x, "180"); /* repeated after T1 */
    char h[80];
    snprintf(h, sizeof(h), "RAck: 1 %u INVITE\r\n", t.x.invite_cseq + 5);
    side_send(&t.x, "PRACK", h, NULL);
    await(&t.a, "SIP/2.0 481");
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    await_nothing(&t.a); /* s.3: the 2xx waits for the PRACK */
    kit_advance(k, 1100);
    side_await(&t.x, "180");
    prack(&t.x, "SIP/2.0 200");
    side_await(&t.x, "200");
    side_ack(&t.x, NULL);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_reliable_early_media(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    rel_dial(&t);
    side_answer(&t.y, "180 Ringing", "", NULL);
    side_await(&t.x, "180");
    side_answer(&t.y, "183 Session Progress", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await_nothing(&t.a); /* one at a time */
    prack(&t.x, "SIP/2.0 200");
    side_await(&t.x, "183");
    assert_got(&t.a, "RSeq: ");
    assert_got(&t.a, "m=audio 2");
    prack(&t.x, "SIP/2.0 200");
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    side_ack(&t.x, NULL);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_cancel_while_the_200_waits_for_prack(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    rel_dial(&t);
    side_answer(&t.y, "180 Ringing", "", NULL);
    side_await(&t.x, "180");
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_cancel(&t.x);
    await_487(&t);
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    fini(&t);
}

static void test_prack_never_comes(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    rel_dial(&t);
    side_answer(&t.y, "180 Ringing", "", NULL);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    kit_advance(k, 34000);
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    struct kit_sent *s;
    while ((s = kit_sent_to(&t.a.flow.remote, "SIP/2.0 180")) != NULL)
        phone_take(&t.a, s);
    side_await(&t.x, "504");
    side_ack_failure(&t.x);
    fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_cancel_before_media_answers),
        KIT_TEST(test_cancel_before_the_callees_media_answers),
        KIT_TEST(test_cancel_while_ringing),
        KIT_TEST(test_cancel_crosses_the_200),
        KIT_TEST(test_cancel_while_the_answer_is_applied),
        KIT_TEST(test_cancel_after_the_200_has_no_effect),
        KIT_TEST(test_nobody_answers),
        KIT_TEST(test_cancelled_phone_stays_silent),
        KIT_TEST(test_bye_of_a_ringing_phone),
        KIT_TEST(test_bye_of_a_waiting_caller),
        KIT_TEST(test_early_media),
        KIT_TEST(test_early_media_then_200_without_body),
        KIT_TEST(test_200_overtakes_early_media),
        KIT_TEST(test_early_media_of_two_forks),
        KIT_TEST(test_early_media_refused_by_policy),
        KIT_TEST(test_answer_without_description),
        KIT_TEST(test_answer_that_does_not_fit),
        KIT_TEST(test_late_offer),
        KIT_TEST(test_late_offer_without_answer),
        KIT_TEST(test_late_offer_with_a_bad_answer),
        KIT_TEST(test_late_offer_answered_in_clear),
        KIT_TEST(test_late_offer_never_acknowledged),
        KIT_TEST(test_callee_sends_reliably),
        KIT_TEST(test_caller_requires_reliability),
        KIT_TEST(test_reliable_early_media),
        KIT_TEST(test_cancel_while_the_200_waits_for_prack),
        KIT_TEST(test_prack_never_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
