/* What happens in a standing call: re-INVITE, UPDATE, INFO, session timers, and requests of those who
 * have no part in it. */
#include "call/info.h"
#include "signal/testphone.h"

struct call2 {
    struct phone a, b, c;
    struct pair p;
};

static void up_with(struct kit *k, struct call2 *t, const char *headers_a, const char *headers_b)
{
    memset(t, 0, sizeof(*t));
    phone_up(k, &t->a, 1, "1000", TRANSPORT_TLS);
    phone_up(k, &t->b, 2, "1001", TRANSPORT_TLS);
    side_caller(&t->p.a, &t->a, "sip:1001@example.org");
    side_invite(&t->p.a, headers_a, phone_sdp(&t->a, 4000, "sendrecv"));
    side_callee(&t->p.b, &t->b);
    side_answer(&t->p.b, "200 OK", headers_b, phone_sdp(&t->b, 6000, "sendrecv"));
    await(&t->b, "ACK ");
    side_await(&t->p.a, "200");
    side_ack(&t->p.a, NULL);
}

static void up(struct kit *k, struct call2 *t)
{
    up_with(k, t, "Allow: INVITE, UPDATE\r\n", "Allow: INVITE, UPDATE\r\n");
}

static void down(struct call2 *t)
{
    hang_up(&t->p.a, &t->p.b);
    side_fini(&t->p.a);
    side_fini(&t->p.b);
    phone_fini(&t->a);
    phone_fini(&t->b);
    phone_fini(&t->c);
}

/* x offers, y answers. */
static void reinvite(struct side *x, const char *offer, struct side *y, const char *answer)
{
    side_send(x, "INVITE", "", offer);
    side_await_request(y, "INVITE");
    assert_not_got(y->p, "inline:PHONE");
    side_answer(y, "200 OK", "", answer);
    await(y->p, "ACK ");
    side_await(x, "200");
    assert_not_got(x->p, "inline:PHONE");
    side_ack(x, NULL);
}

static void hold(struct kit *k, struct side *x, unsigned px, struct side *y, unsigned py)
{
    uint16_t leg = x->invite ? 1 : 0; /* only the callee has kept one */
    side_send(x, "INVITE", "", phone_sdp(x->p, px, "sendonly"));
    side_await_request(y, "INVITE");
    assert_got(y->p, "a=sendonly");
    side_answer(y, "200 OK", "", phone_sdp(y->p, py, "recvonly"));
    await(y->p, "ACK ");
    side_await(x, "200");
    assert_got(x->p, "a=recvonly");
    side_ack(x, NULL);
    assert_int_equal(kit_endpoint_of(&k->media, leg, 0)->direction, MEDIA_SENDONLY);
    side_send(x, "INVITE", "", phone_sdp(x->p, px + 1, "sendrecv"));
    side_await_request(y, "INVITE");
    assert_got(y->p, "a=sendrecv");
    side_answer(y, "200 OK", "", phone_sdp(y->p, py + 1, "sendrecv"));
    await(y->p, "ACK ");
    side_await(x, "200");
    assert_got(x->p, "a=sendrecv");
    side_ack(x, NULL);
    assert_int_equal(kit_endpoint_of(&k->media, leg, 0)->direction, MEDIA_SENDRECV);
}

static void test_hold_and_resume_both_ways(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    hold(k, &t.p.a, 4010, &t.p.b, 6010);
    struct side *b = &t.p.b;
    hold(k, b, 6020, &t.p.a, 4020);
    down(&t);
}

