#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "sdp/attr.h"
#include "sdp/samples.h"
#include "sdp/sdp.h"

static struct sdp d;

static void parse(const char *text)
{
    assert_int_equal(sdp_parse(slice_from_str(text), &d), SDP_OK);
}

static void assert_slice(struct slice s, const char *want)
{
    assert_int_equal(s.n, strlen(want));
    assert_memory_equal(s.p, want, s.n);
}

static void desk_phone_is_read_whole(void **state)
{
    (void)state;
    struct sdp_codec c[SDP_FORMAT_MAX];
    parse(SAMPLE_DESK_PHONE);
    assert_slice(d.origin, "- 3724394400 3724394400 IN IP4 192.168.1.10");
    assert_slice(d.name, "pjmedia");
    assert_slice(d.timing, "0 0");
    assert_slice(d.bandwidth[0], "AS:84");
    assert_int_equal(d.media_count, 1);
    const struct sdp_media *m = &d.media[0];
    assert_int_equal(m->kind, SDP_AUDIO);
    assert_int_equal(m->port, 4000);
    assert_int_equal(m->port_count, 1);
    assert_int_equal(m->proto, SDP_AVP);
    assert_slice(m->formats, "96 9 8 0 101");
    assert_slice(m->bandwidth[0], "TIAS:64000");
    assert_int_equal(sdp_codecs(&d, m, c, SDP_FORMAT_MAX), 5);
    assert_string_equal(c[0].name, "OPUS");
    assert_int_equal(c[0].clock, 48000);
    assert_int_equal(c[0].channels, 2);
    assert_int_equal(c[0].ptime, 20);
    assert_string_equal(c[4].name, "TELEPHONE-EVENT");
    assert_slice(sdp_fmtp(&d, m, 101), "0-16");
    assert_int_equal(sdp_fmtp(&d, m, 8).n, 0);
    assert_non_null(sdp_attr_find_name(&d, NULL, SLICE_LIT("X-nat")));
    assert_null(sdp_attr_find_name(&d, m, SLICE_LIT("X-nat")));
    assert_int_equal(sdp_codecs(&d, m, c, 2), 2);
}

static void static_types_need_no_rtpmap(void **state)
{
    (void)state;
    static const struct {
        uint8_t pt;
        const char *name;
        uint32_t clock;
    } rows[] = {{0, "PCMU", 8000}, {3, "GSM", 8000}, {4, "G723", 8000}, {8, "PCMA", 8000},
                {9, "G722", 8000}, {13, "CN", 8000}, {18, "G729", 8000}};
    parse("v=0\r\nc=IN IP4 1.2.3.4\r\nm=audio 9000 RTP/AVP 0 3 4 8 9 13 18 97\r\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sdp_codec c;
        assert_true(sdp_codec_of(&d, &d.media[0], rows[i].pt, &c));
        assert_string_equal(c.name, rows[i].name);
        assert_int_equal(c.clock, rows[i].clock);
        assert_int_equal(c.channels, 1);
    }
    struct sdp_codec c;
    assert_false(sdp_codec_of(&d, &d.media[0], 97, &c)); /* dynamic without a map */
    assert_false(sdp_codec_of(&d, &d.media[0], 2, &c));  /* reserved */
}

static void a_map_wins_over_the_static_table_and_bad_maps_lose(void **state)
{
    (void)state;
    struct sdp_codec c;
    parse("v=0\nm=audio 9 RTP/AVP 0 96 97 98 99\na=rtpmap:0 L16/16000\n"
          "a=rtpmap:96 abcdefghijklmno/8000\na=rtpmap:97 abcdefghijklmnop/8000\n"
          "a=rtpmap:98 X/0\na=rtpmap:99 speex/16000/0\n");
    assert_true(sdp_codec_of(&d, &d.media[0], 0, &c));
    assert_string_equal(c.name, "L16");
    assert_true(sdp_codec_of(&d, &d.media[0], 96, &c)); /* 15: the most that fits */
    assert_false(sdp_codec_of(&d, &d.media[0], 97, &c));
    assert_false(sdp_codec_of(&d, &d.media[0], 98, &c)); /* nobody may divide by it */
    assert_true(sdp_codec_of(&d, &d.media[0], 99, &c));
    assert_int_equal(c.channels, 1);
}

