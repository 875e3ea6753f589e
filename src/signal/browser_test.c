/* Browsers: what they are offered and answered, against desk phones and among themselves. */
#include "signal/testduo.h"

#define VIDEO "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\n"

/* As Chromium writes it, shortened. `mid` names audio and video apart from others' names. */
static char *browser_sdp(const char *mid, bool video)
{
    static char mem[4][2048];
    static unsigned at;
    char *s = mem[at++ % 4];
    snprintf(s, sizeof(mem[0]),
             "v=0\r\no=- 77 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE %sa%s%s%s\r\n"
             "a=extmap-allow-mixed\r\na=msid-semantic: WMS x\r\n"
             "m=audio 9 UDP/TLS/RTP/SAVPF 111 8 126\r\nc=IN IP4 0.0.0.0\r\n"
             "a=candidate:1 1 udp 2122 10.0.0.77 40000 typ host\r\na=ice-ufrag:THEIRS\r\n"
             "a=ice-pwd:THEIRPASSWORD0123456789\r\na=ice-options:trickle\r\n"
             "a=fingerprint:sha-256 THEIRFINGERPRINT\r\na=setup:%s\r\na=mid:%sa\r\n"
             "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=sendrecv\r\na=msid:x y\r\n"
             "a=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\n"
             "a=rtcp-fb:111 transport-cc\r\na=rtpmap:8 PCMA/8000\r\n"
             "a=rtpmap:126 telephone-event/8000\r\na=ssrc:111111 cname:c\r\n%s%s%s%s",
             mid, video ? " " : "", video ? mid : "", video ? "v" : "",
             mid[0] == 's' ? "active" : "actpass", mid, video ? VIDEO : "", video ? "a=mid:" : "",
             video ? mid : "", video ? "v\r\na=bundle-only\r\na=ssrc:222222 cname:c\r\n" : "");
    return s;
}

/* The callee is told how safe the call has become, now that both legs have keys. */
static void take_info(struct side *s)
{
    side_await_request(s, "INFO");
    side_reply(s, "200 OK", "", NULL);
}

static void test_a_desk_phone_calls_a_browser(void **state)
{
    struct kit *k = *state;
    struct duo t = {0};
    phone_up(k, &t.a, 1, "1000", TRANSPORT_TLS);
    phone_up(k, &t.b, 2, "1001", TRANSPORT_WSS);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    assert_got(&t.b, "a=group:BUNDLE s0\r\na=ice-lite\r\nm=audio ");
    assert_got(&t.b, " UDP/TLS/RTP/SAVPF 8 0 101\r\n");
    assert_got(&t.b, "a=mid:s0\r\na=rtcp-mux\r\na=fingerprint:sha-256 OURS");
    assert_got(&t.b, "a=ice-ufrag:ours");
    assert_not_got(&t.b, "crypto");
    struct kit_endpoint *eb = kit_endpoint_of(&k->media, 1, 0);
    assert_int_equal(eb->asked.policy.keyings[0], KEYING_DTLS);
    assert_int_equal(eb->asked.policy.protection, PROTECTION_REQUIRED);
    assert_true(eb->asked.ice && eb->asked.rtcp_mux);
    side_answer(&t.y, "200 OK", "", browser_sdp("s", false));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    assert_got(&t.a, " RTP/SAVP 111 8 126\r\n");
    assert_got(&t.a, "a=sendrecv\r\n");
    assert_not_got(&t.a, "ice");
    assert_not_got(&t.a, "mid:");
    assert_not_got(&t.a, "fingerprint");
    assert_not_got(&t.a, "extmap");
    side_ack(&t.x, NULL);
    take_info(&t.y);

    /* the desk phone holds: what was agreed with the browser stays */
    side_invite(&t.x, "", phone_sdp(&t.a, 4000, "sendonly"));
    side_await_request(&t.y, "INVITE");
    assert_got(&t.b, "a=group:BUNDLE s0\r\n");
    assert_got(&t.b, "a=sendonly\r\na=mid:s0\r\na=rtcp-mux\r\n");
    side_answer(&t.y, "200 OK", "", browser_sdp("s", false));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    side_ack(&t.x, NULL);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_a_browser_calls_a_desk_phone(void **state)
{
    struct kit *k = *state;
    struct duo t = {0};
    phone_up(k, &t.a, 1, "1000", TRANSPORT_WSS);
    phone_up(k, &t.b, 2, "1001", TRANSPORT_TLS);
    side_caller(&t.x, &t.a, "sip:1001@example.org");
    side_invite(&t.x, "", browser_sdp("", true));
    side_callee(&t.y, &t.b);
    assert_got(&t.b, " RTP/SAVP 111 8 126\r\n");
    assert_got(&t.b, "m=video ");
    assert_got(&t.b, "a=crypto:1 ");
    assert_got(&t.b, "a=sendrecv\r\n"); /* 0.0.0.0 was not a hold */
    assert_not_got(&t.b, "BUNDLE");
    assert_not_got(&t.b, "THEIR");
    assert_not_got(&t.b, "10.0.0.77");
    assert_not_got(&t.b, "nack");
    assert_not_got(&t.b, "bundle-only");
    struct kit_endpoint *audio = kit_endpoint_of(&k->media, 0, 0);
    struct kit_endpoint *video = kit_endpoint_of(&k->media, 0, 1);
    assert_int_equal(audio->bundle, 0);
    assert_int_equal(video->bundle, 1);
    assert_int_equal(video->asked.ssrc_count, 1);
    assert_int_equal(video->asked.ssrcs[0], 222222);
    assert_int_equal(kit_endpoint_of(&k->media, 1, 1)->bundle, 0);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.x, "488"); /* an answer of one m-line does not fit */
    side_ack_failure(&t.x);
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    fini(&t);
}

