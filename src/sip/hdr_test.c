#include "sip/hdr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define S(text) slice_from_str(text)

static void numbers(void **state)
{
    struct slice v;
    uint32_t n = 5;

    (void)state;
    assert_int_equal(sip_number_parse(S("1800 ; a=b;c"), &n, &v), 0);
    assert_true(n == 1800 && slice_eq_str(v, "a=b;c"));
    assert_int_equal(sip_number_parse(S("4294967295"), &n, &v), 0);
    assert_true(n == 4294967295u && v.n == 0);
    assert_int_equal(sip_number_parse(S("4294967296"), &n, &v), SIP_PARSE_BAD);
    assert_int_equal(sip_number_parse(S("-1"), &n, &v), SIP_PARSE_BAD);
    assert_int_equal(sip_number_parse(S(""), &n, &v), SIP_PARSE_BAD);
    assert_int_equal(sip_number_parse(S("60;"), &n, &v), SIP_PARSE_BAD);
    assert_int_equal(sip_number_parse(S("60 x"), &n, &v), SIP_PARSE_BAD);

    assert_int_equal(sip_max_forwards_parse(S("0068"), &n), 0);
    assert_int_equal(n, 68);
    assert_int_equal(sip_max_forwards_parse(S("255"), &n), 0);
    assert_int_equal(sip_max_forwards_parse(S("256"), &n), SIP_PARSE_BAD);
    assert_int_equal(sip_rseq_parse(S("0"), &n), SIP_PARSE_BAD);
    assert_int_equal(sip_rseq_parse(S("2147483647"), &n), 0);
    assert_int_equal(sip_rseq_parse(S("2147483648"), &n), SIP_PARSE_BAD);
    assert_int_equal(sip_expires_parse(S("0"), &n), 0);
    assert_int_equal(sip_expires_parse(S("60;a"), &n), SIP_PARSE_BAD);
    assert_int_equal(n, 0);
}

static void cseq_and_rack(void **state)
{
    struct sip_rack rack;
    struct slice method;
    uint32_t n;

    (void)state;
    assert_int_equal(sip_cseq_parse(S("0009\r\n  INVITE"), &n, &method), 0);
    assert_true(n == 9 && slice_eq_str(method, "INVITE"));
    assert_int_equal(sip_cseq_parse(S("2147483647 A"), &n, &method), 0);
    assert_int_equal(sip_cseq_parse(S("2147483648 A"), &n, &method), SIP_PARSE_BAD);
    assert_int_equal(sip_cseq_parse(S("1INVITE"), &n, &method), SIP_PARSE_BAD);
    assert_int_equal(sip_cseq_parse(S("1 "), &n, &method), SIP_PARSE_BAD);
    assert_int_equal(sip_cseq_parse(S("1 A B"), &n, &method), SIP_PARSE_BAD);
    assert_int_equal(sip_rack_parse(S("776656 1 INVITE"), &rack), 0);
    assert_true(rack.rseq == 776656 && rack.cseq == 1 && slice_eq_str(rack.method, "INVITE"));
    assert_int_equal(sip_rack_parse(S("0 1 INVITE"), &rack), SIP_PARSE_BAD);
    assert_int_equal(sip_rack_parse(S("1 INVITE"), &rack), SIP_PARSE_BAD);
}

static void session_timers_and_retries(void **state)
{
    struct sip_session_expires se;
    struct sip_retry_after ra;

    (void)state;
    assert_int_equal(sip_session_expires_parse(S("4000;Refresher=UAC"), &se), 0);
    assert_true(se.seconds == 4000 && se.refresher == SIP_REFRESHER_UAC);
    assert_int_equal(sip_session_expires_parse(S("90 ;refresher=uas"), &se), 0);
    assert_int_equal(se.refresher, SIP_REFRESHER_UAS);
    assert_int_equal(sip_session_expires_parse(S("x"), &se), SIP_PARSE_BAD);
    assert_int_equal(sip_session_expires_parse(S("90"), &se), 0);
    assert_int_equal(se.refresher, SIP_REFRESHER_NONE);
    assert_int_equal(sip_session_expires_parse(S("90;refresher=x"), &se), SIP_PARSE_BAD);

    assert_int_equal(sip_retry_after_parse(S("120 (I'm in (a) meeting) ;duration=3600"), &ra), 0);
    assert_true(ra.seconds == 120 && slice_eq_str(ra.comment, "I'm in (a) meeting"));
    assert_true(ra.has_duration && ra.duration == 3600);
    assert_int_equal(sip_retry_after_parse(S("18000"), &ra), 0);
    assert_false(ra.has_duration);
    assert_int_equal(sip_retry_after_parse(S("1 (open"), &ra), SIP_PARSE_BAD);
    assert_int_equal(sip_retry_after_parse(S("1 (open\\)"), &ra), SIP_PARSE_BAD);
    assert_int_equal(sip_retry_after_parse(S("1;duration=x"), &ra), SIP_PARSE_BAD);
}