static void test_address_and_codec_change(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    struct kit_endpoint *a = kit_endpoint_of(&k->media, 0, 0);
    struct kit_endpoint *b = kit_endpoint_of(&k->media, 1, 0);
    reinvite(&t.p.a, phone_sdp(&t.a, 4100, "sendrecv"), &t.p.b, phone_sdp(&t.b, 6100, "sendrecv"));
    assert_int_equal(addr_port(&a->remote), 4100);
    assert_int_equal(addr_port(&b->remote), 6100);
    assert_true(a->peer == b->id && b->peer == a->id);
    assert_non_null(strstr(a->text, "PHONE1KEY4100"));
    const char *opus = "v=0\r\no=- 1 9 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n"
                       "m=audio 4200 RTP/SAVP 96\r\na=rtpmap:96 opus/48000/2\r\n"
                       "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:KEY\r\n";
    side_send(&t.p.a, "INVITE", "", opus);
    side_await_request(&t.p.b, "INVITE");
    assert_got(&t.b, "RTP/SAVP 96\r\n");
    assert_got(&t.b, "opus/48000/2");
    side_answer(&t.p.b, "200 OK", "", opus);
    await(&t.b, "ACK ");
    side_await(&t.p.a, "200");
    side_ack(&t.p.a, NULL);
    down(&t);
}

static void test_a_second_stream_comes_and_goes(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    char with[2048], answer[2048];
    up(k, &t);
    static const char video[] = "m=video %u RTP/SAVP 99\r\na=rtpmap:99 VP8/90000\r\n"
                                "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:VIDEO\r\n";
    char line[200];
    snprintf(line, sizeof(line), video, 4302u);
    snprintf(with, sizeof(with), "%s%s", phone_sdp(&t.a, 4300, "sendrecv"), line);
    snprintf(line, sizeof(line), video, 6302u);
    snprintf(answer, sizeof(answer), "%s%s", phone_sdp(&t.b, 6300, "sendrecv"), line);
    side_send(&t.p.a, "INVITE", "", with);
    side_await_request(&t.p.b, "INVITE");
    assert_got(&t.b, "m=video 2");
    side_answer(&t.p.b, "200 OK", "", answer);
    await(&t.b, "ACK ");
    side_await(&t.p.a, "200");
    assert_got(&t.a, "m=video 2");
    side_ack(&t.p.a, NULL);
    assert_int_equal(kit_endpoints(&k->media), 4);
    struct kit_endpoint *va = kit_endpoint_of(&k->media, 0, 1);
    struct kit_endpoint *vb = kit_endpoint_of(&k->media, 1, 1);
    assert_true(va && vb && va->peer == vb->id);
    /* b takes it away again; the number of m-lines stays. */
    snprintf(line, sizeof(line), "m=video 0 RTP/SAVP 99\r\n");
    snprintf(answer, sizeof(answer), "%s%s", phone_sdp(&t.b, 6310, "sendrecv"), line);
    snprintf(with, sizeof(with), "%s%s", phone_sdp(&t.a, 4310, "sendrecv"), line);
    side_send(&t.p.b, "INVITE", "", answer);
    side_await_request(&t.p.a, "INVITE");
    assert_got(&t.a, "m=video 0 ");
    side_reply(&t.p.a, "200 OK", "", with);
    await(&t.a, "ACK ");
    side_await(&t.p.b, "200");
    assert_got(&t.b, "m=video 0 ");
    side_ack(&t.p.b, NULL);
    down(&t);
}

static void test_refused_by_the_other_leaves_all_as_it_was(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    struct kit_endpoint before = *kit_endpoint_of(&k->media, 0, 0);
    side_send(&t.p.a, "INVITE", "", phone_sdp(&t.a, 4400, "sendonly"));
    side_await_request(&t.p.b, "INVITE");
    side_reply(&t.p.b, "488 Not Acceptable Here", "", NULL);
    await(&t.b, "ACK ");
    side_await(&t.p.a, "488");
    side_ack_failure(&t.p.a);
    assert_memory_equal(&before, kit_endpoint_of(&k->media, 0, 0), sizeof(before));
    reinvite(&t.p.a, phone_sdp(&t.a, 4401, "sendrecv"), &t.p.b, phone_sdp(&t.b, 6401, "sendrecv"));
    down(&t);
}

static void test_downgrade_is_refused_before_the_other_hears(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    side_send(&t.p.a, "INVITE", "", phone_sdp_as(&t.a, 4500, "RTP/AVP", "", "sendrecv"));
    side_await(&t.p.a, "488");
    assert_got(&t.a, "Warning: 399 sip.example.org");
    side_ack_failure(&t.p.a);
    await_nothing(&t.b);
    down(&t);
}