static void sloppy_texts_are_taken(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "v=0\nm=audio 4000 RTP/AVP 8\nc=IN IP4 10.0.0.1", /* LF, no end, c= at media */
        "\r\n\r\nv=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 8\r\n", /* blank lines first */
        "v=0 \r\nc=  IN  IP4  10.0.0.1 \r\nm=audio  4000   RTP/AVP   8 \r\n",
        "v=0\r\n\r\nc=IN IP4 10.0.0.1\r\n\r\nm=audio 4000 rtp/avp 8\r\n\r\n",
        "v=0\nz=0 0\nk=clear:x\nr=7d\nu=x\nc=IN IP4 10.0.0.1/127\nm=AUDIO 4000/1 RTP/AVP 8\n",
        "v=0\r\ns=\r\no=\r\nt=\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 8\r\na=\r\na=:\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct addr a;
        char s[ADDR_STR_MAX];
        parse(texts[i]);
        assert_int_equal(d.media_count, 1);
        assert_int_equal(d.media[0].kind, SDP_AUDIO);
        assert_int_equal(d.media[0].proto, SDP_AVP);
        assert_int_equal(d.media[0].pt_count, 1);
        assert_true(sdp_rtp_addr(&d, &d.media[0], &a));
        assert_string_equal(addr_str(&a, s), "10.0.0.1:4000");
    }
}

static void broken_texts_get_their_verdict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int verdict;
    } rows[] = {
        {"", SDP_EMPTY},
        {"\r\n \r\n", SDP_EMPTY},
        {"m=audio 1 RTP/AVP 0\r\n", SDP_BAD_VERSION},
        {"v=1\r\n", SDP_BAD_VERSION},
        {"v0\r\n", SDP_BAD_VERSION},
        {"v=0\r\nhello\r\n", SDP_BAD_LINE},
        {"v=0\r\nA=x\r\n", SDP_BAD_LINE},
        {"v=0\r\na\r\n", SDP_BAD_LINE},
        {"v=0\r\nm=\r\n", SDP_BAD_MEDIA},
        {"v=0\r\nm=audio\r\n", SDP_BAD_MEDIA},
        {"v=0\r\nm=audio 65536 RTP/AVP 0\r\n", SDP_BAD_MEDIA},
        {"v=0\r\nm=audio -1 RTP/AVP 0\r\n", SDP_BAD_MEDIA},
        {"v=0\r\nm=audio 1/x RTP/AVP 0\r\n", SDP_BAD_MEDIA},
        {"v=0\r\nm=audio 1 RTP/AVP\r\n", SDP_BAD_MEDIA},
        {"v=0\r\nm=audio 0\r\n", SDP_BAD_MEDIA},
        {"v=0\r\nc=10.0.0.1\r\n", SDP_BAD_CONNECTION},
        {"v=0\r\nc=IN IP4\r\n", SDP_BAD_CONNECTION},
        {"v=0\r\nc=ATM NSAP 47\r\n", SDP_BAD_CONNECTION},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(sdp_parse(slice_from_str(rows[i].text), &d), rows[i].verdict);
    assert_int_equal(sdp_parse(slice_from("v=0\r\n\0\r\n", 8), &d), SDP_BAD_LINE);
    for (int v = 0; v < SDP_VERDICT_COUNT; v++)
        assert_non_null(sdp_verdict_why((enum sdp_verdict)v));
    /* a refused stream needs no list */
    parse("v=0\r\nm=audio 0 RTP/AVP\r\n");
    assert_int_equal(d.media[0].pt_count, 0);
}

/* `head`, n times `line`, `tail`. */
static int parse_repeated(const char *head, const char *line, size_t n, const char *tail)
{
    static char text[SDP_LEN_MAX + 64];
    struct buf b = buf_over(text, sizeof(text));
    buf_put_str(&b, head);
    for (size_t i = 0; i < n; i++)
        buf_put_str(&b, line);
    buf_put_str(&b, tail);
    assert_false(b.overflow);
    return sdp_parse(buf_slice(&b), &d);
}