static void replaces_reason_timestamp_event(void **state)
{
    struct sip_replaces rp;
    struct sip_reason re;
    struct sip_timestamp ts;
    struct sip_token_params tp;

    (void)state;
    assert_int_equal(
        sip_replaces_parse(S("98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff;early-only"),
                           &rp),
        0);
    assert_true(slice_eq_str(rp.call_id, "98732@sip.example.com") && rp.early_only);
    assert_true(slice_eq_str(rp.to_tag, "ff87ff") && slice_eq_str(rp.from_tag, "r33th4x0r"));
    assert_int_equal(sip_replaces_parse(S("a@b;to-tag=1"), &rp), SIP_PARSE_BAD);
    assert_int_equal(sip_replaces_parse(S(";to-tag=1;from-tag=2"), &rp), SIP_PARSE_BAD);

    assert_int_equal(sip_reason_parse(S("Q.850 ;cause=16;text=\"Terminated; gone\""), &re), 0);
    assert_true(slice_eq_str(re.protocol, "Q.850") && re.has_cause && re.cause == 16);
    assert_true(slice_eq_str(re.text, "\"Terminated; gone\""));
    assert_int_equal(sip_reason_parse(S("SIP;cause=x"), &re), SIP_PARSE_BAD);

    assert_int_equal(sip_timestamp_parse(S("54.5 0.1"), &ts), 0);
    assert_true(slice_eq_str(ts.value, "54.5") && slice_eq_str(ts.delay, "0.1"));
    assert_int_equal(sip_timestamp_parse(S("54"), &ts), 0);
    assert_false(ts.delay.p);
    assert_int_equal(sip_timestamp_parse(S("x"), &ts), SIP_PARSE_BAD);
    assert_int_equal(sip_timestamp_parse(S("1 2 3"), &ts), SIP_PARSE_BAD);

    assert_int_equal(sip_token_params_parse(S("active;expires=600"), &tp), 0);
    assert_true(slice_eq_str(tp.token, "active") && slice_eq_str(tp.params, "expires=600"));
    assert_int_equal(sip_token_params_parse(S("a b"), &tp), SIP_PARSE_BAD);
}

static void contacts(void **state)
{
    static const struct {
        const char *text;
        int q;
    } qs[] = {{"1", 1000}, {"0", 0},      {"0.5", 500}, {"0.333", 333}, {"1.000", 1000},
              {"0.", 0},   {"1.001", -1}, {"2", -1},    {"0.3333", -1}, {"", -1},
              {".5", -1},  {"0,5", -1},   {"-0.5", -1}, {"1.x", -1}};
    struct sip_contact c;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(qs); i++) {
        uint16_t q;
        int r = sip_q_parse(S(qs[i].text), &q);
        assert_int_equal(r ? -1 : q, qs[i].q);
    }
    assert_int_equal(sip_contact_parse(S("\"A\" <sip:a@h;ob>;reg-id=1;q=0.7;expires=3600;"
                                         "+sip.instance=\"<urn:uuid:f81d4fae>\""),
                                       &c),
                     0);
    assert_true(c.has_expires && c.expires == 3600 && c.has_reg_id && c.reg_id == 1);
    assert_true(c.q == 700 && slice_eq_str(c.instance, "<urn:uuid:f81d4fae>") && !c.ice);
    assert_int_equal(sip_contact_parse(S("<sip:a@h>;+sip.ICE;q=1"), &c), 0);
    assert_true(c.ice);
    assert_int_equal(sip_contact_parse(S("<sip:a@h>;+sip.ice=\"TRUE\""), &c), 0);
    assert_true(c.ice);
    assert_int_equal(sip_contact_parse(S("<sip:a@h>;+sip.ice=\"false\""), &c), 0);
    assert_false(c.ice);
    assert_int_equal(sip_contact_parse(S("*"), &c), 0);
    assert_true(c.addr.is_star && c.q == 1000 && !c.has_expires && !c.has_reg_id);
    assert_int_equal(sip_contact_parse(S("sip:a@h;expires=0"), &c), 0);
    assert_true(c.has_expires && c.expires == 0 && c.addr.uri.params.n == 0);
    static const char *const bad[] = {
        "",
        "* ;expires=0",
        "<sip:a@h>;expires=4294967296",
        "<sip:a@h>;expires",
        "<sip:a@h>;q=2",
        "<sip:a@h>;reg-id=0",
        "<sip:a@h>;reg-id=2147483648",
        "<sip:a@h>;+sip.instance=x",
        "<sip:a@h>;+sip.instance=\"x",
        "<sip:a@h",
        "\"A <sip:a@h>",
        "<sip:a@h> x",
        "<>",
        "sip:a@h?b=c",
        "sip:a@h,b",
        "<sip:a@h>;",
        "<sip:a@h>;;a",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (sip_contact_parse(S(bad[i]), &c) != SIP_PARSE_BAD)
            fail_msg("parses: %s", bad[i]);
    }
}