static void test_reinvite_without_description(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    side_send(&t.p.a, "INVITE", "", NULL);
    side_await_request(&t.p.b, "INVITE");
    assert_got(&t.b, "Content-Length: 0\r\n");
    side_reply(&t.p.b, "200 OK", "", phone_sdp(&t.b, 6600, "sendrecv"));
    await_nothing(&t.b);
    side_await(&t.p.a, "200");
    assert_got(&t.a, "m=audio 2");
    side_ack(&t.p.a, phone_sdp(&t.a, 4600, "sendrecv"));
    await(&t.b, "ACK ");
    assert_got(&t.b, "m=audio 2");
    assert_int_equal(addr_port(&kit_endpoint_of(&k->media, 0, 0)->remote), 4600);
    assert_int_equal(addr_port(&kit_endpoint_of(&k->media, 1, 0)->remote), 6600);
    reinvite(&t.p.b, phone_sdp(&t.b, 6601, "sendrecv"), &t.p.a, phone_sdp(&t.a, 4601, "sendrecv"));
    down(&t);
}

static void test_reinvite_without_description_refused(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    side_send(&t.p.a, "INVITE", "", NULL);
    side_await_request(&t.p.b, "INVITE");
    side_reply(&t.p.b, "500 No", "", NULL);
    await(&t.b, "ACK ");
    side_await(&t.p.a, "500");
    side_ack_failure(&t.p.a);
    down(&t);
}

static void test_reinvite_cancelled(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    side_send(&t.p.a, "INVITE", "", phone_sdp(&t.a, 4700, "sendonly"));
    side_await_request(&t.p.b, "INVITE");
    side_reply(&t.p.b, "100 Trying", "", NULL);
    side_send_as(&t.p.a, "CANCEL", t.p.a.invite_branch, NULL);
    await(&t.a, "SIP/2.0 200");
    await(&t.b, "CANCEL ");
    side_reply(&t.p.b, "487 Request Terminated", "", NULL);
    await(&t.b, "ACK ");
    side_await(&t.p.a, "487");
    side_ack_failure(&t.p.a);
    down(&t);
}

static void test_reinvite_cancelled_while_media_judges(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    k->media.holds = true;
    side_send(&t.p.a, "INVITE", "", phone_sdp(&t.a, 4700, "sendonly"));
    side_send_as(&t.p.a, "CANCEL", t.p.a.invite_branch, NULL);
    await(&t.a, "SIP/2.0 200");
    side_await(&t.p.a, "487");
    side_ack_failure(&t.p.a);
    kit_media_release(k);
    await_nothing(&t.b);
    down(&t);
}

static void test_glare(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    /* b's meets ours that is under way for a */
    side_send(&t.p.a, "INVITE", "", phone_sdp(&t.a, 4800, "sendonly"));
    side_await_request(&t.p.b, "INVITE");
    char *kept = strdup(t.p.b.invite);
    side_send(&t.p.b, "INVITE", "", phone_sdp(&t.b, 6800, "sendonly"));
    side_await(&t.p.b, "491");
    side_ack_failure(&t.p.b);
    side_reply_to(&t.p.b, kept, "491 Request Pending", "", NULL);
    await(&t.b, "ACK ");
    side_await(&t.p.a, "491");
    side_ack_failure(&t.p.a);
    free(kept);
    reinvite(&t.p.b, phone_sdp(&t.b, 6801, "sendrecv"), &t.p.a, phone_sdp(&t.a, 4801, "sendrecv"));
    down(&t);
}

