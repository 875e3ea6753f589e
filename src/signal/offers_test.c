/* A callee's phone that refuses the way in which encryption is offered to it: the next one goes out by
 * itself, and the caller sees one call. */
#include "signal/testphone.h"

struct duo {
    struct phone a, b;
    struct side x, y;
};

static const char dtls_lines[] = "a=fingerprint:sha-256 THEIRS\r\na=setup:active\r\n";

static void up(struct kit *k, struct duo *t, const char *callee)
{
    char uri[64];
    memset(t, 0, sizeof(*t));
    phone_up(k, &t->a, 1, "1000", TRANSPORT_TLS);
    phone_up(k, &t->b, 2, callee, TRANSPORT_TLS);
    snprintf(uri, sizeof(uri), "sip:%s@example.org", callee);
    dial(&t->x, &t->a, uri);
    side_callee(&t->y, &t->b);
}

static void down(struct duo *t)
{
    side_fini(&t->x);
    side_fini(&t->y);
    phone_fini(&t->a);
    phone_fini(&t->b);
}

/* The phone refuses, is acknowledged, and is asked again: a new transaction of the same call. */
static void refuse(struct duo *t, const char *status)
{
    struct sip_msg *m = &t->b.msg;
    uint32_t cseq = m->cseq;
    side_answer(&t->y, status, "", NULL);
    await(&t->b, "ACK ");
    m = await(&t->b, "INVITE ");
    assert_true(slice_eq_str(m->call_id, t->y.call_id));
    assert_true(slice_eq_str(m->from_tag, t->y.remote_tag));
    assert_int_equal(m->to_tag.n, 0);
    assert_int_equal(m->cseq, cseq + 1);
    side_keep(&t->y, true);
    await_nothing(&t->a);
}

static void answer(struct duo *t, const char *sdp)
{
    side_answer(&t->y, "200 OK", "", sdp);
    await(&t->b, "ACK ");
    side_await(&t->x, "200");
    side_ack(&t->x, NULL);
}

static void test_osrtp_refused_savp_taken(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t, "maybe");
    assert_got(&t.b, " RTP/AVP 8 0 101\r\n");
    assert_got(&t.b, "a=crypto:");
    refuse(&t, "488 Not Acceptable Here");
    assert_got(&t.b, " RTP/SAVP 8 0 101\r\n");
    assert_got(&t.b, "a=crypto:");
    answer(&t, phone_sdp(&t.b, 6000, "sendrecv"));
    assert_int_equal(kit_endpoint_of(&k->media, 1, 0)->asked.policy.protection,
                     PROTECTION_PREFERRED); /* what may follow is still the user's policy */
    kit_assert_explains(k,
                        "The callee maybe@example.org was offered optional encryption in RTP/AVP "
                        "(OSRTP), which the phone refused; what it takes is remembered");
    hang_up(&t.x, &t.y);
    kit_run(k);
    assert_false(kit_cdr_has(k, "\"status\":488"));
    side_fini(&t.x);
    side_fini(&t.y);

    /* The next call begins where this one has ended. */
    dial(&t.x, &t.a, "sip:maybe@example.org");
    side_callee(&t.y, &t.b);
    assert_got(&t.b, " RTP/SAVP 8 0 101\r\n");
    answer(&t, phone_sdp(&t.b, 6000, "sendrecv"));
    hang_up(&t.x, &t.y);
    down(&t);
}

static void test_required_never_goes_below(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t, "1001");
    assert_got(&t.b, " RTP/SAVP 8");
    refuse(&t, "488 Not Acceptable Here");
    assert_got(&t.b, " UDP/TLS/RTP/SAVPF 8");
    assert_got(&t.b, "a=fingerprint:");
    assert_not_got(&t.b, "a=crypto:");
    refuse(&t, "606 Not Acceptable");
    struct media_policy *last = &kit_endpoint_of(&k->media, 1, 0)->asked.policy;
    assert_int_equal(last->protection, PROTECTION_REQUIRED);
    assert_true(last->keying_count == 1 && last->keyings[0] == KEYING_ZRTP);
    side_answer(&t.y, "488 Not Acceptable Here", "", NULL);
    await(&t.b, "ACK ");
    await_nothing(&t.b);
    side_await(&t.x, "488");
    side_ack_failure(&t.x);
    kit_run(k);
    kit_assert_explains(k,
                        "The callee 1001@example.org was offered SDES in RTP/SAVP, DTLS-SRTP and "
                        "ZRTP, which the phone refused.");
    down(&t);
}

