#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "sdp/leg.h"
#include "sdp/samples.h"

static struct sdp a, b, out;
static char text[8192], text2[8192];

static void parse(const char *s, struct sdp *ret)
{
    assert_int_equal(sdp_parse(slice_from_str(s), ret), SDP_OK);
}

static struct addr at(const char *host, uint16_t port)
{
    struct addr x;
    assert_int_equal(addr_parse(slice_from_str(host), port, &x), 0);
    return x;
}

static void fill(struct sdp_leg_plan *p)
{
    p->session_id = 77;
    p->address = at("192.0.2.1", 0);
    for (size_t i = 0; i < p->media_count; i++) {
        p->media[i].rtp = at("192.0.2.1", (uint16_t)(20000 + 2 * i));
        p->media[i].rtcp = at("192.0.2.1", (uint16_t)(20001 + 2 * i));
    }
}

/* Prints into `text` and parses it into `out`. */
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

static struct sdp_leg_plan offer_plan(const struct sdp *other, struct sdp_leg_map *map)
{
    struct sdp_leg_plan p;
    sdp_leg_map(other, true, map);
    sdp_leg_plan_offer(other, map, &p);
    fill(&p);
    return p;
}

static void keying_text_takes_media_lines_then_the_sessions(void **state)
{
    (void)state;
    struct buf w = buf_over(text, sizeof(text) - 1);
    parse("v=0\r\na=setup:actpass\r\na=fingerprint:sha-256 AA\r\na=ice-lite\r\na=tool:x\r\n"
          "a=key-mgmt:mikey AQ==\r\n"
          "m=audio 9 RTP/SAVP 8\r\na=setup:active\r\na=rtpmap:8 PCMA/8000\r\na=mid:0\r\n"
          "a=crypto:1 X inline:y\r\na=rtcp:53\r\na=rtcp-rsize\r\na=ssrc:1 cname:x\r\n"
          "a=candidate:1\r\na=ice-ufrag:u\r\na=rtcp-mux\r\n",
          &a);
    sdp_keying_text(&w, &a, &a.media[0]);
    text[w.n] = '\0';
    assert_string_equal(text, "a=setup:active\r\na=crypto:1 X inline:y\r\na=rtcp:53\r\n"
                              "a=ice-ufrag:u\r\na=rtcp-mux\r\n"
                              "a=fingerprint:sha-256 AA\r\na=ice-lite\r\n"
                              "a=session-key-mgmt:mikey AQ==\r\n");
}

static void nothing_of_a_browsers_leg_crosses_to_a_phone(void **state)
{
    (void)state;
    static const char *const never[] = {
        "candidate",
        "ice-",
        "fingerprint",
        "setup",
        "mid:",
        "BUNDLE",
        "msid",
        "ssrc:",
        "rtcp-mux",
        "rtcp-fb",
        "10.1.0.2",
        "WMS",
        "webrtc-datachannel",
        "4611731400430051336",
        "extmap",
    };
    struct sdp_leg_map map;
    parse(SAMPLE_CHROMIUM, &a);
    struct sdp_leg_plan p = offer_plan(&a, &map);
    assert_int_equal(map.forwarded, 1); /* the data channel stays behind */
    p.media[0].proto = SDP_SAVP;
    p.media[0].keying = SLICE_LIT("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n");
    print(&a, &p);
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        assert_silent(never[i]);
    assert_says("v=0\r\no=- 77 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n");
    assert_says("m=audio 20000 RTP/SAVP 111 63 9 0 8 13 110 126\r\n");
    assert_says("a=fmtp:111 minptime=10;useinbandfec=1\r\n");
    assert_says("a=rtcp-rsize\r\n");
    assert_says("a=sendrecv\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n");
}