static void test_bye_during_a_reinvite(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    side_send(&t.p.a, "INVITE", "", phone_sdp(&t.a, 4900, "sendonly"));
    side_await_request(&t.p.b, "INVITE");
    char *kept = strdup(t.p.b.invite);
    side_send(&t.p.b, "BYE", "", NULL);
    await(&t.b, "SIP/2.0 200");
    side_await(&t.p.a, "487");
    side_ack_failure(&t.p.a);
    side_await_request(&t.p.a, "BYE");
    side_reply_to(&t.p.b, kept, "200 OK", "", phone_sdp(&t.b, 6900, "recvonly"));
    await(&t.b, "ACK "); /* of the re-INVITE, not of the first one */
    char cseq[40];
    struct sip_msg m;
    assert_int_equal(sip_msg_parse(slice_from_str(kept), &m), SIP_PARSE_OK);
    snprintf(cseq, sizeof(cseq), "CSeq: %u ACK\r\n", m.cseq);
    assert_got(&t.b, cseq);
    side_reply(&t.p.a, "200 OK", "", NULL);
    free(kept);
    side_fini(&t.p.a);
    side_fini(&t.p.b);
    phone_fini(&t.a);
    phone_fini(&t.b);
}

static void test_other_phone_no_longer_knows_the_call(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    side_send(&t.p.a, "INVITE", "", phone_sdp(&t.a, 4900, "sendonly"));
    side_await_request(&t.p.b, "INVITE");
    side_reply(&t.p.b, "481 No", "", NULL);
    await(&t.b, "ACK ");
    side_await(&t.p.a, "481");
    side_ack_failure(&t.p.a);
    side_await_request(&t.p.a, "BYE");
    side_reply(&t.p.a, "200 OK", "", NULL);
    side_await_request(&t.p.b, "BYE");
    side_reply(&t.p.b, "481 No", "", NULL);
    side_fini(&t.p.a);
    side_fini(&t.p.b);
    phone_fini(&t.a);
    phone_fini(&t.b);
}

/* --- UPDATE ---------------------------------------------------------------------------------- */

static void test_update_with_description(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    side_send(&t.p.b, "UPDATE", "", phone_sdp(&t.b, 6050, "sendonly"));
    side_await_request(&t.p.a, "UPDATE");
    assert_got(&t.a, "a=sendonly");
    side_reply(&t.p.a, "200 OK", "", phone_sdp(&t.a, 4050, "recvonly"));
    await(&t.b, "SIP/2.0 200");
    assert_got(&t.b, "a=recvonly");
    await_nothing(&t.a);
    assert_int_equal(addr_port(&kit_endpoint_of(&k->media, 1, 0)->remote), 6050);
    down(&t);
}

static void test_update_alone_concerns_its_leg(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    side_send(&t.p.b, "UPDATE", "", NULL);
    await(&t.b, "SIP/2.0 200");
    await_nothing(&t.a);
    /* and a re-INVITE that says what was said before */
    side_send(&t.p.b, "INVITE", "", phone_sdp(&t.b, 6000, "sendrecv"));
    side_await(&t.p.b, "200");
    assert_got(&t.b, "m=audio 2");
    side_ack(&t.p.b, NULL);
    await_nothing(&t.a);
    down(&t);
}

static void test_new_contact_is_where_requests_go(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    snprintf(t.b.contact, sizeof(t.b.contact), "sip:moved@10.0.0.3:7777;transport=tls");
    side_send(&t.p.b, "UPDATE", "", NULL);
    await(&t.b, "SIP/2.0 200");
    side_send(&t.p.a, "INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\n");
    side_await_request(&t.p.b, "INFO");
    assert_got(&t.b, "INFO sip:moved@10.0.0.3:7777;transport=tls SIP/2.0");
    side_reply(&t.p.b, "200 OK", "", NULL);
    await(&t.a, "SIP/2.0 200");
    down(&t);
}

static void test_update_to_who_does_not_know_it(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up_with(k, &t, "Allow: INVITE, UPDATE\r\n", "Allow: INVITE\r\n");
    side_send(&t.p.a, "UPDATE", "", phone_sdp(&t.a, 4060, "sendonly"));
    side_await_request(&t.p.b, "INVITE");
    side_reply(&t.p.b, "200 OK", "", phone_sdp(&t.b, 6060, "recvonly"));
    await(&t.b, "ACK ");
    await(&t.a, "SIP/2.0 200");
    assert_got(&t.a, "a=recvonly");
    down(&t);
}

