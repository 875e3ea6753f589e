#include "sip/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct sip_uri parsed(const char *text)
{
    struct sip_uri u;

    if (sip_uri_parse(slice_from_str(text), &u) != SIP_URI_OK)
        fail_msg("does not parse: %s", text);
    return u;
}

static void all_parts_are_found(void **state)
{
    (void)state;
    struct sip_uri u = parsed("SIPS:al%69ce:p%40ss@[2001:db8::1]:5061;transport=TLS;lr?a=b&c=d");
    assert_int_equal(u.scheme, SIP_SCHEME_SIPS);
    assert_true(slice_eq_str(u.user, "al%69ce"));
    assert_true(slice_eq_str(u.password, "p%40ss"));
    assert_true(slice_eq_str(u.host, "[2001:db8::1]"));
    assert_int_equal(u.port, 5061);
    assert_true(slice_eq_str(u.params, "transport=TLS;lr"));
    assert_true(slice_eq_str(u.headers, "a=b&c=d"));

    u = parsed("sip:example.org");
    assert_true(u.user.n == 0 && u.port == 0 && u.params.n == 0 && u.headers.p == NULL);
    u = parsed("sip:*69#@h_1.example");
    assert_true(slice_eq_str(u.user, "*69#"));

    u = parsed("tel:+1-201-555-0123;phone-context=x");
    assert_int_equal(u.scheme, SIP_SCHEME_TEL);
    assert_true(slice_eq_str(u.user, "+1-201-555-0123"));
    assert_true(slice_eq_str(u.params, "phone-context=x"));
    assert_int_equal(parsed("urn:service:sos").scheme, SIP_SCHEME_OTHER);
}

static void malformed_ones_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "sip",
        "sip:",
        "sips:",
        "sip:@h",
        "sip:a@",
        "sip:a@h:",
        "sip:a@h:0",
        "sip:a@h:65536",
        "sip:a@h:5060x",
        "sip:a b@h",
        "sip:a@h h",
        "sip:a%4@h",
        "sip:a%zz@h",
        "sip:[::1",
        "sip:[]",
        "sip:[12]",
        "sip:[::1]x",
        "sip:2001:db8::1",
        "sip:a@h;\"x\"",
        "sip:a@h?<",
        "sip:a@b@c",
        "tel:",
        "tel:+",
        "tel:x-y",
        "tel:12 3",
        "tel:123?a=b",
        ":x",
        "1x:y",
        "x:",
        "urn:a b",
        "ur\"n:a",
        "sip:h\r\n",
        "sip:a\xc3\xa4@h",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sip_uri u = {.port = 77};
        if (sip_uri_parse(slice_from_str(bad[i]), &u) != SIP_URI_BAD)
            fail_msg("parses: %s", bad[i]);
        assert_int_equal(u.port, 77);
    }
    assert_int_equal(parsed("sip:h:65535").port, 65535);
}