static void the_answer_keeps_m_lines_and_mid_of_the_offer(void **state)
{
    (void)state;
    struct sdp_leg_map map;
    struct sdp_leg_plan p;
    parse(SAMPLE_CHROMIUM, &a);
    parse(SAMPLE_SIPP, &b);
    sdp_leg_map(&a, true, &map);
    sdp_leg_plan_answer(&a, &b, &map, &p);
    fill(&p);
    assert_int_equal(p.media[0].proto, SDP_UDP_TLS_SAVPF);
    p.media[0].rtcp_mux = true;
    p.media[0].keying = SLICE_LIT("a=fingerprint:sha-256 AA\na=setup:passive\na=rtcp-mux\n");
    print(&b, &p);
    assert_int_equal(out.media_count, 2);
    assert_says("m=audio 20000 UDP/TLS/RTP/SAVPF 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
                "a=mid:0\r\na=rtcp-mux\r\na=fingerprint:sha-256 AA\r\na=setup:passive\r\n"
                "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n");
    assert_int_equal(sdp_answer_check(&a, &out), SDP_FIT_OK);
}

static void feedback_under_avp_stays_and_leaves_only_a_feedback_profile(void **state)
{
    (void)state;
    struct sdp_leg_map map;
    parse(SAMPLE_LINPHONE_SDES, &a);
    struct sdp_leg_plan p = offer_plan(&a, &map);
    p.media[0].proto = SDP_AVP;
    print(&a, &p);
    assert_says("a=rtcp-fb:* trr-int 1000\r\n");
    assert_silent("crypto");
    assert_says("a=rtcp-xr:rcvr-rtt=all:10000"); /* unknown at session level: crosses */
    assert_says("m=audio 20000 RTP/AVP 96 97 98 0 8 18 101 99 100\r\n");
    assert_says("a=fmtp:18 annexb=yes\r\n");
}

static void codecs_are_filtered_and_ordered_by_the_policy(void **state)
{
    (void)state;
    const struct slice list[] = {SLICE_LIT("pcma"), SLICE_LIT("Speex/16000"), SLICE_LIT("iLBC"),
                                 SLICE_LIT("PCMU/8000")};
    struct sdp_leg_map map;
    parse(SAMPLE_LINPHONE_SDES, &a);
    struct sdp_leg_plan p = offer_plan(&a, &map);
    p.codecs = list;
    p.codec_count = ARRAY_LEN(list);
    print(&a, &p);
    /* events of 16000 and 8000 stay, of 48000 go with opus */
    assert_says("m=audio 20000 RTP/SAVP 8 97 0 99 100\r\n");
    assert_silent("opus");
    assert_silent("fmtp:18");
    assert_silent("rtpmap:101");
    assert_says("a=rtpmap:99 telephone-event/16000\r\n");

    const struct slice none[] = {SLICE_LIT("GSM")};
    p.codecs = none;
    p.codec_count = 1;
    print(&a, &p); /* no codec left: refused, never an empty list */
    assert_says("m=audio 0 RTP/SAVP 96 97 98 0 8 18 101 99 100\r\n");
    assert_int_equal(out.media[0].port, 0);
}

static void comfort_noise_follows_its_clock(void **state)
{
    (void)state;
    const struct slice opus[] = {SLICE_LIT("opus")}, pcma[] = {SLICE_LIT("PCMA")};
    uint8_t pt[SDP_FORMAT_MAX];
    parse(SAMPLE_CHROMIUM, &a);
    assert_int_equal(sdp_codecs_filter(&a, &a.media[0], opus, 1, pt), 2);
    assert_int_equal(pt[0], 111);
    assert_int_equal(pt[1], 110);
    assert_int_equal(sdp_codecs_filter(&a, &a.media[0], pcma, 1, pt), 3);
    assert_int_equal(pt[0], 8);
    assert_int_equal(pt[1], 13);
    assert_int_equal(pt[2], 126);
}

static void video_is_not_filtered_and_keeps_its_feedback(void **state)
{
    (void)state;
    const struct slice list[] = {SLICE_LIT("PCMA")};
    struct sdp_leg_map map;
    parse("v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 4 RTP/SAVPF 8 0\r\n"
          "m=video 6 RTP/SAVPF 96 97\r\nb=AS:512\r\na=rtpmap:96 VP8/90000\r\n"
          "a=rtcp-fb:96 nack pli\r\na=rtcp-fb:* ccm fir\r\na=rtpmap:97 rtx/90000\r\n"
          "a=fmtp:97 apt=96\r\na=content:main\r\n",
          &a);
    struct sdp_leg_plan p = offer_plan(&a, &map);
    p.codecs = list;
    p.codec_count = 1;
    print(&a, &p);
    assert_says("m=audio 20000 RTP/SAVPF 8\r\n");
    assert_says("m=video 20002 RTP/SAVPF 96 97\r\nb=AS:512\r\na=rtpmap:96 VP8/90000\r\n"
                "a=rtcp-fb:96 nack pli\r\na=rtcp-fb:* ccm fir\r\na=rtpmap:97 rtx/90000\r\n"
                "a=fmtp:97 apt=96\r\na=content:main\r\na=sendrecv\r\n");
}

