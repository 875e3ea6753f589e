#include "sip/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define S(text) slice_from_str(text)

static const char rfc7616_md5[] =
    "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", "
    "algorithm=MD5, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, "
    "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, "
    "response=\"8ca523f5e9506fed4657c9700eebdbec\", "
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";

static const char rfc7616_sha256[] =
    "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", "
    "algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, "
    "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, "
    "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"";

static const char rfc2617[] =
    "Digest username=\"Mufasa\",realm=\"testrealm@host.com\",uri=\"/dir/index.html\","
    "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\",qop=auth,nc=00000001,cnonce=\"0a4f113b\","
    "response=\"6629fae49393a05397450978507c4ef1\"";

static const char rfc2069[] =
    "Digest username=\"Mufasa\",realm=\"testrealm@host.com\",uri=\"/dir/index.html\","
    "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\",response=\"670FD8C2DF070C60B045671B8B24FF02\"";

static void responses_are_those_of_the_rfcs(void **state)
{
    static const struct {
        const char *text, *password;
    } rows[] = {{rfc7616_md5, "Circle of Life"},
                {rfc7616_sha256, "Circle of Life"},
                {rfc2617, "Circle Of Life"},
                {rfc2069, "Circle Of Life"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sip_digest_credentials c;
        struct sip_digest_hash ha1;
        assert_int_equal(sip_digest_credentials_parse(S(rows[i].text), &c), SIP_DIGEST_OK);
        sip_digest_ha1(c.alg, c.username, c.realm, S(rows[i].password), &ha1);
        assert_true(sip_digest_check(&ha1, S("GET"), &c));
        assert_false(sip_digest_check(&ha1, S("PUT"), &c));
        sip_digest_ha1(c.alg, c.username, c.realm, S("wrong"), &ha1);
        assert_false(sip_digest_check(&ha1, S("GET"), &c));
    }
}

static void credentials_in_every_dress(void **state)
{
    struct sip_digest_credentials c;

    (void)state;
    assert_int_equal(
        sip_digest_credentials_parse(
            S("  dIgEsT\r\n RESPONSE = 0123456789abcdef0123456789ABCDEF ,x-new=\"a, "
              "b=\\\"c\\\"\",\r\n"
              " Username=\"a\\\"b\", realm=r ,nonce=\"n\",uri=sip:h , qop=\"auth\", nc=000000fF,"
              "cnonce=\"x\",algorithm=\"md5\""),
            &c),
        SIP_DIGEST_OK);
    assert_true(slice_eq_str(c.username, "a\\\"b") && slice_eq_str(c.realm, "r"));
    assert_true(slice_eq_str(c.uri, "sip:h") && c.nc == 255 && slice_eq_str(c.nc_text, "000000fF"));
    assert_true(c.alg == SIP_DIGEST_MD5 && c.qop == SIP_DIGEST_QOP_AUTH && !c.opaque.p);
}

#define BASE "Digest username=\"u\",realm=\"r\",nonce=\"n\",uri=\"sip:h\""
#define HEX32 "0123456789abcdef0123456789abcdef"

static void faulty_credentials(void **state)
{
    static const struct {
        const char *text;
        int verdict;
    } rows[] = {
        {BASE ",response=\"" HEX32 "\"", SIP_DIGEST_OK},
        {BASE, SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32 "\",nonce=\"n\"", SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32 "\",response=\"" HEX32 "\"", SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32 "0\"", SIP_DIGEST_BAD},
        {BASE ",response=\"x123456789abcdef0123456789abcdef\"", SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32 "\",algorithm=SHA-256", SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32 HEX32 "\",algorithm=sha-256", SIP_DIGEST_OK},
        {BASE ",response=\"" HEX32 "\",algorithm=MD5-sess", SIP_DIGEST_UNSUPPORTED},
        {BASE ",response=\"" HEX32 "\",algorithm=SHA-512-256", SIP_DIGEST_UNSUPPORTED},
        {BASE ",response=\"" HEX32 "\",userhash=true", SIP_DIGEST_UNSUPPORTED},
        {BASE ",response=\"" HEX32 "\",userhash=false", SIP_DIGEST_OK},
        {BASE ",response=\"" HEX32 "\",qop=auth-int,nc=00000001,cnonce=\"c\"",
         SIP_DIGEST_UNSUPPORTED},
        {BASE ",response=\"" HEX32 "\",qop=auth,nc=00000001,cnonce=\"c\"", SIP_DIGEST_OK},
        {BASE ",response=\"" HEX32 "\",qop=auth,nc=00000001", SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32 "\",qop=auth,cnonce=\"c\"", SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32 "\",qop=auth,nc=00000000,cnonce=\"c\"", SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32 "\",qop=auth,nc=0000001,cnonce=\"c\"", SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32 "\",qop=auth,nc=000000001,cnonce=\"c\"", SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32, SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32 "\",", SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32 "\",,a=b", SIP_DIGEST_BAD},
        {BASE ",response=\"" HEX32 "\",a", SIP_DIGEST_BAD},
        {"Digest", SIP_DIGEST_BAD},
        {"", SIP_DIGEST_BAD},
        {"Basic dTpw", SIP_DIGEST_OTHER_SCHEME},
        {"NoOneKnowsThisScheme opaque-data=here", SIP_DIGEST_OTHER_SCHEME},
        {"Digestive username=u", SIP_DIGEST_OTHER_SCHEME},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sip_digest_credentials c;
        if (sip_digest_credentials_parse(S(rows[i].text), &c) != rows[i].verdict)
            fail_msg("%s", rows[i].text);
    }
}

static void challenges(void **state)
{
    struct sip_digest_challenge c;

    (void)state;
    assert_int_equal(
        sip_digest_challenge_parse(S("Digest domain=\"sip:ss1.example.com\", qop=\"auth-int,auth\","
                                     "nonce=\"f84f\", opaque=\"\", stale=TRUE, realm=\"a b\""),
                                   &c),
        SIP_DIGEST_OK);
    assert_true(c.stale && c.alg == SIP_DIGEST_MD5 && c.qop == SIP_DIGEST_QOP_AUTH);
    assert_true(c.opaque.p && c.opaque.n == 0 && slice_eq_str(c.realm, "a b"));
    assert_int_equal(sip_digest_challenge_parse(S("Digest realm=\"r\",nonce=\"n\""), &c), 0);
    assert_true(!c.stale && c.qop == SIP_DIGEST_QOP_NONE && !c.opaque.p);
    assert_int_equal(
        sip_digest_challenge_parse(S("Digest realm=\"r\",nonce=\"n\",qop=\"auth-int\""), &c),
        SIP_DIGEST_UNSUPPORTED);
    assert_int_equal(
        sip_digest_challenge_parse(S("Digest realm=\"r\",nonce=\"n\",algorithm=SHA-256-sess"), &c),
        SIP_DIGEST_UNSUPPORTED);
    assert_int_equal(sip_digest_challenge_parse(S("Digest realm=\"r\""), &c), SIP_DIGEST_BAD);
    assert_int_equal(sip_digest_challenge_parse(S("Digest nonce=\"n\""), &c), SIP_DIGEST_BAD);
    assert_int_equal(sip_digest_challenge_parse(S("Digest realm=\"r\",nonce=\"\""), &c),
                     SIP_DIGEST_BAD);
}

/* The value of the one header line in `b`. */
static struct slice value_in(const struct buf *b, const char *name)
{
    struct slice s = buf_slice(b);

    assert_true(slice_starts_with(s, S(name)));
    assert_true(slice_find(s, S("\r\n")) == s.n - 2);
    return slice_trim(slice_skip(s, strlen(name) + 1));
}

static void a_challenge_is_met(void **state)
{
    char text[512], answer[512];
    struct sip_digest_challenge in = {.realm = S("sip.example.org"),
                                      .nonce = S("abc"),
                                      .opaque = S("o"),
                                      .alg = SIP_DIGEST_SHA256,
                                      .qop = SIP_DIGEST_QOP_AUTH,
                                      .stale = true},
                                out;
    struct sip_digest_hash ha1, response;
    struct sip_digest_credentials back;
    struct buf b = buf_over(text, sizeof(text));

    (void)state;
    sip_digest_put_challenge(&b, SIP_HDR_WWW_AUTHENTICATE, &in);
    assert_false(b.overflow);
    assert_int_equal(sip_digest_challenge_parse(value_in(&b, "WWW-Authenticate"), &out), 0);
    assert_true(slice_eq(out.realm, in.realm) && slice_eq(out.nonce, in.nonce) && out.stale);
    assert_true(out.alg == in.alg && out.qop == in.qop && slice_eq(out.opaque, in.opaque));

    struct sip_digest_credentials c = {.username = S("1000"),
                                       .realm = out.realm,
                                       .nonce = out.nonce,
                                       .uri = S("sip:sip.example.org"),
                                       .cnonce = S("0a4f"),
                                       .opaque = out.opaque,
                                       .nc = 0xabc,
                                       .alg = out.alg,
                                       .qop = out.qop};
    sip_digest_ha1(c.alg, c.username, c.realm, S("secret"), &ha1);
    sip_digest_response(&ha1, S("REGISTER"), &c, &response);
    b = buf_over(answer, sizeof(answer));
    sip_digest_put_credentials(&b, SIP_HDR_AUTHORIZATION, &c, &response);
    assert_false(b.overflow);
    assert_int_equal(sip_digest_credentials_parse(value_in(&b, "Authorization"), &back), 0);
    assert_true(back.nc == 0xabc && slice_eq(back.opaque, c.opaque));
    assert_true(sip_digest_check(&ha1, S("REGISTER"), &back));
}

static void nothing_leaves_its_quotes(void **state)
{
    char text[256];
    struct buf b = buf_over(text, sizeof(text));
    struct sip_digest_challenge c = {.realm = S("a\"b\r\nX: y\\\"z\\"), .nonce = S("n")}, out;

    (void)state;
    sip_digest_put_challenge(&b, SIP_HDR_PROXY_AUTHENTICATE, &c);
    assert_int_equal(sip_digest_challenge_parse(value_in(&b, "Proxy-Authenticate"), &out), 0);
    assert_true(slice_eq_str(out.realm, "a\\\"bX: y\\\"z\\\\"));

    b = buf_over(text, sizeof(text));
    c.alg = SIP_DIGEST_ALG_OTHER;
    sip_digest_put_challenge(&b, SIP_HDR_PROXY_AUTHENTICATE, &c);
    assert_true(b.overflow && b.n == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_are_those_of_the_rfcs),
        cmocka_unit_test(credentials_in_every_dress),
        cmocka_unit_test(faulty_credentials),
        cmocka_unit_test(challenges),
        cmocka_unit_test(a_challenge_is_met),
        cmocka_unit_test(nothing_leaves_its_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
