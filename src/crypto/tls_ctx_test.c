/* Contexts: who is let in, whom we believe, and what is said of those who are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crypto/tls_testpair.h"

/* --- faults ------------------------------------------------------------------------------------ */

static enum crypto_tls_fault fault_of(struct pair *p)
{
    pair_shake(p);
    assert_int_equal(p->verdict, CRYPTO_TLS_HS_FAILED);
    enum crypto_tls_fault f = crypto_tls_hs_fault(p->hs);
    pair_free(p);
    return f;
}

static void test_faults_of_clients(void **state)
{
    struct crypto_tls *t = server_tls(&ec, CRYPTO_TLS_CERT_NONE);
    struct crypto_tls_hs *h;
    size_t used;

    (void)state;
    struct pair *p = pair_new(t, true);
    SSL_CTX_set_min_proto_version(p->peer_ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(p->peer_ctx, TLS1_1_VERSION);
    pair_start(p, true, NULL);
    assert_int_equal(fault_of(p), CRYPTO_TLS_FAULT_VERSION);

    p = pair_new(t, true);
    SSL_CTX_set_max_proto_version(p->peer_ctx, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(p->peer_ctx, "AES128-SHA:ECDHE-RSA-AES128-SHA256");
    pair_start(p, true, NULL);
    assert_int_equal(fault_of(p), CRYPTO_TLS_FAULT_CIPHER);

    p = pair_new(t, true);
    SSL_CTX_set_max_proto_version(p->peer_ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(p->peer_ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_store(p->peer_ctx, X509_STORE_new()); /* knows no CA */
    pair_start(p, true, NULL);
    assert_int_equal(fault_of(p), CRYPTO_TLS_FAULT_DISTRUSTED);

    assert_int_equal(crypto_tls_hs_accept(t, &h), 0);
    assert_int_equal(crypto_tls_hs_feed(h, SLICE_LIT("OPTIONS sip:a SIP/2.0\r\n"), &used),
                     CRYPTO_TLS_HS_FAILED);
    assert_int_equal(crypto_tls_hs_fault(h), CRYPTO_TLS_FAULT_PLAIN_TEXT);
    crypto_tls_hs_free(h);
    crypto_tls_free(t);
}

struct server_case {
    const struct testcert *cert;
    const char *name;
    enum crypto_tls_fault fault;
};

static void test_faults_of_servers(void **state)
{
    const struct server_case cases[] = {
        {&ec, "example.org", CRYPTO_TLS_FAULT_NONE},
        {&ec, "", CRYPTO_TLS_FAULT_NONE},
        {&stranger, "", CRYPTO_TLS_FAULT_NONE},
        {&ec, "example.net", CRYPTO_TLS_FAULT_CERT_NAME},
        {&expired, "example.org", CRYPTO_TLS_FAULT_CERT_EXPIRED},
        {&stranger, "example.org", CRYPTO_TLS_FAULT_CERT_UNKNOWN},
    };
    struct crypto_tls *t = server_tls(&ec, CRYPTO_TLS_CERT_NONE);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pair *p = pair_new(t, false);
        use_cert(p->peer_ctx, cases[i].cert);
        pair_start(p, false, cases[i].name);
        if (cases[i].fault) {
            assert_int_equal(fault_of(p), cases[i].fault);
            continue;
        }
        pair_shake(p);
        assert_int_equal(p->verdict, CRYPTO_TLS_HS_DONE);
        assert_int_equal(p->info.peer_verified, cases[i].name[0] != '\0');
        pair_free(p);
    }
    crypto_tls_free(t);
}

struct client_cert_case {
    enum crypto_tls_client_cert want;
    const struct testcert *cert;
    enum crypto_tls_fault fault;
    bool verified;
};

static void test_client_certificates(void **state)
{
    const struct client_cert_case cases[] = {
        {CRYPTO_TLS_CERT_OPTIONAL, NULL, CRYPTO_TLS_FAULT_NONE, false},
        {CRYPTO_TLS_CERT_OPTIONAL, &user, CRYPTO_TLS_FAULT_NONE, true},
        {CRYPTO_TLS_CERT_OPTIONAL, &stranger, CRYPTO_TLS_FAULT_NONE, false},
        {CRYPTO_TLS_CERT_REQUIRED, NULL, CRYPTO_TLS_FAULT_NO_CERT, false},
        {CRYPTO_TLS_CERT_REQUIRED, &user, CRYPTO_TLS_FAULT_NONE, true},
        {CRYPTO_TLS_CERT_REQUIRED, &stranger, CRYPTO_TLS_FAULT_CERT_UNKNOWN, false},
        {CRYPTO_TLS_CERT_REQUIRED, &expired, CRYPTO_TLS_FAULT_CERT_EXPIRED, false},
        {CRYPTO_TLS_CERT_NONE, &user, CRYPTO_TLS_FAULT_NONE, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct crypto_tls *t = server_tls(&ec, cases[i].want);
        struct pair *p = pair_new(t, true);
        if (cases[i].cert)
            use_cert(p->peer_ctx, cases[i].cert);
        pair_start(p, true, NULL);
        if (cases[i].fault) {
            assert_int_equal(fault_of(p), cases[i].fault);
        } else {
            pair_shake(p);
            assert_int_equal(p->verdict, CRYPTO_TLS_HS_DONE);
            assert_int_equal(p->info.peer_verified, cases[i].verified);
            if (cases[i].verified)
                assert_string_equal(p->info.subject, "1000");
            both_talk(p);
            pair_free(p);
        }
        crypto_tls_free(t);
    }
}

/* --- contexts ---------------------------------------------------------------------------------- */

static void subject_seen(struct crypto_tls *t, const char *sni, char *dst, size_t cap)
{
    struct pair *p = pair_new(t, true);

    pair_start(p, true, sni);
    pair_shake(p);
    assert_int_equal(p->verdict, CRYPTO_TLS_HS_DONE);
    X509 *x = SSL_get1_peer_certificate(p->peer);
    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, dst, (int)cap);
    X509_free(x);
    pair_free(p);
}

static void test_certificate_by_name_and_reload(void **state)
{
    struct crypto_tls_cert certs[] = {
        {.cert_pem = ec.cert_pem, .key_pem = ec.key_pem},
        {.domain = "other.org", .cert_pem = rsa.cert_pem, .key_pem = rsa.key_pem},
        {.domain = "*.wild.org", .cert_pem = stranger.cert_pem, .key_pem = stranger.key_pem},
    };
    struct crypto_tls_config cfg = {.certs = certs, .cert_count = 3, .ca_pem = ca.cert_pem};
    struct crypto_tls_error err;
    struct crypto_tls *t;
    char cn[64];

    (void)state;
    assert_int_equal(crypto_tls_new(&cfg, &err, &t), 0);
    subject_seen(t, NULL, cn, sizeof(cn));
    assert_string_equal(cn, "ec");
    subject_seen(t, "unknown.org", cn, sizeof(cn));
    assert_string_equal(cn, "ec");
    subject_seen(t, "OTHER.org", cn, sizeof(cn));
    assert_string_equal(cn, "rsa");
    subject_seen(t, "a.wild.org", cn, sizeof(cn));
    assert_string_equal(cn, "x");
    subject_seen(t, "a.b.wild.org", cn, sizeof(cn));
    assert_string_equal(cn, "ec");

    /* A handshake under way and a connection go on over the reload. */
    struct pair *p = pair_new(t, true);
    pair_start(p, true, "other.org");
    certs[0].cert_pem = rsa.cert_pem;
    assert_int_equal(crypto_tls_reload(t, &cfg, &err), -EINVAL); /* not its key */
    assert_true(strstr(err.text, "does not belong") != NULL && err.mend[0]);
    subject_seen(t, NULL, cn, sizeof(cn));
    assert_string_equal(cn, "ec");
    certs[0].key_pem = rsa.key_pem;
    assert_int_equal(crypto_tls_reload(t, &cfg, &err), 0);
    pair_shake(p);
    both_talk(p);
    pair_free(p);
    subject_seen(t, NULL, cn, sizeof(cn));
    assert_string_equal(cn, "rsa");
    crypto_tls_free(t);
}

/* A host below a domain has no certificate of its own name: whichever bears it is right. */
static void test_certificate_by_its_names(void **state)
{
    static const struct testcert_spec one = {.cn = "one", .san = "DNS:one.org,DNS:*.one.org"};
    static const struct testcert_spec two = {.cn = "two", .san = "DNS:two.org,DNS:sip.one.org"};
    static const struct testcert_spec any = {.cn = "any", .san = "DNS:sip.two.org"};
    static const struct {
        const char *sni, *cn;
    } cases[] = {{"one.org", "one"},     {"two.org", "two"},     {"sip.one.org", "one"},
                 {"a.one.org", "one"},   {"a.b.one.org", "any"}, {"sip.two.org", "any"},
                 {"sub.two.org", "any"}, {"one", "any"},         {NULL, "any"}};
    struct testcert t1 = testcert_new(&one, &ca), t2 = testcert_new(&two, &ca);
    struct testcert def = testcert_new(&any, &ca);
    const struct crypto_tls_cert certs[] = {
        {.cert_pem = def.cert_pem, .key_pem = def.key_pem},
        {.domain = "one.org", .cert_pem = t1.cert_pem, .key_pem = t1.key_pem},
        {.domain = "two.org", .cert_pem = t2.cert_pem, .key_pem = t2.key_pem},
    };
    struct crypto_tls_config cfg = {.certs = certs, .cert_count = 3, .ca_pem = ca.cert_pem};
    struct crypto_tls_error err;
    struct crypto_tls *t;
    char cn[64];

    (void)state;
    assert_int_equal(crypto_tls_new(&cfg, &err, &t), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        subject_seen(t, cases[i].sni, cn, sizeof(cn));
        assert_string_equal(cn, cases[i].cn);
    }
    crypto_tls_free(t);
    testcert_free(&t1);
    testcert_free(&t2);
    testcert_free(&def);
}

static void test_unusable_files_are_named(void **state)
{
    struct crypto_tls_cert cert = {.cert_file = "/nonexistent/server.crt", .key_pem = ec.key_pem};
    struct crypto_tls_config cfg = {.certs = &cert, .cert_count = 1, .ca_pem = ca.cert_pem};
    struct crypto_tls_error err;
    struct crypto_tls *t;

    (void)state;
    assert_int_equal(crypto_tls_new(&cfg, &err, &t), -EINVAL);
    assert_string_equal(err.file, "/nonexistent/server.crt");
    assert_true(strstr(err.text, "cannot be read") != NULL);
    cert.cert_pem = SLICE_LIT("no certificate");
    assert_int_equal(crypto_tls_new(&cfg, &err, &t), -EINVAL);
    cert.cert_pem = ec.cert_pem;
    cert.key_pem = SLICE_LIT("no key");
    assert_int_equal(crypto_tls_new(&cfg, &err, &t), -EINVAL);
    cert.key_pem = ec.key_pem;
    cfg.ca_pem = SLICE_LIT("no CA");
    assert_int_equal(crypto_tls_new(&cfg, &err, &t), -EINVAL);
}

/* --- names (RFC 5922 s.7) ---------------------------------------------------------------------- */

struct name_case {
    const char *cn, *san, *name;
    bool strict, wild;
};

static void test_names(void **state)
{
    static const struct name_case cases[] = {
        {"x", "DNS:example.org", "example.org", true, true},
        {"x", "DNS:Example.ORG", "eXample.org.", true, true},
        {"x", "DNS:example.org", "sub.example.org", false, false},
        {"x", "DNS:example.org", "ple.org", false, false},
        {"x", "URI:sip:example.org", "example.org", true, true},
        {"x", "URI:sip:me@example.org", "example.org", false, false},
        {"x", "URI:https:example.org", "example.org", false, false},
        {"x", "DNS:*.example.org", "a.example.org", false, true},
        {"x", "DNS:*.example.org", "a.b.example.org", false, false},
        {"x", "DNS:*.example.org", "example.org", false, false},
        {"x", "DNS:a.org,DNS:b.org", "b.org", true, true},
        {"x", "IP:192.0.2.1", "192.0.2.1", true, true},
        {"x", "IP:2001:db8::1", "[2001:db8::1]", true, true},
        {"x", "IP:192.0.2.1", "192.0.2.2", false, false},
        {"example.org", NULL, "example.org", true, true},
        {"example.org", "DNS:other.org", "example.org", false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct testcert c =
            testcert_new(&(struct testcert_spec){.cn = cases[i].cn, .san = cases[i].san}, &ca);
        struct slice name = slice_from_str(cases[i].name);
        assert_int_equal(crypto_tls_cert_names(c.cert, name, false), cases[i].strict);
        assert_int_equal(crypto_tls_cert_names(c.cert, name, true), cases[i].wild);
        testcert_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_of_clients),
        cmocka_unit_test(test_faults_of_servers),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test(test_certificate_by_name_and_reload),
        cmocka_unit_test(test_certificate_by_its_names),
        cmocka_unit_test(test_unusable_files_are_named),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