static void limits_hold_and_one_past_them_is_a_verdict(void **state)
{
    (void)state;
    const char *m = "m=audio 4000 RTP/AVP 8\r\n";
    assert_int_equal(parse_repeated("v=0\r\n", m, SDP_MEDIA_MAX, ""), SDP_OK);
    assert_int_equal(d.media_count, SDP_MEDIA_MAX);
    assert_int_equal(parse_repeated("v=0\r\n", m, SDP_MEDIA_MAX + 1, ""), SDP_TOO_MANY_MEDIA);

    const char *fm = "v=0\r\nm=audio 4000 RTP/AVP";
    assert_int_equal(parse_repeated(fm, " 8", SDP_FORMAT_MAX, "\r\n"), SDP_OK);
    assert_int_equal(d.media[0].pt_count, SDP_FORMAT_MAX);
    assert_int_equal(parse_repeated(fm, " 8", SDP_FORMAT_MAX + 1, "\r\n"), SDP_TOO_MANY_FORMATS);
    assert_int_equal(parse_repeated(fm, " x", SDP_FORMAT_MAX + 1, "\r\n"), SDP_TOO_MANY_FORMATS);

    const char *two = "v=0\r\na=session\r\nm=audio 4000 RTP/AVP 8\r\n";
    assert_int_equal(parse_repeated(two, "a=x:y\r\n", SDP_ATTR_MAX - 1, ""), SDP_OK);
    assert_int_equal(d.attr_count, 1);
    assert_int_equal(d.media[0].attr_count, SDP_ATTR_MAX - 1);
    assert_int_equal(parse_repeated(two, "a=x:y\r\n", SDP_ATTR_MAX, ""), SDP_TOO_MANY_ATTRS);

    const char *b = "b=AS:1\r\n";
    assert_int_equal(parse_repeated("v=0\r\n", b, SDP_BANDWIDTH_MAX, ""), SDP_OK);
    assert_int_equal(parse_repeated("v=0\r\n", b, SDP_BANDWIDTH_MAX + 1, ""),
                     SDP_TOO_MANY_BANDWIDTHS);
    assert_int_equal(parse_repeated(two, b, SDP_BANDWIDTH_MAX + 1, ""), SDP_TOO_MANY_BANDWIDTHS);

    assert_int_equal(parse_repeated("v=0\r\ni=", "x", SDP_LEN_MAX - 7, ""), SDP_OK);
    assert_int_equal(parse_repeated("v=0\r\ni=", "x", SDP_LEN_MAX - 6, ""), SDP_TOO_LONG);
}

static void payload_types_end_at_127(void **state)
{
    (void)state;
    parse("v=0\r\nm=audio 1 RTP/AVP 127\r\nm=audio 1 RTP/AVP 8 128\r\n"
          "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nm=image 9 udptl t38\r\n");
    assert_int_equal(d.media[0].pt_count, 1);
    assert_int_equal(d.media[1].pt_count, 0);
    assert_slice(d.media[1].formats, "8 128");
    assert_int_equal(d.media[2].kind, SDP_APPLICATION);
    assert_int_equal(d.media[2].proto, SDP_PROTO_OTHER);
    assert_int_equal(d.media[3].kind, SDP_KIND_OTHER);
}

static void every_proto_has_its_name(void **state)
{
    (void)state;
    for (unsigned p = 0; p < SDP_PROTO_OTHER; p++) {
        char text[128];
        struct buf b = buf_over(text, sizeof(text));
        buf_printf(&b, "v=0\r\nm=video 2/2 %s 31\r\n", sdp_proto_name((enum sdp_proto)p));
        assert_int_equal(sdp_parse(buf_slice(&b), &d), SDP_OK);
        assert_int_equal(d.media[0].proto, p);
        assert_int_equal(d.media[0].kind, SDP_VIDEO);
        assert_int_equal(d.media[0].port_count, 2);
    }
    assert_false(sdp_proto_is_secure(SDP_AVPF));
    assert_true(sdp_proto_is_secure(SDP_UDP_TLS_SAVPF));
    assert_true(sdp_proto_is_feedback(SDP_AVPF));
    assert_false(sdp_proto_is_feedback(SDP_UDP_TLS_SAVP));
}

