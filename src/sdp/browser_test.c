/* A browser's leg against a desk phone's and another browser's, with offers that Chromium made
 * (tests/corpus/sdp-sdp). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "sdp/attr.h"
#include "sdp/leg.h"
#include "sdp/samples.h"

static struct sdp browser, phone, out;
static char recorded[SDP_LEN_MAX], text[SDP_LEN_MAX + 1], before[SDP_LEN_MAX + 1];

#define LITE "a=ice-lite\r\na=ice-ufrag:ours\r\na=ice-pwd:0123456789012345678901\r\n"

static void record(const char *name, struct sdp *ret)
{
    char path[128];
    snprintf(path, sizeof(path), "tests/corpus/sdp-sdp/%s", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(recorded, 1, sizeof(recorded), f);
    fclose(f);
    assert_int_equal(sdp_parse(slice_from(recorded, n), ret), SDP_OK);
}

static void parse(const char *s, struct sdp *ret)
{
    assert_int_equal(sdp_parse(slice_from_str(s), ret), SDP_OK);
}

static void fill(struct sdp_leg_plan *p, const char *keying, bool bundled)
{
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), 20000, &p->address), 0);
    p->session_id = 77;
    for (size_t i = 0; i < p->media_count; i++) {
        p->media[i].rtp = p->media[i].rtcp = p->address;
        addr_set_port(&p->media[i].rtp, (uint16_t)(bundled ? 20000 : 20000 + 2 * i));
        p->media[i].rtcp_mux = p->media[i].bundled = bundled;
        p->media[i].keying = slice_from_str(keying);
    }
}

static void print(const struct sdp *other, const struct sdp_leg_plan *p)
{
    struct buf w = buf_over(text, sizeof(text) - 1);
    sdp_leg_print(&w, other, p);
    assert_false(w.overflow);
    text[w.n] = '\0';
    assert_int_equal(sdp_parse(buf_slice(&w), &out), SDP_OK);
}

static void assert_says(const char *line)
{
    if (!strstr(text, line))
        fail_msg("no \"%s\" in:\n%s", line, text);
}

static void assert_silent(const char *line)
{
    if (strstr(text, line))
        fail_msg("\"%s\" in:\n%s", line, text);
}

static struct sdp_leg_plan answer_plan(const struct sdp *offer, const struct sdp *other)
{
    struct sdp_leg_map map;
    struct sdp_leg_plan p;
    sdp_leg_map(offer, true, &map);
    sdp_leg_plan_answer(offer, other, &map, &p);
    fill(&p, LITE, true);
    return p;
}

static void an_audio_offer_is_answered_as_browsers_read_it(void **state)
{
    (void)state;
    record("chromium-audio", &browser);
    parse("v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"
          "m=audio 4000 RTP/SAVP 8 126\r\na=rtpmap:8 PCMA/8000\r\n"
          "a=rtpmap:126 telephone-event/8000\r\na=rtcp-fb:* trr-int 1000\r\n"
          "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
          "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\na=sendrecv\r\n",
          &phone);
    struct sdp_leg_plan p = answer_plan(&browser, &phone);
    print(&phone, &p);
    assert_string_equal(
        text, "v=0\r\no=- 77 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
              "a=group:BUNDLE 0\r\na=ice-lite\r\n"
              "m=audio 20000 UDP/TLS/RTP/SAVPF 8 126\r\na=rtpmap:8 PCMA/8000\r\n"
              "a=rtpmap:126 telephone-event/8000\r\na=sendrecv\r\na=mid:0\r\na=rtcp-mux\r\n"
              "a=ice-ufrag:ours\r\na=ice-pwd:0123456789012345678901\r\n");
    assert_int_equal(sdp_answer_check(&browser, &out), SDP_FIT_OK);
}

static void video_that_is_refused_leaves_the_bundle(void **state)
{
    (void)state;
    record("chromium-av", &browser);
    parse(SAMPLE_SIPP "m=video 0 RTP/AVP 96\r\n", &phone);
    struct sdp_leg_plan p = answer_plan(&browser, &phone);
    print(&phone, &p);
    assert_says("a=group:BUNDLE 0\r\n");
    assert_says("m=video 0 UDP/TLS/RTP/SAVPF ");
    assert_says("a=mid:1\r\n");
    assert_int_equal(out.media_count, 2);
    /* … and where it is not bundled at all, is not named either */
    parse(SAMPLE_SIPP "m=video 4 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n", &phone);
    p = answer_plan(&browser, &phone);
    p.media[1].bundled = false;
    print(&phone, &p);
    assert_says("a=group:BUNDLE 0\r\n");
    assert_int_not_equal(out.media[1].port, 0);
}