/* RFC 3261 s.19.1.4, every pair of its examples. */
static void equality_is_that_of_the_rfc(void **state)
{
    static const struct {
        const char *a, *b;
        bool eq;
    } rows[] = {
        {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp", true},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true},
        {"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
        {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
         "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
        {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
         "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
        {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
        {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
        {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
        {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
        /* the rules behind them */
        {"sip:bob@biloxi.com", "sips:bob@biloxi.com", false},
        {"sip:a@h", "sip:a@h;user=phone", false},
        {"sip:a@h", "sip:a@h;ttl=1", false},
        {"sip:a@h", "sip:a@h;method=INVITE", false},
        {"sip:a@h;maddr=x", "sip:a@h", false},
        {"sip:a@h;lr", "sip:a@h;lr=on", false},
        {"sip:a%3Bb@h", "sip:a;b@h", false},
        {"sip:a%3bb@h", "sip:a%3Bb@h", true},
        {"sip:a@h", "sip:h", false},
        {"sip:a:x@h", "sip:a:X@h", false},
        {"sip:a:@h", "sip:a@h", false},
        {"tel:+1-201-555-0123", "tel:+12015550123", true},
        {"tel:12;phone-context=A", "tel:12;phone-context=a", true},
        {"tel:12;phone-context=a", "tel:12", false},
        {"tel:12", "tel:123", false},
        {"urn:x", "urn:x", true},
        {"urn:x", "urn:X", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sip_uri a = parsed(rows[i].a), b = parsed(rows[i].b);
        if (sip_uri_eq(&a, &b) != rows[i].eq || sip_uri_eq(&b, &a) != rows[i].eq)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
        assert_true(sip_uri_eq(&a, &a) && sip_uri_eq(&b, &b));
    }
}

/* The same parameters in reverse: equal up to the limit, not one past it. */
static void equality_counts_its_pairs(void **state)
{
    (void)state;
    for (int n = SIP_URI_EQ_PAIRS_MAX; n <= SIP_URI_EQ_PAIRS_MAX + 1; n++) {
        char x[1024], y[1024];
        struct buf a = buf_over(x, sizeof(x) - 1), b = buf_over(y, sizeof(y) - 1);
        buf_put_str(&a, "sip:h");
        buf_put_str(&b, "sip:h");
        for (int i = 0; i < n; i++) {
            buf_printf(&a, ";p%d=1", i);
            buf_printf(&b, ";p%d=1", n - 1 - i);
        }
        struct sip_uri u, v;
        assert_int_equal(sip_uri_parse(buf_slice(&a), &u), SIP_URI_OK);
        assert_int_equal(sip_uri_parse(buf_slice(&b), &v), SIP_URI_OK);
        assert_int_equal(sip_uri_eq(&u, &v), n == SIP_URI_EQ_PAIRS_MAX);
        assert_true(sip_uri_eq(&u, &u));
    }
}

static void parameters_are_found(void **state)
{
    struct slice v, list = SLICE_LIT("a;B = \"x;y=1\" ; c=;lr ;transport=tls");

    (void)state;
    assert_true(sip_param_find(list, "A", &v) && v.n == 0);
    assert_true(sip_param_find(list, "b", &v) && slice_eq_str(v, "\"x;y=1\""));
    assert_true(sip_param_find(list, "c", &v) && v.n == 0);
    assert_true(sip_param_find(list, "lr", &v) && v.n == 0);
    assert_true(sip_param_find(list, "transport", &v) && slice_eq_str(v, "tls"));
    assert_false(sip_param_find(list, "y", &v));
    assert_false(sip_param_find(list, "trans", &v));
    assert_false(sip_param_find(SLICE_NONE, "a", &v));
    assert_false(sip_param_find(SLICE_LIT("a=\"open;b=1"), "b", &v));
}

static void escapes_are_decoded_once(void **state)
{
    char out[4];
    size_t n = 9;

    (void)state;
    assert_int_equal(sip_unescape(SLICE_LIT("a%25b"), out, sizeof(out), &n), 0);
    assert_true(slice_eq_str(slice_from(out, n), "a%b"));
    assert_int_equal(sip_unescape(SLICE_LIT("abcd"), out, sizeof(out), &n), 0);
    assert_int_equal(sip_unescape(SLICE_LIT("abcde"), out, sizeof(out), &n), -EMSGSIZE);
    assert_int_equal(sip_unescape(SLICE_LIT("%4"), out, sizeof(out), &n), -EINVAL);
    assert_int_equal(sip_unescape(SLICE_LIT("%4g"), out, sizeof(out), &n), -EINVAL);
    assert_int_equal(sip_unescape(SLICE_LIT("a%00"), out, sizeof(out), &n), -EINVAL);
    assert_int_equal(n, 4);
}

static void what_is_written_reads_back(void **state)
{
    char printed[64], back[64];
    struct buf b = buf_over(printed, sizeof(printed));
    size_t n;
    struct slice odd = SLICE_LIT("a b:#@\"%\\c");

    (void)state;
    sip_put_escaped_user(&b, odd);
    assert_true(slice_eq_str(buf_slice(&b), "a%20b%3A%23%40%22%25%5Cc"));
    assert_int_equal(sip_unescape(buf_slice(&b), back, sizeof(back), &n), 0);
    assert_true(slice_eq(slice_from(back, n), odd));

    b = buf_over(printed, sizeof(printed));
    sip_put_quoted(&b, SLICE_LIT("a\"b\\c\r\nd"));
    assert_true(slice_eq_str(buf_slice(&b), "\"a\\\"b\\\\cd\""));
    assert_int_equal(sip_unquote(buf_slice(&b), back, sizeof(back), &n), 0);
    assert_true(slice_eq_str(slice_from(back, n), "a\"b\\cd"));
    assert_int_equal(sip_unquote(SLICE_LIT("\"abcd\""), back, 4, &n), 0);
    assert_int_equal(sip_unquote(SLICE_LIT("\"abcde\""), back, 4, &n), -EMSGSIZE);
}

static void an_aor_has_one_key(void **state)
{
    static const struct {
        const char *uri, *key;
    } rows[] = {
        {"sip:Alice@Example.ORG:5061;transport=tls?x=y", "Alice@example.org"},
        {"sips:%41lice@example.org", "Alice@example.org"},
        {"sip:bob%40corp@example.org", "bob@corp@example.org"},
        {"sip:a%00b%25%20%7f@h", "a%00b%25%20%7F@h"},
        {"sip:example.org", "example.org"},
        {"sip:a@[2001:DB8::1]", "a@[2001:db8::1]"},
        {"tel:+1-201-(555).0123", "+12015550123"},
        {"urn:service:sos", "urn:service:sos"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[64];
        struct buf b = buf_over(out, sizeof(out));
        struct sip_uri u = parsed(rows[i].uri);
        sip_put_aor(&b, &u);
        if (!slice_eq_str(buf_slice(&b), rows[i].key))
            fail_msg("%s: " SLICE_FMT, rows[i].uri, SLICE_ARG(buf_slice(&b)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_parts_are_found),         cmocka_unit_test(malformed_ones_are_refused),
        cmocka_unit_test(equality_is_that_of_the_rfc), cmocka_unit_test(equality_counts_its_pairs),
        cmocka_unit_test(parameters_are_found),        cmocka_unit_test(escapes_are_decoded_once),
        cmocka_unit_test(what_is_written_reads_back),  cmocka_unit_test(an_aor_has_one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