static void every_known_attribute_is_found_by_its_name(void **state)
{
    (void)state;
    static const char *const names[SDP_A_COUNT] = {
        [SDP_A_RTPMAP] = "rtpmap",
        [SDP_A_FMTP] = "fmtp",
        [SDP_A_PTIME] = "ptime",
        [SDP_A_MAXPTIME] = "maxptime",
        [SDP_A_RTCP_FB] = "rtcp-fb",
        [SDP_A_EXTMAP] = "extmap",
        [SDP_A_RTCP_RSIZE] = "rtcp-rsize",
        [SDP_A_EXTMAP_ALLOW_MIXED] = "extmap-allow-mixed",
        [SDP_A_SENDRECV] = "sendrecv",
        [SDP_A_SENDONLY] = "sendonly",
        [SDP_A_RECVONLY] = "recvonly",
        [SDP_A_INACTIVE] = "inactive",
        [SDP_A_CRYPTO] = "crypto",
        [SDP_A_FINGERPRINT] = "fingerprint",
        [SDP_A_SETUP] = "setup",
        [SDP_A_CONNECTION] = "connection",
        [SDP_A_TLS_ID] = "tls-id",
        [SDP_A_ZRTP_HASH] = "zrtp-hash",
        [SDP_A_KEY_MGMT] = "key-mgmt",
        [SDP_A_ICE_UFRAG] = "ice-ufrag",
        [SDP_A_ICE_PWD] = "ice-pwd",
        [SDP_A_ICE_OPTIONS] = "ice-options",
        [SDP_A_ICE_LITE] = "ice-lite",
        [SDP_A_ICE_MISMATCH] = "ice-mismatch",
        [SDP_A_ICE_PACING] = "ice-pacing",
        [SDP_A_CANDIDATE] = "candidate",
        [SDP_A_END_OF_CANDIDATES] = "end-of-candidates",
        [SDP_A_REMOTE_CANDIDATES] = "remote-candidates",
        [SDP_A_RTCP] = "rtcp",
        [SDP_A_RTCP_MUX] = "rtcp-mux",
        [SDP_A_RTCP_MUX_ONLY] = "rtcp-mux-only",
        [SDP_A_SSRC] = "ssrc",
        [SDP_A_SSRC_GROUP] = "ssrc-group",
        [SDP_A_MSID] = "msid",
        [SDP_A_MSID_SEMANTIC] = "msid-semantic",
        [SDP_A_MID] = "mid",
        [SDP_A_GROUP] = "group",
        [SDP_A_BUNDLE_ONLY] = "bundle-only",
        [SDP_A_ACAP] = "acap",
        [SDP_A_TCAP] = "tcap",
        [SDP_A_PCFG] = "pcfg",
        [SDP_A_ACFG] = "acfg",
        [SDP_A_CSUP] = "csup",
        [SDP_A_CREQ] = "creq",
        [SDP_A_ENCRYPTION] = "encryption",
    };
    for (unsigned id = 1; id < SDP_A_COUNT; id++) {
        assert_non_null(names[id]);
        assert_int_equal(sdp_attr_id_of(slice_from_str(names[id])), id);
    }
    assert_int_equal(sdp_attr_id_of(SLICE_LIT("Crypto")), SDP_A_OTHER);
    assert_int_equal(sdp_attr_id_of(SLICE_LIT("cryptp")), SDP_A_OTHER);
    assert_int_equal(sdp_attr_id_of(SLICE_LIT("")), SDP_A_OTHER);
    assert_int_equal(sdp_attr_id_of(SLICE_LIT("a-name-far-longer-than-all")), SDP_A_OTHER);
}

static void assert_addr(bool (*get)(const struct sdp *, const struct sdp_media *, struct addr *),
                        size_t i, const char *want)
{
    struct addr a;
    char s[ADDR_STR_MAX];
    bool has = get(&d, &d.media[i], &a);
    assert_int_equal(has, want != NULL);
    if (has)
        assert_string_equal(addr_str(&a, s), want);
}