static void rtcp_is_named_only_where_it_is_not_the_next_port(void **state)
{
    (void)state;
    struct sdp_leg_map map;
    parse(SAMPLE_SIPP, &a);
    struct sdp_leg_plan p = offer_plan(&a, &map);
    print(&a, &p);
    assert_silent("a=rtcp");
    p.media[0].rtcp = at("192.0.2.1", 30000);
    print(&a, &p);
    assert_says("a=rtcp:30000\r\n");
    p.media[0].rtcp = at("192.0.2.9", 30000);
    print(&a, &p);
    assert_says("a=rtcp:30000 IN IP4 192.0.2.9\r\n");
    p.media[0].rtcp_mux = true;
    print(&a, &p);
    assert_silent("a=rtcp:");
    assert_says("a=rtcp-mux\r\n");
    p.media[0].rtp = at("2001:db8::5", 4000);
    print(&a, &p);
    assert_says("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::5\r\n");
}

static void hold_crosses_also_in_its_old_form(void **state)
{
    (void)state;
    struct sdp_leg_map map;
    parse("v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 8\r\n", &a);
    struct sdp_leg_plan p = offer_plan(&a, &map);
    print(&a, &p);
    assert_says("a=sendonly\r\n");
    assert_silent("0.0.0.0");
}