static void test_preferred_ends_in_clear(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t, "maybe");
    for (int i = 0; i < 4; i++)
        refuse(&t, "488 Not Acceptable Here");
    assert_got(&t.b, " RTP/AVP 8");
    assert_not_got(&t.b, "a=crypto:");
    assert_not_got(&t.b, "a=fingerprint:");
    answer(&t, phone_sdp_as(&t.b, 6000, "RTP/AVP", "", "sendrecv"));
    hang_up(&t.x, &t.y);
    side_fini(&t.x);
    side_fini(&t.y);

    /* That is not remembered: the phone may have been taught better. */
    dial(&t.x, &t.a, "sip:maybe@example.org");
    side_callee(&t.y, &t.b);
    assert_got(&t.b, "a=crypto:");
    side_answer(&t.y, "486 Busy Here", "", NULL); /* no refusal of the offer */
    await(&t.b, "ACK ");
    await_nothing(&t.b);
    side_await(&t.x, "486");
    side_ack_failure(&t.x);
    down(&t);
}

static void test_refused_after_it_rang(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t, "1001");
    side_answer(&t.y, "180 Ringing", "Record-Route: <sip:10.0.0.9;lr>\r\n", NULL);
    side_await(&t.x, "180");
    refuse(&t, "488 Not Acceptable Here"); /* without the To tag and route of the 180 */
    assert_not_got(&t.b, "Route:");
    answer(&t, phone_sdp_as(&t.b, 6000, "UDP/TLS/RTP/SAVPF", dtls_lines, "sendrecv"));
    assert_true(kit_show_has(k, false, "\"keying\":\"dtls\""));
    hang_up(&t.x, &t.y);
    down(&t);
}

static void test_cancelled_between_two_offers(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t, "1001");
    k->media.holds = true;
    side_answer(&t.y, "488 Not Acceptable Here", "", NULL);
    await(&t.b, "ACK ");
    side_cancel(&t.x);
    side_await(&t.x, "200");
    side_await(&t.x, "487");
    side_ack_failure(&t.x);
    k->media.holds = false;
    kit_media_release(k);
    kit_run(k);
    await_nothing(&t.b); /* no INVITE for a call that has gone */
    down(&t);
}

static void test_one_of_two_phones(void **state)
{
    struct kit *k = *state;
    struct duo t = {0};
    struct phone c;
    struct side z;
    phone_up(k, &t.a, 1, "1000", TRANSPORT_TLS);
    phone_up(k, &t.b, 2, "1001", TRANSPORT_TLS);
    phone_up(k, &c, 3, "1001", TRANSPORT_TLS);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    side_callee(&z, &c);
    side_answer(&z, "180 Ringing", "", NULL);
    side_await(&t.x, "180");
    refuse(&t, "606 Not Acceptable"); /* of the offer alone: the other rings on (s.16.7 step 5) */
    await_nothing(&c);
    answer(&t, phone_sdp_as(&t.b, 6000, "UDP/TLS/RTP/SAVPF", dtls_lines, "sendrecv"));
    side_await_request(&z, "CANCEL");
    side_reply(&z, "200 OK", "", NULL);
    side_answer(&z, "487 Request Terminated", "", NULL);
    await(&c, "ACK ");
    hang_up(&t.x, &t.y);
    side_fini(&z);
    phone_fini(&c);
    down(&t);
}