/* --- INFO ------------------------------------------------------------------------------------ */

static void test_info_both_ways(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    side_send(&t.p.a, "INFO", "Content-Type: application/dtmf-relay\r\nX-Secret: 1\r\n",
              "Signal=5\r\nDuration=160\r\n");
    side_await_request(&t.p.b, "INFO");
    assert_got(&t.b, "Content-Type: application/dtmf-relay\r\n");
    assert_got(&t.b, "\r\n\r\nSignal=5\r\nDuration=160\r\n");
    assert_not_got(&t.b, "X-Secret");
    side_reply(&t.p.b, "200 OK", "Content-Type: text/plain\r\n", "heard");
    await(&t.a, "SIP/2.0 200");
    assert_got(&t.a, "\r\n\r\nheard");
    side_send(&t.p.b, "INFO", "Info-Package: foo\r\nContent-Type: a/b\r\n", "x");
    side_await_request(&t.p.a, "INFO");
    assert_got(&t.a, "Info-Package: foo\r\n");
    side_reply(&t.p.a, "469 Bad Info Package", "", NULL);
    await(&t.b, "SIP/2.0 469 Bad Info Package");
    /* the other one never answers */
    side_send(&t.p.b, "INFO", "Content-Type: a/b\r\n", "x");
    side_await_request(&t.p.a, "INFO");
    kit_advance(k, 32500);
    await(&t.b, "SIP/2.0 408");
    /* the call ends meanwhile */
    side_send(&t.p.b, "INFO", "Content-Type: a/b\r\n", "x");
    side_await_request(&t.p.a, "INFO");
    side_send(&t.p.a, "BYE", "", NULL);
    await(&t.a, "SIP/2.0 200");
    await_any(&t.b, "SIP/2.0 481");
    side_await_request(&t.p.b, "BYE");
    side_reply(&t.p.b, "200 OK", "", NULL);
    side_fini(&t.p.a);
    side_fini(&t.p.b);
    phone_fini(&t.a);
    phone_fini(&t.b);
}

/* By what its phone has sent or said, the media role hears that a leg takes digits by INFO. */
static void test_who_takes_digits_by_info(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up_with(k, &t, "", "Accept: application/sdp, Application/DTMF-relay;q=0.5\r\n");
    assert_false(kit_endpoint_of(&k->media, 0, 0)->takes_info);
    assert_true(kit_endpoint_of(&k->media, 1, 0)->takes_info);
    side_send(&t.p.a, "INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\n");
    side_await_request(&t.p.b, "INFO");
    side_reply(&t.p.b, "200 OK", "", NULL);
    await(&t.a, "SIP/2.0 200");
    assert_true(kit_endpoint_of(&k->media, 0, 0)->takes_info);
    kit_role_restart(k); /* and it is not forgotten */
    kit_endpoint_of(&k->media, 0, 0)->takes_info = false;
    reinvite(&t.p.a, phone_sdp(&t.a, 4002, "sendrecv"), &t.p.b, phone_sdp(&t.b, 6000, "sendrecv"));
    assert_true(kit_endpoint_of(&k->media, 0, 0)->takes_info);
    down(&t);
}

static void tell_digit(struct kit *k, uint16_t leg, uint8_t digit, uint16_t ms)
{
    kit_media_send(k, leg,
                   (struct media_event){.kind = MEDIA_EVENT_DIGIT, .digit = digit, .digit_ms = ms});
}