static void an_answer_never_says_more_than_the_offer_allows(void **state)
{
    (void)state;
    static const struct {
        const char *offered, *said, *want;
    } rows[] = {
        {"sendrecv", "sendrecv", "a=sendrecv\r\n"}, {"sendonly", "sendrecv", "a=recvonly\r\n"},
        {"sendonly", "recvonly", "a=recvonly\r\n"}, {"sendonly", "sendonly", "a=inactive\r\n"},
        {"recvonly", "sendrecv", "a=sendonly\r\n"}, {"inactive", "sendrecv", "a=inactive\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sdp_leg_map map;
        struct sdp_leg_plan p;
        struct buf w = buf_over(text2, sizeof(text2));
        buf_printf(&w, "v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 4 RTP/AVP 8\r\na=%s\r\n",
                   rows[i].offered);
        assert_int_equal(sdp_parse(buf_slice(&w), &a), SDP_OK);
        const size_t n = w.n;
        buf_printf(&w, "v=0\r\nc=IN IP4 1.1.1.2\r\nm=audio 6 RTP/AVP 8\r\na=%s\r\n", rows[i].said);
        assert_int_equal(sdp_parse(slice_skip(buf_slice(&w), n), &b), SDP_OK);
        sdp_leg_map(&a, true, &map);
        sdp_leg_plan_answer(&a, &b, &map, &p);
        fill(&p);
        print(&b, &p);
        assert_says(rows[i].want);
    }
}

static void two_lines_of_optional_encryption_become_one(void **state)
{
    (void)state;
    struct sdp_leg_map map;
    struct sdp_leg_plan p;
    parse(SAMPLE_TWO_LINES, &a);
    assert_int_equal(sdp_media_pair(&a, 0), 1);
    assert_int_equal(sdp_media_pair(&a, 1), 0);
    p = offer_plan(&a, &map);
    assert_int_equal(map.forwarded, 1);
    assert_int_equal(map.to[0], 0);
    assert_int_equal(map.to[1], -1);
    print(&a, &p);
    assert_int_equal(out.media_count, 1);

    parse("v=0\r\nc=IN IP4 10.0.0.3\r\nm=audio 7000 RTP/AVP 8\r\n", &b);
    sdp_leg_plan_answer(&a, &b, &map, &p);
    fill(&p);
    print(&b, &p);
    assert_says("m=audio 20000 RTP/SAVP 8\r\n");
    assert_says("m=audio 0 RTP/AVP 8 0 101\r\n");

    sdp_leg_map(&a, false, &map); /* policy off: the clear line */
    assert_int_equal(map.to[0], -1);
    assert_int_equal(map.to[1], 0);
}

static void a_pair_keeps_its_place_when_one_line_is_refused(void **state)
{
    (void)state;
    struct sdp_leg_map map;
    parse("v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 0 RTP/SAVP 8\r\nm=video 2 RTP/SAVP 96\r\n"
          "m=audio 4 RTP/AVP 8 0\r\nm=video 0 RTP/AVP 96\r\nm=audio 6 RTP/AVP 8\r\n",
          &a);
    sdp_leg_map(&a, true, &map);
    assert_int_equal(map.forwarded, 3);
    assert_int_equal(map.to[2], 0); /* the SAVP line is dead: its living partner */
    assert_int_equal(map.to[1], 1);
    assert_int_equal(map.to[4], 2);
    assert_int_equal(map.to[0], -1);
    assert_int_equal(map.to[3], -1);
    assert_int_equal(sdp_media_pair(&a, 4), -1);
}

static void renewed_offers_never_lose_m_lines(void **state)
{
    (void)state;
    struct sdp_leg_map map;
    parse(SAMPLE_SIPP, &a);
    struct sdp_leg_plan p = offer_plan(&a, &map);
    p.pad_to = 3;
    print(&a, &p);
    assert_int_equal(out.media_count, 3);
    assert_int_equal(out.media[1].port, 0);
    p.pad_to = 255;
    print(&a, &p);
    assert_int_equal(out.media_count, SDP_MEDIA_MAX);
}

static void the_version_grows_only_with_a_change(void **state)
{
    (void)state;
    struct sdp_leg_map map;
    parse(SAMPLE_SIPP, &a);
    struct sdp_leg_plan p = offer_plan(&a, &map);
    print(&a, &p);
    assert_says("o=- 77 1 IN");
    memcpy(text2, text, sizeof(text));
    p.last = slice_from_str(text2);
    print(&a, &p);
    assert_says("o=- 77 1 IN");
    assert_string_equal(text, text2);
    p.media[0].direction_set = true;
    p.media[0].direction = SDP_SENDONLY;
    print(&a, &p);
    assert_says("o=- 77 2 IN");
    assert_says("a=sendonly\r\n");
    assert_false(sdp_text_same(slice_from_str(text), slice_from_str(text2)));
    assert_true(sdp_text_same(SLICE_LIT("v=0\r\no=- 1 1\r\ns=-\r\n"),
                              SLICE_LIT("v=0\r\no=- 1 22\r\ns=-\r\n")));
    assert_true(sdp_text_same(SLICE_NONE, SLICE_NONE));
    assert_false(sdp_text_same(SLICE_NONE, SLICE_LIT("v=0\r\n")));
}

static void a_buffer_too_small_overflows_and_says_so(void **state)
{
    (void)state;
    struct sdp_leg_map map;
    parse(SAMPLE_CHROMIUM, &a);
    struct sdp_leg_plan p = offer_plan(&a, &map);
    for (size_t cap = 0; cap < 300; cap += 7) {
        struct buf w = buf_over(text, cap);
        sdp_leg_print(&w, &a, &p);
        assert_true(w.overflow);
    }
}

static void answers_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum sdp_fit want;
    } rows[] = {
        {"m=audio 6 RTP/AVP 8\r\nm=video 0 RTP/AVP 96\r\n", SDP_FIT_OK},
        {"m=audio 0 RTP/AVP 8\r\nm=video 0 RTP/AVP 96\r\n", SDP_FIT_OK},
        {"m=audio 6 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\nm=video 0 RTP/AVP 96\r\n",
         SDP_FIT_OK}, /* another number for the same codec */
        {"m=audio 6 RTP/AVP 111\r\nm=video 0 RTP/AVP 96\r\n", SDP_FIT_OK}, /* no rtpmap */
        {"m=audio 6 RTP/AVP 8\r\n", SDP_FIT_MEDIA_COUNT},
        {"m=video 6 RTP/AVP 8\r\nm=video 0 RTP/AVP 96\r\n", SDP_FIT_KIND},
        {"m=audio 6 RTP/AVP 8\r\nm=video 4 RTP/AVP 96\r\n", SDP_FIT_REVIVED},
        {"m=audio 6 RTP/AVP 3\r\nm=video 0 RTP/AVP 96\r\n", SDP_FIT_FORMATS},
        {"m=audio 6 RTP/AVP 96\r\na=rtpmap:96 speex/8000\r\nm=video 0 RTP/AVP 96\r\n",
         SDP_FIT_FORMATS},
    };
    parse("v=0\r\nm=audio 4 RTP/AVP 8 111\r\na=rtpmap:111 opus/48000/2\r\nm=video 0 RTP/AVP 96\r\n",
          &a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf w = buf_over(text, sizeof(text));
        buf_printf(&w, "v=0\r\n%s", rows[i].answer);
        assert_int_equal(sdp_parse(buf_slice(&w), &b), SDP_OK);
        assert_int_equal(sdp_answer_check(&a, &b), rows[i].want);
    }
    for (int f = 0; f < SDP_FIT_COUNT; f++)
        assert_non_null(sdp_fit_why((enum sdp_fit)f));
}