static void a_browser_answers_a_browser(void **state)
{
    (void)state;
    record("chromium-av", &browser);
    parse("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE s0 s1\r\n"
          "m=audio 9 UDP/TLS/RTP/SAVPF 111 126\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n"
          "a=ice-pwd:0123456789012345678901\r\na=mid:s0\r\na=rtpmap:111 opus/48000/2\r\n"
          "a=rtpmap:126 telephone-event/8000\r\na=rtcp-rsize\r\n"
          "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
          "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
          "a=rtcp-fb:111 transport-cc\r\n"
          "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:s1\r\n"
          "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
          "a=extmap:14/sendonly urn:ietf:params:rtp-hdrext:toffset\r\n"
          "a=extmap:12 urn:3gpp:video-orientation\r\n"
          "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
          "\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 made up\r\n",
          &phone);
    assert_int_equal(sdp_direction_of(&phone, &phone.media[0]), SDP_SENDRECV); /* not held */
    struct sdp_leg_plan p = answer_plan(&browser, &phone);
    print(&phone, &p);
    assert_says("a=group:BUNDLE 0 1\r\n");
    assert_says("a=rtcp-rsize\r\n");
    assert_says("a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n");
    assert_says("a=extmap:14/sendonly urn:ietf:params:rtp-hdrext:toffset\r\n");
    assert_says("a=rtcp-fb:96 nack pli\r\n");
    assert_silent("transport-cc");
    assert_silent("transport-wide");
    assert_silent("sdes:mid");
    assert_silent("made up");
    assert_silent("a=extmap:12"); /* the browser called that 13 */
    assert_silent("a=mid:s0");
    assert_silent("abcd");
}

static void our_offer_to_a_browser_names_its_streams_and_keeps_the_names(void **state)
{
    (void)state;
    struct sdp_leg_map map;
    struct sdp_leg_plan p;
    parse("v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"
          "m=audio 4000 RTP/AVP 8\r\na=mid:theirs\r\na=rtcp-fb:* nack\r\n"
          "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n",
          &phone);
    sdp_leg_map(&phone, true, &map);
    sdp_leg_plan_offer(&phone, &map, &p);
    fill(&p, LITE, true);
    p.media[0].proto = p.media[1].proto = SDP_UDP_TLS_SAVPF;
    print(&phone, &p);
    assert_says("a=group:BUNDLE s0 s1\r\na=ice-lite\r\nm=audio 20000 UDP/TLS/RTP/SAVPF 8\r\n");
    assert_says("a=mid:s0\r\na=rtcp-mux\r\na=ice-ufrag:ours\r\n");
    assert_says("m=video 20000 UDP/TLS/RTP/SAVPF 96\r\n");
    assert_says("a=mid:s1\r\n");
    assert_silent("nack");
    assert_silent("theirs");
    assert_silent("\r\na=ice-lite\r\na=ice-ufrag"); /* of the session alone */

    /* a later offer of ours on a leg whose peer had offered first */
    memcpy(before, text, sizeof(text));
    for (char *at = strstr(before, "a=mid:s"); at; at = strstr(at, "a=mid:s"))
        memcpy(at, "a=mid:X", 7);
    p.last = slice_from_str(before);
    print(&phone, &p);
    assert_says("a=group:BUNDLE X0 X1\r\n");
    assert_says("a=mid:X1\r\n");
    for (size_t i = 0; i < 2; i++)
        p.media[i].bundled = false; /* a desk phone that named its streams */
    print(&phone, &p);
    assert_silent("BUNDLE");
    assert_says("a=mid:X1\r\n");
    p.last = SLICE_NONE;
    print(&phone, &p);
    assert_silent("a=mid");
}

static void bundle_only_lines_are_alive(void **state)
{
    (void)state;
    record("chromium-bundle-only", &browser);
    assert_int_equal(browser.media_count, 2);
    assert_int_equal(browser.media[1].port, browser.media[0].port);
    assert_int_equal(sdp_bundle_owner(&browser, 1, 3), 0);
    assert_int_equal(sdp_bundle_owner(&browser, 0, 3), 0);
    assert_int_equal(sdp_bundle_owner(&browser, 1, 2), 1); /* the first that is relayed */
    assert_int_equal(sdp_bundle_owner(&browser, 1, 1), -1);
    assert_int_equal(sdp_bundle_owner(&browser, 2, 7), -1);

    static const char *const dead[] = {
        /* without group, without mid, in another semantics, its owner refused */
        "m=audio 9 RTP/AVP 0\r\na=mid:0\r\nm=video 0 RTP/AVP 31\r\na=mid:1\r\na=bundle-only\r\n",
        "a=group:BUNDLE 0 1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\nm=video 0 RTP/AVP 31\r\n"
        "a=bundle-only\r\n",
        "a=group:LS 0 1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\nm=video 0 RTP/AVP 31\r\na=mid:1\r\n"
        "a=bundle-only\r\n",
        "a=group:BUNDLE 0 1\r\nm=audio 0 RTP/AVP 0\r\na=mid:0\r\nm=video 0 RTP/AVP 31\r\n"
        "a=mid:1\r\na=bundle-only\r\n",
        "a=group:BUNDLE 0 1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\nm=video 0 RTP/AVP 31\r\n"
        "a=mid:1\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(dead); i++) {
        struct buf w = buf_over(text, sizeof(text));
        buf_printf(&w, "v=0\r\n%s", dead[i]);
        assert_int_equal(sdp_parse(buf_slice(&w), &out), SDP_OK);
        assert_int_equal(out.media[1].port, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_audio_offer_is_answered_as_browsers_read_it),
        cmocka_unit_test(video_that_is_refused_leaves_the_bundle),
        cmocka_unit_test(a_browser_answers_a_browser),
        cmocka_unit_test(our_offer_to_a_browser_names_its_streams_and_keeps_the_names),
        cmocka_unit_test(bundle_only_lines_are_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