/* It answers 200 without a key of ours to use: the call cannot be, but the next one can. */
static void test_answered_without_keys(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t, "1001");
    assert_got(&t.b, " RTP/SAVP 8");
    side_answer(&t.y, "200 OK", "", phone_sdp_as(&t.b, 6000, "RTP/SAVP", "", "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.x, "488");
    side_ack_failure(&t.x);
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    kit_run(k);
    side_fini(&t.x);
    side_fini(&t.y);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    assert_got(&t.b, " UDP/TLS/RTP/SAVPF 8");
    answer(&t, phone_sdp_as(&t.b, 6000, "UDP/TLS/RTP/SAVPF", dtls_lines, "sendrecv"));
    hang_up(&t.x, &t.y);
    down(&t);
}

/* What is known of a phone says where to begin, and how its lines are to be. */
static void test_a_quirk_says_where_to_begin(void **state)
{
    struct kit *k = *state;
    struct duo t = {0};
    char headers[200];
    assert_int_equal(store_setting_set(k->store, SLICE_LIT("quirks"),
                                       SLICE_LIT("desk 9\toffer=dtls crypto-lines=1 aes256=no\n")),
                     0);
    directory_changed(k->role->directory);
    phone_up(k, &t.a, 1, "1000", TRANSPORT_TLS);
    phone_init(k, &t.b, 2, "1001", "example.org", TRANSPORT_TLS);
    snprintf(headers, sizeof(headers), "User-Agent: Some Desk 9000\r\nContact: <%s>\r\n",
             t.b.contact);
    phone_register_as(&t.b, headers, "200");
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    assert_got(&t.b, " UDP/TLS/RTP/SAVPF 8");
    refuse(&t, "488 Not Acceptable Here");
    assert_got(&t.b, " RTP/SAVP 8");
    struct media_policy *p = &kit_endpoint_of(&k->media, 1, 0)->asked.policy;
    assert_true(p->crypto_max == 1 && p->no_aes256 && !p->aes_cm_256);
    p = &kit_endpoint_of(&k->media, 0, 0)->asked.policy;
    assert_true(p->crypto_max == 0 && !p->no_aes256); /* the caller's is another */
    answer(&t, phone_sdp(&t.b, 6000, "sendrecv"));
    hang_up(&t.x, &t.y);
    side_fini(&t.x);
    side_fini(&t.y);
    dial(&t.x, &t.a, "sip:1001@example.org"); /* what worked is above what was said */
    side_callee(&t.y, &t.b);
    assert_got(&t.b, " RTP/SAVP 8");
    answer(&t, phone_sdp(&t.b, 6000, "sendrecv"));
    hang_up(&t.x, &t.y);
    down(&t);
    assert_int_equal(store_setting_set(k->store, SLICE_LIT("quirks"), SLICE_LIT("")), 0);
}

/* A caller's phone that offers both, as snom and Polycom do: RTP/SAVP and RTP/AVP, a line each. */
static void offer_two_lines(struct kit *k, unsigned number, const char *user, const char *callee,
                            bool secure)
{
    static const char sdp[] =
        "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n"
        "m=audio 4000 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PHONE1KEY\r\n"
        "m=audio 4002 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";
    struct duo t = {0};
    char uri[64];
    phone_up(k, &t.a, number, user, TRANSPORT_TLS);
    phone_up(k, &t.b, number + 1, callee, TRANSPORT_TLS);
    snprintf(uri, sizeof(uri), "sip:%s@example.org", callee);
    side_caller(&t.x, &t.a, uri);
    side_invite(&t.x, "", sdp);
    side_callee(&t.y, &t.b);
    assert_null(strstr(strstr(t.b.text, "m=audio") + 1, "m=audio")); /* one line goes on */
    answer(&t, phone_sdp(&t.b, 6000, "sendrecv"));
    assert_got(&t.a, secure ? "m=audio 0 RTP/AVP" : "m=audio 0 RTP/SAVP");
    assert_got(&t.a, secure ? " RTP/SAVP 8 0" : " RTP/AVP 8 0");
    assert_int_equal(strstr(t.a.text, "a=crypto:") != NULL, secure);
    hang_up(&t.x, &t.y);
    down(&t);
}

static void test_two_lines(void **state)
{
    offer_two_lines(*state, 1, "1000", "1001", true);
    offer_two_lines(*state, 3, "maybe", "1002", true);
    offer_two_lines(*state, 5, "clear", "1003", false);
}

/* One call from x to y, whose phones are on TLS; was ICE offered to y? */
static bool offers_ice(struct kit *k, struct phone *x, struct phone *y, const char *lines)
{
    struct duo t = {0};
    char uri[64], keying[200];
    snprintf(uri, sizeof(uri), "sip:%s@example.org", y->name);
    snprintf(keying, sizeof(keying), "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PHONE%u\r\n%s",
             x->number, lines);
    side_caller(&t.x, x, uri);
    side_invite(&t.x, "", phone_sdp_as(x, 4000, "RTP/SAVP", keying, "sendrecv"));
    side_callee(&t.y, y);
    bool ice = kit_endpoint_of(&k->media, 1, 0)->asked.ice;
    side_answer(&t.y, "200 OK", "", phone_sdp(y, 6000, "sendrecv"));
    await(y, "ACK ");
    side_await(&t.x, "200");
    side_ack(&t.x, NULL);
    hang_up(&t.x, &t.y);
    side_fini(&t.x);
    side_fini(&t.y);
    return ice;
}

/* RFC 5768, or by what its own last offer was like. */
static void test_ice_for_who_asks_for_it(void **state)
{
    static const char ice[] = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n";
    struct kit *k = *state;
    struct phone a, b;
    char headers[160];
    phone_up(k, &a, 1, "1000", TRANSPORT_TLS);
    phone_init(k, &b, 2, "1001", "example.org", TRANSPORT_TLS);
    snprintf(headers, sizeof(headers), "Contact: <%s>;+sip.ice\r\n", b.contact);
    phone_register_as(&b, headers, "200");
    assert_true(offers_ice(k, &a, &b, ""));
    assert_false(offers_ice(k, &b, &a, "")); /* the other has said nothing … */
    assert_true(offers_ice(k, &a, &b, ice));
    assert_true(offers_ice(k, &b, &a, "")); /* … and now has */
    assert_true(offers_ice(k, &a, &b, ""));
    assert_false(offers_ice(k, &b, &a, "")); /* no more */
    phone_fini(&a);
    phone_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_osrtp_refused_savp_taken),     KIT_TEST(test_required_never_goes_below),
        KIT_TEST(test_preferred_ends_in_clear),      KIT_TEST(test_refused_after_it_rang),
        KIT_TEST(test_cancelled_between_two_offers), KIT_TEST(test_one_of_two_phones),
        KIT_TEST(test_a_quirk_says_where_to_begin),  KIT_TEST(test_two_lines),
        KIT_TEST(test_answered_without_keys),        KIT_TEST(test_ice_for_who_asks_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