static void test_browsers_among_themselves(void **state)
{
    struct kit *k = *state;
    struct duo t = {0};
    phone_up(k, &t.a, 1, "1000", TRANSPORT_WSS);
    phone_up(k, &t.b, 2, "1001", TRANSPORT_WS);
    side_caller(&t.x, &t.a, "sip:1001@example.org");
    side_invite(&t.x, "", browser_sdp("", true));
    side_callee(&t.y, &t.b);
    assert_got(&t.b, "a=group:BUNDLE s0 s1\r\na=ice-lite\r\n");
    assert_got(&t.b, "a=rtcp-fb:96 nack pli\r\n");
    assert_not_got(&t.b, "transport-cc");
    assert_not_got(&t.b, "sdes:mid");
    struct sdp *d = malloc(sizeof(*d));
    assert_non_null(d);
    assert_int_equal(sdp_parse(t.b.msg.body, d), SDP_OK);
    assert_int_equal(d->media_count, 2);
    assert_int_equal(d->media[0].port, d->media[1].port);
    assert_int_equal(kit_endpoint_of(&k->media, 1, 1)->bundle, 1);
    side_answer(&t.y, "200 OK", "", browser_sdp("s", true));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    assert_got(&t.a, "a=group:BUNDLE a v\r\na=ice-lite\r\n");
    assert_got(&t.a, "a=rtcp-fb:96 nack pli\r\n");
    assert_got(&t.a, "a=rtcp-rsize\r\n");
    assert_int_equal(sdp_parse(t.a.msg.body, d), SDP_OK);
    assert_int_equal(d->media[0].port, d->media[1].port);
    free(d);
    side_ack(&t.x, NULL);
    take_info(&t.y);
    kit_role_restart(k); /* what is bundled is known afterwards */
    char *held = browser_sdp("", true);
    memcpy(strstr(held, "a=sendrecv"), "a=sendonly", 10);
    side_invite(&t.x, "", held);
    side_await_request(&t.y, "INVITE");
    assert_got(&t.b, "a=group:BUNDLE s0 s1\r\n");
    assert_got(&t.b, "a=sendonly\r\na=mid:s0\r\n");
    side_answer(&t.y, "200 OK", "", browser_sdp("s", true));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    assert_got(&t.a, "a=group:BUNDLE a v\r\n");
    side_ack(&t.x, NULL);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_a_browser_that_may_not_use_dtls(void **state)
{
    struct kit *k = *state;
    struct duo t = {0};
    phone_up(k, &t.a, 1, "1000", TRANSPORT_TLS);
    phone_up(k, &t.b, 2, "clear", TRANSPORT_WSS);
    dial(&t.x, &t.a, "sip:clear@example.org");
    await_nothing(&t.b);
    side_await(&t.x, "488");
    assert_got(&t.a, "DTLS-SRTP");
    assert_got(&t.a, "--protection required");
    side_ack_failure(&t.x);
    fini(&t);
}

static void test_a_late_offer_to_a_browser(void **state)
{
    struct kit *k = *state;
    struct duo t = {0};
    phone_up(k, &t.a, 1, "1000", TRANSPORT_WSS);
    side_caller(&t.x, &t.a, "sip:echo@example.org");
    side_invite(&t.x, "", NULL);
    side_await(&t.x, "200");
    assert_got(&t.a, "a=group:BUNDLE s0\r\na=ice-lite\r\nm=audio ");
    assert_got(&t.a, " UDP/TLS/RTP/SAVPF ");
    side_ack(&t.x, browser_sdp("s", false));
    assert_true(kit_show_has(k, false, "\"state\":\"answered\""));
    take_info(&t.x);
    side_send(&t.x, "BYE", "", NULL);
    await(&t.a, "SIP/2.0 200");
    fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_a_desk_phone_calls_a_browser), KIT_TEST(test_a_browser_calls_a_desk_phone),
        KIT_TEST(test_browsers_among_themselves),    KIT_TEST(test_a_browser_that_may_not_use_dtls),
        KIT_TEST(test_a_late_offer_to_a_browser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