static void changes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *now;
        unsigned want;
    } rows[] = {
        {"c=IN IP4 1.1.1.1\r\nm=audio 4 RTP/AVP 8\r\na=crypto:1 A b\r\na=x:1\r\n", 0},
        {"c=IN IP4 1.1.1.1\r\nm=audio 4 RTP/AVP 8\r\na=x:2\r\na=crypto:1 A b\r\n", 0},
        {"c=IN IP4 1.1.1.2\r\nm=audio 4 RTP/AVP 8\r\na=crypto:1 A b\r\n", SDP_CHANGE_ADDRESS},
        {"c=IN IP4 0.0.0.0\r\nm=audio 4 RTP/AVP 8\r\na=crypto:1 A b\r\n",
         SDP_CHANGE_ADDRESS | SDP_CHANGE_DIRECTION},
        {"c=IN IP4 1.1.1.1\r\nm=audio 4 RTP/AVP 8\r\na=crypto:1 A b\r\na=inactive\r\n",
         SDP_CHANGE_DIRECTION},
        {"c=IN IP4 1.1.1.1\r\nm=audio 4 RTP/AVP 8 0\r\na=crypto:1 A b\r\n", SDP_CHANGE_CODECS},
        {"c=IN IP4 1.1.1.1\r\nm=audio 4 RTP/AVP 8\r\na=ptime:30\r\na=crypto:1 A b\r\n",
         SDP_CHANGE_CODECS},
        {"c=IN IP4 1.1.1.1\r\nm=audio 4 RTP/AVP 8\r\na=crypto:1 A c\r\n", SDP_CHANGE_KEYING},
        {"c=IN IP4 1.1.1.1\r\nm=audio 4 RTP/AVP 8\r\n", SDP_CHANGE_KEYING},
        {"c=IN IP4 1.1.1.1\r\na=setup:active\r\nm=audio 4 RTP/AVP 8\r\na=crypto:1 A b\r\n",
         SDP_CHANGE_KEYING},
        {"c=IN IP4 1.1.1.1\r\nm=audio 4 RTP/SAVP 8\r\na=crypto:1 A b\r\n", SDP_CHANGE_MEDIA},
        {"c=IN IP4 1.1.1.1\r\nm=audio 4 RTP/AVP 8\r\na=crypto:1 A b\r\nm=video 0 RTP/AVP 31\r\n",
         SDP_CHANGE_MEDIA},
        {"c=IN IP4 1.1.1.1\r\nm=audio 0 RTP/AVP 8\r\na=crypto:1 A b\r\n",
         SDP_CHANGE_MEDIA | SDP_CHANGE_ADDRESS},
    };
    parse("v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 4 RTP/AVP 8\r\na=crypto:1 A b\r\n", &a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf w = buf_over(text, sizeof(text));
        buf_printf(&w, "v=0\r\n%s", rows[i].now);
        assert_int_equal(sdp_parse(buf_slice(&w), &b), SDP_OK);
        assert_int_equal(sdp_changes(&a, &b), rows[i].want);
        assert_int_equal(sdp_changes(&b, &a), rows[i].want);
    }
}