static void addresses(void **state)
{
    struct sip_addr a;

    (void)state;
    assert_int_equal(sip_addr_parse(S("\"a,<b>;\\\"\" \r\n <sip:x@h;lr>\t; tag = 7"), &a), 0);
    assert_true(slice_eq_str(a.display, "\"a,<b>;\\\"\""));
    assert_true(slice_eq_str(a.uri.params, "lr") && slice_eq_str(a.params, "tag = 7"));
    assert_int_equal(sip_addr_parse(S("sip:x@h;tag=7"), &a), 0);
    assert_true(a.uri.params.n == 0 && slice_eq_str(a.params, "tag=7") && a.display.n == 0);
    assert_int_equal(sip_addr_parse(S("<tel:+1-2;phone-context=x>"), &a), 0);
    assert_int_equal(a.uri.scheme, SIP_SCHEME_TEL);
    assert_int_equal(sip_addr_parse(S("<sip:x@h>;tag=1;TAG=2"), &a), SIP_PARSE_BAD);
    assert_int_equal(sip_addr_parse(S("<sip:x@h>;tag="), &a), SIP_PARSE_BAD);
    assert_int_equal(sip_addr_parse(S("<sip:x@h>;tag"), &a), SIP_PARSE_BAD);
}

static void vias(void **state)
{
    struct sip_via v;
    static const char *const bad[] = {
        "",
        "SIP/2.0/UDP",
        "SIP/2.0 UDP h",
        "SIP/2.0/UDP h;",
        "SIP/2.0/UDP h;;branch=a",
        "SIP/2.0/UDP h:0",
        "SIP/2.0/UDP h:70000",
        "SIP/2.0/UDP h branch",
        "SIP/2.0/UDP h;branch",
        "SIP/2.0/UDP h;branch=a;branch=b",
        "SIP/2.0/UDP h;rport;rport=1",
        "/2.0/UDP h",
        "SIP/2.0/UDP;h",
        "SIP/2.0/UDP [::1",
    };

    (void)state;
    assert_int_equal(
        sip_via_parse(S("SIP / 2.0 / TLS  [::1] : 5061 ;branch=z9hG4bKa ; rport;received=1.2.3.4"),
                      &v),
        0);
    assert_true(slice_eq_str(v.transport, "TLS") && slice_eq_str(v.host, "[::1]"));
    assert_true(v.port == 5061 && v.rport && v.rport_value.n == 0);
    assert_true(slice_eq_str(v.branch, "z9hG4bKa") && slice_eq_str(v.received, "1.2.3.4"));
    assert_int_equal(sip_via_parse(S("SIP/2.0/UDP h;rport=5"), &v), 0);
    assert_true(v.rport && slice_eq_str(v.rport_value, "5"));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (sip_via_parse(S(bad[i]), &v) != SIP_PARSE_BAD)
            fail_msg("parses: %s", bad[i]);
    }
}

static void warnings_stay_on_their_line(void **state)
{
    char out[128];
    struct buf b = buf_over(out, sizeof(out));

    (void)state;
    sip_put_warning(&b, 399, "sotto", S("no \"SRTP\"\r\nX: y"));
    assert_true(slice_eq_str(buf_slice(&b), "Warning: 399 sotto \"no \\\"SRTP\\\"X: y\"\r\n"));
}