static void addresses_are_effective_per_media(void **state)
{
    (void)state;
    parse("v=0\r\nc=IN IP4 10.0.0.1\r\n"
          "m=audio 4000 RTP/AVP 8\r\n"
          "m=audio 4002 RTP/AVP 8\r\nc=IN IP6 2001:db8::7\r\na=rtcp:5000\r\n"
          "m=audio 4004 RTP/AVP 8\r\na=rtcp:5002 IN IP4 10.0.0.9\r\n"
          "m=audio 4006 RTP/AVP 8\r\na=rtcp:5004\r\na=rtcp-mux\r\n"
          "m=audio 0 RTP/AVP 8\r\n"
          "m=audio 4008 RTP/AVP 8\r\nc=IN IP4 phone.example.org\r\n"
          "m=audio 65535 RTP/AVP 8\r\n"
          "m=audio 4010 RTP/AVP 8\r\na=rtcp:99999\r\n");
    assert_addr(sdp_rtp_addr, 0, "10.0.0.1:4000");
    assert_addr(sdp_rtcp_addr, 0, "10.0.0.1:4001");
    assert_addr(sdp_rtp_addr, 1, "[2001:db8::7]:4002");
    assert_addr(sdp_rtcp_addr, 1, "[2001:db8::7]:5000");
    assert_addr(sdp_rtcp_addr, 2, "10.0.0.9:5002");
    assert_addr(sdp_rtcp_addr, 3, "10.0.0.1:4006");
    assert_addr(sdp_rtp_addr, 4, NULL);
    assert_addr(sdp_rtp_addr, 5, NULL);
    assert_addr(sdp_rtp_addr, 6, "10.0.0.1:65535");
    assert_addr(sdp_rtcp_addr, 6, NULL);
    assert_addr(sdp_rtcp_addr, 7, "10.0.0.1:4011");
    parse("v=0\r\nm=audio 4000 RTP/AVP 8\r\n"); /* no c= at all */
    assert_addr(sdp_rtp_addr, 0, NULL);
}

