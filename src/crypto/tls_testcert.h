/* Certificates for tests, made on the spot: nothing with a date lies in the tree. */
#ifndef SOTTO_CRYPTO_TLS_TESTCERT_H
#define SOTTO_CRYPTO_TLS_TESTCERT_H

#include <assert.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/slice.h"

struct testcert {
    EVP_PKEY *key;
    X509 *cert;
    struct slice cert_pem, key_pem; /* owned */
};

struct testcert_spec {
    const char *cn;
    const char *san; /* "DNS:example.org,URI:sip:example.org"; NULL: none */
    bool rsa, ca;
    int days; /* until it expires; negative: expired */
};

static inline struct slice testcert_drain(BIO *b)
{
    char *p, *copy;
    size_t n = (size_t)BIO_get_mem_data(b, &p);

    copy = malloc(n);
    assert(copy);
    memcpy(copy, p, n);
    BIO_free(b);
    return slice_from(copy, n);
}

static inline void testcert_extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    int ok = e && X509_add_ext(x, e, -1);

    assert(ok);
    (void)ok;
    X509_EXTENSION_free(e);
}

/* Signed by `ca`, or by itself where that is NULL. */
static inline struct testcert testcert_new(const struct testcert_spec *spec,
                                           const struct testcert *ca)
{
    static long serial = 1;
    struct testcert t = {.key = spec->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"),
                         .cert = X509_new()};
    X509 *x = t.cert, *issuer = ca ? ca->cert : x;
    X509_NAME *name = X509_get_subject_name(x);

    assert(t.key && x);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), -200L * 86400);
    X509_gmtime_adj(X509_getm_notAfter(x), (spec->days ? spec->days : 30) * 86400L);
    X509_set_pubkey(x, t.key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)spec->cn, -1, -1,
                               0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer));
    testcert_extend(x, issuer, NID_basic_constraints, spec->ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (spec->san)
        testcert_extend(x, issuer, NID_subject_alt_name, spec->san);
    int ok = X509_sign(x, ca ? ca->key : t.key, EVP_sha256());
    assert(ok);
    BIO *b = BIO_new(BIO_s_mem());
    ok = PEM_write_bio_X509(b, x);
    assert(ok);
    t.cert_pem = testcert_drain(b);
    b = BIO_new(BIO_s_mem());
    ok = PEM_write_bio_PrivateKey(b, t.key, NULL, NULL, 0, NULL, NULL);
    assert(ok);
    (void)ok;
    t.key_pem = testcert_drain(b);
    return t;
}

static inline void testcert_free(struct testcert *t)
{
    EVP_PKEY_free(t->key);
    X509_free(t->cert);
    free((void *)(uintptr_t)t->cert_pem.p);
    free((void *)(uintptr_t)t->key_pem.p);
}

#endif