/* One INFO at a time, in order; what a phone refuses drops the rest of the number. */
static void test_digits_become_info(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    tell_digit(k, 1, 5, 160);
    tell_digit(k, 1, 11, 0);
    tell_digit(k, 1, 16, 100); /* flash: no digit */
    tell_digit(k, 1, 13, 60000);
    side_await_request(&t.p.b, "INFO");
    assert_got(&t.b, "Content-Type: application/dtmf-relay\r\n");
    assert_got(&t.b, "Signal=5\r\nDuration=160\r\n");
    await_nothing(&t.b);
    side_reply(&t.p.b, "200 OK", "", NULL);
    side_await_request(&t.p.b, "INFO");
    assert_got(&t.b, "Signal=#\r\nDuration=100\r\n");
    side_reply(&t.p.b, "200 OK", "", NULL);
    side_await_request(&t.p.b, "INFO");
    assert_got(&t.b, "Signal=B\r\nDuration=5000\r\n");
    for (unsigned i = 0; i < INFO_DIGITS_MAX + 1; i++)
        tell_digit(k, 1, (uint8_t)(i % 10), 100); /* one more than can wait */
    for (unsigned i = 0; i < INFO_DIGITS_MAX; i++) {
        char want[16];
        side_reply(&t.p.b, "200 OK", "", NULL);
        side_await_request(&t.p.b, "INFO");
        snprintf(want, sizeof(want), "Signal=%u\r\n", i % 10);
        assert_got(&t.b, want);
    }
    tell_digit(k, 1, 9, 100);
    side_reply(&t.p.b, "415 Unsupported Media Type", "", NULL);
    await_nothing(&t.b);
    await_nothing(&t.a);
    tell_digit(k, 0, 1, 100); /* the call ends before its answer */
    side_await_request(&t.p.a, "INFO");
    tell_digit(k, 0, 2, 100);
    down(&t);
}

static void test_other_requests_within(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    side_send(&t.p.a, "OPTIONS", "", NULL);
    await(&t.a, "SIP/2.0 200");
    assert_got(&t.a, "Allow: INVITE");
    side_send(&t.p.a, "REFER", "Refer-To: <sip:x@y>\r\n", NULL);
    await(&t.a, "SIP/2.0 405");
    side_send(&t.p.a, "CONJURE", "", NULL);
    await(&t.a, "SIP/2.0 501");
    side_send(&t.p.a, "INFO", "Require: magic\r\n", NULL);
    await(&t.a, "SIP/2.0 420");
    assert_got(&t.a, "Unsupported: magic\r\n");
    t.p.a.cseq -= 4; /* an old number */
    side_send(&t.p.a, "OPTIONS", "", NULL);
    await(&t.a, "SIP/2.0 500");
    t.p.a.cseq += 4;
    side_send(&t.p.a, "INVITE", "Content-Type: text/plain\r\n", "hello");
    side_await(&t.p.a, "415");
    side_ack_failure(&t.p.a);
    await_nothing(&t.b);
    down(&t);
}

/* --- strangers ------------------------------------------------------------------------------- */

static void test_from_a_foreign_flow(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    char h[1024];
    /* someone who has overheard Call-ID and tags */
    phone_init(k, &t.c, 9, "1002", "example.org", TRANSPORT_TLS);
    phone_register_as(&t.c, "Contact: <sip:1002@10.0.0.10>\r\n", "200");
    struct side evil = t.p.a;
    evil.p = &t.c;
    side_send(&evil, "BYE", "", NULL);
    await(&t.c, "SIP/2.0 407");
    struct buf b = buf_over(h, sizeof(h) - 1);
    phone_put_credentials(&t.c, &b, SIP_HDR_PROXY_AUTHORIZATION, "BYE", evil.target);
    h[b.n] = '\0';
    snprintf(evil.local, sizeof(evil.local), "<sip:1002@example.org>");
    side_send(&evil, "BYE", h, NULL);
    await(&t.c, "SIP/2.0 403");
    /* the same name in another domain */
    struct phone other;
    phone_init(k, &other, 10, "1000", "other.net", TRANSPORT_TLS);
    phone_register_as(&other, "Contact: <sip:1000@10.0.0.11>\r\n", "200");
    evil.p = &other;
    snprintf(evil.local, sizeof(evil.local), "<sip:1000@other.net>");
    b = buf_over(h, sizeof(h) - 1);
    phone_put_credentials(&other, &b, SIP_HDR_PROXY_AUTHORIZATION, "BYE", evil.target);
    h[b.n] = '\0';
    side_send(&evil, "BYE", h, NULL);
    await(&other, "SIP/2.0 403");
    await_nothing(&t.b);
    assert_int_equal(signal_role_calls(k->role), 1);
    phone_fini(&other);
    down(&t);
}