static void media_types(void **state)
{
    struct sip_media_type t;

    (void)state;
    assert_true(sip_media_type_is(S("Application / SDP ;charset=\"x;y\""), "application/sdp"));
    assert_false(sip_media_type_is(S("application/sdpx"), "application/sdp"));
    assert_false(sip_media_type_is(S("application"), "application/sdp"));
    assert_int_equal(sip_media_type_parse(S("a/b;c=d"), &t), 0);
    assert_true(slice_eq_str(t.params, "c=d"));
    assert_int_equal(sip_media_type_parse(S("a/b c"), &t), SIP_PARSE_BAD);
    assert_int_equal(sip_media_type_parse(S("/b"), &t), SIP_PARSE_BAD);
}

static int find(const char *type, const char *body, struct slice *ret)
{
    return sip_body_find(S(type), S(body), "application/sdp", ret);
}

static void multipart_bodies(void **state)
{
    struct slice part;

    (void)state;
    assert_int_equal(find("application/sdp", "v=0", &part), 0);
    assert_true(slice_eq_str(part, "v=0"));
    assert_int_equal(find("text/plain", "v=0", &part), 0);
    assert_false(part.p);
    assert_int_equal(
        find("multipart/mixed;boundary=\"b 1\"",
             "preamble --b 1\r\n--b 1 \r\n\r\nno type\r\n--b 1\r\n"
             "c: Application/SDP\r\nX: y\r\n z\r\n\r\nv=0\r\n--b 1x\r\n\r\n--b 1--\r\n",
             &part),
        0);
    assert_true(slice_eq_str(part, "v=0\r\n--b 1x\r\n"));
    assert_int_equal(find("multipart/mixed;boundary=b", "--b\r\n\r\n--b--", &part), 0);
    assert_false(part.p);
    assert_int_equal(
        find("multipart/mixed;boundary=b", "--b\r\nc: application/sdp\r\n\r\nx", &part),
        SIP_PARSE_BAD);
    assert_int_equal(find("multipart/mixed;boundary=b", "nothing", &part), SIP_PARSE_BAD);
    assert_int_equal(find("multipart/mixed", "--b\r\n--b--", &part), SIP_PARSE_BAD);
    assert_int_equal(find("multipart/mixed;boundary=\"\"", "--\r\n----", &part), SIP_PARSE_BAD);
}

/* `before` parts of another type, then the one that is looked for. */
static int find_after(int before, struct slice *ret)
{
    static char text[2048];
    struct buf b = buf_over(text, sizeof(text));

    for (int i = 0; i < before; i++)
        BUF_PUT_LIT(&b, "--b\r\nc: text/plain\r\n\r\nhello\r\n");
    BUF_PUT_LIT(&b, "--b\r\nc: application/sdp\r\n\r\nv=0\r\n--b--\r\n");
    return sip_body_find(SLICE_LIT("multipart/mixed;boundary=b"), buf_slice(&b), "application/sdp",
                         ret);
}

static void multipart_limits(void **state)
{
    struct slice part;
    char type[160], body[400], boundary[SIP_BOUNDARY_MAX + 2];

    (void)state;
    assert_int_equal(find_after(SIP_PARTS_MAX - 1, &part), 0);
    assert_true(slice_eq_str(part, "v=0"));
    assert_int_equal(find_after(SIP_PARTS_MAX, &part), 0);
    assert_false(part.p);
    for (size_t n = SIP_BOUNDARY_MAX; n <= SIP_BOUNDARY_MAX + 1; n++) {
        memset(boundary, 'b', n);
        boundary[n] = '\0';
        (void)snprintf(type, sizeof(type), "multipart/mixed;boundary=%s", boundary);
        (void)snprintf(body, sizeof(body), "--%s\r\nc: application/sdp\r\n\r\nv=0\r\n--%s--",
                       boundary, boundary);
        assert_int_equal(find(type, body, &part),
                         n == SIP_BOUNDARY_MAX ? SIP_PARSE_OK : SIP_PARSE_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(cseq_and_rack),
        cmocka_unit_test(session_timers_and_retries),
        cmocka_unit_test(replaces_reason_timestamp_event),
        cmocka_unit_test(contacts),
        cmocka_unit_test(addresses),
        cmocka_unit_test(vias),
        cmocka_unit_test(warnings_stay_on_their_line),
        cmocka_unit_test(media_types),
        cmocka_unit_test(multipart_bodies),
        cmocka_unit_test(multipart_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
