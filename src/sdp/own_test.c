#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "sdp/leg.h"
#include "sdp/samples.h"

static struct sdp a;
static char text[4096];

static struct addr at(uint16_t port)
{
    struct addr x;
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), port, &x), 0);
    return x;
}

static void assert_text(struct buf *b, const char *want)
{
    assert_false(b->overflow);
    text[b->n] = '\0';
    assert_string_equal(text, want);
}

static void an_offer_without_a_peers_description(void **state)
{
    (void)state;
    struct buf b = buf_over(text, sizeof(text) - 1);
    struct sdp_leg_plan p = {.session_id = 5, .address = at(0), .media_count = 1};
    p.media[0].rtp = at(20000);
    p.media[0].proto = SDP_SAVP;
    p.media[0].keying = SLICE_LIT("a=crypto:1 S inline:k\r\n");
    sdp_own_print_offer(&b, &p);
    assert_text(&b, "v=0\r\no=- 5 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
                    "m=audio 20000 RTP/SAVP 8 0 9 111 101 110\r\na=rtpmap:8 PCMA/8000\r\n"
                    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:9 G722/8000\r\n"
                    "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n"
                    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
                    "a=rtpmap:110 telephone-event/48000\r\na=fmtp:110 0-16\r\na=ptime:20\r\n"
                    "a=sendrecv\r\na=crypto:1 S inline:k\r\n");
}

static void an_offer_follows_the_codec_list(void **state)
{
    (void)state;
    const struct slice list[] = {SLICE_LIT("pcmu"), SLICE_LIT("G729"), SLICE_LIT("PCMU")};
    struct buf b = buf_over(text, sizeof(text) - 1);
    struct sdp_leg_plan p = {.session_id = 5, .address = at(0), .media_count = 1};
    p.media[0].rtp = at(20000);
    p.codecs = list;
    p.codec_count = ARRAY_LEN(list);
    sdp_own_print_offer(&b, &p);
    text[b.n] = '\0';
    assert_non_null(strstr(text, "m=audio 20000 RTP/AVP 0 101\r\n"));
    p.codecs = list + 1;
    p.codec_count = 1; /* nothing that we can do */
    p.pad_to = 2;
    b = buf_over(text, sizeof(text) - 1);
    sdp_own_print_offer(&b, &p);
    text[b.n] = '\0';
    assert_non_null(strstr(text, "t=0 0\r\nm=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n"));
}

static void an_echo_answers_the_first_codec_as_offered(void **state)
{
    (void)state;
    struct buf b = buf_over(text, sizeof(text) - 1);
    struct sdp_own_choice c;
    struct sdp_leg_plan p;
    assert_int_equal(sdp_parse(SLICE_LIT(SAMPLE_CHROMIUM), &a), SDP_OK);
    assert_int_equal(sdp_own_choose(&a, true, NULL, 0, &c), SDP_OWN_OK);
    assert_int_equal(c.media, 0);
    assert_int_equal(c.codec_count, 2);
    assert_string_equal(c.codecs[0].name, "OPUS");
    assert_int_equal(c.codecs[1].pt, 110); /* the event of its clock */
    sdp_own_plan_answer(&a, &c, &p);
    p.session_id = 5;
    p.address = at(0);
    p.media[0].rtp = at(20000);
    p.media[0].rtcp_mux = true;
    sdp_own_print_answer(&b, &c, &p);
    assert_text(&b, "v=0\r\no=- 5 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
                    "m=audio 20000 UDP/TLS/RTP/SAVPF 111 110\r\na=rtpmap:111 opus/48000/2\r\n"
                    "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
                    "a=rtpmap:110 telephone-event/48000\r\na=ptime:20\r\na=sendrecv\r\n"
                    "a=mid:0\r\na=rtcp-mux\r\n"
                    "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n");
}

static void a_tone_takes_what_it_can_make(void **state)
{
    (void)state;
    const struct slice list[] = {SLICE_LIT("PCMU"), SLICE_LIT("PCMA")};
    struct buf b = buf_over(text, sizeof(text) - 1);
    struct sdp_own_choice c;
    struct sdp_leg_plan p;
    assert_int_equal(sdp_parse(SLICE_LIT("v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 8 RTP/AVP 18 8 0\r\n"
                                         "a=ptime:30\r\na=sendonly\r\n"),
                               &a),
                     SDP_OK);
    assert_int_equal(sdp_own_choose(&a, true, list, 2, &c), SDP_OWN_OK);
    assert_string_equal(c.codecs[0].name, "PCMA"); /* the offer's order */
    sdp_own_plan_answer(&a, &c, &p);
    p.address = at(0);
    p.media[0].rtp = at(20000);
    sdp_own_print_answer(&b, &c, &p);
    text[b.n] = '\0';
    assert_non_null(strstr(text, "m=audio 20000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
                                 "a=ptime:30\r\na=recvonly\r\n"));
}

static void of_two_lines_the_policys_is_answered(void **state)
{
    (void)state;
    struct buf b = buf_over(text, sizeof(text) - 1);
    struct sdp_own_choice c;
    struct sdp_leg_plan p;
    assert_int_equal(sdp_parse(SLICE_LIT(SAMPLE_TWO_LINES), &a), SDP_OK);
    assert_int_equal(sdp_own_choose(&a, false, NULL, 0, &c), SDP_OWN_OK);
    assert_int_equal(c.media, 1);
    assert_int_equal(sdp_own_choose(&a, true, NULL, 0, &c), SDP_OWN_OK);
    assert_int_equal(c.media, 0);
    sdp_own_plan_answer(&a, &c, &p);
    p.address = at(0);
    p.media[0].rtp = at(20000);
    sdp_own_print_answer(&b, &c, &p);
    text[b.n] = '\0';
    assert_non_null(strstr(text, "m=audio 20000 RTP/SAVP 8 101\r\n"));
    assert_non_null(strstr(text, "m=audio 0 RTP/AVP 8 0 101\r\n"));
}

static void offers_that_nothing_fits(void **state)
{
    (void)state;
    const struct slice list[] = {SLICE_LIT("PCMA")};
    static const struct {
        const char *media;
        int want;
    } rows[] = {
        {"", SDP_OWN_NO_AUDIO},
        {"m=video 4 RTP/AVP 31\r\n", SDP_OWN_NO_AUDIO},
        {"m=audio 0 RTP/AVP 8\r\n", SDP_OWN_NO_AUDIO},
        {"m=audio 4 RTP/AVP 18\r\n", SDP_OWN_NO_CODEC},
        {"m=audio 4 RTP/AVP 13 101\r\na=rtpmap:101 telephone-event/8000\r\n", SDP_OWN_NO_CODEC},
        {"m=audio 4 RTP/AVP 18\r\nm=audio 4 RTP/AVP 8\r\n", SDP_OWN_OK},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sdp_own_choice c;
        struct buf b = buf_over(text, sizeof(text));
        buf_printf(&b, "v=0\r\nc=IN IP4 1.1.1.1\r\n%s", rows[i].media);
        assert_int_equal(sdp_parse(buf_slice(&b), &a), SDP_OK);
        assert_int_equal(sdp_own_choose(&a, true, list, 1, &c), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_without_a_peers_description),
        cmocka_unit_test(an_offer_follows_the_codec_list),
        cmocka_unit_test(an_echo_answers_the_first_codec_as_offered),
        cmocka_unit_test(a_tone_takes_what_it_can_make),
        cmocka_unit_test(of_two_lines_the_policys_is_answered),
        cmocka_unit_test(offers_that_nothing_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
