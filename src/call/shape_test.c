#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "call/shape.h"

static struct sdp d;

static const struct media_policy dtls = {.keying_count = 2, .keyings = {KEYING_SDES, KEYING_DTLS}},
                                 sdes_only = {.keying_count = 1, .keyings = {KEYING_SDES}};

static void a_websocket_phone_without_dtls_is_no_browser(void **state)
{
    (void)state;
    struct leg_shape s;
    leg_shape_of(TRANSPORT_WSS, &sdes_only, NULL, &s);
    assert_false(s.browser || s.ice || s.mux || s.bundle);
    assert_int_equal(
        sdp_parse(SLICE_LIT("v=0\r\nm=audio 4 RTP/SAVP 8\r\na=crypto:1 x inline:y\r\n"), &d),
        SDP_OK);
    leg_shape_of(TRANSPORT_WSS, &dtls, &d, &s);
    assert_false(s.browser || s.ice);
}

static void what_speaks_websocket_is_a_browser(void **state)
{
    (void)state;
    for (int kind = 0; kind < TRANSPORT_KIND_COUNT; kind++) {
        struct leg_shape s;
        bool ws = kind == TRANSPORT_WS || kind == TRANSPORT_WSS;
        leg_shape_of((enum transport_kind)kind, &dtls, NULL, &s);
        assert_int_equal(s.browser, ws);
        assert_int_equal(s.ice, ws);
        assert_int_equal(s.mux, ws);
        assert_int_equal(s.bundle, ws);
    }
}

static void a_phone_goes_on_as_it_has_shown_itself(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ice, mux;
    } rows[] = {
        {"v=0\r\nm=audio 4 RTP/AVP 8\r\n", false, false},
        {"v=0\r\na=ice-ufrag:u\r\nm=audio 4 RTP/AVP 8\r\n", true, false},
        {"v=0\r\nm=audio 4 RTP/AVP 8\r\na=rtcp-mux\r\na=ice-ufrag:u\r\n", true, true},
        {"v=0\r\nm=audio 4 RTP/AVP 8\r\na=rtcp-mux\r\nm=video 6 RTP/AVP 96\r\n", false, false},
        {"v=0\r\nm=audio 4 RTP/AVP 8\r\na=rtcp-mux\r\nm=video 0 RTP/AVP 96\r\n", false, true},
        {"v=0\r\na=ice-ufrag:u\r\nm=audio 0 RTP/AVP 8\r\n", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct leg_shape s;
        assert_int_equal(sdp_parse(slice_from_str(rows[i].text), &d), SDP_OK);
        leg_shape_of(TRANSPORT_TLS, &dtls, &d, &s);
        assert_int_equal(s.ice, rows[i].ice);
        assert_int_equal(s.mux, rows[i].mux);
        assert_false(s.browser || s.bundle);
    }
    struct leg_shape s;
    assert_int_equal(
        sdp_parse(SLICE_LIT("v=0\r\na=fingerprint:sha-256 AA\r\nm=audio 4 RTP/SAVPF 8\r\n"), &d),
        SDP_OK);
    leg_shape_of(TRANSPORT_WSS, &sdes_only, &d, &s);
    assert_true(s.browser && s.ice && s.mux && s.bundle);
}

static void a_browsers_keying_comes_first_where_it_may(void **state)
{
    (void)state;
    const struct leg_shape desk = {0}, browser = {.browser = true};
    struct media_policy p = {.protection = PROTECTION_PREFERRED,
                             .keying_count = 3,
                             .keyings = {KEYING_SDES, KEYING_ZRTP, KEYING_DTLS}};
    struct media_policy same = p, sdes = p;
    assert_true(leg_shape_policy(&desk, &same));
    assert_memory_equal(&same, &p, sizeof(p));
    assert_true(leg_shape_policy(&browser, &p));
    assert_int_equal(p.keyings[0], KEYING_DTLS);
    assert_int_equal(p.keyings[1], KEYING_SDES);
    assert_int_equal(p.keyings[2], KEYING_ZRTP);
    assert_int_equal(p.keying_count, 3);
    assert_int_equal(p.protection, PROTECTION_REQUIRED);

    sdes.keying_count = 2;
    same = sdes;
    assert_false(leg_shape_policy(&browser, &sdes));
    assert_memory_equal(&same, &sdes, sizeof(sdes));
    p.protection = PROTECTION_OFF;
    assert_false(leg_shape_policy(&browser, &p));
    assert_int_equal(p.protection, PROTECTION_OFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_speaks_websocket_is_a_browser),
        cmocka_unit_test(a_websocket_phone_without_dtls_is_no_browser),
        cmocka_unit_test(a_phone_goes_on_as_it_has_shown_itself),
        cmocka_unit_test(a_browsers_keying_comes_first_where_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