static void test_its_own_user_from_a_new_flow(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    char h[1024];
    up(k, &t);
    struct phone moved = t.a;
    moved.text = NULL;
    moved.flow.conn = 77;
    addr_set_port(&moved.flow.remote, 7700);
    struct side x = t.p.a;
    x.p = &moved;
    side_send(&x, "INFO", "", NULL);
    await(&moved, "SIP/2.0 407");
    struct buf b = buf_over(h, sizeof(h) - 1);
    phone_put_credentials(&moved, &b, SIP_HDR_PROXY_AUTHORIZATION, "INFO", x.target);
    h[b.n] = '\0';
    side_send(&x, "INFO", h, NULL);
    side_await_request(&t.p.b, "INFO");
    side_reply(&t.p.b, "200 OK", "", NULL);
    await(&moved, "SIP/2.0 200");
    /* and from now on it is reached there */
    hang_up(&t.p.b, &x);
    side_fini(&x);
    side_fini(&t.p.b);
    phone_fini(&t.a);
    phone_fini(&t.b);
    phone_fini(&moved);
}

/* --- session timers -------------------------------------------------------------------------- */

static void test_we_refresh_by_update(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up_with(k, &t,
            "Supported: timer\r\nAllow: INVITE, UPDATE\r\n"
            "Session-Expires: 200;refresher=uas\r\n",
            "Allow: INVITE, UPDATE\r\nRequire: timer\r\nSession-Expires: 120;refresher=uas\r\n");
    assert_got(&t.a, "Session-Expires: 200;refresher=uas\r\n");
    kit_advance(k, 80000);
    side_send(&t.p.b, "UPDATE", "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\n", NULL);
    await(&t.b, "SIP/2.0 200");
    assert_got(&t.b, "Session-Expires: 120;refresher=uac\r\n");
    assert_got(&t.b, "Require: timer\r\n");
    await_nothing(&t.a);
    kit_advance(k, 21000);
    side_await_request(&t.p.a, "UPDATE");
    assert_got(&t.a, "Session-Expires: 200;refresher=uac\r\n");
    assert_got(&t.a, "Content-Length: 0\r\n");
    side_reply(&t.p.a, "200 OK", "Session-Expires: 200;refresher=uac\r\n", NULL);
    await_nothing(&t.b);
    /* a re-INVITE right after is not taken for glare */
    reinvite(&t.p.b, phone_sdp(&t.b, 6002, "sendrecv"), &t.p.a, phone_sdp(&t.a, 4002, "sendrecv"));
    down(&t);
}