static void hold_is_seen_in_all_its_forms(void **state)
{
    (void)state;
    static const struct {
        const char *c, *session, *media;
        enum sdp_direction want;
        bool held;
    } rows[] = {
        {"10.0.0.1", "", "", SDP_SENDRECV, false},
        {"10.0.0.1", "", "a=sendonly\r\n", SDP_SENDONLY, true},
        {"10.0.0.1", "", "a=inactive\r\n", SDP_INACTIVE, true},
        {"10.0.0.1", "", "a=recvonly\r\n", SDP_RECVONLY, false},
        {"10.0.0.1", "a=sendonly\r\n", "", SDP_SENDONLY, true},
        {"10.0.0.1", "a=sendonly\r\n", "a=sendrecv\r\n", SDP_SENDRECV, false},
        {"0.0.0.0", "", "", SDP_SENDONLY, true},
        {"0.0.0.0", "", "a=recvonly\r\n", SDP_INACTIVE, true},
        {"0.0.0.0", "", "a=inactive\r\n", SDP_INACTIVE, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        struct buf b = buf_over(text, sizeof(text));
        buf_printf(&b, "v=0\r\nc=IN IP4 %s\r\n%sm=audio 4000 RTP/AVP 8\r\n%s", rows[i].c,
                   rows[i].session, rows[i].media);
        assert_int_equal(sdp_parse(buf_slice(&b), &d), SDP_OK);
        assert_int_equal(sdp_direction_of(&d, &d.media[0]), rows[i].want);
        assert_int_equal(sdp_is_held(&d, &d.media[0]), rows[i].held);
    }
    parse("v=0\r\nm=audio 4000 RTP/AVP 8\r\nc=IN IP6 ::\r\n");
    assert_true(sdp_is_held(&d, &d.media[0]));
}

static void directions_mirror(void **state)
{
    (void)state;
    assert_int_equal(sdp_direction_mirror(SDP_SENDRECV), SDP_SENDRECV);
    assert_int_equal(sdp_direction_mirror(SDP_SENDONLY), SDP_RECVONLY);
    assert_int_equal(sdp_direction_mirror(SDP_RECVONLY), SDP_SENDONLY);
    assert_int_equal(sdp_direction_mirror(SDP_INACTIVE), SDP_INACTIVE);
}

static void ptime_is_of_the_media_or_the_session(void **state)
{
    (void)state;
    parse("v=0\r\na=ptime:30\r\nm=audio 1 RTP/AVP 8\r\nm=audio 1 RTP/AVP 8\r\na=ptime:20.0\r\n"
          "m=audio 1 RTP/AVP 8\r\na=ptime:abc\r\nm=audio 1 RTP/AVP 8\r\na=ptime:1001\r\n");
    assert_int_equal(sdp_ptime(&d, &d.media[0]), 30);
    assert_int_equal(sdp_ptime(&d, &d.media[1]), 20);
    assert_int_equal(sdp_ptime(&d, &d.media[2]), 0);
    assert_int_equal(sdp_ptime(&d, &d.media[3]), 0);
}

static void round_trips(void **state)
{
    (void)state;
    static const char *const texts[] = {SAMPLE_DESK_PHONE,    SAMPLE_SIPP,      SAMPLE_BARESIP_DTLS,
                                        SAMPLE_LINPHONE_SDES, SAMPLE_TWO_LINES, SAMPLE_CHROMIUM,
                                        SAMPLE_LINPHONE_ZRTP};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char once[4096], twice[4096];
        struct buf a = buf_over(once, sizeof(once)), b = buf_over(twice, sizeof(twice));
        parse(texts[i]);
        sdp_print(&a, &d);
        assert_int_equal(a.n, strlen(texts[i])); /* these stand in canonical order */
        assert_memory_equal(a.p, texts[i], a.n);
        assert_int_equal(sdp_parse(buf_slice(&a), &d), SDP_OK);
        sdp_print(&b, &d);
        assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
    }
}

/* RFC 8866 s.5's example, with lines that a phone never sends. */
static void the_rfc_example_is_read(void **state)
{
    (void)state;
    parse("v=0\r\no=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\ns=Call to John Smith\r\n"
          "i=SDP Offer #1\r\nu=http://www.jdoe.example.com/home.html\r\n"
          "e=Jane Doe <jane@jdoe.example.com>\r\np=+1 617 555-6011\r\nc=IN IP4 198.51.100.1\r\n"
          "t=0 0\r\nm=audio 49170 RTP/AVP 0\r\nm=audio 49180 RTP/AVP 0\r\n"
          "m=video 51372 RTP/AVP 99\r\nc=IN IP6 2001:db8::2\r\na=rtpmap:99 h263-1998/90000\r\n");
    assert_int_equal(d.media_count, 3);
    struct sdp_codec c;
    assert_true(sdp_codec_of(&d, &d.media[2], 99, &c));
    assert_string_equal(c.name, "H263-1998");
    assert_addr(sdp_rtp_addr, 2, "[2001:db8::2]:51372");
    assert_addr(sdp_rtp_addr, 1, "198.51.100.1:49180");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(desk_phone_is_read_whole),
        cmocka_unit_test(static_types_need_no_rtpmap),
        cmocka_unit_test(a_map_wins_over_the_static_table_and_bad_maps_lose),
        cmocka_unit_test(sloppy_texts_are_taken),
        cmocka_unit_test(broken_texts_get_their_verdict),
        cmocka_unit_test(limits_hold_and_one_past_them_is_a_verdict),
        cmocka_unit_test(payload_types_end_at_127),
        cmocka_unit_test(every_proto_has_its_name),
        cmocka_unit_test(every_known_attribute_is_found_by_its_name),
        cmocka_unit_test(addresses_are_effective_per_media),
        cmocka_unit_test(hold_is_seen_in_all_its_forms),
        cmocka_unit_test(directions_mirror),
        cmocka_unit_test(ptime_is_of_the_media_or_the_session),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(the_rfc_example_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