static const char keyed[] =
    "v=0\r\nc=IN IP4 198.51.100.7\r\na=fingerprint:sha-256 AA\r\n"
    "m=audio 5000 RTP/SAVP 8\r\na=crypto:1 X inline:Y\r\na=setup:actpass\r\n"
    "a=zrtp-hash:1.10 77\r\na=key-mgmt:mikey AQ==\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:0123456789012345678901\r\na=rtcp-mux\r\na=rtcp:5001\r\n"
    "a=candidate:1 1 UDP 1 198.51.100.7 5000 typ host\r\n";

static void keying_that_passes_crosses_and_nothing_else_of_the_transport(void **state)
{
    struct sdp_leg_map map;
    (void)state;
    parse(keyed, &a);
    struct sdp_leg_plan p = offer_plan(&a, &map);
    p.crossing = 1u << KEYING_ZRTP | 1u << KEYING_DTLS;
    print(&a, &p);
    assert_says("m=audio 20000 RTP/SAVP 8\r\n");
    assert_says("a=zrtp-hash:1.10 77\r\n");
    assert_says("a=fingerprint:sha-256 AA\r\n");
    assert_says("a=setup:actpass\r\n");
    assert_silent("a=crypto"); /* not of the keyings that both may use */
    assert_silent("a=key-mgmt");
    assert_silent("a=ice-");
    assert_silent("a=candidate");
    assert_silent("198.51.100.7");
    p.crossing = 1u << KEYING_SDES | 1u << KEYING_MIKEY;
    print(&a, &p);
    assert_says("a=crypto:1 X inline:Y\r\n");
    assert_says("a=key-mgmt:mikey AQ==\r\n");
    assert_silent("a=zrtp-hash");
    assert_silent("a=fingerprint");
    assert_silent("a=setup");
}

static void what_goes_directly_keeps_its_ice(void **state)
{
    struct sdp_leg_map map;
    (void)state;
    parse(keyed, &a);
    struct sdp_leg_plan p = offer_plan(&a, &map);
    p.crossing = 1u << KEYING_ZRTP;
    p.direct = true;
    p.media[0].rtp = at("198.51.100.7", 5000);
    memset(&p.media[0].rtcp, 0, sizeof(p.media[0].rtcp));
    print(&a, &p);
    assert_says("m=audio 5000 RTP/SAVP 8\r\nc=IN IP4 198.51.100.7\r\n");
    assert_says("a=ice-ufrag:abcd\r\n");
    assert_says("a=candidate:1 1 UDP 1 198.51.100.7 5000 typ host\r\n");
    assert_says("a=rtcp-mux\r\n");
    assert_says("a=zrtp-hash:1.10 77\r\n");
    assert_silent("a=crypto");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keying_that_passes_crosses_and_nothing_else_of_the_transport),
        cmocka_unit_test(what_goes_directly_keeps_its_ice),
        cmocka_unit_test(keying_text_takes_media_lines_then_the_sessions),
        cmocka_unit_test(nothing_of_a_browsers_leg_crosses_to_a_phone),
        cmocka_unit_test(the_answer_keeps_m_lines_and_mid_of_the_offer),
        cmocka_unit_test(feedback_under_avp_stays_and_leaves_only_a_feedback_profile),
        cmocka_unit_test(codecs_are_filtered_and_ordered_by_the_policy),
        cmocka_unit_test(comfort_noise_follows_its_clock),
        cmocka_unit_test(video_is_not_filtered_and_keeps_its_feedback),
        cmocka_unit_test(rtcp_is_named_only_where_it_is_not_the_next_port),
        cmocka_unit_test(hold_crosses_also_in_its_old_form),
        cmocka_unit_test(an_answer_never_says_more_than_the_offer_allows),
        cmocka_unit_test(two_lines_of_optional_encryption_become_one),
        cmocka_unit_test(a_pair_keeps_its_place_when_one_line_is_refused),
        cmocka_unit_test(renewed_offers_never_lose_m_lines),
        cmocka_unit_test(the_version_grows_only_with_a_change),
        cmocka_unit_test(a_buffer_too_small_overflows_and_says_so),
        cmocka_unit_test(answers_are_checked),
        cmocka_unit_test(changes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