static void test_we_refresh_by_reinvite(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up_with(k, &t, "", "Session-Expires: 120;refresher=uac\r\n");
    assert_got(&t.a, "Session-Expires: 1800;refresher=uas\r\n"); /* it knows no timers */
    kit_advance(k, 61000);
    side_await_request(&t.p.b, "INVITE");
    assert_got(&t.b, "Session-Expires: 120;refresher=uac\r\n");
    assert_got(&t.b, "m=audio 2");
    side_reply(&t.p.b, "200 OK", "Session-Expires: 120;refresher=uac\r\n",
               phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    await_nothing(&t.a);
    side_reply(&t.p.b, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv")); /* the ACK was lost */
    await(&t.b, "ACK ");
    reinvite(&t.p.a, phone_sdp(&t.a, 4002, "sendrecv"), &t.p.b, phone_sdp(&t.b, 6002, "sendrecv"));
    down(&t);
}

static void test_session_expires(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up_with(k, &t, "Supported: timer\r\nSession-Expires: 100;refresher=uac\r\n", "");
    kit_advance(k, 67000);
    await_nothing(&t.a);
    kit_advance(k, 1500); /* 100 - 32 s */
    side_await_request(&t.p.a, "BYE");
    side_reply(&t.p.a, "200 OK", "", NULL);
    side_await_request(&t.p.b, "BYE");
    side_reply(&t.p.b, "200 OK", "", NULL);
    assert_true(kit_cdr_has(k, "did not refresh"));
    side_fini(&t.p.a);
    side_fini(&t.p.b);
    phone_fini(&t.a);
    phone_fini(&t.b);
}

static void test_refresh_unanswered(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up_with(k, &t, "Allow: UPDATE\r\nSupported: timer\r\nSession-Expires: 100;refresher=uas\r\n",
            "");
    kit_advance(k, 51000);
    side_await_request(&t.p.a, "UPDATE");
    kit_advance(k, 33000);
    side_await_request(&t.p.a, "BYE");
    side_reply(&t.p.a, "200 OK", "", NULL);
    side_await_request(&t.p.b, "BYE");
    side_reply(&t.p.b, "200 OK", "", NULL);
    side_fini(&t.p.a);
    side_fini(&t.p.b);
    phone_fini(&t.a);
    phone_fini(&t.b);
}

static void test_422_both_ways(void **state)
{
    struct kit *k = *state;
    struct call2 t;
    up(k, &t);
    side_send(&t.p.a, "UPDATE", "Supported: timer\r\nSession-Expires: 60\r\n", NULL);
    await(&t.a, "SIP/2.0 422");
    assert_got(&t.a, "Min-SE: 90\r\n");
    down(&t);
    struct side a, b;
    dial(&a, &t.a, "sip:1001@example.org");
    side_callee(&b, &t.b);
    side_answer(&b, "422 Session Interval Too Small", "Min-SE: 3600\r\n", NULL);
    await(&t.b, "ACK ");
    side_fini(&b);
    side_callee(&b, &t.b); /* asked again, with more */
    assert_got(&t.b, "Session-Expires: 3600");
    assert_got(&t.b, "Min-SE: 3600");
    assert_got(&t.b, "m=audio 2");
    side_answer(&b, "422 Session Interval Too Small", "Min-SE: 7200\r\n", NULL);
    await(&t.b, "ACK ");
    side_await(&a, "480");
    side_ack_failure(&a);
    side_fini(&a);
    side_fini(&b);
    phone_fini(&t.a);
    phone_fini(&t.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_hold_and_resume_both_ways),
        KIT_TEST(test_address_and_codec_change),
        KIT_TEST(test_a_second_stream_comes_and_goes),
        KIT_TEST(test_refused_by_the_other_leaves_all_as_it_was),
        KIT_TEST(test_downgrade_is_refused_before_the_other_hears),
        KIT_TEST(test_reinvite_without_description),
        KIT_TEST(test_reinvite_without_description_refused),
        KIT_TEST(test_reinvite_cancelled),
        KIT_TEST(test_reinvite_cancelled_while_media_judges),
        KIT_TEST(test_glare),
        KIT_TEST(test_bye_during_a_reinvite),
        KIT_TEST(test_other_phone_no_longer_knows_the_call),
        KIT_TEST(test_update_with_description),
        KIT_TEST(test_update_alone_concerns_its_leg),
        KIT_TEST(test_new_contact_is_where_requests_go),
        KIT_TEST(test_update_to_who_does_not_know_it),
        KIT_TEST(test_info_both_ways),
        KIT_TEST(test_who_takes_digits_by_info),
        KIT_TEST(test_digits_become_info),
        KIT_TEST(test_other_requests_within),
        KIT_TEST(test_from_a_foreign_flow),
        KIT_TEST(test_its_own_user_from_a_new_flow),
        KIT_TEST(test_we_refresh_by_update),
        KIT_TEST(test_we_refresh_by_reinvite),
        KIT_TEST(test_session_expires),
        KIT_TEST(test_refresh_unanswered),
        KIT_TEST(test_422_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
